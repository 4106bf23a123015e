/** A server with one room, in a process of its own. Takes commands as lines on stdin and answers in JSON. */
import { LogSink, MemoryEngine, type OperationEvent } from "@dockwire/core"
import { Server } from "@dockwire/server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { mkdtemp } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Server as SocketIoServer } from "socket.io"
import { WebSocketServer } from "ws"
import { numberedLine, roomRun, type RoomServerKind } from "./roomProtocol.js"

const [kind = "", token = ""] = process.argv.slice(2)

/** Publishes lines to all in the room. */
interface RoomServer {
  readonly url: string
  readonly publish: (from: number, count: number) => void
}

const event = (seq: number, text: string): OperationEvent => ({
  _tag: "OperationLine",
  logId: roomRun,
  kind: "pull_image",
  target: {},
  seq,
  timestamp: "2026-01-31T12:00:00.000Z",
  stream: "stdout",
  text
})

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

/** With an engine in memory, where nothing happens that all viewers would be told. */
const dockwire = async (): Promise<RoomServer> => {
  const layer = Server.layerWithDocker({
    host: "127.0.0.1",
    port: 0,
    dataDir: await mkdtemp(join(tmpdir(), "dockwire-bench-")),
    insecure: false,
    keepLogs: false,
    publicOrigins: [],
    token: Redacted.make(token)
  }).pipe(Layer.provide(MemoryEngine.layer({ containers: [] })))
  const scope = await Effect.runPromise(Scope.make())
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const sink = Context.get(context, LogSink)
  return {
    url: Context.get(context, Server).url,
    publish: (from, count) => sink.offer(range(from, count).map((n) => event(n, numberedLine(n))))
  }
}

const listen = (server: ReturnType<typeof createServer>): Promise<string> =>
  new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`)
    })
  )

/** The same batches as one message each, encoded before they are sent to all. */
const bare = async (): Promise<RoomServer> => {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
  return {
    url: await listen(http),
    publish: (from, count) => {
      const lines = range(from, count).map((n) => ["2026-01-31T12:00:00.000Z", "stdout", numberedLine(n)])
      const room = `operation_${roomRun}`
      const data = { log_id: roomRun, operation_type: "pull_image", status: "running", lines }
      const frame = Buffer.from(JSON.stringify([{ event: "docker_log", room, seq: from, position: "p", data }]))
      for (const socket of sockets.clients) socket.send(frame, { binary: false })
    }
  }
}

const socketIo = async (): Promise<RoomServer> => {
  const http = createServer()
  const io = new SocketIoServer(http, {
    transports: ["websocket"],
    connectionStateRecovery: { maxDisconnectionDuration: 120_000 }
  })
  io.on("connection", (socket) => {
    if (!socket.recovered) void socket.join("room")
  })
  return {
    url: await listen(http),
    publish: (from, count) => {
      for (const n of range(from, count)) {
        io.to("room").emit("docker_log", {
          log_id: roomRun,
          operation_type: "pull_image",
          config_id: null,
          container_id: null,
          image_name: null,
          line: numberedLine(n),
          timestamp: "2026-01-31T12:00:00.000Z",
          status: "running",
          stream: "stdout"
        })
      }
    }
  }
}

const starts: { readonly [K in RoomServerKind]: () => Promise<RoomServer> } = {
  dockwire,
  ws: bare,
  "socket.io": socketIo
}
const isKind = (text: string): text is RoomServerKind => Object.hasOwn(starts, text)
if (!isKind(kind)) throw new Error(`Unknown server ${kind}`)

setFlagsFromString("--expose-gc")
const collectGarbage: unknown = runInNewContext("gc")

const server = await starts[kind]()
let next = 1
const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
answer({ url: server.url })

const seconds = () => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}

/** Publishes batches of this many lines, with a pause after each. */
const publish = async (batches: number, size: number, pause: number) => {
  for (let batch = 0; batch < batches; batch++) {
    server.publish(next, size)
    next += size
    await sleep(pause)
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, batches, size, pause] = line.split(" ")
  if (command === "publish") await publish(Number(batches), Number(size), Number(pause))
  if (command === "collect" && typeof collectGarbage === "function") collectGarbage()
  answer({ last: next - 1, cpu: seconds(), memory: process.memoryUsage().rss })
}
process.exit(0)
