import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { FileRoom } from "./fileRoom.js"
import { mayBePiece } from "../../logs/recordIdentity.js"
import type { LogScanner } from "./logScanner.js"

/** As many bytes of a log are read in a quarter of the time that a check of its last lines takes. */
const bytesPerRead = 4 * 1024

/** The checks after which a survey is worth it, at least, and how many times as many after each that was too short. */
const fewestReads = 16
const growth = 4

/** How long to wait before the start of the log is looked at again: longer once it was as expected. */
const lookMillis = { unconfirmed: 1000, confirmed: 10_000 }

/**
 * Reads a log from its start to learn how full its newest file is (see `FileRoom`), so that its live stream need not be
 * compared with it until that file is full. It takes a small part of the time that the checks so far took; if that is too
 * short, it is tried again after four times as many. Then it looks at times whether the log begins where it is expected to.
 */
export class RoomSurvey {
  #reads = 0
  #next = fewestReads
  #rotations = 0
  #nextLookAt = 0

  constructor(
    readonly scanner: LogScanner,
    readonly room: FileRoom,
    /** Offered to when a survey or a look may be due. */
    readonly due: Queue.Queue<void>
  ) {}

  /** Notes that the log was read. */
  noteRead(): void {
    if (!this.room.isUseful) return
    this.#reads++
    if (this.room.isKnown || this.#reads >= this.#next) Queue.unsafeOffer(this.due, undefined)
  }

  /** Surveys the log, and looks at it, whenever that is due. */
  get run(): Effect.Effect<never> {
    const work = Effect.suspend(() => (this.room.isKnown ? this.#look : this.#survey))
    return Effect.forever(Effect.zipRight(Queue.take(this.due), Effect.ignore(work)))
  }

  get #survey() {
    return Effect.gen(this, function* () {
      const { room, scanner } = this
      const { files } = room
      const last = scanner.tracker.lastIdentity
      if (files === undefined || last === undefined || mayBePiece(last) || this.#reads < this.#next) return
      this.#next *= growth
      room.note()
      const found = yield* scanner.roomAfter(last, files, this.#reads * bytesPerRead)
      if (found === undefined) return
      room.learn(found)
      this.#reads = 0
      this.#next = fewestReads
    })
  }

  /** Looks whether the log begins with a record that began a file. */
  get #look() {
    return Effect.gen(this, function* () {
      const { room, scanner } = this
      const now = yield* Clock.currentTimeMillis
      // Until a file was replaced, the log begins as before.
      if (now < this.#nextLookAt || room.rotations === this.#rotations) return
      this.#rotations = room.rotations
      const first = yield* scanner.firstRecord
      this.#nextLookAt = now + (room.isConfirmed ? lookMillis.confirmed : lookMillis.unconfirmed)
      // A later one has not been delivered yet.
      if (first !== undefined && first.timestamp <= scanner.tracker.latestOf(first.stream)) room.check(first.identity)
    })
  }
}
