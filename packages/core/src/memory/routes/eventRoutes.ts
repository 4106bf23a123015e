import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type { Call, Routes } from "../calls/call.js"
import type { Filters } from "../calls/filters.js"
import { streamResponse } from "../calls/response.js"
import { withDefaultTag } from "../programs/imageReference.js"
import { errorResponse } from "../state/errorResponse.js"
import type { JournalEvent } from "../state/eventJournal.js"

const knownFilters = ["container", "daemon", "event", "image", "label", "network", "scope", "type", "volume"]

/** The image that an event is about: of an image itself, or of a container. */
const imageOf = ({ attributes, id, type }: JournalEvent): string =>
  type === "image" ? (attributes["name"] ?? id) : type === "container" ? (attributes["image"] ?? "") : ""

const matchesFilters = (filters: Filters, event: JournalEvent): boolean => {
  const { action, attributes, id, type } = event
  // The engine accepts unknown keys, but no event matches them.
  if (Object.keys(filters.values).some((key) => !knownFilters.includes(key))) return false
  const matchesObject = (kind: JournalEvent["type"]) =>
    filters.any(
      kind,
      (value) => type === kind && (id === value || id.startsWith(value) || attributes["name"] === value)
    )
  const image = imageOf(event)
  return (
    filters.any("type", (value) => value === type) &&
    filters.any("event", (value) => value === action || value === action.split(":")[0]) &&
    filters.any("scope", (value) => value === "local") &&
    filters.any("daemon", () => false) &&
    filters.labels(attributes) &&
    matchesObject("container") &&
    matchesObject("volume") &&
    matchesObject("network") &&
    filters.any(
      "image",
      (value) => image !== "" && (withDefaultTag(image) === withDefaultTag(value) || image.split(":")[0] === value)
    )
  )
}

/** Encodes an event as a line of JSON. Its nanoseconds do not fit in a JavaScript number, so they are appended as text. */
const encodeEvent = ({ action, attributes, id, nanos, type }: JournalEvent): string => {
  const sorted = Object.fromEntries(Object.entries(attributes).sort(([left], [right]) => (left < right ? -1 : 1)))
  const legacy =
    type === "container"
      ? { status: action, id, from: attributes["image"] ?? "" }
      : type === "image"
        ? { status: action, id }
        : {}
  const event = { ...legacy, Type: type, Action: action, Actor: { ID: id, Attributes: sorted }, scope: "local" }
  return `${JSON.stringify(event).slice(0, -1)},"time":${nanos / 1_000_000_000n},"timeNano":${nanos}}\n`
}

const encoder = new TextEncoder()

const streamEvents = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const since = yield* query.timestamp("since")
    const until = yield* query.timestamp("until")
    if (since !== undefined && until !== undefined && since > until) {
      const message = `\`since\` time (${query.text("since")}) cannot be after \`until\` time (${query.text("until")})`
      return yield* errorResponse(400, message)
    }
    const filters = yield* query.filters()
    const output = yield* Mailbox.make<Uint8Array>()
    const send = (event: JournalEvent) => {
      const early = since !== undefined && event.nanos < since
      const late = until !== undefined && event.nanos > until
      if (!early && !late && matchesFilters(filters, event)) output.unsafeOffer(encoder.encode(encodeEvent(event)))
    }
    // Past events are only sent if the request has one of these.
    if (since !== undefined || until !== undefined) for (const event of state.journal.events) send(event)
    const unsubscribe = state.journal.subscribe(send)
    yield* Effect.addFinalizer(() => Effect.sync(unsubscribe))
    if (until !== undefined) {
      const now = BigInt(Math.floor(yield* state.clock.currentMillis)) * 1_000_000n
      const wait = until > now ? Duration.nanos(until - now) : Duration.zero
      yield* Effect.sleep(wait).pipe(Effect.zipRight(output.end), Effect.forkScoped)
    }
    return streamResponse("application/json", Mailbox.toStream(output))
  })

/** The route of `GET /events`. */
export const eventRoutes: Routes = {
  "GET /events": streamEvents
}
