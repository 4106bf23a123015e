import type { FollowElement } from "@dockwire/core"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { DeliveryTracker } from "../../../packages/core/src/internal/logs/deliveryTracker.js"
import { recordIdentity } from "../../../packages/core/src/internal/logs/recordIdentity.js"
import { FollowOutput } from "../../../packages/core/src/internal/watch/follow/followOutput.js"
import type { HeldRecord } from "../../../packages/core/src/internal/watch/follow/heldRecords.js"
import { LogDelivery } from "../../../packages/core/src/internal/watch/follow/logDelivery.js"
import { records, stamp } from "./engineLog.js"

const held = (n: number, text: string, stream: HeldRecord["stream"] = "stdout"): ReadonlyArray<HeldRecord> =>
  records(stamp(n), text).map((bytes) => {
    const identity = recordIdentity(stream, bytes, 0, bytes.length)
    return { stream, timestamp: stamp(n), bytes, start: 0, end: bytes.length, identity, isContiguous: true }
  })

/** What is delivered of records that the engine no longer has. */
const delivered = async (all: ReadonlyArray<HeldRecord>) => {
  const elements: Array<FollowElement> = []
  const output = new FollowOutput(new DeliveryTracker("c".repeat(64), undefined), undefined, (batch) =>
    Effect.sync(() => void elements.push(...batch))
  )
  const delivery = new LogDelivery(output, false)
  for (const record of all) delivery.held.add(record, record.bytes, record.start, record.end)
  delivery.complete()
  await Effect.runPromise(output.flush)
  return elements.map((element) => (element._tag === "LogLine" ? element.text : element.mark))
}

const long = "x".repeat(40_000)
const pieces = held(3, long)
const all = [
  ...held(1, "one"),
  ...held(2, "two"),
  ...pieces,
  ...held(4, "four"),
  ...held(4, "err", "stderr"),
  ...held(5, "five")
]
const next = held(6, "six")
const lines = ["one", "two", long, "four", "err", "five", "six"]

describe("records that are delivered because the engine no longer has them", () => {
  // Recorded at `max-size=2k max-file=3`: the live stream goes back by a part of a file, or by a whole one, up to three times.
  it.each(all.map((_, from) => from))(
    "are delivered once though the live stream sent them again from record %i on",
    async (from) => {
      const again = all.slice(from)
      for (const repeats of [[], again, [...again, ...again], [...again, ...again, ...again]]) {
        expect(await delivered([...all, ...repeats, ...next])).toEqual(lines)
      }
    }
  )

  it("are delivered once though the last line that was sent again is a long one", async () => {
    const start = all.slice(0, 2 + pieces.length)
    expect(await delivered([...start, ...pieces, ...pieces, ...next])).toEqual(["one", "two", long, "six"])
    expect(await delivered([...start, ...start, ...next])).toEqual(["one", "two", long, "six"])
  })

  it("are all delivered though two of them have the same checksum", async () => {
    const [one, two] = [...held(1, "one"), ...held(2, "two")].map((record) => ({ ...record, identity: 1 }))
    expect(await delivered([one, two, one, two].flatMap((record) => record ?? []))).toEqual(["one", "two"])
  })

  it("keep equal pieces of a line, and equal lines of different times or streams", async () => {
    expect(pieces[0]?.identity).toBe(pieces[1]?.identity)
    const equal = [...held(1, "same"), ...held(1, "same", "stderr"), ...held(2, "same"), ...pieces]
    expect(await delivered(equal)).toEqual(["same", "same", "same", long])
  })
})
