import type { Wire } from "@dockwire/server"
import { connect } from "@dockwire/server/client"
import { setTimeout as sleep } from "node:timers/promises"
import { WebSocket } from "ws"
import { startFreezableForwarder } from "../../engine/freezableForwarder.js"
import { LineCheck } from "./LineCheck.js"

/** What a client asks for. */
export interface LossyRequest {
  readonly url: string
  readonly token: string
  readonly subscribe:
    | { readonly event: "join"; readonly data: { readonly room: string } }
    | {
        readonly event: "stream_container_logs"
        readonly data: { readonly container_id: string; readonly tail: number }
      }
  /** The room's name on the wire. */
  readonly room: string
}

/** A client that loses its connection, comes back by itself, and resumes where it was. */
export interface LossyClient {
  readonly name: string
  readonly check: LineCheck
  readonly isInRoom: () => boolean
  readonly cut: () => void
  readonly close: () => Promise<void>
}

/** How long a client waits until it comes back, in milliseconds. */
const delay = { least: 20, most: 200 } as const

/** One that knows nothing but the wire. */
export const wireLossyClient = (name: string, { room, subscribe, token, url }: LossyRequest): LossyClient => {
  const check = new LineCheck()
  let socket: WebSocket | undefined
  let position: string | undefined
  let isInRoom = false
  let isClosed = false
  const take = (message: Wire.ServerMessage): void => {
    if (!("room" in message) || message.room !== room) return
    if (message.event === "joined") isInRoom = true
    else if (message.event === "docker_log") for (const [, , text] of message.data.lines) check.line(text)
    else if (message.event === "gap") check.gap(message.data)
    else if (message.event === "docker_log_complete") check.end(message.data.status)
    if ("position" in message && message.position !== undefined) position = message.position
  }
  const open = () => {
    if (isClosed) return
    const opened = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, ["dockwire.v1"], {
      headers: { authorization: `Bearer ${token}` }
    })
    socket = opened
    opened.on("error", () => {})
    opened.on("open", () => {
      const data = position === undefined ? subscribe.data : { ...subscribe.data, position }
      opened.send(JSON.stringify({ event: subscribe.event, data }))
    })
    opened.on("message", (frame: Buffer) => {
      const messages: ReadonlyArray<Wire.ServerMessage> = JSON.parse(frame.toString("utf8"))
      for (const message of messages) take(message)
    })
    opened.on("close", () => {
      isInRoom = false
      setTimeout(open, delay.least)
    })
  }
  open()
  return {
    name,
    check,
    isInRoom: () => isInRoom,
    cut: () => {
      isInRoom = false
      socket?.terminate()
    },
    close: async () => {
      isClosed = true
      socket?.terminate()
    }
  }
}

/** One that uses the client library, through a connection that can be cut. */
export const libraryLossyClient = async (
  name: string,
  { subscribe, token, url }: LossyRequest
): Promise<LossyClient> => {
  const check = new LineCheck()
  const forwarder = await startFreezableForwarder(Number(new URL(url).port))
  let isInRoom = false
  const socket = connect(`http://127.0.0.1:${forwarder.port}`, {
    token,
    reconnectDelay: delay.least,
    reconnectDelayMax: delay.most
  })
  socket.on("joined", () => (isInRoom = true))
  socket.on("disconnect", () => (isInRoom = false))
  socket.on("docker_log", ({ line }) => check.line(line))
  socket.on("gap", (gap) => check.gap(gap))
  socket.on("docker_log_complete", ({ status }) => check.end(status))
  if (subscribe.event === "join") socket.emit("join", subscribe.data)
  else socket.emit("stream_container_logs", subscribe.data)
  return {
    name,
    check,
    isInRoom: () => isInRoom,
    cut: () => {
      isInRoom = false
      forwarder.cut()
    },
    close: async () => {
      socket.disconnect()
      await forwarder.stop()
    }
  }
}

/** As many clients of either kind; resolves when all are in the room. */
export const openLossyClients = async (count: number, request: LossyRequest): Promise<ReadonlyArray<LossyClient>> => {
  const clients = await Promise.all(
    Array.from({ length: count }, async (_, index) =>
      index % 2 === 0 ? wireLossyClient(`wire ${index}`, request) : libraryLossyClient(`library ${index}`, request)
    )
  )
  while (!clients.every(({ isInRoom }) => isInRoom())) await sleep(20)
  return clients
}

/** How connections are cut. */
export interface Cutting {
  /** How often, in all. */
  readonly cuts: number
  /** The time between two cuts, in milliseconds, on average. */
  readonly pause: number
  /** Whether the next cut is due after so many: none is made before. */
  readonly isDue?: (done: number) => boolean
  readonly random: () => number
}

/** Cuts the connection of a client that is in the room, again and again. */
export const cutAgainAndAgain = async (
  clients: ReadonlyArray<LossyClient>,
  { cuts, isDue = () => true, pause, random }: Cutting
): Promise<void> => {
  for (let done = 0; done < cuts;) {
    const connected = clients.filter(({ isInRoom }) => isInRoom())
    const client = connected[Math.floor(random() * connected.length)]
    if (client !== undefined && isDue(done)) {
      client.cut()
      done++
    }
    await sleep(random() * 2 * pause)
  }
}
