/** The WebSocket route. It uses `ws` directly, for its own limits and for the speed of the raw socket. */
import type { Containers } from "@dockwire/core/Containers"
import type { Logs } from "@dockwire/core/Logs"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import type { RawData, WebSocket } from "ws"
import { Auth, type Authenticated, type AuthShape } from "../access/Auth.js"
import { TokenAttempts } from "../access/TokenAttempts.js"
import { tooManyAttempts } from "../access/tooManyAttempts.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { Followers } from "../engine/Followers.js"
import { StatsFollowers } from "../engine/StatsFollowers.js"
import { OperationStore } from "../operations/OperationStore.js"
import { LogStore } from "../store/LogStore.js"
import { Hub } from "../rooms/Hub.js"
import type { OperationHistory } from "../rooms/OperationHistory.js"
import type { ViewerTransport } from "../rooms/Viewer.js"
import { CloseCode, maxClientFrameBytes, path, subprotocol, ticketPrefix } from "../Wire.js"
import { Conversation } from "./Conversation.js"
import { type ProtocolError, tooLarge } from "./decodeClientMessage.js"
import { Inbox } from "./Inbox.js"
import { KeepAlive, type KeepAliveIntervals } from "./KeepAlive.js"
import { connectionScope as neededScope } from "./messageScopes.js"
import { closeSocket, Sockets } from "./Sockets.js"

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

/** Has frames of the client carried out: those of text, and the errors for those that can't be read. */
const receiveFrames = (socket: WebSocket, inbox: Inbox<string | ProtocolError>): void => {
  socket.on("message", (data, isBinary) => {
    if (socket.readyState !== socket.OPEN) return
    const size = sizeOf(data)
    const frame = isBinary ? notText : size > maxClientFrameBytes ? tooLarge(size) : textOf(data)
    if (!inbox.offer(frame)) socket.terminate()
  })
  socket.resume()
}

/** Who is at the other end, and what decides what they may do. */
interface Client {
  readonly auth: AuthShape
  readonly authenticated: Authenticated
}

/** Serves a connection until its scope is closed. */
const serve = (socket: WebSocket, stream: Socket, { intervals, runFork }: Serving, client: Client) =>
  Effect.gen(function* () {
    const { auth, authenticated } = client
    const hub = yield* Hub
    const followers = yield* Followers
    const statsFollowers = yield* StatsFollowers
    const monitor = yield* EngineMonitor
    const store = yield* OperationStore
    const logs = yield* LogStore
    const scope = yield* Effect.scope
    const keepAlive = new KeepAlive(socket, stream)
    const viewer = hub.attach(transportOf(socket, keepAlive))
    // The credential that opened it may end before.
    const forget = auth.onEnd(authenticated, () =>
      closeSocket(socket, CloseCode.notAllowed, "the token has expired or was revoked, or the session was closed")
    )
    // Not `acquireRelease`, which would keep all references of this fiber for each finalizer.
    yield* Scope.addFinalizer(
      scope,
      Effect.suspend(() => {
        keepAlive.stop()
        forget()
        return Effect.ensuring(
          Effect.zipRight(followers.unwatchAll(viewer), statsFollowers.unwatchAll(viewer)),
          Effect.sync(() => hub.detach(viewer))
        )
      })
    )
    const conversation = yield* Conversation.make(viewer, (scope) => auth.denial(scope, authenticated.token))
    const inbox = new Inbox(
      (frame: string | ProtocolError) =>
        typeof frame === "string" ? conversation.receive(frame) : conversation.reject(frame),
      () => socket.terminate(),
      runFork
    )
    yield* Scope.addFinalizer(scope, inbox.close)
    viewer.send({ event: "engine_status", data: monitor.status() })
    for (const { reason } of [store.status(), logs.status()]) {
      if (reason !== undefined) viewer.send({ event: "status", data: { msg: reason } })
    }
    keepAlive.start(intervals)
    receiveFrames(socket, inbox)
  })

