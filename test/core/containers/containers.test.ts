import { Containers, type ContainersShape, type ContainerSpec, MemoryEngine } from "@dockwire/core"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import { createServer } from "node:net"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { engineCall, engineRequest } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { uniqueName } from "../../engine/testContainer.js"
import { testLabels } from "../../engine/testRun.js"
import { eventually } from "../eventually.js"
import { type CoreServices, failureOf, runCore } from "../runCore.js"
import { failureWith } from "../runWith.js"

const using = <A, E, R>(f: (containers: ContainersShape) => Effect.Effect<A, E, R>) => Effect.flatMap(Containers, f)

const run = <A, E>(f: (containers: ContainersShape) => Effect.Effect<A, E, CoreServices>) =>
  runCore(testEngine().endpoint, using(f))
const failure = <A, E>(f: (containers: ContainersShape) => Effect.Effect<A, E, CoreServices>) =>
  failureOf(testEngine().endpoint, using(f))

const spec = (command: ReadonlyArray<string>, more: Partial<ContainerSpec> = {}): ContainerSpec => ({
  image: "busybox:latest",
  command,
  labels: testLabels(),
  ...more
})

/** Creates a container and removes it when the test ends. */
const created = async (command: ReadonlyArray<string>, more: Partial<ContainerSpec> = {}): Promise<string> => {
  const { id } = await run((containers) => containers.create(spec(command, more)))
  onTestFinished(
    async () => void (await engineRequest(testEngine().endpoint, "DELETE", `/containers/${id}?force=1&v=1`))
  )
  return id
}

/** Process 1 ignores a signal that arrives before its trap is set. */
const isReady = (id: string) => run((containers) => containers.waitUntil(id, { log: "ready" }))

const sleeper = async (more: Partial<ContainerSpec> = {}): Promise<string> => {
  const id = await created(["sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done"], more)
  await run((containers) => containers.start(id))
  await isReady(id)
  return id
}

const exists = async (id: string) =>
  (await engineRequest(testEngine().endpoint, "GET", `/containers/${id}/json`)).status !== 404

describeEngine("a container that is stopped with a signal", () => {
  it("exits by it, and is killed after the timeout if it ignores it", async () => {
    const id = await created(["sh", "-c", "trap 'exit 7' USR1; trap '' TERM; echo ready; while :; do sleep 0.05; done"])
    const exitCode = async (signal: string) => {
      await run((containers) => containers.start(id))
      await run((containers) => containers.waitUntil(id, { log: "ready" }))
      await run((containers) => containers.stop(id, { signal, timeout: "1 second" }))
      return (await run((containers) => containers.inspect(id))).state.exitCode
    }
    expect(await exitCode("SIGUSR1")).toBe(7)
    expect(await exitCode("SIGTERM")).toBe(137)
  })
})

