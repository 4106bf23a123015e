import { Docker } from "@dockwire/core"
import { Effect, Stream } from "effect"
import { expect } from "vitest"
import { failsWith, inTurn, type Rows } from "../cell.js"

const json = (method: "GET" | "POST" | "DELETE", path: string) =>
  Effect.flatMap(Docker, (docker) => docker.json({ method, path }))
const notFound = { status: 404, detail: "page not found" }

/** The cells of the door itself. */
export const dockerRows: Rows = {
  json: {
    call: () => json("GET", "/version"),
    success: () =>
      Effect.gen(function* () {
        expect(yield* json("GET", "/_ping")).toMatchObject({
          status: 200,
          body: "OK",
          headers: { "api-version": expect.stringMatching(/^1\.\d+$/) }
        })
        expect((yield* json("GET", "/version")).body).toMatchObject({
          Version: expect.stringMatching(/^\d+\.\d+\.\d+/),
          ApiVersion: expect.stringMatching(/^1\.\d+$/),
          Os: "linux"
        })
        expect((yield* json("GET", "/info")).body).toMatchObject({
          ID: expect.any(String),
          Containers: expect.any(Number),
          NCPU: expect.any(Number),
          ServerVersion: expect.any(String)
        })
      }),
    missing: () => failsWith(json("GET", "/nowhere"), "EngineError", { request: "GET /nowhere", ...notFound }),
    conflict: "the services above it say what is in the way of what",
    "bad input": (bench) =>
      Effect.gen(function* () {
        yield* failsWith(json("DELETE", "/version"), "EngineError", {
          ...notFound,
          status: bench.expected("the status for an unsupported method", 404)
        })
        const docker = yield* Docker
        // Each kind of thing has its own way to refuse a filter.
        for (const [path, filter, status, detail] of [
          ["/build/prune", { color: ["red"] }, 400, "failed to prune build cache: invalid filter 'color'"],
          ["/images/prune", { color: ["red"] }, 400, "invalid filter 'color'"],
          ["/images/prune", { dangling: ["red"] }, 400, "invalid filter 'dangling=[red]'"],
          ["/images/prune", { until: ["red"] }, 500, 'failed to parse value as time or duration: "red"'],
          ["/networks/prune", { until: ["red"] }, 400, 'failed to parse value as time or duration: "red"']
        ] as const) {
          const query = { filters: JSON.stringify({ ...filter, label: ["dockwire.nobody"] }) }
          yield* failsWith(inTurn(docker.json({ method: "POST", path, query })), "EngineError", {
            status:
              path === "/networks/prune"
                ? bench.expected("the status of a network prune with an invalid time", status)
                : status,
            detail
          })
        }
        if (bench.expected("the type parameter of disk usage", "chosen") !== "chosen") return
        yield* failsWith(docker.json({ method: "GET", path: "/system/df", query: { type: "red" } }), "EngineError", {
          status: 400,
          detail: "unknown object type: red"
        })
      })
  },
  stream: {
    call: () => Effect.flatMap(Docker, (docker) => docker.stream({ method: "GET", path: "/version" })),
    success: () =>
      Effect.gen(function* () {
        const { body, contentType, status } = yield* (yield* Docker).stream({ method: "GET", path: "/images/json" })
        expect({ contentType, status }).toEqual({ contentType: "application/json", status: 200 })
        expect(JSON.parse(yield* Stream.mkString(Stream.decodeText(body)))).toBeInstanceOf(Array)
      }),
    missing: () =>
      failsWith(
        Effect.flatMap(Docker, (docker) => docker.stream({ method: "GET", path: "/nowhere" })),
        "EngineError",
        notFound
      ),
    conflict: "the services above it say what is in the way of what",
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["true"])
        const docker = yield* Docker
        const path = `/containers/${id}/logs`
        yield* failsWith(docker.stream({ method: "GET", path }), "EngineError", {
          status: 400,
          detail: "Bad parameters: you must choose at least one stream"
        })
        yield* failsWith(docker.stream({ method: "GET", path, query: { stdout: true, since: "abc" } }), "EngineError", {
          status: bench.expected("the status for an invalid time", 500),
          detail: 'strconv.ParseInt: parsing "abc": invalid syntax'
        })
      })
  },
  hijack: {
    call: () =>
      Effect.flatMap(Docker, (docker) => docker.hijack({ method: "POST", path: "/containers/dockwire-nobody/attach" })),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running(["cat"], { openStdin: true, config: { StdinOnce: true } })
        const { end, output, write } = yield* (yield* Docker).hijack({
          method: "POST",
          path: `/containers/${id}/attach`,
          query: { stream: true, stdin: true, stdout: true, stderr: true }
        })
        yield* write(Buffer.from("hello\n"))
        yield* end
        const all = yield* Stream.runFold(output, Buffer.alloc(0), (before, bytes) => Buffer.concat([before, bytes]))
        expect(all.toString("latin1")).toBe("\u0001\0\0\0\0\0\0\u0006hello\n")
        // Attached to one that doesn't run, it waits for the run, and misses nothing of it.
        const later = yield* bench.created(["echo", "begun"])
        const docker = yield* Docker
        const early = yield* docker.hijack({
          method: "POST",
          path: `/containers/${later.id}/attach`,
          query: { stream: true, stdout: true, stderr: true }
        })
        yield* docker.json({ method: "POST", path: `/containers/${later.id}/start` })
        const begun = yield* Stream.runFold(
          early.output,
          "",
          (before, bytes) => before + Buffer.from(bytes).toString("latin1")
        )
        expect(begun).toBe("\u0001\0\0\0\0\0\0\u0006begun\n")
      }),
    missing: () =>
      failsWith(
        Effect.flatMap(Docker, (docker) =>
          docker.hijack({ method: "POST", path: "/exec/deadbeef/start", body: { Detach: false } })
        ),
        "EngineError",
        { status: 404, detail: "No such exec instance: deadbeef" }
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const docker = yield* Docker
        yield* docker.json({ method: "POST", path: `/containers/${id}/pause` })
        yield* failsWith(docker.hijack({ method: "POST", path: `/containers/${id}/attach` }), "EngineError", {
          status: bench.expected("the status of an attach to a paused container", 409),
          detail: `container ${id} is paused, unpause the container before attach`
        })
      }),
    "bad input": () =>
      failsWith(
        Effect.flatMap(Docker, (docker) => docker.hijack({ method: "POST", path: "/nowhere" })),
        "EngineError",
        notFound
      )
  }
}
