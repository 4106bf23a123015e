import { Docker, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { WebSocket } from "ws"
import type { ServerProcess } from "./serverProcess.js"

/** Receives the new lines of a container. Returns a function that stops it. */
export type LineReceiver = (containerId: string, take: (text: string) => void) => Promise<() => Promise<void>>

/** `docker logs --follow`. */
export const receiveWithCli =
  (docker: string, endpoint: string): LineReceiver =>
  (containerId, take) => {
    const child = spawn(docker, ["-H", endpoint, "logs", "--follow", "--tail", "0", containerId], {
      stdio: ["ignore", "pipe", "ignore"]
    })
    const ended = new Promise<void>((resolve) => child.on("close", () => resolve()))
    let rest = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const pieces = (rest + text).split("\n")
      rest = pieces.pop() ?? ""
      for (const piece of pieces) take(piece)
    })
    return Promise.resolve(() => {
      child.kill()
      return ended
    })
  }

/** `Logs.follow` in this process. */
export const receiveWithLogs =
  (endpoint: string): LineReceiver =>
  (containerId, take) => {
    const follow = Effect.gen(function* () {
      const logs = yield* Logs
      yield* Stream.runForEach(logs.follow(containerId, { tail: 0 }), (element) =>
        Effect.sync(() => {
          if (element._tag === "LogLine") take(element.text)
        })
      )
    }).pipe(Effect.provide(Logs.layer.pipe(Layer.provide(Docker.layer({ endpoint })))))
    const fiber = Effect.runFork(follow)
    return Promise.resolve(async () => {
      await Effect.runPromise(Fiber.interrupt(fiber))
    })
  }

/** The texts of the container lines in a message of the server, if it has any. */
export const textsOf = (frame: unknown): ReadonlyArray<string> => {
  const messages: unknown = JSON.parse(String(frame))
  if (!Array.isArray(messages)) return []
  return messages.flatMap((message: unknown) => {
    if (typeof message !== "object" || message === null || Reflect.get(message, "event") !== "docker_log") return []
    const data: unknown = Reflect.get(message, "data")
    const lines: unknown = typeof data === "object" && data !== null ? Reflect.get(data, "lines") : undefined
    return Array.isArray(lines) ? lines.map((line: unknown) => (Array.isArray(line) ? String(line[2]) : "")) : []
  })
}

/** A viewer of the server. */
export const openViewer = (server: Pick<ServerProcess, "wsUrl" | "token">): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(server.wsUrl, "dockwire.v1", {
      headers: { Authorization: `Bearer ${server.token}` },
      perMessageDeflate: false
    })
    socket.once("open", () => resolve(socket))
    socket.once("error", reject)
  })

/** The server, over a WebSocket. */
export const receiveWithServer =
  (server: ServerProcess): LineReceiver =>
  async (containerId, take) => {
    const socket = await openViewer(server)
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()))
    socket.on("error", () => {})
    socket.on("message", (frame) => {
      for (const text of textsOf(frame)) take(text)
    })
    socket.send(JSON.stringify({ event: "stream_container_logs", data: { container_id: containerId, tail: 0 } }))
    return () => {
      socket.close()
      return closed
    }
  }
