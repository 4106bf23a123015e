import * as Duration from "effect/Duration"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { Socket } from "node:net"
import { Duplex } from "node:stream"
import type { Endpoint } from "./endpoint.js"

/** Maps what ssh prints when it fails to the code that Node would give the error of a socket. */
const errorCode = (stderr: string): string =>
  /permission denied|host key verification failed/i.test(stderr)
    ? "EACCES"
    : /connection refused/i.test(stderr)
      ? "ECONNREFUSED"
      : /timed out/i.test(stderr)
        ? "ETIMEDOUT"
        : /could not resolve|no route|no such file|not found|cannot connect to the docker daemon/i.test(stderr)
          ? "ENOENT"
          : "ECONNRESET"

/**
 * A connection to an engine through `ssh HOST docker system dial-stdio`, as the docker CLI opens it. Uses the ssh
 * configuration, keys and known hosts of the user, and never asks for a password.
 */
export class SshSocket extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams
  #stderr = ""

  constructor({ host, port, user }: Extract<Endpoint, { readonly _tag: "Ssh" }>, connectTimeout: Duration.Duration) {
    // A connection whose other side has ended is of no use.
    super({ allowHalfOpen: false })
    const seconds = Duration.isFinite(connectTimeout) ? Math.max(1, Math.ceil(Duration.toSeconds(connectTimeout))) : 0
    this.#child = spawn(
      "ssh",
      [
        "-o",
        "BatchMode=yes",
        // Detects a peer that disappears without closing the connection, for which a follow would wait forever.
        "-o",
        "ServerAliveInterval=15",
        "-T",
        ...(seconds === 0 ? [] : ["-o", `ConnectTimeout=${seconds}`]),
        ...(user === undefined ? [] : ["-l", user]),
        ...(port === undefined ? [] : ["-p", String(port)]),
        "--",
        host.replace(/^\[|\]$/g, ""),
        "docker",
        "system",
        "dial-stdio"
      ],
      { stdio: "pipe" }
    )
    this.#child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) this.#child.stdout.pause()
    })
    this.#child.stderr.on("data", (chunk: Buffer) => {
      if (this.#stderr.length < 4096) this.#stderr += chunk.toString("utf8")
    })
    this.#child.stdin.on("error", () => {})
    this.on("error", () => {})
    this.#child.on("error", ({ message }) => {
      this.destroy(Object.assign(new Error(`the ssh command could not be started: ${message}`), { code: "ENOENT" }))
    })
    this.#child.on("close", (code) => {
      if (code === 0) this.push(null)
      else {
        const stderr = this.#stderr.trim()
        const message = stderr === "" ? `ssh exited with code ${code}` : stderr
        this.destroy(Object.assign(new Error(message), { code: errorCode(stderr) }))
      }
    })
  }

  override _read(): void {
    this.#child.stdout.resume()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, (error) => {
      // ssh has exited or is about to. Reports its own message, which says why, instead of the broken pipe.
      if (error == null || this.closed) done(error)
      else this.once("close", () => done(error))
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill()
    done(error)
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
    const { stderr, stdin, stdout } = this.#child
    return [this.#child, ...[stdin, stdout, stderr].filter((pipe) => pipe instanceof Socket)]
  }
}