describeEngine("a container", () => {
  it("is created from its spec, listed and inspected", async () => {
    const name = uniqueName()
    const id = await created(["-c", "exit 0"], {
      name,
      entrypoint: ["sh"],
      environment: { GREETING: "hello = world" },
      labels: testLabels({ purpose: "inspect" }),
      workingDirectory: "/tmp",
      user: "1000",
      tty: true,
      openStdin: true,
      ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "udp", hostIp: "127.0.0.1", hostPort: 15353 }],
      binds: ["/tmp:/host:ro"],
      restart: { policy: "on-failure", maximumRetryCount: 2 },
      log: { driver: "local", options: { "max-size": "1m" } },
      config: { StopTimeout: 3 },
      hostConfig: { Memory: 64 * 1024 * 1024 }
    })
    const details = await run((containers) => containers.inspect(name))
    expect(details).toMatchObject({
      id,
      name,
      image: "busybox:latest",
      imageId: expect.stringMatching(/^sha256:/),
      tty: true,
      logDriver: "local",
      restartCount: 0,
      labels: { purpose: "inspect" },
      state: { status: "created", exitCode: 0, error: "", startedAt: "0001-01-01T00:00:00Z" }
    })
    expect(details.raw).toMatchObject({
      Config: {
        Env: expect.arrayContaining(["GREETING=hello = world"]),
        WorkingDir: "/tmp",
        User: "1000",
        StopTimeout: 3
      },
      HostConfig: {
        Binds: ["/tmp:/host:ro"],
        Memory: 64 * 1024 * 1024,
        RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 },
        PortBindings: { "53/udp": [{ HostIp: "127.0.0.1", HostPort: "15353" }] }
      }
    })
    const filters = { id: [id] }
    expect(await run((containers) => containers.list({ filters }))).toMatchObject([
      { id, names: [name], image: "busybox:latest", state: "created", labels: { purpose: "inspect" } }
    ])
    expect(await run((containers) => containers.list({ filters, all: false }))).toEqual([])
    expect(await failure((containers) => containers.list({ filters: { nonsense: ["x"] } }))).toMatchObject({
      _tag: "InvalidRequest",
      field: "filters"
    })
  })

  it("changes its state with each verb of its lifecycle", async () => {
    const id = await sleeper()
    const state = () => run((containers) => Effect.map(containers.inspect(id), (details) => details.state))
    await run((containers) => containers.start(id))
    expect(await state()).toMatchObject({ status: "running" })
    await run((containers) => containers.pause(id))
    expect(await state()).toMatchObject({ status: "paused" })
    expect(await failure((containers) => containers.pause(id))).toMatchObject({
      _tag: "ContainerStateConflict",
      state: "paused"
    })
    expect(await failure((containers) => containers.start(id))).toMatchObject({ state: "paused" })
    await run((containers) => containers.unpause(id))
    expect(await failure((containers) => containers.unpause(id))).toMatchObject({
      _tag: "ContainerStateConflict",
      state: "unpaused"
    })
    const before = await state()
    await run((containers) => containers.restart(id, { timeout: "5 seconds" }))
    expect((await state()).startedAt > before.startedAt).toBe(true)
    await isReady(id)
    const exit = run((containers) => containers.wait(id, "next-exit"))
    await run((containers) => containers.stop(id, { timeout: "5 seconds" }))
    expect(await run((containers) => containers.wait(id))).toEqual({ exitCode: 5 })
    expect(await exit).toEqual({ exitCode: 5 })
    await run((containers) => containers.stop(id))
    expect(await state()).toMatchObject({ status: "exited", exitCode: 5 })
    expect(await failure((containers) => containers.kill(id))).toMatchObject({
      _tag: "ContainerStateConflict",
      state: "stopped"
    })
    expect(await failure((containers) => containers.pause(id))).toMatchObject({ state: "stopped" })
    await run((containers) => containers.start(id))
    await run((containers) => containers.kill(id))
    expect(await run((containers) => containers.wait(id))).toEqual({ exitCode: 137 })
    const removed = run((containers) => containers.wait(id, "removed"))
    await run((containers) => containers.remove(id, { volumes: true }))
    expect(await removed).toMatchObject({ exitCode: expect.any(Number) })
    expect(await exists(id)).toBe(false)
  })

  it("is removed while running only with force", async () => {
    const id = await sleeper()
    expect(await failure((containers) => containers.remove(id))).toMatchObject({
      _tag: "ContainerStateConflict",
      state: "running",
      containerId: id
    })
    await run((containers) => containers.remove(id, { force: true }))
    expect(await exists(id)).toBe(false)
  })

  it("receives the given signal, and an unknown signal is refused", async () => {
    const id = await sleeper()
    expect(await failure((containers) => containers.kill(id, "SIGNONSENSE"))).toMatchObject({
      _tag: "InvalidRequest",
      field: "signal",
      value: "SIGNONSENSE"
    })
    await run((containers) => containers.kill(id, "SIGTERM"))
    expect(await run((containers) => containers.wait(id))).toEqual({ exitCode: 5 })
  })

  it("is ContainerNotFound for every verb if it does not or cannot exist", async () => {
    for (const id of ["dockwire-no-such-container", "../../images/json", "x?force=1", ""]) {
      const verbs: ReadonlyArray<(containers: ContainersShape) => Effect.Effect<unknown, { readonly _tag: string }>> = [
        (containers) => containers.inspect(id),
        (containers) => containers.start(id),
        (containers) => containers.stop(id),
        (containers) => containers.restart(id),
        (containers) => containers.kill(id),
        (containers) => containers.pause(id),
        (containers) => containers.unpause(id),
        (containers) => containers.remove(id),
        (containers) => containers.wait(id)
      ]
      for (const verb of verbs) {
        expect(await failure(verb), verb.toString()).toMatchObject({ _tag: "ContainerNotFound", containerId: id })
      }
    }
  })
})

