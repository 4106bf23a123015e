import type { SocketEvents } from "../../../client/index.js"
import { plainText } from "../terminalText.js"
import { durationText } from "./operationText.js"

type Progress = SocketEvents["docker_progress"]

/** How far an item is. */
export type ItemState = "working" | "done" | "failed"

interface Item {
  readonly label: string
  /** The id of the item that it belongs to. */
  readonly parent: string | undefined
  progress: Progress
  state: ItemState
  readonly startedAt: number
  changedAt: number
}

/** A row of the drawing. */
export interface Row {
  readonly depth: number
  readonly label: string
  readonly state: ItemState
  readonly words: string
  /** Empty for what has not been under way here. */
  readonly took: string
}

const layer = "layer "

/** The item that a layer belongs to, and its own name. */
const layerParts = (id: string): readonly [parent: string, name: string] => {
  const slash = id.lastIndexOf("/")
  return [id.slice(layer.length, slash), id.slice(slash + 1)]
}

const labelOf = (id: string): string => {
  if (id.startsWith(layer)) return layerParts(id)[1]
  const service = /^service (.+)$/.exec(id)?.[1]
  return service ?? `${id.slice(0, 1).toUpperCase()}${id.slice(1)}`
}

/** The words of the engine, of compose and of builds. One that is unknown is taken to be still under way. */
const done =
  /^(?:Created|Recreated|Started|Running|Healthy|Stopped|Killed|Removed|Paused|Unpaused|Pulled|Pushed|Built|Exited|Skipped|Exists|Pull complete|Already exists|Download complete|Resource is still in use|done|cached|canceled|Restarted|Image is up to date)/i
const failed = /^(?:Error|Unhealthy|Interrupted|failed)/i

const stateOf = (status: string): ItemState => (failed.test(status) ? "failed" : done.test(status) ? "done" : "working")

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

const barWidth = 10

const wordsOf = ({ current = 0, status, total = 0 }: Progress): string => {
  const words = plainText(status)
  if (total <= 0 || stateOf(status) !== "working") return words
  const filled = Math.round(Math.min(1, current / total) * barWidth)
  const bar = "█".repeat(filled) + "░".repeat(barWidth - filled)
  // What is counted in bytes is never so small.
  return total < 50_000
    ? `${bar} ${words} ${current}/${total}`
    : `${bar} ${words} ${megabytes(current)}/${megabytes(total)} MB`
}

/** What is known of the items of an operation. */
export class ProgressTree {
  readonly #items = new Map<string, Item>()

  update(progress: Progress, now: number): void {
    const { id, status } = progress
    const item = this.#items.get(id)
    const state = stateOf(status)
    if (item === undefined) {
      const parent = id.startsWith(layer) ? this.#parentOf(layerParts(id)[0]) : undefined
      this.#items.set(id, { label: plainText(labelOf(id)), parent, progress, state, startedAt: now, changedAt: now })
      return
    }
    if (item.state !== state || state === "working") item.changedAt = now
    item.progress = progress
    item.state = state
  }

  /** How many items are done, of those that are no layers. */
  get counts(): { readonly done: number; readonly all: number } {
    const items = [...this.#items.values()].filter(({ parent }) => parent === undefined)
    return { done: items.filter(({ state }) => state === "done").length, all: items.length }
  }

  /** Whether a line of the output says no more than the progress does. */
  tells(line: string): boolean {
    for (const { label, progress } of this.#items.values()) {
      if (line.includes(progress.status) && line.includes(label)) return true
    }
    return false
  }

  /** The rows, at most so many, and how many are left out: first the layers that are done, then what is done. */
  rows(max: number, now: number): { readonly rows: ReadonlyArray<Row>; readonly hidden: number } {
    const all = [...this.#items.entries()].flatMap(([id, item]) =>
      item.parent === undefined ? [item, ...this.#partsOf(id)] : []
    )
    const levels = [
      () => true,
      (item: Item) => item.parent === undefined || item.state !== "done",
      (item: Item) => item.state !== "done"
    ]
    const kept = levels.map((level) => all.filter(level)).find((items) => items.length <= max)
    const shown = kept ?? all.filter(({ state }) => state !== "done").slice(0, max)
    return {
      rows: shown.map(({ changedAt, label, parent, progress, startedAt, state }) => {
        const took = (state === "working" ? now : changedAt) - startedAt
        return {
          depth: parent === undefined ? 0 : 1,
          label,
          state,
          words: wordsOf(progress),
          took: took < 50 ? "" : durationText(took)
        }
      }),
      hidden: all.length - shown.length
    }
  }

  /** Layers of what is done are no longer of interest. */
  #partsOf(id: string): ReadonlyArray<Item> {
    if (this.#items.get(id)?.state === "done") return []
    return [...this.#items.values()].filter(({ parent }) => parent === id)
  }

  #parentOf(name: string): string | undefined {
    return ["image", "service"].map((kind) => `${kind} ${name}`).find((id) => this.#items.has(id))
  }
}
