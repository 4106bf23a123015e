import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as http from "node:http"
import * as https from "node:https"
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { inspect } from "node:util"
import type { Endpoint, TlsOptions } from "./endpoint.js"
import { SshAgent } from "./ssh/sshAgent.js"

const keepAlive = { keepAlive: true }

/** Limits the time until a socket emits `connectedEvent`. Node's own timeouts also fire while a response is awaited. */
const limitConnectTime = (
  socket: Duplex | null | undefined,
  connectTimeout: Duration.Duration,
  connectedEvent: "connect" | "secureConnect"
) => {
  if (!(socket instanceof Socket)) return socket
  // A request reports the errors of its socket. Between two requests nobody listens, and an error would end the process.
  socket.on("error", () => {})
  // Detects a peer that disappears without closing the connection, for which a follow would wait forever.
  socket.setKeepAlive(true, 15_000)
  const millis = Duration.toMillis(connectTimeout)
  // A Node timer with a longer delay fires at once.
  if (!socket.connecting || millis >= 2 ** 31) return socket
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error(`could not connect within ${millis} ms`), { code: "ETIMEDOUT" }))
  }, millis)
  const clear = () => clearTimeout(timer)
  socket.once(connectedEvent, clear)
  socket.once("close", clear)
  return socket
}

class PlainAgent extends http.Agent {
  constructor(readonly connectTimeout: Duration.Duration) {
    super(keepAlive)
  }

  override createConnection(...args: Parameters<http.Agent["createConnection"]>) {
    return limitConnectTime(super.createConnection(...args), this.connectTimeout, "connect")
  }
}

class TlsAgent extends https.Agent {
  constructor(
    readonly connectTimeout: Duration.Duration,
    { ca, cert, key, verify }: TlsOptions
  ) {
    super({
      ...keepAlive,
      rejectUnauthorized: verify ?? true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key: Redacted.value(key) })
    })
  }

  override createConnection(...args: Parameters<https.Agent["createConnection"]>) {
    return limitConnectTime(super.createConnection(...args), this.connectTimeout, "secureConnect")
  }
}

/** Creates an agent that opens connections to an engine and keeps them for later requests. */
export const makeEngineAgent = (endpoint: Endpoint, connectTimeout: Duration.Duration): http.Agent => {
  const agent =
    endpoint._tag === "Ssh"
      ? new SshAgent(connectTimeout, endpoint)
      : endpoint._tag === "Tcp" && endpoint.tls !== undefined
        ? new TlsAgent(connectTimeout, endpoint.tls)
        : new PlainAgent(connectTimeout)
  // docker-modem formats every request for its debug log, even if debugging is off. That would take milliseconds for an
  // agent, and would expose its key.
  Object.defineProperty(agent, inspect.custom, { value: () => "Agent" })
  return agent
}

/**
 * Closes idle connections now, and the others when their requests end. Requests in progress continue: a finalizer may be
 * waiting for the id of a resource that it is going to remove.
 */
export const closeIdleSockets = (agent: http.Agent): void => {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}
