/** Reads what a server has kept, and tells whether each number is there once or said to be missing. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { FollowElement } from "@dockwire/core"
import type { StoredItem } from "../../packages/server/src/store/LogRecord.js"
import { LogStore } from "../../packages/server/src/store/LogStore.js"
import { storeProgram } from "../server/store/storeProgram.js"

/** Everything that is kept of a source, in order. The server that kept it must have ended. */
export const readKept = async (dataDir: string, name: string): Promise<ReadonlyArray<StoredItem>> => {
  const program = await storeProgram()
  return Effect.gen(function* () {
    const store = yield* LogStore
    const source = (yield* store.sources).find((one) => one.name === name)
    if (source === undefined) return []
    const batches = yield* Stream.runCollect(store.read({ source: source.id, direction: "forward" }))
    return Chunk.toReadonlyArray(batches).flat()
  }).pipe(Effect.provide(LogStore.layerEmbedded({ dataDir, program })), Effect.runPromise)
}

/** What a timeline has of the numbers of one container. */
export interface Count {
  readonly lines: number
  readonly gaps: number
  /** Numbers that are there again, or out of order. */
  readonly repeated: number
  /** Numbers that are missing where a gap is. */
  readonly said: number
  /** Numbers that are missing where no gap is. */
  readonly unsaid: ReadonlyArray<number>
}

/** Counts the lines `line <number> ...` from the first number up to the last one that was written. */
export const countKept = (
  items: ReadonlyArray<StoredItem | FollowElement>,
  containerId: string,
  last: number
): Count => {
  let [lines, gaps, repeated, said, expected] = [0, 0, 0, 0, 1]
  let hasGap = false
  const unsaid: Array<number> = []
  const reach = (number: number) => {
    for (let missing = expected; missing < number; missing++) {
      if (hasGap) said++
      else unsaid.push(missing)
    }
    hasGap = false
  }
  for (const item of items) {
    if (item.containerId !== containerId) continue
    const mark = item._tag === "StoredMark" ? item.mark : item
    if (item._tag === "MissingRecords" || (mark._tag === "LogMark" && mark.mark === "gap")) {
      gaps++
      hasGap = true
    }
    if (item._tag !== "StoredLine" && item._tag !== "LogLine") continue
    const number = Number(item.text.split(" ")[1])
    lines++
    if (number < expected) repeated++
    else {
      reach(number)
      expected = number + 1
    }
  }
  reach(last + 1)
  return { lines, gaps, repeated, said, unsaid }
}

/** Lines that two timelines of a container both have, and not with the same time and stream. */
export const countUnequal = (items: ReadonlyArray<StoredItem>, elements: ReadonlyArray<FollowElement>): number => {
  const known = new Map(
    elements.flatMap((element): ReadonlyArray<[string, string]> =>
      element._tag === "LogLine" ? [[element.text, `${element.timestamp} ${element.stream}`]] : []
    )
  )
  return items.filter((item) => {
    if (item._tag !== "StoredLine") return false
    const other = known.get(item.text)
    return other !== undefined && other !== `${item.timestamp} ${item.stream}`
  }).length
}

/** As a line to print. */
export const countText = ({ gaps, lines, repeated, said, unsaid }: Count): string =>
  `${lines} lines, ${gaps} gaps for ${said} lines, ${repeated} repeated, ${unsaid.length} missing without a gap${
    unsaid.length === 0 ? "" : `: ${unsaid.slice(0, 5).join(", ")}...`
  }`

export const isRight = ({ repeated, unsaid }: Count): boolean => repeated === 0 && unsaid.length === 0
