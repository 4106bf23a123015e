import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { type Call, targetContainer, type StreamResponse, type Routes } from "../calls/response.js"
import { isRunning } from "../containers/startContainer.js"
import type { LogRecord } from "../state/containerLog.js"
import { parseUnixTimestamp } from "../time/timestamps.js"
import type { MemoryContainer } from "../state/engineState.js"
import { frame, multiplexed, raw } from "../calls/streamFrame.js"
import type { Query } from "../calls/query.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

/** How many bytes come at once at the most. */
const chunkSize = 64 * 1024

interface Asked {
  readonly stdout: boolean
  readonly stderr: boolean
  readonly timestamps: boolean
  readonly follow: boolean
  readonly tail: number | undefined
  readonly since: bigint | undefined
  readonly until: bigint | undefined
}

const moment = (query: Query, key: string): Effect.Effect<bigint | undefined, ErrorResponse> => {
  const text = query.text(key)
  const nanos = parseUnixTimestamp(text)
  return nanos === "invalid"
    ? Effect.fail(errorResponse(500, `strconv.ParseInt: parsing "${text}": invalid syntax`))
    : Effect.succeed(nanos)
}

const read = ({ query }: Call): Effect.Effect<Asked, ErrorResponse> =>
  Effect.gen(function* () {
    const stdout = query.flag("stdout")
    const stderr = query.flag("stderr")
    if (!stdout && !stderr) return yield* errorResponse(400, "Bad parameters: you must choose at least one stream")
    const tail = query.text("tail") ?? "all"
    return {
      stdout,
      stderr,
      timestamps: query.flag("timestamps"),
      follow: query.flag("follow"),
      tail: /^\d+$/.test(tail) ? Number(tail) : undefined,
      since: yield* moment(query, "since"),
      until: yield* moment(query, "until")
    }
  })

const encoded = ({ bytes, nanos, stream }: LogRecord, { timestamps }: Asked, tty: boolean): Uint8Array => {
  const payload = timestamps ? Buffer.concat([Buffer.from(`${nanosTimestamp(nanos)} `), bytes]) : bytes
  return tty ? payload : frame(stream, payload)
}

/**
 * The records as the engine gives them: `tail` counts before all else, `since` looks for the first record of that moment or
 * later and lets all after it pass, `until` ends at the first one that is later, and the streams are chosen last.
 */
const records = (container: MemoryContainer, asked: Asked): Stream.Stream<Uint8Array> => {
  const { log, run, settings } = container
  const followed = asked.follow && isRunning(container) ? run : undefined
  const endNow = log.end
  let at = asked.tail === undefined ? log.first : Math.max(log.first, endNow - asked.tail)
  let begun = asked.since === undefined
  let over = false
  // A follow doesn't go on into the container's next run.
  const limit = () => (followed === undefined ? endNow : (followed.logEnd ?? log.end))
  const isLast = () => over || followed === undefined || followed.logEnd !== undefined || container.removed

  const take = (): ReadonlyArray<Uint8Array> => {
    const taken: Array<Uint8Array> = []
    at = Math.max(at, log.first)
    for (let size = 0; at < limit() && size < chunkSize && !over; at++) {
      const record = log.at(at)
      if (record === undefined) continue
      begun ||= record.nanos >= (asked.since ?? 0n)
      if (!begun) continue
      if (asked.until !== undefined && record.nanos > asked.until) {
        over = true
        break
      }
      if (!asked[record.stream]) continue
      const bytes = encoded(record, asked, settings.tty)
      size += bytes.length
      taken.push(bytes)
    }
    return taken
  }

  const pull: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<never>> = Effect.suspend(() => {
    const taken = take()
    if (taken.length > 0) return Effect.succeed(Chunk.of(Buffer.concat(taken)))
    if (over || (at >= limit() && isLast())) return Effect.fail(Option.none())
    return Effect.zipRight(
      log.changed.waitUntil(() => at < limit() || isLast()),
      pull
    )
  })
  return Stream.fromPull(Effect.succeed(pull))
}

/** What is read, and not written to. */
export const streamResponse = (contentType: string, body: Stream.Stream<Uint8Array>): StreamResponse => ({
  _tag: "Stream",
  status: 200,
  contentType,
  body,
  write: () => Effect.void,
  end: Effect.void
})

/** `GET /containers/{id}/logs` */
export const logRoutes: Routes = {
  "GET /containers/{id}/logs": (call) =>
    Effect.gen(function* () {
      const asked = yield* read(call)
      const container = yield* targetContainer(call)
      if (container.settings.logDriver === "none") {
        return yield* errorResponse(501, "configured logging driver does not support reading")
      }
      return streamResponse(container.settings.tty ? raw : multiplexed, records(container, asked))
    })
}
