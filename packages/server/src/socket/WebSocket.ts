/** The WebSocket route. It uses `ws` directly, for its own limits and for the speed of the raw socket. */
import type { Containers } from "@dockwire/core/Containers"
import type { Logs } from "@dockwire/core/Logs"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import type { IncomingMessage } from "node:http"
import type { Writable } from "node:stream"
import type { RawData, WebSocket } from "ws"
import { Auth, type Authenticated, type AuthShape } from "../access/Auth.js"
import { TokenAttempts } from "../access/TokenAttempts.js"
import { tooManyAttempts } from "../access/tooManyAttempts.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { Followers } from "../engine/Followers.js"
import { StatsFollowers } from "../engine/StatsFollowers.js"
import { OperationStore } from "../operations/OperationStore.js"
import { Hub } from "../rooms/Hub.js"
import type { OperationHistory } from "../rooms/OperationHistory.js"
import type { ViewerTransport } from "../rooms/Viewer.js"
import { CloseCode, maxClientFrameBytes, path, subprotocol, ticketPrefix } from "../Wire.js"
import { Conversation } from "./Conversation.js"
import { type ProtocolError, tooLarge } from "./decodeClientMessage.js"
import { KeepAlive } from "./KeepAlive.js"
import { connectionScope } from "./messageScopes.js"
import { awaitClose, closeSocket, type KeepAliveIntervals, Sockets } from "./Sockets.js"

/** How many frames of a client may be queued. One that sends more is disconnected. */
const maxQueuedFrames = 1_000

const notText: ProtocolError = {
  code: "not_text",
  message: "The message is a binary frame. Send JSON in text frames."
}

/** The one-time ticket that a client offers as a subprotocol. */
const offeredTicket = (incoming: IncomingMessage): string | undefined =>
  incoming.headers["sec-websocket-protocol"]
    ?.split(",")
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(ticketPrefix))
    ?.slice(ticketPrefix.length)

const sizeOf = (data: RawData): number =>
  Array.isArray(data) ? data.reduce((size, piece) => size + piece.length, 0) : data.byteLength

const textOf = (data: RawData): string =>
  Buffer.isBuffer(data)
    ? data.toString("utf8")
    : Array.isArray(data)
      ? Buffer.concat(data).toString("utf8")
      : Buffer.from(data).toString("utf8")

const transportOf = (socket: WebSocket, keepAlive: KeepAlive): ViewerTransport => ({
  send: (frame, done) => keepAlive.send(frame, done),
  close: (code, reason) => closeSocket(socket, code, reason)
})

/** Queues what the client sends: text frames, or the errors for frames that can't be read. */
const receiveFrames = (socket: WebSocket) =>
  Effect.map(Mailbox.make<string | ProtocolError>(), (frames) => {
    let queued = 0
    socket.on("message", (data, isBinary) => {
      if (socket.readyState !== socket.OPEN) return
      if (++queued > maxQueuedFrames) return socket.terminate()
      const size = sizeOf(data)
      frames.unsafeOffer(isBinary ? notText : size > maxClientFrameBytes ? tooLarge(size) : textOf(data))
    })
    socket.once("close", () => frames.unsafeDone(Exit.void))
    socket.resume()
    return Effect.tap(frames.take, () => {
      queued--
    })
  })

/** Who is at the other end, and what decides what they may do. */
interface Client {
  readonly auth: AuthShape
  readonly authenticated: Authenticated
}

/** Closes the connection when the credential that opened it is no longer valid. */
const closeWith = (socket: WebSocket, { auth, authenticated }: Client) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      auth.onEnd(authenticated, () =>
        closeSocket(socket, CloseCode.notAllowed, "the token has expired or was revoked, or the session was closed")
      )
    ),
    (forget) => Effect.sync(forget)
  )

