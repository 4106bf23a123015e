/** Many clients of one room, in a process of their own. Takes commands as lines on stdin and answers in JSON. */
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { WebSocket } from "ws"
import { numberedRange, roomRun } from "./roomProtocol.js"

const [kind = "", url = "", token = ""] = process.argv.slice(2)
const wsUrl = url.replace("http", "ws")

/** A client that resumes where it was. */
class Client {
  private socket: WebSocket | undefined
  /** The number of the last line. */
  last = 0
  lines = 0
  twice = 0
  missing = 0
  bytes = 0
  /** Where to resume: a position, or the id of the session and the offset of the last packet. */
  private position: string | undefined
  private session: string | undefined

  /** Resolves when it is in the room. */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket =
        kind === "dockwire"
          ? new WebSocket(`${wsUrl}/ws`, ["dockwire.v1"], { headers: { authorization: `Bearer ${token}` } })
          : new WebSocket(kind === "ws" ? wsUrl : `${wsUrl}/socket.io/?EIO=4&transport=websocket`)
      this.socket = socket
      socket.on("error", reject)
      if (kind === "ws") socket.on("open", () => resolve())
      if (kind === "dockwire") {
        const room = `operation_${roomRun}`
        const data = this.position === undefined ? { room } : { room, position: this.position }
        socket.on("open", () => socket.send(JSON.stringify({ event: "join", data })))
      }
      socket.on("message", (data: Buffer) => {
        this.bytes += data.length
        if (kind === "socket.io") this.takeSocketIo(socket, data)
        else if (kind === "dockwire") this.takePosition(data)
        if (this.isJoined(data)) resolve()
        this.take(data)
      })
    })
  }

  cut(): void {
    this.socket?.removeAllListeners("message")
    this.socket?.on("error", () => {})
    this.socket?.terminate()
  }

  private isJoined(frame: Buffer): boolean {
    return kind === "dockwire"
      ? frame.includes('"joined"')
      : kind === "socket.io" && frame.toString("latin1", 0, 2) === "40"
  }

  private take(frame: Buffer): void {
    const range = numberedRange(frame)
    if (range === undefined) return
    if (range.first <= this.last) this.twice += this.last - range.first + 1
    if (range.first > this.last + 1) this.missing += range.first - this.last - 1
    this.lines += range.last - range.first + 1
    this.last = range.last
  }

  private takePosition(frame: Buffer): void {
    const key = '"position":"'
    const at = frame.lastIndexOf(key)
    if (at !== -1) this.position = frame.toString("utf8", at + key.length, frame.indexOf('"', at + key.length))
  }

  private takeSocketIo(socket: WebSocket, frame: Buffer): void {
    const type = frame.toString("latin1", 0, 2)
    if (type === "2") socket.send("3")
    else if (type.startsWith("0")) {
      const auth = this.session === undefined ? "" : JSON.stringify({ pid: this.session, offset: this.position })
      socket.send(`40${auth}`)
    } else if (type === "40") {
      const { pid }: { readonly pid?: string } = JSON.parse(frame.toString("utf8", 2))
      this.session = pid
    } else if (type === "42") {
      const end = frame.lastIndexOf('"')
      this.position = frame.toString("utf8", frame.lastIndexOf('"', end - 1) + 1, end)
    }
  }
}

const clients: Array<Client> = []
/** Keeps cutting clients off for this long, each for 2 seconds after a second of connection. */
let isDropping = false
let drops = 0

const dropAgainAndAgain = async (client: Client, index: number) => {
  await sleep((index * 137) % 1000)
  while (isDropping) {
    client.cut()
    drops++
    await sleep(2_000)
    await client.connect()
    await sleep(1_000)
  }
}

const connectAll = (some: ReadonlyArray<Client>) => Promise.all(some.map((client) => client.connect()))

let dropping: Promise<unknown> = Promise.resolve()

const carryOut = async (command: string, argument: number) => {
  switch (command) {
    case "open": {
      const some = Array.from({ length: argument }, () => new Client())
      for (let at = 0; at < some.length; at += 50) await connectAll(some.slice(at, at + 50))
      clients.push(...some)
      return
    }
    case "cut":
      return clients.forEach((client) => client.cut())
    case "connect": {
      await connectAll(clients)
      return
    }
    case "drop":
      isDropping = true
      dropping = Promise.all(clients.map(dropAgainAndAgain))
      return
    case "stay":
      isDropping = false
      await dropping
      return
    case "until": {
      const end = Date.now() + 120_000
      while (clients.some(({ last }) => last < argument) && Date.now() < end) await sleep(5)
    }
  }
}

process.stdout.write(`${JSON.stringify({ ready: true })}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const [command = "", argument] = line.split(" ")
  const started = performance.now()
  await carryOut(command, Number(argument))
  const sum = (of: (client: Client) => number) => clients.reduce((total, client) => total + of(client), 0)
  const result = {
    seconds: (performance.now() - started) / 1000,
    least: Math.min(...clients.map(({ last }) => last)),
    lines: sum((client) => client.lines),
    bytes: sum((client) => client.bytes),
    twice: sum((client) => client.twice),
    missing: sum((client) => client.missing),
    drops
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
process.exit(0)