/** What all connections have in common. */
interface Serving {
  readonly intervals: KeepAliveIntervals
  readonly runFork: <A>(effect: Effect.Effect<A, never, Needed>) => Fiber.RuntimeFiber<A>
  /** The connections that are still open when it is closed end with it. */
  readonly scope: Scope.Scope
}

/** A scope that is closed when the connection is, or before that with all others. */
const connectionScope = (socket: WebSocket, { runFork, scope }: Serving) =>
  Effect.map(Scope.fork(scope, ExecutionStrategy.sequential), (own) => {
    socket.once("close", () => runFork(Scope.close(own, Exit.void)))
    return own
  })

/**
 * Serves a connection until it is closed. Completes when that has begun: no fiber waits for the end, and nothing of the request
 * stays in memory with the connection.
 */
const serveUntilClosed = (socket: WebSocket, stream: Socket, serving: Serving, client: Client) =>
  Effect.gen(function* () {
    if (socket.readyState === socket.CLOSED) return
    stream.setNoDelay(true)
    const scope = yield* connectionScope(socket, serving)
    // Not `join`, which would compare what the two fibers refer to, for nothing.
    yield* Effect.flatten(Fiber.await(serving.runFork(Scope.extend(serve(socket, stream, serving, client), scope))))
  })

const serveIfAllowed = (
  socket: WebSocket,
  incoming: IncomingMessage,
  serving: Serving,
  auth: AuthShape,
  authenticated: Authenticated | undefined
) => {
  if (socket.protocol !== subprotocol) {
    closeSocket(socket, CloseCode.notThisProtocol, `subprotocol ${subprotocol} required`)
    return Effect.void
  }
  const denial = authenticated && auth.denial(neededScope, authenticated.token)
  if (authenticated === undefined || denial !== undefined) {
    const reason =
      denial === undefined ? "no valid cookie, token or ticket" : `the token lacks the scope ${neededScope}`
    closeSocket(socket, CloseCode.notAllowed, reason)
    return Effect.void
  }
  return serveUntilClosed(socket, incoming.socket, serving, { auth, authenticated })
}

/** Ends a request whose connection has become a WebSocket: nothing may be written to it as a response. */
const endRequest = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.sync(() => {
    const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
    const response = NodeHttpServerRequest.toServerResponse(request)
    if (response.socket === socket) response.detachSocket(socket)
    response.end()
    return HttpServerResponse.empty()
  })

const isUpgrade = (incoming: IncomingMessage): boolean => incoming.headers.upgrade?.toLowerCase() === "websocket"

const upgradeRequired = HttpServerResponse.unsafeJson(
  {
    _tag: "UpgradeRequired",
    message: `${path} is a WebSocket endpoint. Connect with the subprotocol ${subprotocol}.`
  },
  { status: 426, headers: { upgrade: "websocket" } }
)

type Needed =
  | LogStore
  | Hub
  | OperationHistory
  | OperationStore
  | Followers
  | StatsFollowers
  | EngineMonitor
  | Containers
  | Logs

/** The route of the WebSocket. */
export const layer: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | Auth | TokenAttempts | Sockets | Needed> =
  HttpLayerRouter.use((router) =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const attempts = yield* TokenAttempts
      const { intervals, upgrade } = yield* Sockets
      const serving = {
        intervals,
        runFork: Runtime.runFork(yield* Effect.runtime<Needed>()),
        scope: yield* Effect.scope
      }
      yield* router.add("GET", path, (request: HttpServerRequest.HttpServerRequest) => {
        const incoming = NodeHttpServerRequest.toIncomingMessage(request)
        if (!isUpgrade(incoming)) return Effect.succeed(upgradeRequired)
        const attempt = { headers: incoming.headers, peer: incoming.socket.remoteAddress }
        return Effect.gen(function* () {
          const found = yield* attempts.check(auth, attempt, offeredTicket(incoming))
          if (found?._tag === "TooManyAttempts") return tooManyAttempts(found)
          const socket = yield* upgrade(incoming)
          yield* Effect.uninterruptible(serveIfAllowed(socket, incoming, serving, auth, found))
          return yield* endRequest(request)
        })
      })
    })
  )
