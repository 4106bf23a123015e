/** The WebSocket of the wire: our own `ws` server behind a route, so that it has its own limits and the raw socket's speed. */
import type { Containers } from "@dockwire/core/Containers"
import type { Logs } from "@dockwire/core/Logs"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import type { IncomingMessage } from "node:http"
import { type RawData, type WebSocket, WebSocketServer } from "ws"
import { Auth } from "../access/Auth.js"
import { makeConversation } from "./Conversation.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { Followers } from "../engine/Followers.js"
import { Hub } from "../rooms/Hub.js"
import { KeepAlive } from "./KeepAlive.js"
import { type ProtocolError, tooLarge } from "./Protocol.js"
import type { ViewerTransport } from "../rooms/Viewer.js"
import { CloseCode, maxClientFrameBytes, path, subprotocol, ticketPrefix } from "../Wire.js"

/** How often a connection is asked whether it is alive, in milliseconds. */
const defaultPingInterval = 25_000
/** How long a connection has to close before it is ended. */
const closeTimeout = 2_000
/** Frames of a client that wait to be dealt with; one that sends more is ended. */
const maxWaitingFrames = 1_000
/** Above `maxClientFrameBytes` a frame is refused by an `error`; above this it isn't read at all, and ends the connection. */
const hardFrameBytes = maxClientFrameBytes * 16

const makeServer = () =>
  new WebSocketServer({
    noServer: true,
    maxPayload: hardFrameBytes,
    perMessageDeflate: false,
    clientTracking: true,
    // A client whose protocols are all refused sees no close code: so one of its own is taken, and the code says no.
    handleProtocols: (offered) => {
      if (offered.has(subprotocol)) return subprotocol
      for (const protocol of offered) if (!protocol.startsWith(ticketPrefix)) return protocol
      return false
    }
  })

const upgrade = (server: WebSocketServer, incoming: IncomingMessage): Effect.Effect<WebSocket> =>
  Effect.async<WebSocket>((resume) => {
    // A handshake that is refused calls nobody.
    incoming.socket.once("close", () => resume(Effect.interrupt))
    server.handleUpgrade(incoming, incoming.socket, Buffer.alloc(0), (socket) => {
      // Without a listener an error would end the process; what it means is told by `close`.
      socket.on("error", () => {})
      // Until there is somebody to listen.
      socket.pause()
      resume(Effect.succeed(socket))
    })
  })

const closed = (socket: WebSocket): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (socket.readyState === socket.CLOSED) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
  })

/** Closes with a code, and ends the connection when the other side doesn't take it. */
const closeWith = (socket: WebSocket, code: number, reason: string): void => {
  socket.resume()
  socket.close(code, reason)
  const timer = setTimeout(() => socket.terminate(), closeTimeout).unref()
  socket.once("close", () => clearTimeout(timer))
}

const transport = (socket: WebSocket, keepAlive: KeepAlive): ViewerTransport => ({
  send: (frame, done) => keepAlive.send(frame, done),
  close: (code, reason) => closeWith(socket, code, reason)
})

const sizeOf = (data: RawData): number =>
  Array.isArray(data) ? data.reduce((size, piece) => size + piece.length, 0) : data.byteLength

const notText: ProtocolError = { code: "not_text", message: "Messages are text frames of JSON." }

const frameText = (data: RawData): string =>
  Buffer.isBuffer(data)
    ? data.toString("utf8")
    : Array.isArray(data)
      ? Buffer.concat(data).toString("utf8")
      : Buffer.from(data).toString("utf8")

