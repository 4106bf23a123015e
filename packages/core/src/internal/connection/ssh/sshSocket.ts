import { Socket } from "node:net"
import { Duplex } from "node:stream"
import { type SshConnection, sshError } from "./sshHandshake.js"

/** Opens the connections of sockets. */
export interface SshConnector {
  /** Calls `attach` or `destroy` of the socket once its connection is open, or could not be opened. */
  readonly connect: (socket: SshSocket) => void
  /** Gives up the connection of a socket. */
  readonly cancel: (socket: SshSocket) => void
}

/**
 * A socket to an engine through `ssh HOST docker system dial-stdio`, as the docker CLI opens it. Uses the ssh configuration,
 * keys and known hosts of the user, and never asks for a password. What is written before the connection is open waits.
 */
export class SshSocket extends Duplex {
  readonly #connector: SshConnector
  #connection: SshConnection | undefined
  /** The write, or the end, that waits for the connection. */
  #onAttached: (error?: Error | null) => void = () => {}

  constructor(connector: SshConnector) {
    // A connection whose other side has ended is of no use.
    super({ allowHalfOpen: false })
    this.#connector = connector
    this.on("error", () => {})
    connector.connect(this)
  }

  /** Takes over a connection. */
  attach(connection: SshConnection): void {
    this.#connection = connection
    const { child } = connection
    child.stdout.on("data", this.#onData)
    child.on("close", this.#onClose)
    this.ref()
    child.stdout.resume()
    const onAttached = this.#onAttached
    this.#onAttached = () => {}
    onAttached()
    // Ssh may have exited already.
    if (child.exitCode !== null && child.stdout.closed) this.#onClose(child.exitCode)
  }

  /** Gives its connection away, without closing it. The socket itself is destroyed. */
  detach(): SshConnection | undefined {
    const connection = this.#connection
    this.#connection = undefined
    connection?.child.stdout.off("data", this.#onData)
    connection?.child.stdout.pause()
    connection?.child.off("close", this.#onClose)
    this.destroy()
    return connection
  }

  readonly #onData = (chunk: Buffer) => {
    if (!this.push(chunk)) this.#connection?.child.stdout.pause()
  }

  readonly #onClose = (code: number | null) => {
    if (code === 0) this.push(null)
    else this.destroy(sshError(this.#connection?.stderr() ?? "", code))
  }

  override _read(): void {
    this.#connection?.child.stdout.resume()
  }

  override _write(chunk: Uint8Array, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.#onAttached = (error) => (error == null ? this._write(chunk, encoding, done) : done(error))
      return
    }
    connection.child.stdin.write(chunk, (error) => {
      // ssh has exited or is about to. Reports its own message, which says why, instead of the broken pipe.
      if (error == null || this.closed) done(error)
      else this.once("close", () => done(error))
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    const connection = this.#connection
    if (connection === undefined) this.#onAttached = (error) => (error == null ? this._final(done) : done(error))
    else connection.child.stdin.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connector.cancel(this)
    this.#connection?.child.kill()
    done(error)
    const onAttached = this.#onAttached
    this.#onAttached = () => {}
    onAttached(error ?? new Error("the connection was closed"))
  }

  // Methods that http.Agent calls on the sockets it keeps.

  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  // http.Agent lets the process exit while a connection is idle. The pipes keep it alive as much as the child does.

  ref(): this {
    for (const handle of this.#handles()) handle.ref()
    return this
  }

  unref(): this {
    for (const handle of this.#handles()) handle.unref()
    return this
  }

  #handles(): ReadonlyArray<{ readonly ref: () => unknown; readonly unref: () => unknown }> {
    if (this.#connection === undefined) return []
    const { child } = this.#connection
    return [child, ...[child.stdin, child.stdout, child.stderr].filter((pipe) => pipe instanceof Socket)]
  }
}
