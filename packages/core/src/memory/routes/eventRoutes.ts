import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type { Routes } from "../calls/response.js"
import { parseUnixTimestamp } from "../time/timestamps.js"
import { withDefaultTag } from "../programs/imageReference.js"
import type { JournalEvent } from "../state/eventJournal.js"
import { streamResponse } from "./logRoutes.js"
import type { Filters } from "../calls/query.js"
import { errorResponse } from "../state/errorResponse.js"

const knownFilters = ["container", "daemon", "event", "image", "label", "network", "scope", "type", "volume"]

const meant = (filters: Filters, { action, attributes, id, type }: JournalEvent): boolean => {
  // A key that the engine doesn't know holds for no event, and is no error.
  if (Object.keys(filters.values).some((key) => !knownFilters.includes(key))) return false
  const of = (kind: JournalEvent["type"], other: string | undefined) =>
    filters.any(
      kind,
      (value) =>
        (type === kind && (id === value || id.startsWith(value) || attributes["name"] === value)) || value === other
    )
  return (
    filters.any("type", (value) => value === type) &&
    filters.any("event", (value) => value === action || value === action.split(":")[0]) &&
    filters.any("scope", (value) => value === "local") &&
    filters.any("daemon", () => false) &&
    filters.labels(attributes) &&
    of("container", undefined) &&
    of("volume", undefined) &&
    of("network", undefined) &&
    filters.any("image", (value) => {
      const image =
        type === "image" ? (attributes["name"] ?? id) : type === "container" ? (attributes["image"] ?? "") : ""
      return image !== "" && (withDefaultTag(image) === withDefaultTag(value) || image.split(":")[0] === value)
    })
  )
}

/** As a line: the nanoseconds have more digits than a number of JavaScript holds. */
const line = ({ action, attributes, id, nanos, type }: JournalEvent): string => {
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

/** `GET /events` */
export const eventRoutes: Routes = {
  "GET /events": ({ query, state }) =>
    Effect.gen(function* () {
      const since = parseUnixTimestamp(query.text("since"))
      const until = parseUnixTimestamp(query.text("until"))
      for (const [key, value] of [
        ["since", since],
        ["until", until]
      ] as const) {
        if (value === "invalid") {
          return yield* errorResponse(500, `strconv.ParseInt: parsing "${query.text(key)}": invalid syntax`)
        }
      }
      if (typeof since === "bigint" && typeof until === "bigint" && since > until) {
        return yield* errorResponse(
          400,
          `\`since\` time (${query.text("since")}) cannot be after \`until\` time (${query.text("until")})`
        )
      }
      const filters = yield* query.filters(undefined)
      const events = yield* Mailbox.make<Uint8Array>()
      const give = (event: JournalEvent) => {
        const early = typeof since === "bigint" && event.nanos < since
        const late = typeof until === "bigint" && event.nanos > until
        if (!early && !late && meant(filters, event)) events.unsafeOffer(encoder.encode(line(event)))
      }
      // Without either of them, what is remembered isn't given.
      if (since !== undefined || until !== undefined) for (const event of state.journal.events) give(event)
      const unlisten = state.journal.subscribe(give)
      yield* Effect.addFinalizer(() => Effect.sync(unlisten))
      if (typeof until === "bigint") {
        const now = BigInt(yield* Clock.currentTimeMillis) * 1_000_000n
        const wait = until > now ? Duration.nanos(until - now) : Duration.zero
        yield* Effect.sleep(wait).pipe(Effect.zipRight(events.end), Effect.forkScoped)
      }
      return streamResponse("application/json", Mailbox.toStream(events))
    })
}