const serve = (socket: WebSocket, pingInterval: number) =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const followers = yield* Followers
    const monitor = yield* EngineMonitor
    const frames = yield* Mailbox.make<string | ProtocolError>()
    const keepAlive = new KeepAlive(socket)
    let waiting = 0
    socket.on("message", (data, isBinary) => {
      if (socket.readyState !== socket.OPEN) return
      if (++waiting > maxWaitingFrames) return socket.terminate()
      frames.unsafeOffer(
        isBinary ? notText : sizeOf(data) > maxClientFrameBytes ? tooLarge(sizeOf(data)) : frameText(data)
      )
    })
    socket.once("close", () => frames.unsafeDone(Exit.void))
    socket.resume()
    const viewer = yield* Effect.acquireRelease(
      Effect.sync(() => hub.attach(transport(socket, keepAlive))),
      (viewer) =>
        Effect.zipRight(
          followers.unwatchAll(viewer),
          Effect.sync(() => hub.detach(viewer))
        )
    )
    yield* keepAlive.pingEvery(pingInterval)
    const conversation = yield* makeConversation(viewer)
    viewer.send({ event: "engine_status", data: monitor.status() })

    const takeOne = Effect.flatMap(frames.take, (frame) => {
      waiting--
      return typeof frame === "string" ? conversation.receive(frame) : conversation.offend(frame)
    })
    // What still waits when the client is gone is not done for nobody.
    yield* Effect.raceFirst(Effect.ignore(Effect.forever(takeOne)), closed(socket))
  }).pipe(Effect.scoped)

const serveUpgraded = (incoming: IncomingMessage, socket: WebSocket, allowed: boolean, pingInterval: number) => {
  if (socket.protocol !== subprotocol) {
    closeWith(socket, CloseCode.notThisProtocol, `speak ${subprotocol}`)
    return closed(socket)
  }
  if (!allowed) {
    closeWith(socket, CloseCode.notAllowed, "no valid cookie, token or ticket")
    return closed(socket)
  }
  incoming.socket.setNoDelay(true)
  return serve(socket, pingInterval)
}

const isUpgrade = (incoming: IncomingMessage): boolean => incoming.headers.upgrade?.toLowerCase() === "websocket"

const closeAll = (server: WebSocketServer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const sockets = [...server.clients]
    for (const socket of sockets) socket.close(CloseCode.goingAway, "the server shuts down: come back later")
    return Effect.forEach(sockets, closed, { concurrency: "unbounded", discard: true }).pipe(
      // A finalizer is not interruptible, and without that no time ends it.
      Effect.interruptible,
      Effect.timeoutOption("500 millis"),
      Effect.andThen(
        Effect.sync(() => {
          for (const socket of sockets) socket.terminate()
        })
      )
    )
  })

/** The connections that are open. */
export class Sockets extends Context.Tag("@dockwire/server/Sockets")<
  Sockets,
  {
    readonly server: WebSocketServer
    /** Milliseconds between two pings: see `KeepAlive`. */
    readonly pingInterval: number
    /** Closes them all with 1001, and ends after half a second those that don't answer. */
    readonly closeAll: Effect.Effect<void>
  }
>() {
  /** Connections that are pinged every so many milliseconds, 25,000 when not given. */
  static readonly layer = (pingInterval = defaultPingInterval): Layer.Layer<Sockets> =>
    Layer.scoped(
      Sockets,
      Effect.acquireRelease(
        Effect.sync(() => {
          const server = makeServer()
          return { server, pingInterval, closeAll: closeAll(server) }
        }),
        ({ closeAll, server }) =>
          Effect.andThen(
            closeAll,
            Effect.sync(() => server.close())
          )
      )
    )
}

type Needed = Hub | Followers | EngineMonitor | Containers | Logs

/** The route of the WebSocket. */
export const layer: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | Auth | Sockets | Needed> =
  HttpLayerRouter.use((router) =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const { pingInterval, server } = yield* Sockets
      const context = yield* Effect.context<Needed>()
      yield* router.add("GET", path, (request: HttpServerRequest.HttpServerRequest) => {
        const incoming = NodeHttpServerRequest.toIncomingMessage(request)
        if (!isUpgrade(incoming)) {
          const body = {
            _tag: "UpgradeRequired",
            message: `This is a WebSocket: connect with the subprotocol ${subprotocol}.`
          }
          return Effect.succeed(HttpServerResponse.unsafeJson(body, { status: 426, headers: { upgrade: "websocket" } }))
        }
        const allowed = auth.check(incoming.headers, incoming.socket.localPort ?? 0) !== undefined
        return upgrade(server, incoming).pipe(
          Effect.flatMap((socket) => serveUpgraded(incoming, socket, allowed, pingInterval)),
          Effect.provide(context),
          Effect.as(HttpServerResponse.empty())
        )
      })
    })
  )
