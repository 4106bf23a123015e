import { Docker, type DockerFailure, type DockerRequest } from "@dockwire/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { eventually } from "../eventually.js"
import { failureWith, runWith } from "../runWith.js"

/** A server that does not speak HTTP by itself: it counts connections, and writes what it is told to. */
class RawServer {
  readonly sockets = new Set<Socket>()
  /** What is written when a connection has sent its first bytes. */
  answer = ""
  /** Whether what arrives after the first bytes is read. */
  reads = true
  received = 0
  readonly server = createServer((socket) => {
    this.sockets.add(socket)
    socket.on("close", () => this.sockets.delete(socket))
    socket.on("error", () => {})
    socket.on("data", (bytes) => {
      if (this.received === 0) socket.write(this.answer)
      this.received += bytes.length
      if (!this.reads) socket.pause()
    })
  })
}

let folder: string
let raw: RawServer
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-raw-"))
  raw = new RawServer()
  await new Promise<void>((resolve) => raw.server.listen(join(folder, "docker.sock"), resolve))
})
afterEach(async () => {
  for (const socket of raw.sockets) socket.destroy()
  await new Promise((resolve) => raw.server.close(resolve))
  await rm(folder, { recursive: true })
})

const layer = (requestTimeout: Duration.DurationInput = "1 minute") =>
  Docker.layer({ endpoint: `unix://${join(folder, "docker.sock")}`, requestTimeout })
const request: DockerRequest = { method: "POST", path: "/x" }
const open = () => raw.sockets.size

type Send = (docker: Docker["Type"]) => Effect.Effect<unknown, DockerFailure, Scope.Scope>
const manners: ReadonlyArray<readonly [name: string, send: Send]> = [
  ["json", (docker) => docker.json(request)],
  ["stream", (docker) => docker.stream(request)],
  ["hijack", (docker) => docker.hijack(request)]
]

describe("a request that is given up", () => {
  it.each(manners)("closes its connection at once, while its scope stays open: %s", async (_, send) => {
    const program = Effect.gen(function* () {
      const docker = yield* Docker
      const scope = yield* Scope.make()
      const opening = yield* Effect.fork(Scope.extend(send(docker), scope))
      yield* Effect.promise(() => eventually(() => raw.received).toBeGreaterThan(0))
      expect(open()).toBe(1)
      yield* Fiber.interrupt(opening)
      yield* Effect.promise(() => eventually(open).toBe(0))
      yield* Scope.close(scope, Exit.void)
    })
    await runWith(layer(), program)
  })

  it.each(manners)("closes its connection before it is established: %s", async (_, send) => {
    const program = Effect.gen(function* () {
      const docker = yield* Docker
      const scope = yield* Scope.make()
      for (let attempt = 0; attempt < 20; attempt++) {
        const opening = yield* Effect.fork(Scope.extend(send(docker), scope))
        for (let turn = 0; turn < attempt % 5; turn++) yield* Effect.yieldNow()
        yield* Fiber.interrupt(opening)
      }
      // One may be kept for the next request.
      yield* Effect.promise(() => eventually(open).toBeLessThanOrEqual(1))
      yield* Scope.close(scope, Exit.void)
    })
    await runWith(layer(), program)
  })

  it.each(manners.slice(1))("closes the connection of an error whose text never ends: %s", async (_, send) => {
    const text = "x".repeat(70_000)
    raw.answer = `HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100000\r\n\r\n${text}`
    const program = Effect.gen(function* () {
      const docker = yield* Docker
      const scope = yield* Scope.make()
      const error = yield* Effect.flip(Scope.extend(send(docker), scope))
      expect(error).toMatchObject({ _tag: "EngineError", status: 500 })
      yield* Effect.promise(() => eventually(open).toBe(0))
      yield* Scope.close(scope, Exit.void)
    })
    await runWith(layer(), program)
  })

  it("does not close what was opened", async () => {
    raw.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    const program = Effect.gen(function* () {
      const docker = yield* Docker
      const scope = yield* Scope.make()
      const opening = yield* Effect.fork(Scope.extend(docker.stream(request), scope))
      const { body } = yield* Fiber.join(opening)
      const [first] = yield* Stream.runCollect(Stream.take(body, 1))
      expect(Buffer.from(first ?? []).toString()).toBe("hello")
      expect(open()).toBe(1)
      yield* Scope.close(scope, Exit.void)
      yield* Effect.promise(() => eventually(open).toBe(0))
    })
    await runWith(layer(), program)
  })
})

describe("the timeout of a request", () => {
  /** The failure, and the milliseconds that it took. */
  const timedFailure = async (given: DockerRequest, timeout: Duration.DurationInput = "300 millis") => {
    const start = performance.now()
    const error = await failureWith(
      layer(timeout),
      Effect.scoped(Effect.flatMap(Docker, (docker) => docker.json(given)))
    )
    return { error, took: performance.now() - start }
  }
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

  it.each([
    ["there is no response", ""],
    ["the head of the response is not complete", "HTTP/1.1 200 OK\r\nConte"],
    ["the body of the response stalls", `${head}half`]
  ])("is over when %s", async (_, answer) => {
    raw.answer = answer
    const { error, took } = await timedFailure(request)
    expect(error).toMatchObject({
      _tag: "EngineUnavailable",
      reason: "TimedOut",
      detail: "no response to POST /x within 300ms"
    })
    expect(took).toBeLessThan(2_000)
    await eventually(open).toBe(0)
  })

  it("is not prolonged by a second attempt of a request that reads", async () => {
    // The connection is lost just before the time is over, each time.
    raw.server.on("connection", (socket) => setTimeout(() => socket.destroy(), 800))
    const { error, took } = await timedFailure({ method: "GET", path: "/x" }, "1 second")
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "TimedOut" })
    expect(took).toBeLessThan(1_500)
  })

  it("is over when the engine no longer reads an upload", async () => {
    raw.reads = false
    const upload = Stream.repeatValue(Buffer.alloc(64 * 1024))
    const { error, took } = await timedFailure({ method: "PUT", path: "/x", upload })
    expect(error).toMatchObject({
      _tag: "EngineUnavailable",
      reason: "TimedOut",
      detail: "PUT /x: the engine accepted nothing of the upload within 300ms"
    })
    expect(took).toBeLessThan(3_000)
    // A socket that is not read does not see its end.
    raw.reads = true
    for (const socket of raw.sockets) socket.resume()
    await eventually(open).toBe(0)
  })

  it("does not count the time that an upload takes to produce its content", async () => {
    raw.answer = ""
    const pieces = Stream.make("a", "b", "c").pipe(
      Stream.mapEffect((text) => Effect.delay(Effect.succeed(Buffer.from(text)), "200 millis"))
    )
    const { took } = await timedFailure({ method: "PUT", path: "/x", upload: pieces })
    expect(took).toBeGreaterThan(800)
  })
})
