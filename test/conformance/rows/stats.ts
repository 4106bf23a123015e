import { Containers, Stats } from "@dockwire/core"
import { Effect, Stream } from "effect"
import { expect } from "vitest"
import { failsWith, type Rows } from "../cell.js"

const missing = "dockwire-nobody"
const notFound = { containerId: missing, detail: `No such container: ${missing}` }
const anyState = "one that doesn't run is no failure: its figures say so"

const once = (id: string) => Effect.flatMap(Stats, (stats) => stats.once(id))
const stream = (id: string) => Stream.unwrap(Effect.map(Stats, (stats) => stats.stream(id)))

/** The cells of `Stats`. */
export const statsRows: Rows = {
  once: {
    call: () => once(missing),
    success: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.running()
        const figures = yield* once(id)
        expect(figures).toMatchObject({ _tag: "Running", containerId: id, name, pids: 1 })
        if (figures._tag !== "Running") return
        expect(figures.memoryUsage).toBeGreaterThan(0)
        expect(figures.memoryLimit).toBeGreaterThan(figures.memoryUsage)
        expect(figures.cpuPercent).toBeGreaterThanOrEqual(0)
        expect(figures.timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
        const stopped = yield* bench.created(["true"])
        expect(yield* once(stopped.id)).toEqual({ _tag: "Stopped", containerId: stopped.id })
      }),
    missing: () => failsWith(once(missing), "ContainerNotFound", notFound),
    conflict: anyState,
    "bad input": () => failsWith(once("a b"), "ContainerNotFound", { containerId: "a b" })
  },
  stream: {
    call: () => Stream.runDrain(stream(missing)),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const containers = yield* Containers
        const seen: Array<string> = []
        yield* stream(id).pipe(
          Stream.runForEach(({ _tag }) => {
            // More figures may be under way by the time that it is killed.
            if (seen.at(-1) === _tag) return Effect.void
            seen.push(_tag)
            return _tag === "Running" ? containers.kill(id) : containers.remove(id)
          })
        )
        expect(seen).toEqual(["Running", "Stopped"])
      }),
    missing: () => failsWith(Stream.runDrain(stream(missing)), "ContainerNotFound", notFound),
    conflict: anyState,
    "bad input": () => failsWith(Stream.runDrain(stream("a b")), "ContainerNotFound", { containerId: "a b" }),
    "engine gone": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const attempt = Stream.runForEach(stream(id), () => bench.gone)
        yield* failsWith(attempt, "EngineUnavailable", { reason: "Lost" })
      })
  }
}