describeEngine("an invalid container", () => {
  it("is refused because of its name, its image or its spec", async () => {
    const name = uniqueName()
    await created(["true"], { name })
    const create = (more: Partial<ContainerSpec>) => failure((containers) => containers.create(spec(["true"], more)))
    expect(await create({ name })).toMatchObject({ _tag: "NameConflict", name })
    expect(await create({ image: "dockwire-no-such-image:1" })).toMatchObject({
      _tag: "ImageNotFound",
      image: "dockwire-no-such-image:1"
    })
    for (const more of [
      { name: "not valid!" },
      { image: "" },
      { image: "-x" },
      { ports: [{ containerPort: 0 }] },
      { ports: [{ containerPort: 80, hostPort: 70_000 }] },
      { ports: [{ containerPort: 1.5 }] },
      { binds: ["relative:/x:y:z"] },
      { log: { driver: "json-file", options: { nonsense: "much" } } },
      { hostConfig: { Memory: 1 } },
      { restart: { policy: "always" as const }, autoRemove: true }
    ]) {
      const { _tag, message } = await create(more)
      expect(_tag, `${JSON.stringify(more)}: ${message}`).toBe("InvalidRequest")
    }
  })

  it("cannot start if another container or a process on the host uses its port", async () => {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    onTestFinished(() => void server.close())
    const address = server.address()
    const taken = typeof address === "object" ? (address?.port ?? 0) : 0
    const port = (hostPort?: number) => ({
      ports: [{ containerPort: 80, hostIp: "127.0.0.1", ...(hostPort === undefined ? {} : { hostPort }) }]
    })
    const byProcess = await created(["sleep", "60"], port(taken))
    expect(await failure((containers) => containers.start(byProcess))).toMatchObject({
      _tag: "PortAllocated",
      containerId: byProcess,
      address: `127.0.0.1:${taken}`
    })
    const holder = await sleeper(port())
    const [held] = await run((containers) => containers.list({ filters: { id: [holder] } }))
    const [published] = held?.ports ?? []
    expect(published).toMatchObject({
      ip: "127.0.0.1",
      privatePort: 80,
      protocol: "tcp",
      publicPort: expect.any(Number)
    })
    const byContainer = await created(["sleep", "60"], port(published?.publicPort ?? 0))
    expect(await failure((containers) => containers.start(byContainer))).toMatchObject({
      _tag: "PortAllocated",
      address: `127.0.0.1:${published?.publicPort}`
    })
    expect(await failure((containers) => containers.restart(byContainer))).toMatchObject({ _tag: "PortAllocated" })
  })

  it.each([
    ["command", { command: ["/no/such/command"] }, "/no/such/command"],
    ["command", { command: ["nope"] }, "executable file not found"],
    ["command", { command: ["/etc"] }, "permission denied"],
    ["command", { command: ["network tool"] }, "executable file not found"],
    ["user", { user: "nobody-at-all" }, "nobody-at-all"],
    ["network", { network: "dockwire-no-network" }, "dockwire-no-network"],
    ["network", { network: "container:dockwire-nobody" }, "dockwire-nobody"],
    ["mounts", { binds: ["/etc/passwd:/etc"] }, "not a directory"],
    ["devices", { hostConfig: { Devices: [{ PathOnHost: "/dev/nope", PathInContainer: "/dev/nope" }] } }, "/dev/nope"]
  ] as const)("cannot start because of its %s: %j", async (setting, more, words) => {
    const id = await created(["true"], more)
    for (const verb of ["start", "restart"] as const) {
      expect(await failure((containers) => containers[verb](id))).toMatchObject({
        _tag: "ContainerStateConflict",
        containerId: id,
        state: "misconfigured",
        setting,
        detail: expect.stringContaining(words)
      })
    }
    const scoped = await failure((containers) => Effect.scoped(containers.scoped(spec(["true"], more))))
    expect(scoped).toMatchObject({ _tag: "InvalidRequest", field: setting, detail: expect.stringContaining(words) })
  })

  it("cannot start if a volume cannot be mounted", async () => {
    const name = uniqueName()
    const options = { type: "none", o: "bind", device: "/no/such/folder" }
    const body = { Name: name, DriverOpts: options, Labels: testLabels() }
    await engineCall(testEngine().endpoint, "POST", "/volumes/create", body)
    onTestFinished(async () => void (await engineRequest(testEngine().endpoint, "DELETE", `/volumes/${name}`)))
    const id = await created(["true"], { binds: [`${name}:/data`] })
    const error = await failure((containers) => containers.start(id))
    await engineCall(testEngine().endpoint, "DELETE", `/containers/${id}?v=1`)
    expect(error).toMatchObject({
      _tag: "ContainerStateConflict",
      state: "misconfigured",
      setting: "mounts",
      detail: expect.stringContaining("/no/such/folder")
    })
  })
})

