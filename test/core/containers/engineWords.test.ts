import { Containers, type ContainersShape, MemoryEngine, Networks } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { describe, expect, it } from "vitest"
import { testLabels } from "../../engine/testRun.js"
import { describeBothEngines, onMemoryEngine } from "../bothEngines.js"

type Use = (containers: ContainersShape, id: string) => Effect.Effect<unknown, object>

/** What a method makes of an answer with this status and message. */
const answered = (use: Use, status: number, message: string): Promise<unknown> =>
  onMemoryEngine(
    Effect.gen(function* () {
      const containers = yield* Containers
      const { id } = yield* containers.scoped({ image: "busybox", name: "web", command: ["sleep", "300"] })
      yield* (yield* MemoryEngine).refuse({}, status, message)
      const outcome = yield* Effect.either(use(containers, id))
      yield* (yield* MemoryEngine).heal
      return Either.isLeft(outcome) ? outcome.left : "it succeeded"
    })
  )

const create: Use = (containers) => containers.create({ image: "busybox", name: "new" })
const start: Use = (containers, id) => containers.start(id)
const remove: Use = (containers, id) => containers.remove(id)
const kill: Use = (containers, id) => containers.kill(id, "HUP")
const rename: Use = (containers, id) => containers.rename(id, "other")
const update: Use = (containers, id) =>
  containers.update(id, { memory: 1, memorySwap: 2, cpus: 3, cpuset: "9", cpuShares: 4, restart: { policy: "always" } })

const ports = { _tag: "ContainerStateConflict", state: "misconfigured", setting: "ports" }
const invalid = (field: string, value: string) => ({ _tag: "InvalidRequest", field, value })
const inState = (state: string) => ({ _tag: "ContainerStateConflict", state })

