import { Docker, EngineUnavailable, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { startEngineForwarder, type EngineForwarder } from "../../engine/engineForwarder.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { makeTestCertificates, type TestCertificates } from "../../engine/testCertificates.js"
import { startTestContainer, type TestContainer } from "../../engine/testContainer.js"
import { failureWith, interruptionTime, runWith } from "../runWith.js"
import { tickingCommand, tryWay, wayServices, wayWorks } from "./wayToEngine.js"

const ping = Effect.flatMap(Docker, (docker) => docker.json({ method: "GET", path: "/_ping" }))
const forever = (id: string) => Effect.flatMap(Logs, (logs) => Stream.runDrain(logs.follow(id)))

describeEngine("an engine over TCP", () => {
  let container: TestContainer
  let certificates: TestCertificates
  let others: TestCertificates
  let forwarder: EngineForwarder
  beforeAll(async () => {
    container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: tickingCommand })
    ;[certificates, others] = await Promise.all([makeTestCertificates(), makeTestCertificates()])
    const { ca, server } = certificates
    const tls = { ...server, ca, requestCert: true, rejectUnauthorized: true }
    forwarder = await startEngineForwarder(testEngine().endpoint, { tls })
  })
  afterAll(async () => {
    await forwarder?.stop()
    await container?.remove()
  })

  const secure = (
    host = "127.0.0.1",
    options: {
      readonly ca?: string
      readonly client?: TestCertificates["client"] | null
      readonly verify?: boolean
    } = {}
  ) => {
    const client = options.client === undefined ? certificates.client : options.client
    return Docker.layer({
      endpoint: `tcp://${host}:${forwarder.port}`,
      tls: {
        ca: options.ca ?? certificates.ca,
        ...(client === null ? {} : { cert: client.cert, key: Redacted.make(client.key) }),
        ...(options.verify === undefined ? {} : { verify: options.verify })
      }
    })
  }
  const ways = (docker: ReturnType<typeof Docker.layer>) => wayServices.pipe(Layer.provideMerge(docker))

  it("is used in every manner, plain", async () => {
    const plain = await startEngineForwarder(testEngine().endpoint)
    onTestFinished(plain.stop)
    const layer = ways(Docker.layer({ endpoint: `tcp://127.0.0.1:${plain.port}` }))
    expect(await runWith(layer, tryWay(container.id))).toEqual(wayWorks)
    expect(await interruptionTime(layer, forever(container.id))).toBeLessThan(1_000)
  })

  it("is found by an IPv6 address and by http://", async () => {
    const plain = await startEngineForwarder(testEngine().endpoint, { host: "::1" })
    onTestFinished(plain.stop)
    for (const scheme of ["tcp", "http"]) {
      const layer = Docker.layer({ endpoint: `${scheme}://[::1]:${plain.port}` })
      expect(await runWith(layer, ping)).toMatchObject({ status: 200, body: "OK" })
    }
  })

  it("is used in every manner over TLS, with a client's certificate", async () => {
    const before = forwarder.connections()
    expect(await runWith(ways(secure()), tryWay(container.id))).toEqual(wayWorks)
    // Connections are kept: there are fewer than requests.
    expect(forwarder.connections() - before).toBeLessThan(14)
    expect(await runWith(secure("localhost"), ping)).toMatchObject({ status: 200 })
    expect(await interruptionTime(ways(secure()), forever(container.id))).toBeLessThan(1_000)
  })

  it("is refused when its certificate is of another authority, and says so", async () => {
    const error = await failureWith(secure("127.0.0.1", { ca: others.ca }), ping)
    expect(error).toBeInstanceOf(EngineUnavailable)
    expect(error).toMatchObject({ reason: "PermissionDenied", endpoint: `tcp://127.0.0.1:${forwarder.port}` })
    expect(error.message).toMatch(/certificate/)
    // No authority of its own: the system's, which don't know it either.
    const endpoint = `https://127.0.0.1:${forwarder.port}`
    expect(await failureWith(Docker.layer({ endpoint }), ping)).toMatchObject({ reason: "PermissionDenied" })
  })

  it("is refused when its certificate is for another name", async () => {
    const error = await failureWith(secure("127.0.0.2"), ping)
    // Nothing listens there, where the loopback has only one address.
    expect(["PermissionDenied", "Refused"]).toContain(error._tag === "EngineUnavailable" ? error.reason : error._tag)
  })

  it("refuses a client without a certificate, or with one of another authority, and says so", async () => {
    const withoutOne = await failureWith(secure("127.0.0.1", { client: null }), ping)
    expect(withoutOne).toMatchObject({ _tag: "EngineUnavailable", reason: "PermissionDenied" })
    expect(withoutOne.message).toMatch(/TLS: .*certificate required/)

    // A server of Node hangs up on the second without a word; an engine's says why, as this one does.
    const folder = await mkdtemp(join(tmpdir(), "dockwire-tls-"))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, "ca.pem"), certificates.ca)
    await writeFile(join(folder, "server.pem"), `${certificates.server.cert}${certificates.server.key}`)
    const words = ["s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-CAfile", "ca.pem"]
    const server = spawn("openssl", [...words, "-Verify", "1", "-verify_return_error"], { cwd: folder })
    onTestFinished(() => void server.kill("SIGKILL"))
    server.stdin.on("error", () => {})
    const port = await new Promise<number>((resolve) => {
      server.stdout.on("data", (chunk: Buffer) => {
        const address = /ACCEPT \S+:(\d+)/.exec(chunk.toString("utf8"))
        if (address !== null) resolve(Number(address[1]))
      })
    })
    const layer = Docker.layer({
      endpoint: `tcp://127.0.0.1:${port}`,
      tls: { ca: certificates.ca, cert: others.client.cert, key: Redacted.make(others.client.key) }
    })
    const stranger = await failureWith(layer, ping)
    expect(stranger).toMatchObject({ _tag: "EngineUnavailable", reason: "PermissionDenied" })
    expect(stranger.message).toMatch(/TLS: .*unknown ca/)
    expect(JSON.stringify(stranger)).not.toContain("PRIVATE KEY")
  })

  it("is not checked when it is asked not to be", async () => {
    const layer = secure("127.0.0.1", { ca: others.ca, verify: false })
    expect(await runWith(layer, ping)).toMatchObject({ status: 200, body: "OK" })
  })

  it("is told apart from a port that speaks no TLS, or nothing at all", async () => {
    const plain = await startEngineForwarder(testEngine().endpoint)
    onTestFinished(plain.stop)
    const layer = Docker.layer({ endpoint: `tcp://127.0.0.1:${plain.port}`, tls: { ca: certificates.ca } })
    expect(await failureWith(layer, ping)).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    // TLS, where plain HTTP is spoken to it.
    expect(await failureWith(Docker.layer({ endpoint: `tcp://127.0.0.1:${forwarder.port}` }), ping)).toMatchObject({
      _tag: "EngineUnavailable"
    })

    const silent = createServer(() => {}).listen(0, "127.0.0.1")
    await once(silent, "listening")
    onTestFinished(() => void silent.close())
    const address = silent.address()
    const port = address !== null && typeof address === "object" ? address.port : 0
    const waiting = Docker.layer({
      endpoint: `tcp://127.0.0.1:${port}`,
      tls: { ca: certificates.ca },
      connectTimeout: "300 millis"
    })
    expect(await failureWith(waiting, ping)).toMatchObject({ _tag: "EngineUnavailable", reason: "TimedOut" })
  })

  it("says Refused where nothing listens, and NotFound where there is no such host", async () => {
    const closed = await startEngineForwarder(testEngine().endpoint)
    await closed.stop()
    const endpoint = `tcp://127.0.0.1:${closed.port}`
    expect(await failureWith(Docker.layer({ endpoint }), ping)).toMatchObject({ reason: "Refused", endpoint })
    const nowhere = Docker.layer({ endpoint: "tcp://no-such-host.invalid:2375" })
    expect(await failureWith(nowhere, ping)).toMatchObject({ reason: "NotFound" })
  })

  it("is Lost when the way to it is cut in mid-stream", async () => {
    const plain = await startEngineForwarder(testEngine().endpoint)
    const layer = ways(Docker.layer({ endpoint: `tcp://127.0.0.1:${plain.port}` }))
    const read = Effect.flatMap(Logs, (logs) => Stream.runDrain(logs.read(container.id, { follow: true })))
    const failed = failureWith(layer, read)
    setTimeout(() => void plain.stop(), 500)
    expect(await failed).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
  })

  it("takes nothing from the environment that was not asked for", async () => {
    const { DOCKER_CERT_PATH, DOCKER_HOST } = process.env
    onTestFinished(() => {
      for (const [name, value] of Object.entries({ DOCKER_CERT_PATH, DOCKER_HOST })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    })
    process.env["DOCKER_HOST"] = "tcp://127.0.0.1:1"
    process.env["DOCKER_CERT_PATH"] = "/nowhere"
    expect(await runWith(Docker.layer({ endpoint: testEngine().endpoint }), ping)).toMatchObject({ status: 200 })
    expect(await runWith(secure(), ping)).toMatchObject({ status: 200 })
    expect(process.env["DOCKER_HOST"]).toBe("tcp://127.0.0.1:1")
  })
})