it.each([
  'driver failed programming external connectivity on endpoint web (f428): exec: "docker-proxy": executable file not found in $PATH',
  'OCI runtime create failed: exec: "nvidia-container-runtime-hook": executable file not found in $PATH: unknown',
  'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error mounting "proc" to rootfs at "/proc": mount proc:/proc (via /proc/self/fd/6), flags: 0xe: operation not permitted: unknown',
  "unable to find user 0: read /var/lib/docker/overlay2/978a/merged/etc/passwd: is a directory"
])("a container is not misconfigured if its engine lacks something: %s", async (words) => {
  const program = Effect.gen(function* () {
    yield* (yield* MemoryEngine).refuse({ path: "/containers/*/start" }, 500, words)
    return yield* (yield* Containers).start("web")
  })
  const engine = MemoryEngine.layer({ containers: [{ name: "web", image: "busybox" }] })
  const layer = Containers.layer.pipe(Layer.provideMerge(engine))
  expect(await failureWith(layer, program)).toMatchObject({ _tag: "EngineError", status: 500, detail: words })
})

describeEngine("a list of containers", () => {
  it.each([{ before: ["dockwire-nobody"] }, { since: ["dockwire-nobody"] }, { publish: ["x"] }, { expose: ["x"] }])(
    "is an invalid request if a filter cannot be resolved: %j",
    async (filters) => {
      expect(await failure((containers) => containers.list({ filters }))).toMatchObject({
        _tag: "InvalidRequest",
        field: "filters",
        value: JSON.stringify(filters)
      })
    }
  )
})

describeEngine("a container that ignores SIGTERM", () => {
  it("is killed after the given timeout, converted to the engine's format, and never with an infinite one", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    onTestFinished(proxy.close)
    const asked = async (timeout: Duration.DurationInput) => {
      for (const verb of ["stop", "restart"] as const) {
        const attempt = using<void, object, never>((containers) => containers[verb]("dockwire-nobody", { timeout }))
        expect(await failureOf(proxy.endpoint, attempt)).toMatchObject({ _tag: "ContainerNotFound" })
      }
      const [restart, stop] = [proxy.requests.at(-1), proxy.requests.at(-2)]
      expect(restart?.split("?")[1]).toBe(stop?.split("?")[1])
      return stop?.split("?")[1]
    }
    for (const forever of [
      Duration.infinity,
      Number.POSITIVE_INFINITY,
      "-1 seconds",
      -1,
      -1n,
      [-1, 0],
      Duration.days(365 * 293),
      Number.MAX_VALUE
    ] as const) {
      expect(await asked(forever), String(forever)).toBe("t=-1")
    }
    expect(await asked(0)).toBe("t=0")
    expect(await asked(Duration.zero)).toBe("t=0")
    expect(await asked("1 millis")).toBe("t=1")
    expect(await asked("1500 millis")).toBe("t=2")
    expect(await asked("1 hour")).toBe("t=3600")
    expect(await asked(Duration.days(365 * 290))).toBe("t=9145440000")

    const deaf = await created(["sh", "-c", "trap : TERM; while :; do sleep 0.1; done"], { config: { StopTimeout: 1 } })
    await run((containers) => containers.start(deaf))
    const stopped = run((containers) => containers.stop(deaf, { timeout: Duration.infinity }))
    const first = await Promise.race([stopped.then(() => "stopped"), sleep(3_000, "still there")])
    expect(first).toBe("still there")
    await run((containers) => containers.kill(deaf))
    await stopped
  })
})

