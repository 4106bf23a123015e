import { Containers, Events, Volumes } from "@dockwire/core"
import { Chunk, Effect, Option, Stream } from "effect"
import { expect } from "vitest"
import { failsWith, type Rows } from "../cell.js"

/** Events that happen together and so arrive in any order. */
const concurrent = [
  ["network connect", "volume mount"],
  ["network disconnect", "volume unmount", "container die"]
]

/** Brings events that happen together into one order. */
const ordered = (actions: ReadonlyArray<string>): ReadonlyArray<string> =>
  concurrent.reduce((list, group) => {
    const first = list.findIndex((action) => group.includes(action))
    const part = list.slice(first, first + group.length)
    return group.every((action) => part.includes(action))
      ? [...list.slice(0, first), ...group, ...list.slice(first + group.length)]
      : list
  }, actions)

/** The cells of `Events`. */
export const eventRows: Rows = {
  stream: {
    call: () => Effect.flatMap(Events, (events) => Stream.runDrain(events.stream())),
    success: (bench) =>
      Effect.gen(function* () {
        const containers = yield* Containers
        const events = yield* Events
        const volumes = yield* Volumes
        const volume = bench.name("volume")
        const { id, name } = yield* bench.created(["sleep", "300"], { binds: [`${volume}:/data`] })
        yield* containers.start(id)
        yield* containers.pause(id)
        yield* containers.unpause(id)
        yield* containers.rename(id, `${name}-b`)
        yield* containers.kill(id)
        yield* containers.wait(id)
        yield* containers.remove(id)
        yield* volumes.remove(volume)
        // Past events only.
        const seen = yield* events.stream({ since: "1", filters: { type: ["container", "volume", "network"] } }).pipe(
          Stream.filter((event) => event.id === id || event.id === volume || event.attributes["container"] === id),
          Stream.takeUntil((event) => event.type === "volume" && event.action === "destroy"),
          Stream.runCollect,
          Effect.map(Chunk.toReadonlyArray)
        )
        const usual = [
          "volume create",
          "container create",
          "network connect",
          "volume mount",
          "container start",
          "container pause",
          "container unpause",
          "container rename",
          "container kill",
          "network disconnect",
          "volume unmount",
          "container die",
          "container destroy",
          "volume destroy"
        ]
        const order = bench.expected("the sequence of events", usual)
        expect(ordered(seen.map(({ action, type }) => `${type} ${action}`))).toEqual(order)
        const of = (what: string) => seen.find(({ action, type }) => `${type} ${action}` === what)
        const image = bench.expected("the name of an image", "busybox:latest")
        expect(of("container create")?.attributes).toMatchObject({ ...bench.labels, image, name })
        expect(of("container die")?.attributes["exitCode"]).toBe("137")
        if (order === usual) {
          expect(of("volume mount")?.attributes).toMatchObject({ container: id, destination: "/data", driver: "local" })
          expect(of("network connect")?.attributes).toEqual({ container: id, name: "bridge", type: "bridge" })
          expect(of("container rename")?.attributes).toMatchObject({ name: `${name}-b`, oldName: `/${name}` })
          expect(of("container kill")?.attributes["signal"]).toBe("9")
        }
        const times = seen.map(({ timeNano }) => timeNano)
        expect(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0n))).toBe(true)
        // Both ends of the range are inclusive.
        const nano = (time: bigint) => `${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, "0")}`
        const start = of("container start")?.timeNano ?? 0n
        const one = yield* Stream.runCollect(
          events.stream({ since: nano(start), until: nano(start), filters: { container: [id] } })
        )
        expect(Chunk.toReadonlyArray(one).map(({ action }) => action)).toEqual(
          bench.expected("events at the bounds of a time range", ["start"])
        )
      }),
    missing: (bench) =>
      Effect.gen(function* () {
        const events = yield* Events
        const found = yield* Stream.runCollect(
          events.stream({ since: "1", until: "2", filters: { container: [bench.name()] } })
        )
        expect(Chunk.toReadonlyArray(found)).toEqual([])
        const unknown = yield* Stream.runCollect(events.stream({ since: "1", until: "2", filters: { color: ["red"] } }))
        expect(Chunk.toReadonlyArray(unknown)).toEqual([])
      }),
    conflict: "any number of clients may subscribe",
    "bad input": () =>
      Effect.gen(function* () {
        const events = yield* Events
        yield* failsWith(Stream.runDrain(events.stream({ since: "yesterday" })), "InvalidRequest", { field: "since" })
        yield* failsWith(Stream.runDrain(events.stream({ since: "2", until: "1" })), "InvalidRequest")
      }),
    "engine gone": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["true"])
        const events = yield* Events
        const attempt = events
          .stream({ since: "1", filters: { container: [id] } })
          .pipe(Stream.runForEach(() => bench.gone))
        yield* failsWith(attempt, "EngineUnavailable", { reason: "Lost" })
      })
  },
  watch: {
    call: () => Effect.flatMap(Events, (events) => Stream.runDrain(events.watch())),
    success: (bench) =>
      Effect.gen(function* () {
        const events = yield* Events
        // Whether the watch has begun shows only in what it emits.
        const creations = Effect.forever(Effect.scoped(Effect.delay(bench.created(["true"]), "50 millis")))
        const first = yield* Effect.raceFirst(
          events.watch({ types: ["container"] }).pipe(
            Stream.filterMap((element) =>
              element._tag === "ContainerEvent" && element.event.attributes["dockwire.conformance"] !== undefined
                ? Option.some(element)
                : Option.none()
            ),
            Stream.filter(({ event }) =>
              Object.entries(bench.labels).every(([key, value]) => event.attributes[key] === value)
            ),
            Stream.runHead
          ),
          creations
        )
        expect(first).toMatchObject({
          value: {
            image: bench.expected("the name of an image", "busybox:latest"),
            action: expect.stringMatching(/^(create|destroy)$/)
          }
        })
      }),
    missing: "an object that does not exist has no events",
    conflict: "any number of clients may watch",
    "bad input": "only an empty list of types, which is refused without a request"
  }
}
