import { useLayoutEffect, useRef } from "preact/hooks"
import { helpOpen, keyHelp, keysOn, switchKeys } from "./keys.js"

const Overview = () => {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      id="keys-help"
      aria-labelledby="keys-title"
      onClose={() => {
        helpOpen.value = false
      }}
    >
      <h2 id="keys-title">Keys</h2>
      {keyHelp.map(([place, all]) => (
        <section key={place} aria-label={place}>
          <h3>{place}</h3>
          <dl>
            {all.map(({ keys, what }) => (
              <div key={what}>
                <dt>
                  {keys.map((key, index) => (
                    <kbd key={index}>{key}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <label class="check">
        <input type="checkbox" checked={keysOn.value} onChange={(event) => switchKeys(event.currentTarget.checked)} />{" "}
        Use these keys. None of them does anything while you type.
      </label>
      <p class="buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </p>
    </dialog>
  )
}

/** What the keys do, while one asks. */
export const KeysDialog = () => (helpOpen.value ? <Overview /> : null)
