import * as Duration from "effect/Duration"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { Socket } from "node:net"
import { Duplex } from "node:stream"
import type { Endpoint } from "./endpoint.js"

/** What ssh prints when it can't, as the code that Node would give a socket. */
const codeOf = (words: string): string =>
  /permission denied|host key verification failed/i.test(words)
    ? "EACCES"
    : /connection refused/i.test(words)
      ? "ECONNREFUSED"
      : /timed out/i.test(words)
        ? "ETIMEDOUT"
        : /could not resolve|no route|no such file|not found|cannot connect to the docker daemon/i.test(words)
          ? "ENOENT"
          : "ECONNRESET"

/**
 * A connection to an engine through `ssh HOST docker system dial-stdio`, as the docker command makes it: with the user's own
 * ssh configuration, keys and known hosts. It asks nobody for a password.
 */
export class SshSocket extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams
  #words = ""

  constructor({ host, port, user }: Extract<Endpoint, { readonly _tag: "Ssh" }>, connectTimeout: Duration.Duration) {
    // One that the other side has ended is of no more use.
    super({ allowHalfOpen: false })
    const seconds = Duration.isFinite(connectTimeout) ? Math.max(1, Math.ceil(Duration.toSeconds(connectTimeout))) : 0
    this.#child = spawn(
      "ssh",
      [
        "-o",
        "BatchMode=yes",
        // A peer that vanished without a word must not leave a follow waiting for ever.
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
      if (this.#words.length < 4096) this.#words += chunk.toString("utf8")
    })
    this.#child.stdin.on("error", () => {})
    this.on("error", () => {})
    this.#child.on("error", ({ message }) => {
      this.destroy(Object.assign(new Error(`the ssh command can't be run: ${message}`), { code: "ENOENT" }))
    })
    this.#child.on("close", (code) => {
      if (code === 0) this.push(null)
      else {
        const words = this.#words.trim()
        this.destroy(Object.assign(new Error(words === "" ? `ssh ended with ${code}` : words), { code: codeOf(words) }))
      }
    })
  }

  override _read(): void {
    this.#child.stdout.resume()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, (error) => {
      // Where it fails ssh has ended, or is about to: what it says then tells why, and comes first.
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

  // What an agent asks of the sockets that it keeps.

  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  // An idle connection must not keep the process from ending, and one that is waited on must: the pipes count like the child.

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
