import type { LogPosition } from "@dockwire/core/LogPosition"
import { RoomLog, type RoomLogShape, type RoomNews, type RoomPlace } from "@dockwire/server"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import type { RoomEvent } from "../../packages/server/src/rooms/events/RoomEvent.js"
import { logStart } from "../../packages/server/src/rooms/logPositionKeys.js"

const room = "docker_logs"

const event = (text: string): RoomEvent => ({ event: "docker_log", json: JSON.stringify(text) })

const events = (from: number, to: number): ReadonlyArray<RoomEvent> =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => event(String(from + index)))

/** What a listener has heard, checked as it comes: no number is left out, none comes twice. */
class Heard {
  /** The text of each event by its number; `undefined` for one that is gone. */
  readonly texts = new Map<number, string | undefined>()
  epochs: ReadonlyArray<string> = []
  last: number

  constructor(after: RoomPlace | undefined) {
    this.last = after?.seq ?? 0
    if (after !== undefined) this.epochs = [after.epoch]
  }

  hear = (news: RoomNews): void => {
    if (news._tag === "Anew") {
      this.epochs = [...this.epochs, news.epoch]
      this.last = 0
      return
    }
    expect(news.epoch).toBe(this.epochs.at(-1))
    if (news._tag === "Gone") {
      expect(news.from).toBe(this.last + 1)
      for (let seq = news.from; seq <= news.to; seq++) this.texts.set(seq, undefined)
      this.last = news.to
      return
    }
    expect(news.first).toBe(this.last + 1)
    for (const each of news.events) this.texts.set(++this.last, JSON.parse(each.json))
  }

  get place(): RoomPlace {
    return { epoch: this.epochs.at(-1) ?? "", seq: this.last }
  }
}

const listen = (log: RoomLogShape, after?: RoomPlace, name = room) => {
  const heard = new Heard(after)
  const listening = log.listen(name, after, heard.hear)
  return Effect.as(listening.heard, { heard, stop: listening.stop })
}

