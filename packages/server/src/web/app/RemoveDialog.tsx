import { useSignal } from "@preact/signals"
import { type Container, isAlive } from "../model/Containers.js"
import { useModel } from "../model/PageModel.js"
import { NameDialog } from "./NameDialog.js"

const RemoveForm = ({ container }: { readonly container: Container }) => {
  const { actions, removing } = useModel()
  const volumes = useSignal(false)
  return (
    <NameDialog
      name={container.name}
      title={`Remove ${container.name}?`}
      confirm="Remove"
      onClose={() => {
        removing.value = undefined
      }}
      onConfirm={() => void actions.remove(container, volumes.value)}
      options={
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
      }
    >
      {isAlive(container.state) ? "It is killed first. " : ""}What it has written outside of volumes is lost, and of its
      log, what the server has not kept.
    </NameDialog>
  )
}

/** The question whether to remove a container, while it is asked. */
export const RemoveDialog = () => {
  const container = useModel().removing.value
  return container === undefined ? null : <RemoveForm key={container.id} container={container} />
}
