import { Containers, type ContainerSpec, Volumes } from "@dockwire/core"
import { Chunk, Effect, Stream } from "effect"
import { expect } from "vitest"
import type { Bench } from "../bench.js"
import { failsWith, type Row, type Rows } from "../cell.js"
import { anyState, badName, missing, neverNamed, on, pruned, verb } from "./onContainers.js"

type Spec = Parameters<Bench["spec"]>

/** The cells of a method that runs a container to its exit. `use` returns the exit code and what it printed to stdout. */
const runRow = (
  use: (
    containers: Effect.Effect.Success<typeof Containers>,
    spec: ContainerSpec,
    stdin?: Stream.Stream<string>
  ) => Effect.Effect<{ readonly exitCode: number; readonly stdout: string }, unknown>
): Row => {
  const run = (bench: Bench, ...[command, more]: Spec) =>
    on<{ readonly exitCode: number; readonly stdout: string }, unknown>((containers) =>
      use(containers, bench.spec(command, more))
    )
  return {
    call: (bench) => run(bench, ["true"]),
    success: (bench) =>
      Effect.gen(function* () {
        const spec = bench.spec(["sh", "-c", "echo out; exit 3"])
        expect(yield* on((containers) => use(containers, spec))).toMatchObject({ exitCode: 3, stdout: "out\n" })
        yield* failsWith(
          on((containers) => containers.inspect(spec.name)),
          "ContainerNotFound"
        )
        const piped = on((containers) => use(containers, bench.spec(["cat"]), Stream.make("a", "b\n")))
        expect(yield* piped).toMatchObject({ exitCode: 0, stdout: "ab\n" })
        // It does not get lost in the engine's own removal.
        expect(yield* run(bench, ["sh", "-c", "exit 4"], { autoRemove: true })).toMatchObject({ exitCode: 4 })
      }),
    missing: (bench) => failsWith(run(bench, [], { image: "dockwire-none" }), "ImageNotFound"),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.created(["true"])
        yield* failsWith(run(bench, ["true"], { name }), "NameConflict")
        expect((yield* on((containers) => containers.inspect(name))).id).toBe(id)
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const spec = bench.spec(["nope"])
        yield* failsWith(
          on((containers) => use(containers, spec)),
          "InvalidRequest",
          { field: "command", value: "nope" }
        )
        yield* failsWith(
          on((containers) => containers.inspect(spec.name)),
          "ContainerNotFound"
        )
        yield* failsWith(run(bench, ["true"], { restart: { policy: "always" } }), "InvalidRequest", {
          field: "restart",
          value: "always"
        })
      })
  }
}

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
        yield* bench.created(["true"])
        const [newest, ...others] = yield* on((containers) => containers.list({ filters: { label }, limit: 1 }))
        expect(others).toEqual([])
        expect(newest).toMatchObject({ state: "created" })
        expect(newest).not.toHaveProperty("sizeRw")
        const [sized] = yield* on((containers) => containers.list({ filters: { id: [id] }, size: true }))
        expect(sized?.sizeRw).toBeGreaterThanOrEqual(0)
        expect(sized?.sizeRootFs).toBeGreaterThan(1_000_000)
      }),
    missing: (bench) =>
      Effect.map(
        on((containers) => containers.list({ filters: { name: [bench.name()] } })),
        (found) => expect(found).toEqual([])
      ),
    conflict: "listing conflicts with nothing",
    "bad input": () =>
      Effect.all([
        failsWith(
          on((containers) => containers.list({ limit: 1.5 })),
          "InvalidRequest",
          { field: "limit", value: "1.5" }
        ),
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
      ])
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

        const volume = bench.name("volume")
        const running = yield* bench.running(["300"], {
          entrypoint: ["sleep"],
          environment: { GREETING: "hello = world", EMPTY: "" },
          ports: [{ containerPort: 80, hostIp: "127.0.0.1" }],
          binds: ["/tmp:/host:ro", `${volume}:/data`]
        })
        const details = yield* on((containers) => containers.inspect(running.id))
        expect(details).toMatchObject({
          command: ["300"],
          entrypoint: ["sleep"],
          environment: { GREETING: "hello = world", EMPTY: "" },
          ports: [{ ip: "127.0.0.1", privatePort: 80, publicPort: expect.any(Number), protocol: "tcp" }]
        })
        expect(details.mounts).toHaveLength(2)
        expect(details.mounts).toEqual(
          expect.arrayContaining([
            { type: "bind", source: "/tmp", target: "/host", readOnly: true },
            { type: "volume", name: volume, source: expect.stringContaining(volume), target: "/data", readOnly: false }
          ])
        )
        const [summary] = yield* on((containers) => containers.list({ filters: { id: [running.id] } }))
        expect(details.ports).toEqual(summary?.ports)
        const network = bench.expected("the name of the default network", "bridge")
        expect(details.networks).toMatchObject([
          { name: network, ipv4Address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/) }
        ])
        yield* on((containers) => containers.remove(running.id, { force: true }))
        yield* Effect.flatMap(Volumes, (volumes) => volumes.remove(volume))
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
        const target = yield* bench.running(["sleep", "300"], {
          hostname: "dockwire-host",
          memory: 64 * 1024 * 1024,
          cpus: 0.5,
          stopSignal: "SIGINT",
          tmpfs: { "/scratch": "size=1m" },
          mounts: [
            { type: "bind", source: "/tmp", target: "/host", readOnly: true },
            { type: "tmpfs", target: "/memory", size: 1024 * 1024, mode: 0o700 }
          ],
          healthCheck: { command: ["true"], interval: "1 hour", timeout: "2 seconds", retries: 5 }
        })
        const details = yield* on((containers) => containers.inspect(target.id))
        expect(details.raw).toMatchObject({
          Config: {
            Hostname: "dockwire-host",
            StopSignal: bench.expected("how a stop signal is reported", "SIGINT"),
            Healthcheck: { Test: ["CMD", "true"], Interval: 3_600_000_000_000, Timeout: 2_000_000_000, Retries: 5 }
          },
          HostConfig: { Memory: 64 * 1024 * 1024, NanoCpus: 500_000_000 }
        })
        expect(details.mounts).toEqual(
          expect.arrayContaining([
            { type: "bind", source: "/tmp", target: "/host", readOnly: true },
            ...(bench.expected("whether mounts of type tmpfs are listed", true) === true
              ? [expect.objectContaining({ type: "tmpfs", target: "/memory", readOnly: false })]
              : [])
          ])
        )
        yield* on((containers) => containers.create(bench.spec(["true"], { platform: "linux" }))).pipe(
          Effect.flatMap(({ id }) => on((containers) => containers.remove(id)))
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
        // For a moment after the start it is still the process that prepares the container.
        const { processes, titles } = yield* Effect.repeat(
          on((containers) => containers.top(id)),
          { until: (top) => top.processes[0]?.at(-1) !== "runc init" }
        )
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
  run: runRow((containers, spec, stdin) => containers.run(spec, stdin === undefined ? {} : { stdin })),
  runStream: runRow((containers, spec, stdin) =>
    containers.runStream(spec, stdin === undefined ? {} : { stdin }).pipe(
      Stream.runCollect,
      Effect.map((output) => {
        const exit = Chunk.unsafeLast(output)
        const pieces = Chunk.toReadonlyArray(output).flatMap((piece) =>
          piece._tag === "Output" && piece.stream === "stdout" ? [piece.bytes] : []
        )
        return { exitCode: exit._tag === "Exit" ? exit.exitCode : -1, stdout: Buffer.concat(pieces).toString() }
      })
    )
  ),
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
