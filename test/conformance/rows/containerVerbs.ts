import { Duration, Effect, Fiber } from "effect"
import { expect } from "vitest"
import { failsWith, type Rows } from "../cell.js"

import { anyState, badName, missing, neverNamed, on, verb } from "./onContainers.js"

/** The cells of the methods of `Containers` that operate on one container. */
export const containerVerbRows: Rows = {
  start: verb(() => on((containers) => containers.start(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["sleep", "300"])
        expect(yield* on((containers) => containers.start(id))).toEqual({ alreadyRunning: false })
        expect(yield* on((containers) => containers.start(id))).toEqual({ alreadyRunning: true })
        expect((yield* on((containers) => containers.inspect(id))).state.status).toBe("running")
        const failing = yield* bench.running(["sh", "-c", "exit 4"], {
          restart: { policy: "on-failure", maximumRetryCount: 1 }
        })
        yield* on((containers) => containers.waitUntil(failing.id, "exited"))
        const { restartCount, state } = yield* on((containers) => containers.inspect(failing.id))
        expect({ restartCount, exitCode: state.exitCode }).toEqual({
          restartCount: bench.expected("the state between two runs", 1),
          exitCode: 4
        })
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const first = yield* bench.running(undefined, { ports: [{ containerPort: 80, hostIp: "127.0.0.1" }] })
        const { ports } = (yield* on((containers) => containers.list({ filters: { id: [first.id] } })))[0] ?? {}
        const hostPort = ports?.[0]?.publicPort ?? 0
        const second = yield* bench.created(["sleep", "300"], {
          ports: [{ containerPort: 80, hostIp: "127.0.0.1", hostPort }]
        })
        const address = `127.0.0.1:${hostPort}`
        yield* failsWith(
          on((containers) => containers.start(second.id)),
          "PortAllocated",
          {
            containerId: second.id,
            address,
            detail: expect.stringMatching(
              new RegExp(
                `driver failed programming external connectivity on endpoint ${second.name} \\([0-9a-f]{64}\\): Bind for ${address} failed: port is already allocated$`
              )
            )
          }
        )
        const { state } = yield* on((containers) => containers.inspect(second.id))
        expect(state).toEqual(
          bench.expected(
            "the state after a failed start",
            expect.objectContaining({
              status: "created",
              exitCode: 128,
              error: expect.stringMatching(/port is already allocated/)
            })
          )
        )
        yield* on((containers) => containers.pause(first.id))
        yield* failsWith(
          on((containers) => containers.start(first.id)),
          "ContainerStateConflict",
          {
            state: bench.expected("the conflicting state", "paused"),
            detail: "cannot start a paused container, try unpause instead"
          }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const words =
          "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process"
        for (const [command, detail] of [
          ["nope", 'exec: "nope": executable file not found in $PATH: unknown'],
          ["/nope", 'exec: "/nope": stat /nope: no such file or directory: unknown']
        ] as const) {
          const { id } = yield* bench.created([command])
          yield* failsWith(
            on((containers) => containers.start(id)),
            "ContainerStateConflict",
            {
              containerId: id,
              state: "misconfigured",
              setting: "command",
              detail: `${words}: ${detail}`
            }
          )
          const { state } = yield* on((containers) => containers.inspect(id))
          expect(state).toEqual(
            bench.expected(
              "the state after a failed start",
              expect.objectContaining({ status: "created", exitCode: 127 })
            )
          )
        }
      })
  }),
  stop: verb(() => on((containers) => containers.stop(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        yield* on((containers) => containers.stop(id, { timeout: 0 }))
        expect((yield* on((containers) => containers.inspect(id))).state).toMatchObject({
          status: "exited",
          exitCode: 137
        })
        yield* on((containers) => containers.stop(id))
        // The program ignores its stop signal, so that only the other one ends it before the timeout.
        const other = yield* bench.running()
        const [took] = yield* Effect.timed(
          on((containers) => containers.stop(other.id, { signal: "SIGKILL", timeout: "20 seconds" }))
        )
        expect(Duration.toSeconds(took)).toBeLessThan(15)
        expect((yield* on((containers) => containers.inspect(other.id))).state.status).toBe("exited")
        yield* on((containers) => containers.stop(other.id, { signal: "SIGKILL" }))
      }),
    conflict: anyState,
    "bad input": (bench) =>
      Effect.gen(function* () {
        yield* neverNamed((containers) => containers.stop(badName))()
        const { id } = yield* bench.running()
        yield* failsWith(
          on((containers) => containers.stop(id, { signal: "FOO", timeout: 0 })),
          "InvalidRequest",
          { field: "signal", value: "FOO" }
        )
      })
  }),
  restart: verb(() => on((containers) => containers.restart(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const before = yield* on((containers) => containers.inspect(id))
        yield* on((containers) => containers.restart(id, { timeout: 0 }))
        const after = yield* on((containers) => containers.inspect(id))
        expect(after.state.status).toBe("running")
        expect(after.state.startedAt > before.state.startedAt).toBe(true)
        expect(after.restartCount).toBe(0)
        yield* on((containers) => containers.restart(id, { signal: "SIGKILL" }))
        expect((yield* on((containers) => containers.inspect(id))).state.status).toBe("running")
      }),
    conflict: anyState,
    "bad input": neverNamed((containers) => containers.restart(badName))
  }),
  kill: verb(() => on((containers) => containers.kill(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        yield* on((containers) => containers.kill(id))
        expect(yield* on((containers) => containers.wait(id))).toEqual({ exitCode: 137 })
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.created(["true"])
        yield* failsWith(
          on((containers) => containers.kill(name)),
          "ContainerStateConflict",
          {
            state: "stopped",
            detail: `cannot kill container: ${name}: container ${id} is not running`
          }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        yield* failsWith(
          on((containers) => containers.kill(id, "FOO")),
          "InvalidRequest",
          {
            field: "signal",
            detail: expect.stringMatching(/invalid signal: FOO/i)
          }
        )
      })
  }),
  pause: verb(() => on((containers) => containers.pause(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        yield* on((containers) => containers.pause(id))
        expect((yield* on((containers) => containers.inspect(id))).state.status).toBe("paused")
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["sleep", "300"])
        yield* failsWith(
          on((containers) => containers.pause(id)),
          "ContainerStateConflict",
          {
            state: "stopped",
            detail: `container ${id} is not running`
          }
        )
        yield* on((containers) => containers.start(id))
        yield* on((containers) => containers.pause(id))
        yield* failsWith(
          on((containers) => containers.pause(id)),
          "ContainerStateConflict",
          {
            state: "paused",
            detail: `Container ${id} is already paused`
          }
        )
      }),
    "bad input": neverNamed((containers) => containers.pause(badName))
  }),
  unpause: verb(() => on((containers) => containers.unpause(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        yield* on((containers) => containers.pause(id))
        yield* on((containers) => containers.unpause(id))
        expect((yield* on((containers) => containers.inspect(id))).state.status).toBe("running")
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        yield* failsWith(
          on((containers) => containers.unpause(id)),
          "ContainerStateConflict",
          {
            state: "unpaused",
            detail: `Container ${id} is not paused`
          }
        )
      }),
    "bad input": neverNamed((containers) => containers.unpause(badName))
  }),
  remove: verb(() => on((containers) => containers.remove(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        yield* on((containers) => containers.remove(id, { force: true, volumes: true }))
        yield* failsWith(
          on((containers) => containers.inspect(id)),
          "ContainerNotFound"
        )
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.running()
        yield* failsWith(
          on((containers) => containers.remove(id)),
          "ContainerStateConflict",
          {
            state: "running",
            detail: `cannot remove container "/${name}": container is running: stop the container before removing or force remove`
          }
        )
        yield* on((containers) => containers.pause(id))
        yield* failsWith(
          on((containers) => containers.remove(id)),
          "ContainerStateConflict",
          {
            state: "paused",
            detail: `cannot remove container "/${name}": container is paused and must be unpaused first`
          }
        )
      }),
    "bad input": neverNamed((containers) => containers.remove(badName))
  }),
  rename: verb(() => on((containers) => containers.rename(missing, "dockwire-other")), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["true"])
        const name = bench.name("renamed")
        yield* on((containers) => containers.rename(id, name))
        expect((yield* on((containers) => containers.inspect(name))).id).toBe(id)
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const first = yield* bench.created(["true"])
        const second = yield* bench.created(["true"])
        yield* failsWith(
          on((containers) => containers.rename(second.id, first.name)),
          "NameConflict",
          {
            name: first.name,
            detail: `Error when allocating new name: Conflict. The container name "/${first.name}" is already in use by container "${first.id}". You have to remove (or rename) that container to be able to reuse that name.`
          }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.created(["true"])
        yield* failsWith(
          on((containers) => containers.rename(id, badName)),
          "InvalidRequest",
          { field: "name" }
        )
        if (bench.expected("renaming a container to its own name", "refused") !== "refused") {
          return yield* on((containers) => containers.rename(id, name))
        }
        yield* failsWith(
          on((containers) => containers.rename(id, name)),
          "InvalidRequest",
          {
            detail: "Renaming a container with the same name as its current name"
          }
        )
      })
  }),
  wait: verb(() => on((containers) => containers.wait(missing)), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["sh", "-c", "exit 5"])
        expect(yield* on((containers) => containers.wait(id))).toEqual({
          exitCode: bench.expected("the exit code of a container that never ran", 0)
        })
        const next = yield* Effect.fork(on((containers) => containers.wait(id, "next-exit")))
        const removed = yield* Effect.fork(on((containers) => containers.wait(id, "removed")))
        // The wait may reach the engine after a run has ended.
        const runs = Effect.forever(
          // The engine treats an interrupted start as a failed one.
          Effect.uninterruptible(on((containers) => Effect.zipRight(containers.start(id), containers.wait(id))))
        )
        expect(yield* Effect.raceFirst(Fiber.join(next), runs)).toEqual({ exitCode: 5 })
        expect(yield* on((containers) => containers.wait(id))).toEqual({ exitCode: 5 })
        yield* on((containers) => containers.remove(id))
        expect(yield* Fiber.join(removed)).toEqual({
          exitCode: bench.expected("the exit code of a removed container", 5)
        })
      }),
    conflict: anyState,
    "bad input": neverNamed((containers) => containers.wait(badName))
  }),
  waitUntil: verb(() => on((containers) => containers.waitUntil(missing, "running")), {
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["sh", "-c", "echo ready; echo ready; sleep 4; exit 3"])
        yield* Effect.fork(on((containers) => containers.start(id)))
        yield* on((containers) => containers.waitUntil(id, "running"))
        yield* on((containers) => containers.waitUntil(id, { log: "ready" }))
        yield* on((containers) => containers.waitUntil(id, { log: "ready", times: 2 }))
        yield* on((containers) => containers.waitUntil(id, "exited"))
        expect((yield* on((containers) => containers.inspect(id))).state.exitCode).toBe(3)
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running(["sh", "-c", "exit 3"])
        yield* on((containers) => containers.wait(id))
        yield* failsWith(
          on((containers) => containers.waitUntil(id, { log: "ready" })),
          "WaitFailed",
          { reason: "Exited", detail: "the container exited with code 3" }
        )
      }),
    "bad input": () =>
      failsWith(
        on((containers) => containers.waitUntil(missing, { port: 0 })),
        "InvalidRequest",
        { field: "port" }
      )
  })
}
