import type { Wire } from "@dockwire/server"
import { WebSocket } from "ws"

/** How to connect. */
export interface WireOptions {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly protocols?: ReadonlyArray<string>
  /** Whether it answers pings; it does when not told otherwise. */
  readonly autoPong?: boolean
}

/** A bare client of the wire: it keeps what comes and gives nothing else to it. */
export interface WireClient {
  readonly socket: WebSocket
  /** Every message so far. */
  readonly messages: ReadonlyArray<Wire.ServerMessage>
  /** Bytes of frames so far. */
  readonly bytes: () => number
  readonly frames: () => number
  readonly send: (message: Wire.ClientMessage | { event: string; data: unknown } | string) => void
  /** Done as soon as a message passes; gives it. */
  readonly waitFor: <M extends Wire.ServerMessage>(
    passes: (message: Wire.ServerMessage) => message is M,
    timeout?: number
  ) => Promise<M>
  /** Done as soon as this holds of the client. */
  readonly until: (holds: () => boolean, timeout?: number) => Promise<void>
  /** The close code, when it comes. */
  readonly closed: Promise<number>
  /** The lines of a room so far, in the order in which they came. */
  readonly lines: (room?: string) => ReadonlyArray<string>
  readonly close: () => Promise<void>
  /** Cuts the connection without a word. */
  readonly cut: () => Promise<void>
}

/** A message of this event. */
export const isEvent =
  <E extends Wire.ServerMessage["event"]>(
    event: E,
    about?: (message: Extract<Wire.ServerMessage, { event: E }>) => boolean
  ) =>
  (message: Wire.ServerMessage): message is Extract<Wire.ServerMessage, { event: E }> => {
    const is = (each: Wire.ServerMessage): each is Extract<Wire.ServerMessage, { event: E }> => each.event === event
    return is(message) && (about === undefined || about(message))
  }

/** Polls until it holds; rejects after `timeout` milliseconds. */
export const poll = async (what: string, holds: () => boolean | Promise<boolean>, timeout = 20_000): Promise<void> => {
  const end = Date.now() + timeout
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Not within ${timeout} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const parse = (frame: string): ReadonlyArray<Wire.ServerMessage> => JSON.parse(frame)

/** A connection that is being made; it may be refused or closed at once. */
export const openWire = (url: string, options: WireOptions = {}): WireClient => {
  const headers = {
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...options.headers
  }
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, [...(options.protocols ?? ["dockwire.v1"])], {
    headers,
    autoPong: options.autoPong ?? true
  })
  const messages: Array<Wire.ServerMessage> = []
  const watchers = new Set<() => void>()
  let bytes = 0
  let frames = 0
  socket.on("error", () => {})
  socket.on("message", (data: Buffer) => {
    bytes += data.length
    frames++
    messages.push(...parse(data.toString("utf8")))
    for (const watcher of watchers) watcher()
  })
  const closed = new Promise<number>((resolve) => socket.on("close", (code) => resolve(code)))
  const until = (holds: () => boolean, timeout = 20_000): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = () => {
        if (!holds()) return
        clearTimeout(timer)
        watchers.delete(check)
        resolve()
      }
      const timer = setTimeout(() => {
        watchers.delete(check)
        reject(
          new Error(
            `Not within ${timeout} ms; the last messages: ${JSON.stringify(messages.slice(-3)).slice(0, 2_000)}`
          )
        )
      }, timeout)
      watchers.add(check)
      check()
    })
  return {
    socket,
    messages,
    bytes: () => bytes,
    frames: () => frames,
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    until,
    waitFor: async (passes, timeout) => {
      await until(() => messages.some(passes), timeout)
      const found = messages.find(passes)
      if (found === undefined) throw new Error("it was there a moment ago")
      return found
    },
    closed,
    lines: (room) =>
      messages.flatMap((message) =>
        message.event === "docker_log" && (room === undefined || message.room === room)
          ? message.data.lines.map((line) => line[2])
          : []
      ),
    close: async () => {
      socket.close()
      await closed
    },
    cut: async () => {
      socket.terminate()
      await closed
    }
  }
}

/** A connection that stands. */
export const connectWire = async (url: string, options: WireOptions = {}): Promise<WireClient> => {
  const client = openWire(url, options)
  await new Promise<void>((resolve, reject) => {
    client.socket.once("open", () => resolve())
    client.socket.once("error", reject)
  })
  return client
}

/** The HTTP status that an upgrade was refused with; 101 when it was not. */
export const upgradeStatus = (url: string, options: WireOptions = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const { socket } = openWire(url, options)
    socket.on("unexpected-response", (_request, response) => {
      resolve(response.statusCode ?? 0)
      socket.terminate()
    })
    socket.on("open", () => {
      resolve(101)
      socket.terminate()
    })
    socket.on("close", () => reject(new Error("closed without an answer")))
  })

/** Resumes with the last position of a room that a client has seen. */
export const lastPosition = (client: WireClient, room: string): string | undefined => {
  for (const message of client.messages.toReversed()) {
    if ("room" in message && message.room === room && "position" in message && message.position !== undefined) {
      return message.position
    }
  }
  return undefined
}

/** `line 1`, `line 2`, ... up to `count`. */
export const numbered = (count: number, from = 1): ReadonlyArray<string> =>
  Array.from({ length: count - from + 1 }, (_, index) => `line ${from + index}`)
