import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as http from "node:http"
import * as https from "node:https"
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { inspect } from "node:util"
import type { Endpoint, TlsOptions } from "./endpoint.js"
import { SshSocket } from "./sshSocket.js"

const keepAlive = { keepAlive: true }

/** Gives up connecting after a time: Node's own timeouts can't tell that from a slow answer. */
const guard = (socket: Duplex | null | undefined, connectTimeout: Duration.Duration, connected: string) => {
  if (!(socket instanceof Socket)) return socket
  // Its request tells of an error; one behind that, as it is given up between two requests, is nobody's, and would end the process.
  socket.on("error", () => {})
  // A peer that vanished without a word must not leave a follow waiting for ever.
  socket.setKeepAlive(true, 15_000)
  // A timer of Node that is set beyond 24 days fires at once.
  if (!socket.connecting || Duration.toMillis(connectTimeout) >= 2 ** 31) return socket
  const limit = Duration.toMillis(connectTimeout)
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error(`no connection after ${limit} ms`), { code: "ETIMEDOUT" }))
  }, limit)
  const clear = () => clearTimeout(timer)
  socket.once(connected, clear)
  socket.once("close", clear)
  return socket
}

class PlainAgent extends http.Agent {
  constructor(readonly connectTimeout: Duration.Duration) {
    super(keepAlive)
  }

  override createConnection(...args: Parameters<http.Agent["createConnection"]>) {
    return guard(super.createConnection(...args), this.connectTimeout, "connect")
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
    return guard(super.createConnection(...args), this.connectTimeout, "secureConnect")
  }
}

class SshAgent extends http.Agent {
  constructor(
    readonly connectTimeout: Duration.Duration,
    readonly endpoint: Extract<Endpoint, { readonly _tag: "Ssh" }>
  ) {
    super(keepAlive)
  }

  override createConnection() {
    return new SshSocket(this.endpoint, this.connectTimeout)
  }
}

/** Makes and keeps the connections to an engine. */
export const engineAgent = (endpoint: Endpoint, connectTimeout: Duration.Duration): http.Agent => {
  const agent =
    endpoint._tag === "Ssh"
      ? new SshAgent(connectTimeout, endpoint)
      : endpoint._tag === "Tcp" && endpoint.tls !== undefined
        ? new TlsAgent(connectTimeout, endpoint.tls)
        : new PlainAgent(connectTimeout)
  // dockerode writes every request out for a debug log, wanted or not; an agent in full takes milliseconds, and has the key.
  Object.defineProperty(agent, inspect.custom, { value: () => "Agent" })
  return agent
}

/**
 * Closes the connections that are kept, and keeps none any more. One that is in use is closed by who uses it: an answer that
 * is still waited for, so that what the engine makes can be removed, comes all the same.
 */
export const retire = (agent: http.Agent): void => {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}
