import type { Wire } from "@dockwire/server"
import { WebSocket } from "ws"

/** Options of `openWire`. */
export interface WireOptions {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly protocols?: ReadonlyArray<string>
  /** Whether to answer pings. Default: true. */
  readonly autoPong?: boolean
}

/** A minimal client of the wire protocol that records what it receives. */
export interface WireClient {
  readonly socket: WebSocket
  /** All messages so far. */
  readonly messages: ReadonlyArray<Wire.ServerMessage>
  /** The size of all frames so far. */
  readonly bytes: () => number
  readonly frames: () => number
  readonly send: (message: Wire.ClientMessage | { event: string; data: unknown } | string) => void
  /** Resolves with the first message that passes, past or future. */
  readonly waitFor: <M extends Wire.ServerMessage>(
    passes: (message: Wire.ServerMessage) => message is M,
    timeout?: number
  ) => Promise<M>
  /** Resolves once the condition holds. */
  readonly until: (holds: () => boolean, timeout?: number) => Promise<void>
  /** Resolves with the close code. */
  readonly closed: Promise<number>
  /** The texts of the lines, of one room or of all: an array that grows as more arrive. */
  readonly lines: (room?: string) => ReadonlyArray<string>
  readonly close: () => Promise<void>
  /** Breaks the connection without closing it. */
  readonly cut: () => Promise<void>
}

/** Tests whether a message has this event, and optionally more about it. */
export const isEvent =
  <E extends Wire.ServerMessage["event"]>(
    event: E,
    about?: (message: Extract<Wire.ServerMessage, { event: E }>) => boolean
  ) =>
  (message: Wire.ServerMessage): message is Extract<Wire.ServerMessage, { event: E }> => {
    const is = (each: Wire.ServerMessage): each is Extract<Wire.ServerMessage, { event: E }> => each.event === event
    return is(message) && (about === undefined || about(message))
  }

/** Polls until the condition holds; rejects after `timeout` milliseconds. */
export const poll = async (what: string, holds: () => boolean | Promise<boolean>, timeout = 20_000): Promise<void> => {
  const end = Date.now() + timeout
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Not within ${timeout} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const parse = (frame: string): ReadonlyArray<Wire.ServerMessage> => JSON.parse(frame)

/** Starts to connect. The connection may be refused, or closed at once. */
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
  /** By room. Tests look at them after each of thousands of frames. */
  const texts = new Map<string | undefined, Array<string>>([[undefined, []]])
  const textsOf = (room: string | undefined): Array<string> => {
    const found = texts.get(room) ?? []
    texts.set(room, found)
    return found
  }
  const watchers = new Set<() => void>()
  let bytes = 0
  let frames = 0
  socket.on("error", () => {})
  socket.on("message", (data: Buffer) => {
    bytes += data.length
    frames++
    for (const message of parse(data.toString("utf8"))) {
      messages.push(message)
      if (message.event !== "docker_log") continue
      for (const [, , text] of message.data.lines) {
        textsOf(undefined).push(text)
        textsOf(message.room).push(text)
      }
    }
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
      if (found === undefined) throw new Error("unreachable: a message passed before")
      return found
    },
    closed,
    lines: textsOf,
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

/** Connects; resolves once the connection is open. */
export const connectWire = async (url: string, options: WireOptions = {}): Promise<WireClient> => {
  const client = openWire(url, options)
  await new Promise<void>((resolve, reject) => {
    client.socket.once("open", () => resolve())
    client.socket.once("error", reject)
  })
  return client
}

/** The HTTP status of the response to the upgrade request: 101 if it succeeds. */
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
    socket.on("close", () => reject(new Error("closed without a response")))
  })

/** The last position of a room that a client has received. */
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
