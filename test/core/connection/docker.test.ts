import { Containers, Docker, type DockerFailure, type DockerOptions } from "@dockwire/core"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { eventually } from "../eventually.js"
import { failureOf, runCore } from "../runCore.js"

const ping = Effect.flatMap(Docker, (docker) => docker.json({ method: "GET", path: "/_ping" }))
const failure = (options: DockerOptions) => failureOf(options, ping)

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), "dockwire-core-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Starts a TCP server that passes each connection to `onConnection`. */
const serverOf = async (onConnection: (socket: Socket) => void): Promise<{ endpoint: string; server: Server }> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {})
    onConnection(socket)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return { endpoint: `tcp://127.0.0.1:${typeof address === "object" ? address?.port : ""}`, server }
}

const endpointOf = (host: string | undefined) =>
  Effect.map(Docker, (docker) => docker.endpoint).pipe(
    Effect.provide(Docker.layerConfig),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(host === undefined ? [] : [["DOCKER_HOST", host]])))
  )

describe("the endpoint", () => {
  it("is DOCKER_HOST, or the default of the docker CLI", async () => {
    const standard = "unix:///var/run/docker.sock"
    for (const host of [undefined, "", "  "]) expect(await Effect.runPromise(endpointOf(host))).toBe(standard)
    for (const host of [
      "unix:///run/user/1000/docker.sock",
      "tcp://127.0.0.1:2375",
      "tcp://engine",
      "http://h:1/"
    ].concat(["tcp://[::1]:2375"])) {
      expect(await Effect.runPromise(endpointOf(host))).toBe(host)
    }
    expect(await Effect.runPromise(endpointOf(" tcp://engine:2375\n"))).toBe("tcp://engine:2375")
  })

  it("is rejected if it is invalid, and the error names it", async () => {
    for (const host of [
      "garbage",
      "/var/run/docker.sock",
      "unix://relative",
      "unix://",
      "ssh://",
      "ssh://-oProxyCommand=touch%20x",
      "ssh://host/path",
      "npipe:////./p"
    ]
      .concat(["tcp://", "tcp://host:0", "tcp://host:99999", "tcp://host:port", "tcp://a b", "https://", "fd://"])
      .concat(["tcp://host/path", "tcp://user@host", "tcp://host:1?x=1", "unix:///a\0b"])) {
      expect(await Effect.runPromise(Effect.flip(endpointOf(host))), host).toMatchObject({
        _tag: "InvalidRequest",
        value: host
      })
    }
  })

  it("is not taken from the environment if the options name one", async () => {
    onTestFinished(() => void vi.unstubAllEnvs())
    vi.stubEnv("DOCKER_HOST", "tcp://nowhere.invalid:1")
    vi.stubEnv("DOCKER_CLIENT_TIMEOUT", "1")
    const { endpoint } = await serverOf((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"))
    expect((await runCore(endpoint, ping)).status).toBe(200)
  })
})

describe("an unreachable engine", () => {
  it("is NotFound if there is no such socket or host", async () => {
    expect(await failure({ endpoint: "unix:///nowhere/docker.sock" })).toMatchObject({
      _tag: "EngineUnavailable",
      reason: "NotFound",
      endpoint: "unix:///nowhere/docker.sock"
    })
    expect(await failure({ endpoint: "tcp://nowhere.invalid:2375" })).toMatchObject({ reason: "NotFound" })
  })

  it("is Refused if the socket was left by a dead engine, if the path is not a socket, and if nothing listens on the port", async () => {
    const path = join(await folder(), "docker.sock")
    const child = spawn(process.execPath, [
      "-e",
      `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
    ])
    await once(child, "exit")
    expect(await failure({ endpoint: `unix://${path}` })).toMatchObject({ reason: "Refused" })
    const file = join(await folder(), "file")
    await writeFile(file, "")
    expect(await failure({ endpoint: `unix://${file}` })).toMatchObject({ reason: "Refused" })
    const { endpoint, server } = await serverOf(() => {})
    server.close()
    await once(server, "close")
    expect(await failure({ endpoint })).toMatchObject({ reason: "Refused", endpoint })
  })

  it("is TimedOut if it accepts but never responds, or stops in the middle of a response", async () => {
    let closed = 0
    const silent = await serverOf((socket) => {
      socket.resume()
      socket.on("close", () => closed++)
    })
    const error = await failure({ endpoint: silent.endpoint, requestTimeout: "200 millis" })
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "TimedOut", endpoint: silent.endpoint })
    await eventually(() => closed).toBe(1)
    const half = await serverOf((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"))
    expect(await failure({ endpoint: half.endpoint, requestTimeout: "200 millis" })).toMatchObject({
      reason: "TimedOut"
    })
    const stream = Effect.flatMap(Docker, (docker) =>
      Effect.scoped(docker.stream({ method: "GET", path: "/events", timeout: "200 millis" }))
    )
    expect(await failureOf(silent.endpoint, stream)).toMatchObject({ reason: "TimedOut" })
  })

  it("is TimedOut if no connection can be established", async () => {
    // A stopped process with a full backlog: the kernel drops further connections.
    const child = spawn(process.execPath, [
      "-e",
      `const s = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
        console.log(s.address().port); setTimeout(() => process.kill(process.pid, "SIGSTOP"), 50) })`
    ])
    onTestFinished(() => void child.kill("SIGKILL"))
    const [data]: ReadonlyArray<unknown> = await once(child.stdout, "data")
    const port = Number(String(data))
    await eventually(async () => {
      return (await readFile(`/proc/${child.pid}/stat`, "utf8")).split(" ")[2]
    }).toBe("T")
    const fillers = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}))
    onTestFinished(() => fillers.forEach((filler) => void filler.destroy()))
    await eventually(() => fillers.filter((filler) => !filler.connecting).length).toBeGreaterThanOrEqual(2)
    const error = await failure({ endpoint: `tcp://127.0.0.1:${port}`, connectTimeout: "300 millis" })
    expect(error).toMatchObject({ reason: "TimedOut", detail: "could not connect within 300 ms" })
  })

  it("is Lost if it hangs up before or in its response; a stream emits what has arrived first", async () => {
    for (const answer of ["", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"]) {
      const { endpoint } = await serverOf((socket) => socket.once("data", () => socket.end(answer)))
      expect(await failure({ endpoint }), answer).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    }
    const { endpoint } = await serverOf((socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"))
    )
    let received = ""
    const stream = Effect.scoped(
      Effect.flatMap(Docker, (docker) => docker.stream({ method: "GET", path: "/x" })).pipe(
        Effect.flatMap(({ body }) =>
          Stream.runForEach(body, (bytes) => Effect.sync(() => void (received += Buffer.from(bytes).toString())))
        )
      )
    )
    expect(await failureOf(endpoint, stream)).toMatchObject({ reason: "Lost" })
    expect(received).toBe("some")
  })

  it("fails with a typed error if the responses are not those of an engine", async () => {
    const list = Effect.flatMap(Containers, (containers) => containers.list())
    for (const body of ["", "not json", "{}", '[{"Id":5}]', "null"]) {
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      const { endpoint } = await serverOf((socket) => socket.once("data", () => socket.end(answer)))
      expect(await failureOf(endpoint, list), body).toMatchObject({ _tag: "EngineError", status: 200 })
    }
    const { endpoint } = await serverOf((socket) => socket.once("data", () => socket.end("SSH-2.0-OpenSSH_9.2\r\n")))
    expect(await failureOf(endpoint, list)).toMatchObject({ _tag: "EngineUnavailable" })
    const broken = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 14\r\n\r\n<html>no</html"
    const web = await serverOf((socket) => socket.once("data", () => socket.end(broken)))
    expect(await failureOf(web.endpoint, list)).toMatchObject({
      _tag: "EngineError",
      status: 500,
      detail: "<html>no</html"
    })
  })
})

describe("a connection that is not upgraded", () => {
  const attempt = Effect.flatMap(Docker, (docker) => Effect.scoped(docker.hijack({ method: "POST", path: "/x" })))
  const flood = (head: string) =>
    serverOf((socket) => {
      const more = () => {
        while (socket.writable && socket.write("x".repeat(65_536)));
      }
      socket.on("drain", more)
      socket.once("data", () => {
        socket.write(`HTTP/1.1 ${head}\r\nConnection: close\r\n\r\n`)
        more()
      })
    })

  it("is an EngineError, whatever the response and however long", async () => {
    const whole = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html>no</html"
    const silent = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n"
    for (const answer of [whole, silent, "HTTP/1.1 204 No Content\r\n\r\n"]) {
      const { endpoint } = await serverOf((socket) => socket.once("data", () => socket.write(answer)))
      expect(await failureOf(endpoint, attempt), answer).toMatchObject({
        _tag: "EngineError",
        request: "POST /x",
        detail:
          "the connection was not upgraded. Check whether a proxy in front of the engine blocks connection upgrades"
      })
    }
    const { endpoint } = await flood("200 OK")
    expect(await failureOf(endpoint, attempt)).toMatchObject({ _tag: "EngineError", status: 200 })
  })

  it("fails with the beginning of an error response that never ends", async () => {
    const { endpoint } = await flood("502 Bad Gateway")
    for (const method of ["hijack", "json", "stream"] as const) {
      const ask = Effect.flatMap(Docker, (docker) =>
        Effect.scoped(
          Effect.asVoid<unknown, DockerFailure, Scope.Scope>(docker[method]({ method: "POST", path: "/x" }))
        )
      )
      expect(await failureOf(endpoint, ask)).toMatchObject({
        _tag: "EngineError",
        status: 502,
        detail: "x".repeat(65_536)
      })
    }
    const silent = await serverOf((socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nsome words"))
    )
    expect(await failureOf(silent.endpoint, attempt)).toMatchObject({ status: 500, detail: "some words" })
  })
})

describe("a request with a body", () => {
  it("sends it as JSON with every method", async () => {
    const received: Array<string> = []
    const { endpoint } = await serverOf((socket) => {
      let text = ""
      socket.on("data", (bytes) => {
        text += bytes.toString()
        if (!text.endsWith('{"a":"é"}') && !text.endsWith("{}")) return
        received.push(text)
        text = ""
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
      })
    })
    for (const method of ["POST", "PUT", "DELETE", "GET"] as const) {
      for (const body of [{ a: "é" }, {}]) {
        const ask = Effect.flatMap(Docker, (docker) => docker.json({ method, path: "/x", body, timeout: "5 seconds" }))
        expect((await runCore(endpoint, ask)).body).toBe("OK")
        const head = received.at(-1)?.split("\r\n\r\n")
        expect(head?.[0]).toMatch(new RegExp(`^${method} /x HTTP/1.1\r\n`))
        expect(head?.[0]).toMatch(/content-type: application\/json/i)
        expect(head?.[0]).toContain(`Content-Length: ${Buffer.byteLength(JSON.stringify(body))}`)
        expect(head?.[1]).toBe(JSON.stringify(body))
      }
    }
  })

  it("is not sent if the body cannot be serialized", async () => {
    const { endpoint } = await serverOf((socket) => socket.destroy())
    const circle: Record<string, unknown> = {}
    circle["self"] = circle
    const ask = Effect.flatMap(Docker, (docker) => docker.json({ method: "PUT", path: "/x", body: circle }))
    expect(await failureOf(endpoint, ask)).toMatchObject({
      _tag: "EngineError",
      detail: expect.stringContaining("request not sent: TypeError: Converting circular structure to JSON")
    })
  })
})

describe("a response that is not read to its end", () => {
  it("never crashes the process, whenever it is abandoned", async () => {
    const uncaught: Array<unknown> = []
    const onUncaught = (error: unknown) => void uncaught.push(error)
    process.on("uncaughtException", onUncaught)
    onTestFinished(() => void process.off("uncaughtException", onUncaught))
    const { endpoint } = await serverOf((socket) =>
      socket.on("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n0\r\n\r\n")
      })
    )
    const left = Effect.scoped(
      Effect.flatMap(Docker, (docker) => docker.stream({ method: "GET", path: "/x" })).pipe(
        Effect.flatMap(({ body }) => Stream.runDrain(Stream.take(body, 1)))
      )
    )
    const read = Effect.flatMap(Docker, (docker) => docker.json({ method: "GET", path: "/x" }))
    await runCore(
      endpoint,
      Effect.gen(function* () {
        for (let round = 0; round < 100; round++) {
          yield* left
          expect((yield* read).body).toBe("some")
          yield* Effect.all([left, left, read, Effect.timeoutOption(left, 0)], { concurrency: "unbounded" })
        }
        yield* Effect.sleep(0)
      })
    )
    expect(uncaught).toEqual([])
  })
})

describeEngine("the engine", () => {
  it("responds over TCP as over its socket", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint, { tcp: true })
    onTestFinished(proxy.close)
    expect(proxy.endpoint).toMatch(/^tcp:/)
    expect(await runCore(proxy.endpoint, ping)).toMatchObject({ status: 200, body: "OK" })
    const version = await runCore(
      proxy.endpoint,
      Effect.flatMap(Docker, (docker) => docker.json({ method: "GET", path: "/version" }))
    )
    expect(version.body).toMatchObject({ Version: testEngine().version })
    const containers = Effect.flatMap(Containers, (service) => service.list())
    expect(await runCore(proxy.endpoint, containers)).toEqual(expect.any(Array))
  })

  it("is asked again if a kept connection turns out to be closed", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    onTestFinished(proxy.close)
    await runCore(
      proxy.endpoint,
      Effect.gen(function* () {
        for (let round = 0; round < 5; round++) {
          yield* ping
          proxy.cutAll()
        }
      })
    )
    expect(proxy.requests.length).toBeGreaterThanOrEqual(5)
  })

  it("keeps connections for the next request, and closes them with the layer", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    onTestFinished(proxy.close)
    await runCore(
      proxy.endpoint,
      Effect.gen(function* () {
        for (let round = 0; round < 20; round++) yield* ping
        expect(proxy.open()).toBe(1)
      })
    )
    await eventually(() => proxy.open()).toBe(0)
  })

  it("accepts timeouts longer than the longest timer of Node", async () => {
    const { endpoint } = testEngine()
    const options = { endpoint, requestTimeout: Duration.days(100), connectTimeout: Duration.days(100) }
    expect((await runCore(options, ping)).status).toBe(200)
    expect(Layer.isLayer(Docker.layer(options))).toBe(true)
  })

  it("closes the connection of an interrupted request", async () => {
    let open = 0
    const { endpoint } = await serverOf((socket) => {
      open++
      socket.resume()
      socket.on("close", () => open--)
    })
    await runCore(
      endpoint,
      Effect.gen(function* () {
        expect((yield* Effect.timeoutOption(ping, "100 millis"))._tag).toBe("None")
        yield* Effect.promise(() => eventually(() => open).toBe(0))
        const stream = Effect.scoped(
          Effect.flatMap(Docker, (docker) =>
            docker.stream({ method: "GET", path: "/events", timeout: Duration.infinity })
          )
        )
        expect((yield* Effect.timeoutOption(stream, "100 millis"))._tag).toBe("None")
        yield* Effect.promise(() => eventually(() => open).toBe(0))
      })
    )
  })
})
