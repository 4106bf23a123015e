/** Many viewers of one container in one process. Takes commands as lines on stdin and answers in JSON. */
import { createInterface } from "node:readline"
import type { WebSocket } from "ws"
import { openViewer } from "./lineReceivers.js"
import { clockNanos } from "./lineWriter.js"
import { stampedRange } from "./stampedLine.js"
import { quantile } from "./statistics.js"

const [wsUrl = "", token = "", containerId = "", count = "1"] = process.argv.slice(2)

interface Viewer {
  socket: WebSocket
  /** The last line received, -1 if none. */
  last: number
  lines: number
}

/** What the viewers missed or received twice. Must stay empty. */
const wrong: Array<string> = []
/** The same for the slow one. */
const slowWrong: Array<string> = []
let latencies: Array<number> = []
let lines = 0
let reconnects = 0
let position: unknown
let marked = performance.now()

const take = (viewer: Viewer, frame: Buffer, isSlow: boolean): void => {
  const range = stampedRange(frame)
  if (range === undefined) return
  if (viewer.last !== -1 && range.first !== viewer.last + 1) {
    const list = isSlow ? slowWrong : wrong
    list.push(`${range.first} after ${viewer.last}`)
  }
  const arrived = range.last - range.first + 1
  viewer.last = range.last
  viewer.lines += arrived
  if (isSlow) return
  lines += arrived
  latencies.push(Number(clockNanos() - range.writtenAt) / 1e6)
}

const lastPosition = (frame: Buffer): unknown => {
  const messages: unknown = JSON.parse(frame.toString("utf8"))
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined
  return typeof last === "object" && last !== null ? Reflect.get(last, "position") : undefined
}

const open = async (): Promise<Viewer> => {
  const viewer: Viewer = { socket: await openViewer({ wsUrl, token }), last: -1, lines: 0 }
  viewer.socket.on("error", () => {})
  return viewer
}

const join = (viewer: Viewer, data: Readonly<Record<string, unknown>>) =>
  viewer.socket.send(JSON.stringify({ event: "stream_container_logs", data: { container_id: containerId, ...data } }))

const asBuffer = (frame: unknown): Buffer => (frame instanceof Buffer ? frame : Buffer.alloc(0))

const viewers: Array<Viewer> = []
for (let index = 1; index < Number(count); index++) {
  const viewer = await open()
  viewer.socket.on("message", (frame) => take(viewer, asBuffer(frame), false))
  viewer.socket.on("close", (code) => wrong.push(`closed with ${code}`))
  join(viewer, { tail: 0 })
  viewers.push(viewer)
}

/** The viewer that will stop reading. If the server closes it, it reconnects with its last position. */
const slow = await open()
const listen = (): void => {
  slow.socket.on("message", (frame) => {
    const buffer = asBuffer(frame)
    position = lastPosition(buffer) ?? position
    take(slow, buffer, true)
  })
  slow.socket.on("close", () => {
    reconnects++
    void openViewer({ wsUrl, token }).then((socket) => {
      socket.on("error", () => {})
      slow.socket = socket
      listen()
      join(slow, position === undefined ? { tail: 0 } : { position })
    })
  })
}
listen()
join(slow, { tail: 0 })

const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

/** What has been received since the last report. */
const mark = () => {
  const now = performance.now()
  const result = {
    lines,
    seconds: (now - marked) / 1000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    // -1 while a viewer has received nothing.
    lastViewer: viewers.reduce((least, { last }) => Math.min(least, last), Number.MAX_SAFE_INTEGER),
    slowest: slow.last,
    reconnects,
    wrong: wrong.slice(0, 3).join(", "),
    slowWrong: slowWrong.slice(0, 3).join(", ")
  }
  latencies = []
  lines = 0
  marked = now
  return result
}

answer({ ready: true })
for await (const command of createInterface({ input: process.stdin })) {
  if (command === "pause") slow.socket.pause()
  else if (command === "resume") slow.socket.resume()
  answer(mark())
}
process.exit(0)
