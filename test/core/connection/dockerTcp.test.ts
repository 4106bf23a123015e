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
import { tickingCommand, useEngine, engineServices, expectedUse } from "./useEngine.js"

const ping = Effect.flatMap(Docker, (docker) => docker.json({ method: "GET", path: "/_ping" }))
const forever = (id: string) => (begun: Effect.Effect<void>) =>
  Effect.flatMap(Logs, (logs) => Stream.runForEach(logs.follow(id), () => begun))

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
  const ways = (docker: ReturnType<typeof Docker.layer>) => engineServices.pipe(Layer.provideMerge(docker))

  it("supports every kind of request without TLS", async () => {
    const plain = await startEngineForwarder(testEngine().endpoint)
    onTestFinished(plain.stop)
    const layer = ways(Docker.layer({ endpoint: `tcp://127.0.0.1:${plain.port}` }))
    expect(await runWith(layer, useEngine(container.id))).toEqual(expectedUse)
    expect(await interruptionTime(layer, forever(container.id))).toBeLessThan(1_000)
  })

  it("accepts an IPv6 address and http://", async () => {
    const plain = await startEngineForwarder(testEngine().endpoint, { host: "::1" })
    onTestFinished(plain.stop)
    for (const scheme of ["tcp", "http"]) {
      const layer = Docker.layer({ endpoint: `${scheme}://[::1]:${plain.port}` })
      expect(await runWith(layer, ping)).toMatchObject({ status: 200, body: "OK" })
    }
  })

  it("supports every kind of request over TLS with a client certificate", async () => {
    const before = forwarder.connections()
    expect(await runWith(ways(secure()), useEngine(container.id))).toEqual(expectedUse)
    // Connections are reused: there are fewer of them than requests.
    expect(forwarder.connections() - before).toBeLessThan(14)
    expect(await runWith(secure("localhost"), ping)).toMatchObject({ status: 200 })
    expect(await interruptionTime(ways(secure()), forever(container.id))).toBeLessThan(1_000)
  })

  it("is rejected if its certificate is signed by another authority", async () => {
    const error = await failureWith(secure("127.0.0.1", { ca: others.ca }), ping)
    expect(error).toBeInstanceOf(EngineUnavailable)
    expect(error).toMatchObject({ reason: "PermissionDenied", endpoint: `tcp://127.0.0.1:${forwarder.port}` })
    expect(error.message).toMatch(/certificate/)
    // The authorities of the system do not include the one of the test either.
    const endpoint = `https://127.0.0.1:${forwarder.port}`
    expect(await failureWith(Docker.layer({ endpoint }), ping)).toMatchObject({ reason: "PermissionDenied" })
  })

  it("is rejected if its certificate is for another name", async () => {
    const error = await failureWith(secure("127.0.0.2"), ping)
    // On a loopback interface with only one address, nothing listens there.
    expect(["PermissionDenied", "Refused"]).toContain(error._tag === "EngineUnavailable" ? error.reason : error._tag)
  })

  it("rejects a client without a certificate, or with one of another authority", async () => {
    const withoutOne = await failureWith(secure("127.0.0.1", { client: null }), ping)
    expect(withoutOne).toMatchObject({ _tag: "EngineUnavailable", reason: "PermissionDenied" })
    expect(withoutOne.message).toMatch(/TLS: .*certificate required/)

    // A Node server rejects the second without an alert. An engine sends one, as this server does.
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

  it("is not verified if the options say so", async () => {
    const layer = secure("127.0.0.1", { ca: others.ca, verify: false })
    expect(await runWith(layer, ping)).toMatchObject({ status: 200, body: "OK" })
  })

  it("is distinguished from a port without TLS, and from one that never responds", async () => {
    const plain = await startEngineForwarder(testEngine().endpoint)
    onTestFinished(plain.stop)
    const layer = Docker.layer({ endpoint: `tcp://127.0.0.1:${plain.port}`, tls: { ca: certificates.ca } })
    expect(await failureWith(layer, ping)).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    // Plain HTTP to a port with TLS.
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

  it("is Refused if nothing listens, and NotFound if there is no such host", async () => {
    const closed = await startEngineForwarder(testEngine().endpoint)
    await closed.stop()
    const endpoint = `tcp://127.0.0.1:${closed.port}`
    expect(await failureWith(Docker.layer({ endpoint }), ping)).toMatchObject({ reason: "Refused", endpoint })
    const nowhere = Docker.layer({ endpoint: "tcp://no-such-host.invalid:2375" })
    expect(await failureWith(nowhere, ping)).toMatchObject({ reason: "NotFound" })
  })

  it("is Lost if the connection is cut in the middle of a stream", async () => {
    const plain = await startEngineForwarder(testEngine().endpoint)
    const layer = ways(Docker.layer({ endpoint: `tcp://127.0.0.1:${plain.port}` }))
    // The first line shows that the stream is open.
    const stop = Effect.sync(() => void plain.stop())
    const read = Effect.flatMap(Logs, (logs) =>
      Stream.runForEach(logs.read(container.id, { follow: true }), () => stop)
    )
    expect(await failureWith(layer, read)).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
  })

  it("takes no settings from the environment", async () => {
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