/** Serves a connection until it is closed. */
const serve = (socket: WebSocket, stream: Writable, intervals: KeepAliveIntervals, client: Client) =>
  Effect.gen(function* () {
    yield* closeWith(socket, client)
    const hub = yield* Hub
    const followers = yield* Followers
    const statsFollowers = yield* StatsFollowers
    const monitor = yield* EngineMonitor
    const store = yield* OperationStore
    const keepAlive = new KeepAlive(socket, stream)
    const nextFrame = yield* receiveFrames(socket)
    const viewer = yield* Effect.acquireRelease(
      Effect.sync(() => hub.attach(transportOf(socket, keepAlive))),
      (viewer) =>
        Effect.ensuring(
          Effect.zipRight(followers.unwatchAll(viewer), statsFollowers.unwatchAll(viewer)),
          Effect.sync(() => hub.detach(viewer))
        )
    )
    yield* keepAlive.pingEvery(intervals.ping)
    const { auth, authenticated } = client
    const conversation = yield* Conversation.make(viewer, (scope) => auth.denial(scope, authenticated.token))
    viewer.send({ event: "engine_status", data: monitor.status() })
    const { reason } = store.status()
    if (reason !== undefined) viewer.send({ event: "status", data: { msg: reason } })
    yield* keepAlive.heartbeatEvery(intervals.heartbeat)

    const handleNext = Effect.flatMap(nextFrame, (frame) =>
      typeof frame === "string" ? conversation.receive(frame) : conversation.reject(frame)
    )
    // Frames that are still queued when the client disconnects are dropped.
    yield* Effect.raceFirst(Effect.ignore(Effect.forever(handleNext)), awaitClose(socket))
  }).pipe(Effect.scoped)

const serveIfAllowed = (
  incoming: IncomingMessage,
  socket: WebSocket,
  intervals: KeepAliveIntervals,
  auth: AuthShape,
  authenticated: Authenticated | undefined
) => {
  if (socket.protocol !== subprotocol) {
    closeSocket(socket, CloseCode.notThisProtocol, `subprotocol ${subprotocol} required`)
    return awaitClose(socket)
  }
  const denial = authenticated && auth.denial(connectionScope, authenticated.token)
  if (authenticated === undefined || denial !== undefined) {
    const reason =
      denial === undefined ? "no valid cookie, token or ticket" : `the token lacks the scope ${connectionScope}`
    closeSocket(socket, CloseCode.notAllowed, reason)
    return awaitClose(socket)
  }
  incoming.socket.setNoDelay(true)
  return serve(socket, incoming.socket, intervals, { auth, authenticated })
}

const isUpgrade = (incoming: IncomingMessage): boolean => incoming.headers.upgrade?.toLowerCase() === "websocket"

const upgradeRequired = HttpServerResponse.unsafeJson(
  {
    _tag: "UpgradeRequired",
    message: `${path} is a WebSocket endpoint. Connect with the subprotocol ${subprotocol}.`
  },
  { status: 426, headers: { upgrade: "websocket" } }
)

type Needed = Hub | OperationHistory | OperationStore | Followers | StatsFollowers | EngineMonitor | Containers | Logs

/** The route of the WebSocket. */
export const layer: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | Auth | TokenAttempts | Sockets | Needed> =
  HttpLayerRouter.use((router) =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const attempts = yield* TokenAttempts
      const { intervals, upgrade } = yield* Sockets
      const context = yield* Effect.context<Needed>()
      yield* router.add("GET", path, (request: HttpServerRequest.HttpServerRequest) => {
        const incoming = NodeHttpServerRequest.toIncomingMessage(request)
        if (!isUpgrade(incoming)) return Effect.succeed(upgradeRequired)
        const attempt = { headers: incoming.headers, peer: incoming.socket.remoteAddress }
        return Effect.gen(function* () {
          const found = yield* attempts.check(auth, attempt, offeredTicket(incoming))
          if (found?._tag === "TooManyAttempts") return tooManyAttempts(found)
          const socket = yield* upgrade(incoming)
          yield* serveIfAllowed(incoming, socket, intervals, auth, found)
          return HttpServerResponse.empty()
        }).pipe(Effect.provide(context))
      })
    })
  )