/** What every layer of `RoomLog` must do. `keeps`: how many events at least it has for who begins to listen later. */
export const describeRoomLog = (name: string, layer: Layer.Layer<RoomLog>, { keeps }: { readonly keeps: number }) => {
  const test = (title: string, run: (log: RoomLogShape) => Effect.Effect<void, unknown, Scope.Scope>) =>
    it(title, () => Effect.runPromise(Effect.scoped(Effect.flatMap(RoomLog, run).pipe(Effect.provide(layer)))))

  describe(`RoomLog ${name}`, () => {
    test("numbers what several writers offer at once: each event once, without a hole, the same for all", (log) =>
      Effect.gen(function* () {
        const { heard: first } = yield* listen(log)
        const { heard: second } = yield* listen(log)
        const write = (writer: string) =>
          Effect.forEach(
            Array.from({ length: 200 }, (_, index) => index),
            (index) =>
              Effect.sync(() => log.offer(room, [event(`${writer} ${index} a`), event(`${writer} ${index} b`)])).pipe(
                Effect.zipRight(Effect.yieldNow())
              ),
            { discard: true }
          )
        yield* Effect.all(["x", "y", "z"].map(write), { concurrency: "unbounded" })
        yield* log.flush
        const texts = [...first.texts.values()]
        expect(new Set(texts).size).toBe(1_200)
        expect(texts).toHaveLength(1_200)
        for (const writer of ["x", "y", "z"]) {
          const own = texts.filter((text) => text?.startsWith(writer))
          expect(own).toEqual(
            Array.from({ length: 400 }, (_, index) => `${writer} ${index >> 1} ${index % 2 === 0 ? "a" : "b"}`)
          )
        }
        expect([...second.texts]).toEqual([...first.texts].slice(-second.texts.size))
        expect(second.place).toEqual(first.place)
      }))

    test("lets who comes later hear from any place on, and says what is gone", (log) =>
      Effect.gen(function* () {
        const count = 40
        const { heard: whole } = yield* listen(log)
        for (let seq = 1; seq <= count; seq += 3) log.offer(room, events(seq, Math.min(count, seq + 2)))
        yield* log.flush
        const { epoch } = whole.place
        for (let seq = 0; seq <= count; seq++) {
          const { heard, stop } = yield* listen(log, { epoch, seq })
          expect([...heard.texts.keys()]).toEqual(Array.from({ length: count - seq }, (_, index) => seq + 1 + index))
          for (const [at, text] of heard.texts) {
            if (text !== undefined || at > count - keeps) expect(text).toBe(String(at))
          }
          stop()
        }
        log.offer(room, events(count + 1, count + 1))
        yield* log.flush
        expect(whole.texts.get(count + 1)).toBe(String(count + 1))
      }))

    test("goes on from what a listener remembers once it has forgotten the room, else begins anew", (log) =>
      Effect.gen(function* () {
        const { heard: before, stop } = yield* listen(log)
        log.offer(room, events(1, 5))
        yield* log.flush
        stop()
        log.offer(room, events(6, 6))
        expect(before.last).toBe(5)
        if (keeps > 0) return
        const { heard: after, stop: forget } = yield* listen(log, before.place)
        log.offer(room, events(6, 7))
        yield* log.flush
        expect([...after.texts]).toEqual([
          [6, "6"],
          [7, "7"]
        ])
        forget()
        const { heard: anew } = yield* listen(log)
        expect(anew.place.seq).toBe(0)
        expect(anew.place.epoch).not.toBe(before.place.epoch)
        log.offer(room, events(1, 1))
        const { heard: stranger } = yield* listen(log, before.place)
        expect(stranger.epochs).toEqual([before.place.epoch, anew.place.epoch])
      }))

    test("adds what a writer has numbered once, also when it is offered again, and says which numbers it left out", (log) =>
      Effect.gen(function* () {
        const own = "operation_7f"
        const place = { epoch: "7f", seq: 0 }
        const { heard } = yield* listen(log, place, own)
        const offer = (from: number, to: number) => log.offer(own, events(from, to), { epoch: "7f", seq: from })
        offer(1, 4)
        offer(1, 4)
        offer(3, 6)
        offer(2, 2)
        offer(9, 9)
        yield* log.flush
        expect(heard.epochs).toEqual(["7f"])
        expect([...heard.texts]).toEqual([
          ...["1", "2", "3", "4", "5", "6"].map((text) => [Number(text), text]),
          [7, undefined],
          [8, undefined],
          [9, "9"]
        ])
      }))

    test("gives the hold of a room to one at a time, in turn, with the point behind its last event", (log) =>
      Effect.gen(function* () {
        const { heard } = yield* listen(log)
        const scope = yield* Scope.make()
        const first = yield* Scope.extend(log.hold(room), scope)
        expect(first.point()).toBeUndefined()
        const given = yield* Deferred.make<void>()
        const second = yield* Effect.fork(
          Effect.scoped(
            Effect.gen(function* () {
              const hold = yield* log.hold(room)
              yield* Deferred.succeed(given, undefined)
              yield* hold.append([event("second")])
              return hold.point()
            })
          )
        )
        const impatient = yield* Effect.fork(Effect.scoped(log.hold(room)))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(impatient)
        const point: LogPosition = logStart("c".repeat(64))
        yield* first.append([event("first"), { ...event("with a point"), logPosition: point }, event("after it")])
        expect(yield* Deferred.isDone(given)).toBe(false)
        expect(yield* Effect.timeoutOption(first.lost, 0)).toMatchObject({ _tag: "None" })
        yield* Scope.close(scope, Exit.void)
        expect(yield* Fiber.join(second)).toBe(point)
        const late = yield* Effect.exit(first.append([event("too late")]))
        expect(late).toMatchObject({ cause: { error: { _tag: "NotHeld", room } } })
        yield* log.flush
        expect([...heard.texts.values()]).toEqual(["first", "with a point", "after it", "second"])
        const another = yield* log.hold("docker_image_nginx")
        expect(another.point()).toBeUndefined()
        expect(log.available()).toBe(true)
      }))
  })
}