/** Messages of several releases of Docker and Podman, each with its status and what it means. */
const answers: ReadonlyArray<readonly [use: Use, status: number, message: string, expected: object]> = [
  // A 409 is a conflict with a state only if the message is about one.
  [
    update,
    409,
    "Cannot update container 5a3d: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    invalid("memory", "1")
  ],
  [
    update,
    409,
    "Cannot update container 5a3d: Restart policy cannot be updated because AutoRemove is enabled for the container",
    invalid("restart", "always")
  ],
  [
    update,
    409,
    'Cannot update container 5a3d: container is marked for removal and cannot be "update"',
    inState("removing")
  ],
  [update, 409, "Conflict of some other kind", { _tag: "EngineError", status: 409 }],
  [update, 400, "Minimum memory limit allowed is 6MB", invalid("memory", "1")],
  [update, 400, "Minimum memoryswap limit should be larger than memory limit, see usage", invalid("memorySwap", "2")],
  [update, 400, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", invalid("cpus", "3")],
  [update, 400, "Requested CPUs are not available - requested 9, available: 0-1", invalid("cpuset", "9")],
  [
    update,
    500,
    "Cannot update container 5a3d: runc did not terminate successfully: exit status 1: the maximum allowed cpu-shares is 262144\n: unknown",
    invalid("cpuShares", "4")
  ],
  [
    update,
    500,
    'Cannot update container 5a3d: runc did not terminate successfully: exit status 1: failed to write "2": write /sys/fs/cgroup/memory/docker/5a3d/memory.memsw.limit_in_bytes: invalid argument\n: unknown',
    invalid("memorySwap", "2")
  ],
  [update, 500, "Cannot update container 5a3d: the disk is on fire", { _tag: "EngineError", status: 500 }],
  [remove, 409, "removal of container 5a3d is already in progress", inState("removing")],
  [
    remove,
    409,
    'cannot remove container "/web": container is restarting: stop the container before removing or force remove',
    inState("restarting")
  ],
  [remove, 409, "Conflict, cannot remove the default link name of the container", { _tag: "EngineError", status: 409 }],
  [start, 409, "Container 5a3d is restarting, wait until the container is running", inState("restarting")],
  // A published address that the host does not have, in the words of 20.10 and 26.1, of 28.5, and of Podman.
  [
    start,
    500,
    "driver failed programming external connectivity on endpoint web (c11d): Error starting userland proxy: listen tcp4 203.0.113.1:38099: bind: cannot assign requested address",
    ports
  ],
  [
    start,
    500,
    "failed to set up container networking: driver failed programming external connectivity on endpoint web (c11d): failed to bind host port 203.0.113.1:38099/tcp: cannot assign requested address",
    ports
  ],
  [
    start,
    500,
    "cannot listen on the TCP port: listen tcp4 203.0.113.1:38099: bind: cannot assign requested address",
    ports
  ],
  [start, 500, "Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: permission denied", ports],
  [
    start,
    500,
    "failed to set up container networking: driver failed programming external connectivity on endpoint web (c11d): failed to bind host port 0.0.0.0:38099/tcp: address already in use",
    { _tag: "PortAllocated", address: "0.0.0.0:38099" }
  ],
  // A 400 may blame the id instead of the other arguments.
  [kill, 400, "multiple IDs found with provided prefix: 5", { _tag: "InvalidRequest", field: "id" }],
  [rename, 400, "multiple IDs found with provided prefix: 5", { _tag: "InvalidRequest", field: "id" }],
  [rename, 409, "Conflict of some other kind", { _tag: "EngineError", status: 409 }],
  [
    create,
    409,
    'Conflict. The container name "/new" is already in use by container "5a3d". You have to remove (or rename) that container to be able to reuse that name.',
    { _tag: "NameConflict", name: "new" }
  ],
  [create, 409, "Conflict of some other kind", { _tag: "EngineError", status: 409 }],
  [create, 404, "No such container: other", { _tag: "InvalidRequest" }],
  [create, 400, "Invalid container name (new), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", invalid("name", "new")]
]

describe("the meaning of an answer", () => {
  it.each(answers)("is what its message says, whatever its status suggests: %#", async (...answer) => {
    const [use, status, message, expected] = answer
    expect(await answered(use, status, message)).toMatchObject({ detail: message, ...expected })
  })

  it("of a proxy that forbids a route is no invalid request", async () => {
    await onMemoryEngine(
      Effect.gen(function* () {
        const networks = yield* Networks
        yield* (yield* MemoryEngine).refuse({}, 403, "403 Forbidden")
        const attempts: ReadonlyArray<Effect.Effect<unknown, object>> = [
          networks.remove("front"),
          networks.connect("front", "web"),
          networks.disconnect("front", "web"),
          networks.create({ name: "front" })
        ]
        for (const attempt of attempts) {
          expect(yield* Effect.flip(attempt)).toMatchObject({ _tag: "EngineError", status: 403 })
        }
      })
    )
  })
})

const sleeping = { image: "busybox:latest", command: ["sleep", "300"] }

describeBothEngines("a setting that an engine refuses", {
  "is named: a published address that the host does not have": () =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const spec = {
        ...sleeping,
        labels: testLabels(),
        ports: [{ containerPort: 80, hostIp: "203.0.113.1", hostPort: 38_099 }]
      }
      const { id } = yield* Effect.acquireRelease(containers.create(spec), ({ id }) =>
        Effect.ignore(containers.remove(id, { force: true }))
      )
      expect(yield* Effect.flip(containers.start(id))).toMatchObject({ containerId: id, ...ports })
      expect(yield* Effect.flip(containers.scoped(spec))).toMatchObject({
        _tag: "InvalidRequest",
        field: "ports",
        value: expect.stringContaining("203.0.113.1")
      })
    }),
  "is named: a limit of memory above that of swap": () =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const { id } = yield* containers.scoped({
        ...sleeping,
        labels: testLabels(),
        memory: 32 * 1024 * 1024,
        hostConfig: { MemorySwap: 64 * 1024 * 1024 }
      })
      const memory = 128 * 1024 * 1024
      expect(yield* Effect.flip(containers.update(id, { memory }))).toMatchObject({
        _tag: "InvalidRequest",
        field: "memory",
        value: String(memory)
      })
      expect(yield* containers.update(id, { memory, memorySwap: memory * 2 })).toEqual([])
      expect(yield* Effect.flip(containers.create({ ...sleeping, memory: 1000 }))).toMatchObject({
        _tag: "InvalidRequest",
        field: "memory",
        value: "1000"
      })
    })
})
