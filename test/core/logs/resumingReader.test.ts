import {
  type DockerRequest,
  type DockerShape,
  EngineError,
  EngineUnavailable,
  type FollowElement
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { toEngineTime } from "../../../packages/core/src/internal/api/engineTime.js"
import { DeliveryTracker } from "../../../packages/core/src/internal/logs/deliveryTracker.js"
import { LogDecoder } from "../../../packages/core/src/internal/logs/logDecoder.js"
import type { LogSubject } from "../../../packages/core/src/internal/logs/logRequest.js"
import { FollowOutput } from "../../../packages/core/src/internal/watch/follow/followOutput.js"
import { ResumingReader } from "../../../packages/core/src/internal/watch/follow/resumingReader.js"
import { frame, frames, stamp } from "./engineLog.js"
import { shown } from "./followed.js"

const ignored = { line: () => {}, malformed: () => {}, engineError: () => {} }
const id = "c".repeat(64)
const endpoint = "unix:///test"
const subject: LogSubject = {
  id,
  tty: false,
  running: false,
  startedAt: stamp(0),
  finishedAt: stamp(999_999),
  exitCode: 0,
  rotationSize: undefined,
  files: undefined
}

interface EngineRecord {
  readonly timestamp: string
  readonly bytes: Buffer
}

/** A line as the engine's records. */
const line = (n: number, text = `line ${n}`, stream: "stdout" | "stderr" = "stdout"): ReadonlyArray<EngineRecord> =>
  frames(stream, stamp(n), text).map((bytes) => ({ timestamp: stamp(n), bytes }))

const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index)).flat()

/** An engine with one log. Like a real one, it takes the last records first, and of those all since a time. */
class LogEngine implements DockerShape {
  readonly endpoint = endpoint
  readonly queries: Array<string> = []
  lastSince: unknown
  log: ReadonlyArray<EngineRecord> = []
  apiVersion = "1.45"
  /** Cuts the next responses after so many bytes. */
  cuts: Array<number> = []
  /** Ends the next responses with an error after so many records. */
  failures: Array<number> = []

  readonly json = ({ path }: DockerRequest) =>
    path === "/_ping"
      ? Effect.succeed({ status: 200, body: "OK", headers: { "api-version": this.apiVersion } })
      : Effect.fail(new EngineError({ request: path, status: 500, detail: "not in this test" }))

  readonly stream = ({ query = {} }: DockerRequest) =>
    Effect.sync(() => {
      const { since, tail, until } = query
      this.lastSince = since
      const shownQuery = { tail, since, until }
      this.queries.push(
        Object.entries(shownQuery)
          .filter(([key, value]) => value !== undefined && !(key === "tail" && value === "all"))
          .map(([key, value]) => `${key}=${String(value).slice(-9).replace(/^0+/, "")}`)
          .join(" ")
      )
      const nanos = (timestamp: string) => Number(timestamp.slice(20, 29))
      const limit = (time: unknown) => Number(String(time).split(".")[1])
      let records = tail === "all" || tail === undefined ? this.log : this.log.slice(-Number(tail))
      if (since !== undefined) {
        const first = records.findIndex(({ timestamp }) => nanos(timestamp) >= limit(since))
        records = first === -1 ? [] : records.slice(first)
      }
      if (until !== undefined) records = records.filter(({ timestamp }) => nanos(timestamp) <= limit(until))
      const failure = this.failures.shift()
      const bytes = Buffer.concat([
        ...records.slice(0, failure).map((record) => record.bytes),
        ...(failure === undefined ? [] : [frame(3, "Error grabbing logs: unexpected EOF\n")])
      ])
      const cut = this.cuts.shift()
      const lost = new EngineUnavailable({ endpoint, reason: "Lost", detail: "cut" })
      const body =
        cut === undefined ? Stream.make(bytes) : Stream.concat(Stream.make(bytes.subarray(0, cut)), Stream.fail(lost))
      const headers = { date: "Sun, 22 Nov 2026 09:17:04 GMT" }
      return { status: 200, contentType: "application/octet-stream", headers, body }
    })

  readonly hijack = ({ path }: DockerRequest) =>
    Effect.fail(new EngineError({ request: path, status: 500, detail: "not in this test" }))
}

const reading = (start: { readonly tail?: number; readonly since?: string } = {}) => {
  const engine = new LogEngine()
  const elements: Array<FollowElement> = []
  const output = new FollowOutput(new DeliveryTracker(id, undefined), undefined, (batch) =>
    Effect.sync(() => void elements.push(...batch))
  )
  const reader = new ResumingReader(engine, output, { tail: start.tail, since: start.since, isEmpty: false }, false)
  return {
    engine,
    reader,
    elements,
    /** Reads, and returns what was delivered. A cut connection is not an error here. */
    read: (range: Parameters<ResumingReader["read"]>[1] = {}) =>
      Effect.runPromise(
        reader.read(subject, range).pipe(
          Effect.catchTag("EngineUnavailable", () => Effect.void),
          Effect.map(() => elements.splice(0).map(shown))
        )
      )
  }
}

