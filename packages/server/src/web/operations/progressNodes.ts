import type { SocketEvents } from "../../client/SocketEvents.js"

/** What was last said of a part of an operation. */
export type Progress = Pick<SocketEvents["docker_progress"], "id" | "status" | "current" | "total" | "resource">

/** How a part is: not begun, on its way, done, or failed. */
export type ProgressState = "waiting" | "running" | "done" | "failed"

/** A part of an operation, with the parts that belong to it. */
export interface ProgressNode {
  readonly key: string
  /** `container`, `layer`, ...; undefined if the operation does not say. */
  readonly kind: string | undefined
  readonly name: string
  readonly status: string
  readonly detail: string | undefined
  readonly state: ProgressState
  /** How much of it is done, from 0 to 1; undefined if it does not say. */
  readonly share: number | undefined
  /** Bytes, for layers. */
  readonly current: number | undefined
  readonly total: number | undefined
  readonly children: ReadonlyArray<ProgressNode>
}

const failedWords = /\b(error|failed|canceled|cancelled|interrupted)\b/i
const doneWords =
  /^(pull complete|already exists|done|built|pulled|pushed|layer already exists|started|created|recreated|healthy|exited|stopped|removed|restarted|killed|mounted from.*|complete|completed|cached|skipped|loaded|exists|resource is still in use)$/i
const waitingWords = /^(waiting|pending|pulling fs layer|preparing|creating\.\.\.)$/i

/** How a part is, from the word for it. */
export const progressState = (status: string): ProgressState => {
  if (failedWords.test(status)) return "failed"
  // Compose says so of a container; a step of a build that is running is not done.
  if (doneWords.test(status.trim()) || status === "Running") return "done"
  return waitingWords.test(status.trim()) ? "waiting" : "running"
}

/** Parts without a parent, with those that name them as theirs. Both are in the order in which they were first heard of. */
export const progressNodes = (all: Iterable<Progress>): ReadonlyArray<ProgressNode> => {
  const items = Array.from(all)
  const childrenOf = new Map<string, Array<Progress>>()
  const roots: Array<Progress> = []
  const names = new Set(
    items.flatMap(({ id, resource }) => (resource?.parent === undefined ? [resource?.name ?? id] : []))
  )
  for (const item of items) {
    const parent = item.resource?.parent
    if (parent === undefined) {
      roots.push(item)
      continue
    }
    // A stage of a build is not heard of by itself.
    if (!names.has(parent)) {
      names.add(parent)
      roots.push({ id: parent, status: "", resource: { kind: "group", name: parent } })
    }
    const siblings = childrenOf.get(parent)
    if (siblings === undefined) childrenOf.set(parent, [item])
    else siblings.push(item)
  }
  const groupState = (children: ReadonlyArray<ProgressNode>): ProgressState => {
    if (children.some(({ state }) => state === "failed")) return "failed"
    return children.every(({ state }) => state === "done") ? "done" : "running"
  }
  const toNode = (item: Progress): ProgressNode => {
    const { current, id, resource, status, total } = item
    const name = resource?.name ?? id
    const isRoot = resource?.parent === undefined
    const children = isRoot ? (childrenOf.get(name) ?? []).map(toNode) : []
    const isGroup = resource?.kind === "group"
    const state = isGroup ? groupState(children) : progressState(status)
    const share =
      state === "done" ? 1 : total === undefined || total <= 0 ? undefined : Math.min(1, (current ?? 0) / total)
    return {
      key: `${resource?.parent ?? ""} ${id}`,
      kind: isGroup ? undefined : resource?.kind,
      name,
      status,
      detail: resource?.detail,
      state,
      share,
      current,
      total,
      children
    }
  }
  return roots.map(toNode)
}
