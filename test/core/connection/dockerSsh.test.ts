import { Docker, Logs } from "@dockwire/core"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { delimiter } from "node:path"
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from "vitest"
import { describeKillableEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../../engine/testContainer.js"
import { startTestSshServer, type TestSshServer } from "../../engine/testSshServer.js"
import { failureWith, interruptionTime, runWith } from "../runWith.js"
import { tickingCommand, useEngine, engineServices, expectedUse } from "./useEngine.js"

const ping = Effect.flatMap(Docker, (docker) => docker.json({ method: "GET", path: "/_ping" }))
const forever = (id: string) => (begun: Effect.Effect<void>) =>
  Effect.flatMap(Logs, (logs) => Stream.runForEach(logs.follow(id), () => begun))

// Like the killable engine, the server is installed from Debian packages and requires root.
describeKillableEngine("an engine over ssh", () => {
  let container: TestContainer
  let server: TestSshServer
  const machinePath = process.env["PATH"] ?? ""
  const withClient = (folder: string) => {
    process.env["PATH"] = [folder, machinePath].join(delimiter)
  }
  beforeAll(async () => {
    server = await startTestSshServer(testEngine().endpoint)
    container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: tickingCommand })
  })
  afterEach(() => {
    process.env["PATH"] = machinePath
  })
  afterAll(async () => {
    await server?.stop()
    await container?.remove()
  })
  const docker = (host = "127.0.0.1", port = server.port) =>
    Docker.layer({ endpoint: `ssh://${server.user}@${host}:${port}` })

  it("supports every kind of request", async () => {
    withClient(server.path)
    const layer = engineServices.pipe(Layer.provideMerge(docker()))
    expect(await runWith(layer, useEngine(container.id))).toEqual(expectedUse)
    expect(await interruptionTime(layer, forever(container.id))).toBeLessThan(1_000)
  })

  it("keeps the process alive only while a request is in progress", async () => {
    withClient(server.path)
    const core = new URL("../../../packages/core/src/index.ts", import.meta.url).href
    // Not disposed: the connection of the first request is kept for the next.
    const program = `
      import { Docker } from ${JSON.stringify(core)}
      import { Effect, ManagedRuntime } from "effect"
      const runtime = ManagedRuntime.make(Docker.layer({ endpoint: "ssh://${server.user}@127.0.0.1:${server.port}" }))
      const ask = (method, path) => runtime.runPromise(Effect.flatMap(Docker, (docker) => docker.json({ method, path })))
      const { body } = await ask("GET", "/_ping")
      // Only this request, on the kept connection, keeps the process alive.
      const waited = await ask("POST", "/containers/" + process.env.WAITED + "/wait")
      process.stdout.write(JSON.stringify({ body, waited: waited.body.StatusCode, at: Date.now() }))`
    const waited = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sh", "-c", "sleep 3; exit 5"] })
    onTestFinished(waited.remove)
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
      env: { ...process.env, WAITED: waited.id },
      stdio: ["ignore", "pipe", "inherit"]
    })
    onTestFinished(() => void child.kill("SIGKILL"))
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
    const [code]: ReadonlyArray<unknown> = await once(child, "close")
    const ended = Date.now()
    expect(code).toBe(0)
    const { at, ...answers } = Object(JSON.parse(output))
    expect(answers).toEqual({ body: "OK", waited: 5 })
    expect(ended - at).toBeLessThan(1_000)
  })

  it("rejects an unknown key", async () => {
    withClient(server.strangerPath)
    const error = await failureWith(docker(), ping)
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "PermissionDenied" })
    expect(error.message).toContain("Permission denied (publickey)")
  })

  it("is not used if its host key is not the known one", async () => {
    withClient(server.distrustingPath)
    const error = await failureWith(docker(), ping)
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "PermissionDenied" })
    expect(error.message).toContain("Host key verification failed")
  })

  it("is Refused if no ssh server listens, and NotFound if there is no such host or no ssh command", async () => {
    withClient(server.path)
    expect(await failureWith(docker("127.0.0.1", 1), ping)).toMatchObject({
      _tag: "EngineUnavailable",
      reason: "Refused",
      endpoint: "ssh://root@127.0.0.1:1"
    })
    expect(await failureWith(docker("no-such-host.invalid"), ping)).toMatchObject({ reason: "NotFound" })
    process.env["PATH"] = "/nowhere"
    const missing = await failureWith(docker(), ping)
    expect(missing).toMatchObject({ _tag: "EngineUnavailable", reason: "NotFound" })
    expect(missing.message).toContain("the ssh command could not be started: spawn ssh ENOENT")
  })

  it("is NotFound if ssh works but the docker CLI on the host finds no engine", async () => {
    const elsewhere = await startTestSshServer("unix:///nowhere/docker.sock")
    onTestFinished(elsewhere.stop)
    withClient(elsewhere.path)
    const error = await failureWith(docker("127.0.0.1", elsewhere.port), ping)
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "NotFound" })
  })

  it("answers many requests at once through a server that allows few handshakes", async () => {
    const busy = await startTestSshServer(testEngine().endpoint, 2)
    onTestFinished(busy.stop)
    withClient(busy.path)
    const endpoint = `ssh://${busy.user}@127.0.0.1:${busy.port}`
    const list = Effect.flatMap(Docker, (service) => service.json({ method: "GET", path: "/containers/json?all=true" }))
    const lists = await runWith(
      Docker.layer({ endpoint, connectTimeout: "30 seconds" }),
      Effect.all(
        Array.from({ length: 30 }, () => list),
        { concurrency: "unbounded" }
      )
    )
    console.log(`30 lists: ${busy.logins()} logins, ${busy.drops()} connections dropped`)
    expect(lists.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200))
    expect(busy.drops()).toBeGreaterThan(0)
    expect(busy.logins()).toBeLessThan(30)
  })

  it("reports what ssh printed, if the server refuses every handshake", async () => {
    const closing = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void closing.close())
    const address = closing.address()
    const port = typeof address === "object" ? address?.port : undefined
    withClient(server.path)
    const error = await failureWith(
      Docker.layer({ endpoint: `ssh://root@127.0.0.1:${port}`, connectTimeout: "1 second" }),
      ping
    )
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "Refused" })
    expect(error.message).toMatch(
      /the ssh server closed \d+ connections before they were open within 1s: .*(reset|closed)/i
    )
  })

  it("is TimedOut if the server does not answer", async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void silent.close())
    const address = silent.address()
    const port = typeof address === "object" ? address?.port : undefined
    withClient(server.path)
    const start = performance.now()
    const error = await failureWith(
      Docker.layer({ endpoint: `ssh://root@127.0.0.1:${port}`, connectTimeout: "500 millis" }),
      ping
    )
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "TimedOut" })
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it("is Lost if the server exits in the middle of a stream", async () => {
    const mortal = await startTestSshServer(testEngine().endpoint)
    withClient(mortal.path)
    const layer = engineServices.pipe(Layer.provideMerge(docker("127.0.0.1", mortal.port)))
    const opened = Effect.runSync(Deferred.make<void>())
    const read = Effect.flatMap(Logs, (logs) =>
      Stream.runForEach(logs.read(container.id, { follow: true }), () => Deferred.succeed(opened, undefined))
    )
    const failed = failureWith(layer, read)
    await Effect.runPromise(Deferred.await(opened))
    await mortal.stop()
    expect(await failed).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
  })
})
