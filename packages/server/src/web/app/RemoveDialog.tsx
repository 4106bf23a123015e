import { useSignal } from "@preact/signals"
import { useLayoutEffect, useRef } from "preact/hooks"
import { type Container, isAlive } from "../model/Containers.js"
import { useModel } from "../model/PageModel.js"

/** Asks for the name of a container before it is removed. */
const RemoveForm = ({ container }: { readonly container: Container }) => {
  const { actions, removing } = useModel()
  const dialog = useRef<HTMLDialogElement>(null)
  const name = useSignal("")
  const volumes = useSignal(false)
  const close = (): void => {
    removing.value = undefined
  }
  useLayoutEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} aria-labelledby="remove-title" onClose={close}>
      <form
        method="dialog"
        onSubmit={() => {
          if (name.value === container.name) void actions.remove(container, volumes.value)
        }}
      >
        <h2 id="remove-title">Remove {container.name}?</h2>
        <p>
          {isAlive(container.state) ? "It is killed first. " : ""}Its log and everything that it has written outside of
          volumes are lost.
        </p>
        <label for="remove-name">
          To confirm, enter its name: <code>{container.name}</code>
        </label>
        <input
          id="remove-name"
          autocomplete="off"
          spellcheck={false}
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value
          }}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={volumes.value}
            onChange={(event) => {
              volumes.value = event.currentTarget.checked
            }}
          />{" "}
          Also remove its anonymous volumes
        </label>
        <p class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="submit" class="danger" disabled={name.value !== container.name}>
            Remove
          </button>
        </p>
      </form>
    </dialog>
  )
}

/** The question whether to remove a container, while it is asked. */
export const RemoveDialog = () => {
  const container = useModel().removing.value
  return container === undefined ? null : <RemoveForm key={container.id} container={container} />
}
