/** The engine's events as server-sent events. */
import { type DockerFailure, InvalidRequest } from "@dockwire/core/DockerError"
import type { EngineEvent, EventsOptions, EventsShape } from "@dockwire/core/Events"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { eventStream } from "../../Api/fields/streamed.js"
import { streamTexts } from "../response/streamResponse.js"

/** The place of an event: its time, and its number among those of the same time. */
interface Place {
  readonly nanos: bigint
  readonly ordinal: number
}

const parsePlace = (id: string): Place => {
  const [nanos = "0", ordinal = "1"] = id.split("-")
  return { nanos: BigInt(nanos), ordinal: Number(ordinal) }
}

/** The place as the engine's `since`. */
const engineTime = ({ nanos }: Place): string => {
  const digits = String(nanos).padStart(10, "0")
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

const named = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

const lost = {
  _tag: "Gap",
  reason: "The engine no longer has the events after the last one that was received."
} as const

/** Writes events with their ids. When it starts anew, it leaves out what it has written, and says if something is missing. */
class EventWriter {
  /** The last event that was written, or that the client has. */
  #last: Place | undefined
  /** Set until the last event has been seen again. */
  #awaited: Place | undefined
  /** The number of events of the time of the last one that have been seen, since the start. */
  #seen = 0

  constructor(last: Place | undefined) {
    this.#last = last
  }

  /** Where to read on, at the start of a connection to the engine. */
  start(): Pick<EventsOptions, "since"> {
    this.#awaited = this.#last
    this.#seen = 0
    return this.#last === undefined ? {} : { since: engineTime(this.#last) }
  }

  write(event: EngineEvent): string {
    const nanos = event.timeNano
    const awaited = this.#awaited
    if (awaited !== undefined) {
      if (nanos === awaited.nanos) {
        this.#seen++
        if (this.#seen === awaited.ordinal) this.#awaited = undefined
        if (this.#seen <= awaited.ordinal) return ""
      } else if (nanos < awaited.nanos) return ""
    }
    const gap = this.#awaited === undefined ? "" : named("gap", lost)
    this.#awaited = undefined
    const ordinal = this.#last?.nanos === nanos ? this.#last.ordinal + 1 : 1
    this.#last = { nanos, ordinal }
    return `${gap}id: ${nanos}-${ordinal}\ndata: ${JSON.stringify({ ...event, timeNano: String(nanos) })}\n\n`
  }
}

/** How long nothing may be sent. Proxies close a connection that is silent for a minute, or less. */
const keepAliveInterval = "15 seconds"

/** How long to wait before the engine is asked again. */
const reconnectDelay = "1 second"

/** The events, over and over: a connection to the engine may be lost. */
const allEvents = (events: EventsShape, options: EventsOptions, last: Place | undefined): Stream.Stream<string> =>
  Stream.suspend(() => {
    const writer = new EventWriter(last)
    let first = true
    let connected = true
    const connection = Stream.suspend(() => {
      const since = first ? { ...options, ...writer.start() } : { filters: options.filters ?? {}, ...writer.start() }
      first = false
      return events.stream(since).pipe(
        Stream.map((event) => {
          connected = true
          return writer.write(event)
        })
      )
    })
    return connection.pipe(
      Stream.catchAll(({ message }) => {
        const told = connected ? named("disconnected", { _tag: "Disconnected", message }) : ""
        connected = false
        return Stream.succeed(told)
      }),
      Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep(reconnectDelay)))),
      Stream.forever,
      Stream.filter((text) => text !== "")
    )
  })

/** The filters that the engine knows. It ignores others, and so would send what nobody asked for. */
const filterNames: ReadonlySet<string> = new Set([
  "config",
  "container",
  "daemon",
  "event",
  "image",
  "label",
  "network",
  "node",
  "plugin",
  "scope",
  "secret",
  "service",
  "type",
  "volume"
])

const checkFilters = (filters: EventsOptions["filters"] = {}): Effect.Effect<void, InvalidRequest> => {
  const unknown = Object.keys(filters).find((name) => !filterNames.has(name))
  if (unknown === undefined) return Effect.void
  const detail = `there is no filter "${unknown}" for events. There are: ${[...filterNames].join(", ")}.`
  return new InvalidRequest({ field: "filters", value: JSON.stringify(filters), detail })
}

/** Responds with the engine's events after the one with this id, or from now on. */
export const eventsResponse = (
  events: EventsShape,
  options: Pick<EventsOptions, "filters" | "since">,
  lastId: string | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse, InvalidRequest | DockerFailure> => {
  const last = lastId === undefined ? undefined : parsePlace(lastId)
  // The events of a time long past: there are none, but this shows whether the engine answers.
  const probe = events.stream({ filters: options.filters ?? {}, since: "1", until: "1" })
  const keepAlive = Stream.drop(Stream.as(Stream.tick(keepAliveInterval), ": keep-alive\n\n"), 1)
  const body = Stream.concat(
    Stream.succeed("retry: 2000\n\n"),
    Stream.merge(allEvents(events, options, last), keepAlive, { haltStrategy: "left" })
  )
  const checked = Effect.zipRight(checkFilters(options.filters), Stream.runDrain(probe))
  return Effect.as(checked, streamTexts(body, `${eventStream}; charset=utf-8`))
}
