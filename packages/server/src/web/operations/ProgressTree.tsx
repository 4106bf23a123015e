import { bytesText } from "./operationWords.js"
import { type ProgressNode, progressNodes } from "./progressNodes.js"
import type { OperationRun } from "./OperationRun.js"

const stateWords = { waiting: "waiting", running: "running", done: "done", failed: "failed" } as const

const amounts = ({ current, total }: ProgressNode): string => {
  if (current === undefined || current === 0) return ""
  return total === undefined || total === current ? bytesText(current) : `${bytesText(current)} of ${bytesText(total)}`
}

const Node = ({ node }: { readonly node: ProgressNode }) => {
  const { children, detail, kind, name, share, state, status } = node
  // The layers of an image that is there say nothing more.
  const shown = state === "done" ? children.filter((child) => child.state !== "done") : children
  return (
    <li data-state={state}>
      <div class="node">
        <span class="node-mark" role="img" aria-label={stateWords[state]} />
        <span class="node-name">
          {kind !== undefined && kind !== "layer" && kind !== "step" && <span class="node-kind">{kind} </span>}
          {name}
        </span>
        <span class="node-amount">{kind === "layer" || kind === undefined ? amounts(node) : ""}</span>
        <span class="node-status">{status}</span>
        {share !== undefined && state === "running" && <progress value={share} max={1} aria-label={name} />}
      </div>
      {detail !== undefined && <p class="node-detail">{detail}</p>}
      {shown.length > 0 && (
        <ul>
          {shown.map((child) => (
            <Node key={child.key} node={child} />
          ))}
        </ul>
      )}
    </li>
  )
}

/** The parts of an operation and how far each is, as the docker command draws them. */
export const ProgressTree = ({ run }: { readonly run: OperationRun }) => {
  const nodes = progressNodes(run.progress.value)
  if (nodes.length === 0) return null
  return (
    <ul class="progress-tree" aria-label="Progress">
      {nodes.map((node) => (
        <Node key={node.key} node={node} />
      ))}
    </ul>
  )
}