describe("a reader that resumes", () => {
  it("reads new lines each time, from the last record on", async () => {
    const { engine, read } = reading()
    engine.log = lines(1, 3)
    expect(await read()).toEqual(["line 1", "line 2", "line 3"])
    engine.log = lines(1, 5)
    expect(await read()).toEqual(["line 4", "line 5"])
    expect(await read()).toEqual([])
    expect(engine.queries).toEqual(["", "tail=1", "tail=1000 since=3", "tail=1", "tail=1000 since=5", "tail=1"])
  })

  it("continues after its connection is cut, wherever that is", async () => {
    const log = [line(1), line(2, "x".repeat(40_000)), line(2, "err", "stderr"), line(3)].flat()
    const size = log.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const whole = await (async () => {
      const { engine, read } = reading()
      engine.log = log
      return read()
    })()
    expect(whole).toHaveLength(4)
    for (let cut = 0; cut < size; cut += 997) {
      const { engine, read } = reading()
      engine.log = log
      engine.cuts = [cut, Math.floor(cut / 2)]
      expect([...(await read()), ...(await read()), ...(await read())].toSorted(), `cut at ${cut}`).toEqual(
        whole.toSorted()
      )
    }
  })

  it("delivers records with equal or earlier timestamps once", async () => {
    const { engine, read } = reading()
    const log = [line(5), line(5), line(4, "late", "stderr"), line(5), line(3, "later", "stderr")].flat()
    engine.log = log.slice(0, 3)
    expect(await read()).toEqual(["line 5", "line 5", "! late"])
    engine.log = log
    expect(await read()).toEqual(["line 5", "! later"])
  })

  it("asks for more where the last records don't begin with the anchor, and delivers none twice", async () => {
    const { engine, read } = reading()
    engine.log = lines(1, 2)
    await read()
    engine.log = lines(1, 1_500)
    expect(await read()).toEqual(Array.from({ length: 1_498 }, (_, index) => `line ${index + 3}`))
    expect(engine.queries.slice(2)).toEqual(["tail=1000 since=2", "tail=10000 since=2", "tail=1"])
  })

  it("marks a gap where the engine no longer has the anchor", async () => {
    const { elements, engine, read, reader } = reading()
    engine.log = lines(1, 3)
    await read()
    engine.log = lines(6, 7)
    await Effect.runPromise(reader.read(subject, {}))
    expect(elements.map(shown)).toEqual(["<gap>", "line 6", "line 7"])
    expect(elements[0]).toMatchObject({
      from: stamp(3),
      to: stamp(6),
      timestamp: stamp(6),
      reason: "the engine rotated the log before these lines were read"
    })
  })

  it("reports an error of the engine only if it lasts, once", async () => {
    const error = "<engine_error Error grabbing logs: unexpected EOF>"
    const verified = { observer: { live: new LogDecoder(false, true, ignored), beginRead: () => {}, read: () => {} } }
    for (const [failures, range, reported] of [
      [[1], {}, []],
      [[1, 1], {}, [error]],
      [[1], verified, []],
      [[1, 1], verified, [error]],
      [[1], { follow: true }, [error]]
    ] as const) {
      const { elements, engine, reader } = reading()
      engine.log = lines(1, 3)
      engine.failures = [...failures]
      const read = Effect.repeat(reader.catchUp(range), { until: (ending) => ending === "ended" })
      await Effect.runPromise(read)
      const wanted = ["line 1", ...reported, "line 2", "line 3"]
      expect(elements.map(shown), `${failures.length} of ${Object.keys(range).join()}`).toEqual(wanted)
    }
  })

  it("begins with the last lines, or with new ones only, also after a cut before the first line", async () => {
    const some = reading({ tail: 2 })
    some.engine.log = lines(1, 4)
    some.engine.cuts = [0]
    expect(await some.read()).toEqual([])
    some.engine.log = lines(1, 6)
    // All lines since the first of the last two, or since the log was opened if that is earlier.
    expect(await some.read()).toEqual(["line 5", "line 6"])

    const none = reading({ tail: 0 })
    none.engine.log = lines(1, 4)
    expect(await none.read()).toEqual([])
    none.engine.log = lines(1, 5)
    expect(await none.read()).toEqual(["line 5"])
  })

  it("delivers a last line without a newline where the run is over", async () => {
    const { engine, read } = reading()
    const open = frames("stdout", stamp(2), "no newline", "").map((bytes) => ({ timestamp: stamp(2), bytes }))
    engine.log = [...line(1), ...open]
    expect(await read()).toEqual(["line 1"])
    expect(await read({ flush: true })).toEqual(["no newline"])
    expect(await read({ flush: true })).toEqual([])
  })

  it("asks for earlier records before API 1.43, where the engine drops records with an earlier timestamp", async () => {
    const { engine, read } = reading()
    engine.apiVersion = "1.42"
    engine.log = lines(1, 2)
    await read()
    engine.log = lines(1, 3)
    expect(await read()).toEqual(["line 3"])
    expect(engine.queries.at(-1)).toBe("since=2")
    expect(engine.lastSince).toBe(toEngineTime(stamp(2), -2_000))
  })
})
