import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Cause from "effect/Cause"
import * as http from "node:http"
import { connectSsh, type SshEndpoint } from "./sshHandshake.js"
import { type SshConnector, SshSocket } from "./sshSocket.js"

/**
 * How many connections are opened at once. By default, sshd drops connections at random once 10 of all its clients are not
 * yet authenticated.
 */
const maxHandshakes = 5

/** Opens connections through ssh, a few at a time. A socket that waits for its turn takes one that has become idle. */
export class SshAgent extends http.Agent implements SshConnector {
  readonly #connectTimeout: Duration.Duration
  readonly #endpoint: SshEndpoint
  readonly #handshakes = new Map<SshSocket, Fiber.RuntimeFiber<unknown, unknown>>()
  #waiting: Array<SshSocket> = []

  constructor(connectTimeout: Duration.Duration, endpoint: SshEndpoint) {
    super({ keepAlive: true })
    this.#connectTimeout = connectTimeout
    this.#endpoint = endpoint
    // After the agent's own listener, which keeps the socket for the next request.
    this.on("free", (socket: unknown) => {
      if (!(socket instanceof SshSocket) || socket.destroyed) return
      const next = this.#waiting.shift()
      const connection = next === undefined ? undefined : socket.detach()
      if (connection !== undefined) next?.attach(connection)
      else if (next !== undefined) this.connect(next)
    })
  }

  override createConnection() {
    return new SshSocket(this)
  }

  connect(socket: SshSocket): void {
    if (this.#handshakes.size >= maxHandshakes) {
      this.#waiting.push(socket)
      return
    }
    const fiber = Effect.runFork(connectSsh(this.#endpoint, this.#connectTimeout))
    this.#handshakes.set(socket, fiber)
    fiber.addObserver((exit) => {
      this.#handshakes.delete(socket)
      if (Exit.isSuccess(exit)) {
        if (socket.destroyed) exit.value.child.kill()
        else socket.attach(exit.value)
      } else {
        const failure = Option.getOrUndefined(Cause.failureOption(exit.cause))
        socket.destroy(
          Object.assign(new Error(failure?.message ?? "the connection was closed"), { code: failure?.code })
        )
      }
      const next = this.#waiting.shift()
      if (next !== undefined) this.connect(next)
    })
  }

  cancel(socket: SshSocket): void {
    this.#waiting = this.#waiting.filter((other) => other !== socket)
    const fiber = this.#handshakes.get(socket)
    if (fiber !== undefined) Effect.runFork(Fiber.interrupt(fiber))
  }
}
