/** Fills hubs to their budget, and prints what that takes. Started with --expose-gc by hubHeap.test.ts. */
import type { FollowElement } from "@dockwire/core"
import { LogPosition } from "@dockwire/core/LogPosition"
import { Hub } from "@dockwire/server/Hub"
import * as Effect from "effect/Effect"
import { crc32 } from "node:zlib"
import { RingIndex } from "../../packages/server/src/engine/history/RingIndex.js"

/** The mebibytes that the hub may take. The lines below fill 32. */
const mebibytes = Number(process.argv[2])
const budget = mebibytes * 1024 * 1024

type Kind = "plain" | "wide" | "interleaved"

const collect = (): number => {
  for (let turn = 0; turn < 4; turn++) globalThis.gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const run = { startedAt: "2026-01-31T12:00:00.000000001Z", ended: false }
/** A line as a follow emits it. Every other line of `interleaved` is older than the one in front of it. */
const makeLine = (
  { kind, length }: { readonly kind: Kind; readonly length: number },
  containerId: string,
  index: number,
  before: LogPosition | undefined
): FollowElement => {
  const timestamp = `2026-01-31T12:00:${String(index % 60).padStart(2, "0")}.${String(index).padStart(9, "0")}Z`
  const text = `${index} ${(kind === "wide" ? "日" : "x").repeat(length)}`.slice(0, length)
  const identity = crc32(timestamp + text) + text.length * 0x100000000
  const joins = kind === "interleaved" && index % 2 === 1 && before !== undefined
  const window = joins ? before.state.window : { timestamps: [], identities: [] }
  const position = new LogPosition({
    containerId,
    run,
    window: {
      timestamps: [...window.timestamps, timestamp],
      identities: [...window.identities, identity]
    },
    length: window.timestamps.length + 1,
    undelivered: [],
    parts: [],
    lastDelivered: []
  })
  return { _tag: "LogLine", containerId, stream: "stdout", timestamp, text, position }
}

const fill = Effect.fnUntraced(function* (lines: {
  readonly kind: Kind
  readonly length: number
  readonly turns: number
}) {
  const hub = yield* Hub
  let events = 0
  let before: LogPosition | undefined
  const publish = (containerId: string) => {
    const batch = Array.from({ length: 200 }, () => {
      const line = makeLine(lines, containerId, events++, before)
      before = line.position
      return line
    })
    hub.publishLogs(containerId, batch)
  }
  publish("0".repeat(64))
  const start = collect()
  const ids = Array.from({ length: 10 }, (_, index) => String(index).padStart(64, "0"))
  const isFull = () => ids.reduce((sum, id) => sum + (hub.findRing(`container_logs_${id}`)?.bytes ?? 0), 0)
  // More than fits: each ring may hold 8 MiB or 20,000 lines.
  for (let turn = 0; turn < (lines.turns * mebibytes) / 32; turn++) for (const id of ids) publish(id)
  before = undefined
  const heap = collect() - start
  const bytes = isFull()
  const kept = ids.reduce((sum, id) => {
    const ring = hub.findRing(`container_logs_${id}`)
    return sum + (ring === undefined ? 0 : ring.seq - ring.oldest + 1)
  }, 0)

  const largest = hub.findRing(`container_logs_${ids.at(-1)}`)
  // From the last second, so that it may be in the ring: it is looked up.
  const element = makeLine(lines, "x", 1_000_000_019, undefined)
  const index = yield* Effect.scoped(
    Effect.gen(function* () {
      if (largest === undefined) return undefined
      const started = performance.now()
      const first = yield* RingIndex.of(largest)
      first.find(element)
      const built = performance.now()
      const second = yield* RingIndex.of(largest)
      second.find(element)
      const found = performance.now()
      const readers = { isShared: first === second, firstMillis: built - started, secondMillis: found - built }
      return { ...readers, heap: collect() - start - heap }
    })
  )
  return { ...lines, budget, bytes, heap, kept, index }
})

const reports = []
for (const lines of [
  { kind: "plain", length: 40, turns: 90 },
  { kind: "plain", length: 1_000, turns: 20 },
  { kind: "wide", length: 100, turns: 50 },
  { kind: "interleaved", length: 100, turns: 40 }
] as const) {
  reports.push(await Effect.runPromise(fill(lines).pipe(Effect.provide(Hub.layerWith({ bytes: budget })))))
}
process.stdout.write(JSON.stringify(reports))
process.exit(0)
