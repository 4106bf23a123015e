import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WebSocket } from "ws"
import { atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { numberAt, propertyAt, textAt } from "./childProcess.js"
import { startTalking } from "./talkingChild.js"

/** So fast that all lines are kept also on a machine that has much to do. */
const linesPerSecond = 10_000

/** A server that runs operations that print lines. */
const startServer = async (dataDir: string) => {
  const child = await startTalking("operationsChild.ts", [dataDir, "kept"])
  return {
    url: textAt(child.first, "url"),
    token: textAt(child.first, "token"),
    /** Prints lines; returns the operation's room when it has ended. */
    print: async (lines: number): Promise<string> => {
      const result = await child.tell(`${lines} ${linesPerSecond}`)
      if (numberAt(result, "lines") !== lines) throw new Error(`Not all of ${lines} lines were printed.`)
      return `operation_${textAt(result, "logId")}`
    },
    /** The memory that the process takes, in megabytes. */
    memory: async (): Promise<number> => {
      const status = await readFile(`/proc/${child.process.pid}/status`, "utf8")
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
    },
    stop: child.close
  }
}

type BenchServer = Awaited<ReturnType<typeof startServer>>

const lineMessage = '"event":"docker_log",'

const open = ({ token, url }: BenchServer): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, ["dockwire.v1"], {
      headers: { authorization: `Bearer ${token}` }
    })
    socket.once("error", reject)
    // The status of the engine: the server serves the connection.
    socket.once("message", () => resolve(socket))
  })

const linesIn = (frame: Buffer): number => {
  const text = frame.toString("utf8")
  if (!text.includes(lineMessage)) return 0
  const messages: ReadonlyArray<unknown> = JSON.parse(text)
  return messages.reduce<number>((sum, message) => {
    const lines = propertyAt(propertyAt(message, "data"), "lines")
    return sum + (Array.isArray(lines) ? lines.length : 0)
  }, 0)
}

/** The milliseconds from joining a room until so many of its lines have arrived. */
const joinTime = async (server: BenchServer, room: string, lines: number): Promise<number> => {
  const socket = await open(server)
  try {
    return await new Promise((resolve, reject) => {
      let arrived = 0
      const began = performance.now()
      socket.on("message", (frame: Buffer) => {
        arrived += linesIn(frame)
        if (arrived >= lines) resolve(performance.now() - began)
      })
      socket.on("close", () => reject(new Error(`Closed after ${arrived} lines.`)))
      socket.send(JSON.stringify({ event: "join", data: { room } }))
    })
  } finally {
    socket.terminate()
  }
}

/** A client that joins the room of all operations. With `reads` false, it takes nothing from its connection any more. */
const openViewer = async (server: BenchServer, reads: boolean) => {
  const socket = await open(server)
  const closed = new Promise<number>((resolve) => socket.once("close", resolve))
  const joined = new Promise<void>((resolve) => {
    socket.on("message", (frame: Buffer) => {
      if (frame.includes('"joined"')) resolve()
    })
  })
  socket.send(JSON.stringify({ event: "join", data: { room: "docker_logs" } }))
  await joined
  if (!reads) socket.pause()
  return { socket, closed }
}

const slowViewers = 20

/** The memory that a server takes more for viewers than before, after many lines, in megabytes for each. */
const viewerMemory = async (reads: boolean, lines: number) => {
  const dataDir = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  const server = await startServer(dataDir)
  try {
    // What the rooms, the history and the code take by themselves.
    for (let warm = 0; warm < 3; warm++) await server.print(lines)
    const before = await server.memory()
    const viewers = await Promise.all(Array.from({ length: slowViewers }, () => openViewer(server, reads)))
    await server.print(lines)
    const each = ((await server.memory()) - before) / slowViewers
    for (const { socket } of viewers) socket.resume()
    const isOpen = viewers.filter(({ socket }) => socket.readyState === socket.OPEN).length
    for (const { socket } of viewers) socket.terminate()
    return { each, isOpen }
  } finally {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

const run = async ({ progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const rounds = quick ? 3 : 10
  const dataDir = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  const values = { recent: Array<number>(), restarted: Array<number>(), long: Array<number>() }
  try {
    progress("join: operations are printed")
    let server = await startServer(dataDir)
    await server.print(2_000)
    const room = await server.print(10_000)
    const longRoom = await server.print(50_000)
    await joinTime(server, room, 10_000)
    for (let round = 0; round < rounds; round++) {
      values.recent.push(await joinTime(server, room, 10_000))
      values.long.push(await joinTime(server, longRoom, 10_000))
    }
    await server.stop()
    progress("join: after a restart of the server")
    server = await startServer(dataDir)
    for (let round = 0; round < rounds; round++) values.restarted.push(await joinTime(server, room, 10_000))
    await server.stop()
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
  const goal = atMost(200)
  const memory: Record<"reads" | "does not read", Array<number>> = { reads: [], "does not read": [] }
  let isOpen = 0
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    progress(`join: viewers that do not read, round ${round + 1}`)
    const lines = quick ? 30_000 : 100_000
    memory.reads.push((await viewerMemory(true, lines)).each)
    const slow = await viewerMemory(false, lines)
    memory["does not read"].push(slow.each)
    isOpen = slow.isOpen
  }
  return [
    { name: "10,000 lines of an operation, from joining it to the last one", unit: "ms", values: values.recent, goal },
    { name: "the same, after a restart of the server", unit: "ms", values: values.restarted, goal },
    { name: "the first 10,000 of 50,000 lines", unit: "ms", values: values.long, goal },
    { name: "memory of a viewer that reads", unit: "MB", values: memory.reads },
    {
      name: "memory of a viewer that does not read",
      unit: "MB",
      values: memory["does not read"],
      goal: atMost(4),
      note: `${isOpen} of ${slowViewers} are still connected`
    }
  ]
}

/** What clients wait for when they join, and what those cost that do not read. */
export const joining: Benchmark = { name: "join", title: "Joining an operation, and clients that do not read", run }
