import type { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogLine } from "@dockwire/core/LogEvent"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { HistoryRequest } from "../../engine/history/historyStart.js"
import { containerHead, containerLine, containerMark } from "../../rooms/events/containerEvents.js"
import { encodeEvent, encodeLines } from "../../rooms/events/encodeMessage.js"
import type { RoomEvent } from "../../rooms/events/RoomEvent.js"
import type { HubShape } from "../../rooms/Hub.js"
import type { Membership } from "../../rooms/Membership.js"
import { keptPosition } from "../../rooms/RoomPosition.js"
import type { Viewer } from "../../rooms/Viewer.js"
import type { KeptContainer } from "../../store/find/keptContainer.js"
import type { MissingRecords, StoredItem, StoredLine } from "../../store/LogRecord.js"
import type { LogStoreShape } from "../../store/LogStore.js"
import type { LogStoreUnavailable } from "../../store/LogStoreError.js"
import { containerLogsRoom, type GapMessage } from "../../Wire.js"
import type { RunFork } from "../OneFiber.js"
import { type KeptStart, KeptStarts } from "./keptStart.js"
import { RoomReading } from "./RoomReading.js"
import { epochAfterHistory, sendGap, sendJoined } from "./roomReplies.js"

/** What a `KeptRoom` works with. */
export interface KeptRoomServices {
  readonly viewer: Viewer
  readonly hub: HubShape
  readonly store: LogStoreShape
  /** Runs what is read for the client. */
  readonly runFork: RunFork
}

/** The end of a log is stored soon after its container was removed: so often it is looked for. */
const untilEnd = { times: 20, schedule: Schedule.spaced("100 millis") }

const toLine = ({ containerId, part, stream, text, timestamp }: StoredLine): LogLine => ({
  _tag: "LogLine",
  containerId,
  stream,
  timestamp,
  text,
  ...(part === undefined ? {} : { part })
})

/** One client in the room of a container that was removed, whose log is kept: it gets what is kept of it, and then its end. */
export class KeptRoom {
  readonly room: string
  private readonly reading: RoomReading
  private readonly starts: KeptStarts
  /** Goes on behind this element. */
  private cursor: string | undefined
  private hasEnd = false

  /** Lives until it is closed. */
  constructor(
    private readonly services: KeptRoomServices,
    private readonly kept: KeptContainer
  ) {
    this.room = containerLogsRoom(kept.generation.containerId)
    this.reading = new RoomReading(services.hub, services.runFork)
    this.starts = new KeptStarts(services.store, kept)
  }

  /** Interrupts what is still being read for the room. */
  get close(): Effect.Effect<void> {
    return this.reading.close
  }

  /** Joins the room. Completes when `joined` is sent. */
  join(requestedRoom: string, history: HistoryRequest): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { hub, viewer } = this.services
      const membership = hub.join(viewer, this.room, requestedRoom)
      membership.suspended = true
      const start = yield* this.starts
        .find(history)
        .pipe(Effect.catchAll(({ message }) => Effect.succeed({ gap: `Older log lines can't be read: ${message}` })))
      const { ring } = membership
      const position = this.starts.positionOf(start, history)
      const epoch = history.position === undefined ? ring.epoch : epochAfterHistory(ring.epoch)
      const isMissing = yield* this.isMissing(start)
      membership.position = position
      sendJoined(viewer, ring, { requestedRoom, position, recovered: start.gap === undefined && !isMissing, epoch })
      if (start.gap !== undefined) sendGap(viewer, this.room, { reason: start.gap })
      yield* this.reading.start(this.read(membership, start))
    })
  }

  /** Whether what follows a start is not kept. */
  private isMissing(start: KeptStart): Effect.Effect<boolean> {
    return this.items(start, 1).pipe(
      Stream.runHead,
      Effect.map((items) => items._tag === "Some" && items.value.some(({ _tag }) => _tag === "MissingRecords")),
      Effect.orElseSucceed(() => false)
    )
  }

  private items(
    { cursor, from }: KeptStart,
    limit?: number
  ): Stream.Stream<ReadonlyArray<StoredItem>, LogStoreUnavailable | InvalidRequest> {
    const { generation, source } = this.kept
    return this.services.store.read({
      source: source.id,
      containerId: generation.containerId,
      direction: "forward",
      ...(cursor === undefined ? {} : { cursor }),
      ...(from === undefined ? {} : { from }),
      ...(limit === undefined ? {} : { limit })
    })
  }

  /** Sends everything that is kept, and waits for its end. Then delivers what is published to the room. */
  private read(membership: Membership, start: KeptStart): Effect.Effect<void> {
    const { viewer } = this.services
    this.cursor = start.cursor
    const readOn = Effect.suspend(() =>
      Stream.runForEach(
        this.items({ ...start, ...(this.cursor === undefined ? {} : { cursor: this.cursor }) }),
        (items) => this.write(membership, items)
      )
    )
    const readAll = Effect.repeat(readOn, { ...untilEnd, until: () => this.hasEnd })
    return readAll.pipe(
      Effect.map(() => (this.hasEnd ? undefined : "The container was removed, and the end of its log is not kept.")),
      Effect.catchAll(({ message }) => Effect.succeed(`Older log lines can't be read: ${message}`)),
      Effect.map((gap) => {
        if (gap !== undefined && viewer.has(membership)) sendGap(viewer, this.room, { reason: gap })
        viewer.resume(membership, membership.joinedAt, membership.position)
      })
    )
  }

  /** Sends a batch as one frame. */
  private write(membership: Membership, items: ReadonlyArray<StoredItem>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { viewer } = this.services
      const { containerId, containerName } = this.kept.generation
      const head = containerHead(containerId, containerName)
      const messages: Array<string> = []
      let lines: Array<string> = []
      const position = () =>
        this.cursor === undefined ? membership.position : keptPosition({ containerId, cursor: this.cursor })
      const finishLines = () => {
        if (lines.length > 0) messages.push(encodeLines(this.room, undefined, position(), head, lines))
        lines = []
      }
      for (const item of items) {
        if (item._tag === "StoredLine") {
          lines.push(containerLine(toLine(item)))
          this.cursor = item.cursor
          continue
        }
        const event = this.eventOf(item)
        if (event === undefined) continue
        finishLines()
        if (item._tag === "StoredMark") this.cursor = item.cursor
        messages.push(encodeEvent(this.room, undefined, position(), event))
      }
      finishLines()
      if (messages.length === 0 || !viewer.has(membership)) return Effect.void
      membership.position = position()
      viewer.write(Buffer.from(`[${messages.join(",")}]`))
      return viewer.whenWritable
    })
  }

  private eventOf(item: Exclude<StoredItem, StoredLine>): RoomEvent | undefined {
    if (item._tag === "MissingRecords") return { event: "gap", json: JSON.stringify(this.gapOf(item)) }
    // The room is that of one container.
    if (item._tag === "GenerationMark") return undefined
    this.hasEnd ||= item.mark.mark === "removed"
    return containerMark(item.mark)
  }

  private gapOf({ from, reason, to }: MissingRecords): GapMessage["data"] {
    const why = reason === "damaged" ? "These lines can't be read: they are damaged." : "These lines are not kept."
    return { room: this.room, from: null, to: null, lines: to - from + 1, reason: why }
  }
}
