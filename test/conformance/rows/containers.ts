import { Containers } from "@dockwire/core"
import { Effect } from "effect"
import { expect } from "vitest"
import { failsWith, type Rows } from "../cell.js"
import { anyState, badName, missing, neverNamed, on, pruned, verb } from "./onContainers.js"

/** The cells of `Containers`. */
export const containerRows: Rows = {
  list: {
    call: () => on((containers) => containers.list()),
    success: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.running(undefined, { ports: [{ containerPort: 80 }] })
        const label = Object.entries(bench.labels).map(([key, value]) => `${key}=${value}`)
        const found = yield* on((containers) => containers.list({ filters: { label } }))
        expect(found).toMatchObject([{ id, names: [name], command: "sleep 300", state: "running" }])
        const published = { ip: "0.0.0.0", privatePort: 80, publicPort: expect.any(Number), protocol: "tcp" }
        expect(found[0]?.ports).toContainEqual(published)
        expect(found[0]?.status).toMatch(/^Up /)
        const stopped = yield* on((containers) => containers.list({ filters: { label, status: ["exited"] } }))
        expect(stopped).toEqual([])
      }),
    missing: (bench) =>
      Effect.map(
        on((containers) => containers.list({ filters: { name: [bench.name()] } })),
        (found) => expect(found).toEqual([])
      ),
    conflict: "listing conflicts with nothing",
    "bad input": () =>
      Effect.zipRight(
        failsWith(
          on((containers) => containers.list({ filters: { color: ["red"] } })),
          "InvalidRequest",
          {
            field: "filters",
            detail: "invalid filter 'color'"
          }
        ),
        failsWith(
          on((containers) => containers.list({ filters: { status: ["red"] } })),
          "InvalidRequest",
          {
            detail: "invalid filter 'status=red'"
          }
        )
      )
  },
  inspect: verb(() => on((containers) => containers.inspect(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.created(["sh", "-c", "exit 3"], { environment: { A: "1" } })
        const before = yield* on((containers) => containers.inspect(name))
        expect(before).toMatchObject({ id, name, tty: false, logDriver: "json-file", restartCount: 0 })
        expect(before.state).toEqual({
          status: "created",
          exitCode: 0,
          error: "",
          startedAt: "0001-01-01T00:00:00Z",
          finishedAt: "0001-01-01T00:00:00Z"
        })
        expect(before.raw).toMatchObject({
          Path: "sh",
          Args: ["-c", "exit 3"],
          Config: { Cmd: ["sh", "-c", "exit 3"] }
        })
        yield* on((containers) => containers.start(id))
        yield* on((containers) => containers.wait(id))
        const { state } = yield* on((containers) => containers.inspect(id.slice(0, 12)))
        expect(state).toMatchObject({ status: "exited", exitCode: 3, error: "" })
        // A short run may end before the engine records its start.
        expect(state.finishedAt).not.toMatch(/^0001/)
      }),
    conflict: anyState,
    "bad input": neverNamed((containers) => containers.inspect(badName))
  }),
  create: {
    call: (bench) => on((containers) => containers.create(bench.spec(["true"]))),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["true"])
        expect(id).toMatch(/^[0-9a-f]{64}$/)
        expect((yield* on((containers) => containers.inspect(id))).labels).toEqual(bench.labels)
        const short = yield* bench.created(["sh", "-c", "exit 6"], { autoRemove: true })
        const gone = on((containers) => containers.wait(short.id, "removed")).pipe(
          // The container may be gone before the request arrives.
          Effect.catchTag("ContainerNotFound", () => Effect.succeed({ exitCode: 6 }))
        )
        yield* on((containers) => containers.start(short.id))
        expect(yield* gone).toEqual({ exitCode: bench.expected("the exit code of a removed container", 6) })
        yield* failsWith(
          on((containers) => containers.inspect(short.id)),
          "ContainerNotFound"
        )
      }),
    missing: (bench) =>
      failsWith(
        on((containers) => containers.create(bench.spec([], { image: "dockwire-none" }))),
        "ImageNotFound",
        {
          image: "dockwire-none",
          detail: "No such image: dockwire-none:latest"
        }
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.created(["true"])
        yield* failsWith(
          on((containers) => containers.create(bench.spec(["true"], { name }))),
          "NameConflict",
          {
            name,
            detail: `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`
          }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const refused = (more: Parameters<typeof bench.spec>[1], detail: unknown) =>
          failsWith(
            on((containers) => containers.create(bench.spec(["true"], more))),
            "InvalidRequest",
            {
              detail: detail instanceof RegExp ? expect.stringMatching(detail) : detail
            }
          )
        yield* refused({ name: "a b" }, "Invalid container name (a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        if (bench.expected("validation on create", false) === true) return
        yield* refused({ hostConfig: { Memory: 1000 } }, "Minimum memory limit allowed is 6MB")
        yield* refused(
          { hostConfig: { RestartPolicy: { Name: "foo" } } },
          bench.expected("the message for an invalid restart policy", /^invalid restart policy: unknown policy 'foo'/)
        )
        yield* refused({ log: { driver: "foo" } }, 'error looking up logging plugin foo: plugin "foo" not found')
        yield* refused(
          { log: { driver: "json-file", options: { foo: "1" } } },
          "unknown log opt 'foo' for json-file log driver"
        )
        yield* refused(
          { autoRemove: true, restart: { policy: "always" } },
          "can't create 'AutoRemove' container with restart policy"
        )
      })
  },
  top: verb(() => on((containers) => containers.top(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const { processes, titles } = yield* on((containers) => containers.top(id))
        const columns = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
        expect(titles).toEqual(bench.expected("the columns of ps", columns))
        expect(processes).toHaveLength(1)
        expect(processes[0]).toHaveLength(titles.length)
        expect(processes[0]?.at(-1)).toBe("sleep 300")
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["true"])
        yield* failsWith(
          on((containers) => containers.top(id)),
          "ContainerStateConflict",
          {
            state: "stopped",
            detail: `container ${id} is not running`
          }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        yield* failsWith(
          on((containers) => containers.top(id, "--nonsense")),
          "EngineError",
          {
            status: bench.expected("the status when ps fails", 500),
            detail: bench.expected("the error message of ps", expect.stringContaining("ps"))
          }
        )
      })
  }),
  changes: verb(() => on((containers) => containers.changes(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["true"])
        expect(yield* on((containers) => containers.changes(id))).toEqual([])
      }),
    conflict: anyState,
    "bad input": neverNamed((containers) => containers.changes(badName))
  }),
  update: verb(() => on((containers) => containers.update(missing, { cpuShares: 512 })), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        expect(
          yield* on((containers) => containers.update(id, { cpuShares: 512, restart: { policy: "always" } }))
        ).toEqual([])
        expect((yield* on((containers) => containers.inspect(id))).raw).toMatchObject({
          HostConfig: { CpuShares: 512, RestartPolicy: { Name: "always", MaximumRetryCount: 0 } }
        })
      }),
    conflict: anyState,
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["true"])
        yield* failsWith(
          on((containers) => containers.update(id, { memory: 1000 })),
          "InvalidRequest",
          {
            field: "memory",
            value: "1000",
            detail: "Minimum memory limit allowed is 6MB"
          }
        )
      })
  }),
  prune: {
    // For interruption and lost connections: nothing has this label.
    call: (bench) => pruned((containers) => containers.prune({ filters: { label: [bench.name("nothing")] } })),
    success: (bench) =>
      Effect.gen(function* () {
        const stopped = yield* bench.created(["true"])
        const { id } = yield* bench.running()
        const label = Object.entries(bench.labels).map(([key, value]) => `${key}=${value}`)
        const outcome = yield* pruned((containers) => containers.prune({ filters: { label } }))
        expect(outcome.deleted).toEqual([stopped.id])
        expect((yield* on((containers) => containers.inspect(id))).state.status).toBe("running")
      }),
    missing: (bench) =>
      Effect.map(
        pruned((containers) => containers.prune({ filters: { label: [bench.name("nothing")] } })),
        (pruned) => expect(pruned).toEqual({ deleted: [], spaceReclaimed: 0 })
      ),
    conflict: "it skips what it cannot remove",
    "bad input": () =>
      failsWith(
        pruned((containers) => containers.prune({ filters: { color: ["red"] } })),
        "InvalidRequest",
        {
          field: "filters",
          detail: "invalid filter 'color'"
        }
      )
  },
  scoped: {
    call: (bench) => on((containers) => Effect.scoped(containers.scoped(bench.spec(["true"])))),
    success: (bench) =>
      Effect.gen(function* () {
        const id = yield* Effect.scoped(
          Effect.gen(function* () {
            const { id } = yield* (yield* Containers).scoped(bench.spec(["sleep", "300"]))
            expect((yield* on((containers) => containers.inspect(id))).state.status).toBe("running")
            return id
          })
        )
        yield* failsWith(
          on((containers) => containers.inspect(id)),
          "ContainerNotFound"
        )
      }),
    missing: (bench) =>
      failsWith(
        on((containers) => Effect.scoped(containers.scoped(bench.spec([], { image: "dockwire-none" })))),
        "ImageNotFound"
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* bench.created(["true"])
        const spec = bench.spec(["true"], { name })
        yield* failsWith(
          on((containers) => Effect.scoped(containers.scoped(spec))),
          "NameConflict"
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const spec = bench.spec(["nope"])
        yield* failsWith(
          on((containers) => Effect.scoped(containers.scoped(spec))),
          "InvalidRequest",
          { field: "command", value: "nope" }
        )
        yield* failsWith(
          on((containers) => containers.inspect(spec.name)),
          "ContainerNotFound"
        )
      })
  }
}