describeEngine("a scoped container", () => {
  it("runs until its scope closes, and is removed after success, failure and a defect", async () => {
    for (const end of [Effect.void, Effect.fail("failure"), Effect.die("defect")]) {
      let id = ""
      const exit = await run((containers) =>
        Effect.scoped(
          Effect.gen(function* () {
            id = (yield* containers.scoped(spec(["sleep", "600"]))).id
            expect((yield* containers.inspect(id)).state.status).toBe("running")
            yield* end
          })
        ).pipe(Effect.exit)
      )
      expect(Exit.isSuccess(exit)).toBe(end === Effect.void)
      expect(id).not.toBe("")
      expect(await exists(id)).toBe(false)
    }
  })

  it("is removed when interrupted at any time", async () => {
    for (const wait of [0, 5, 30, 80, 200, 400]) {
      const name = uniqueName("scoped")
      await run((containers) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(
            Effect.scoped(Effect.zipRight(containers.scoped(spec(["sleep", "600"], { name })), Effect.never))
          )
          yield* Effect.sleep(wait)
          yield* Fiber.interrupt(fiber)
        })
      )
      // On a busy machine, the interrupt may not wait for the removal.
      await eventually(() => exists(name)).toBe(false)
    }
  })

  it("is removed if it cannot start, and its scope closes without a failure if it is already gone", async () => {
    const name = uniqueName("scoped")
    const error = await failure((containers) => Effect.scoped(containers.scoped(spec(["/no/such/command"], { name }))))
    expect(error).toMatchObject({ _tag: "InvalidRequest", field: "command", value: "/no/such/command" })
    expect(await exists(name)).toBe(false)
    await run((containers) =>
      Effect.scoped(
        Effect.flatMap(containers.scoped(spec(["sleep", "600"])), ({ id }) => containers.remove(id, { force: true }))
      )
    )
  })

  it("does not keep its scope from closing if the engine is gone", async () => {
    const unhandled: Array<unknown> = []
    const onUnhandled = (error: unknown) => void unhandled.push(error)
    process.on("unhandledRejection", onUnhandled)
    onTestFinished(() => void process.off("unhandledRejection", onUnhandled))
    const proxy = await startCuttingProxy(testEngine().endpoint)
    const name = uniqueName("scoped")
    onTestFinished(
      async () => void (await engineRequest(testEngine().endpoint, "DELETE", `/containers/${name}?force=1`))
    )
    await runCore(
      proxy.endpoint,
      Effect.gen(function* () {
        const containers = yield* Containers
        const scope = yield* Scope.make()
        yield* Scope.extend(containers.scoped(spec(["sleep", "600"], { name })), scope)
        const done = yield* Deferred.make<void>()
        const waiting = yield* Effect.fork(Effect.flip(containers.wait(name)))
        yield* Effect.promise(() => eventually(() => proxy.requests.at(-1)).toContain("/wait"))
        yield* Effect.promise(() => proxy.close())
        expect(yield* Fiber.join(waiting)).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
        yield* Effect.fork(Effect.zipRight(Scope.close(scope, Exit.void), Deferred.succeed(done, undefined)))
        yield* Deferred.await(done)
      })
    )
    expect(await exists(name)).toBe(true)
    expect(unhandled).toEqual([])
  })
})
