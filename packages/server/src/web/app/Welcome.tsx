import { useSignal } from "@preact/signals"
import { useModel } from "../model/PageModel.js"

/** A command that makes a container, to copy. */
const firstCommand = "docker run -d --name hello -p 8080:80 nginx"

const NoContainers = () => {
  const copied = useSignal(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard?.writeText(firstCommand)
    copied.value = true
  }
  return (
    <>
      <p>There are no containers yet. This starts one:</p>
      <p>
        <code>{firstCommand}</code>{" "}
        <button type="button" onClick={() => void copy()}>
          {copied.value ? "Copied" : "Copy"}
        </button>
      </p>
    </>
  )
}

/** What is shown while no container is selected. */
export const Welcome = () => {
  const { connection, containers, selection } = useModel()
  const list = containers.list.value
  const { requested } = selection
  const text = (): string => {
    if (list === undefined) {
      return connection.engine.value?.available === false
        ? "Your containers will appear here as soon as Docker is available."
        : (containers.problem.value ?? "Loading containers…")
    }
    if (requested === undefined) return "Select a container to view its log."
    return `There is no container named “${requested}”. It may have been removed or renamed.`
  }
  return (
    <section id="welcome">
      <h1 class="unseen">Containers</h1>
      {list?.length === 0 && requested === undefined ? (
        <NoContainers />
      ) : (
        // Another text is another element: nothing moves.
        <p key={text()} id="welcome-text">
          {text()}
        </p>
      )}
    </section>
  )
}
