import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useLayoutEffect, useRef } from "preact/hooks"

interface NameDialogProps {
  /** What one has to enter. */
  readonly name: string
  readonly title: string
  /** What the button says. */
  readonly confirm: string
  readonly onConfirm: () => void
  readonly onClose: () => void
  /** What will be lost. */
  readonly children: ComponentChildren
  /** More to decide on. */
  readonly options?: ComponentChildren
}

/** Asks for the name of something before it is removed. */
export const NameDialog = ({ children, confirm, name, onClose, onConfirm, options, title }: NameDialogProps) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const entered = useSignal("")
  useLayoutEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby="remove-title" onClose={onClose}>
      <form
        method="dialog"
        onSubmit={() => {
          if (entered.value === name) onConfirm()
        }}
      >
        <h2 id="remove-title">{title}</h2>
        <p>{children}</p>
        <label for="remove-name">
          To confirm, enter its name: <code>{name}</code>
        </label>
        <input
          id="remove-name"
          autocomplete="off"
          spellcheck={false}
          value={entered.value}
          onInput={(event) => {
            entered.value = event.currentTarget.value
          }}
        />
        {options}
        <p class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="submit" class="danger" disabled={entered.value !== name}>
            {confirm}
          </button>
        </p>
      </form>
    </dialog>
  )
}
