import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import type { Endpoint } from "../endpoint.js"

export type SshEndpoint = Extract<Endpoint, { readonly _tag: "Ssh" }>

/** A connection to an engine through ssh. */
export interface SshConnection {
  readonly child: ChildProcessWithoutNullStreams
  /** What ssh has printed on stderr so far. */
  readonly stderr: () => string
}

/** A connection that could not be opened, with the code that Node would give the error of a socket. */
export interface SshFailure {
  readonly message: string
  readonly code: string
  /** Whether the server closed the connection before it was open: with too many at once, another attempt may succeed. */
  readonly isRefusal: boolean
}

/**
 * Delays between attempts while the server refuses connections: 100 milliseconds, doubled up to 2 seconds, and varied, so
 * that several clients do not come back together.
 */
export const refusedHandshake = Schedule.exponential("100 millis").pipe(
  Schedule.union(Schedule.spaced("2 seconds")),
  Schedule.jittered
)

/** Maps what ssh prints when it fails to the code that Node would give the error of a socket. */
const errorCode = (stderr: string): string | undefined =>
  /permission denied|host key verification failed/i.test(stderr)
    ? "EACCES"
    : /connection refused/i.test(stderr)
      ? "ECONNREFUSED"
      : /timed out/i.test(stderr)
        ? "ETIMEDOUT"
        : /could not resolve|no route|no such file|not found|cannot connect to the docker daemon/i.test(stderr)
          ? "ENOENT"
          : undefined

/** The error of an open connection whose ssh has exited. */
export const sshError = (stderr: string, code: number | null): Error => {
  const text = stderr.trim()
  const message = text === "" ? `ssh exited with code ${code}` : text
  return Object.assign(new Error(message), { code: errorCode(text) ?? "ECONNRESET" })
}

/** Sent first: its response shows that the connection is open up to the engine. A response to HEAD has no body. */
const ping = "HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"

const command = ({ host, port, user }: SshEndpoint, connectTimeout: Duration.Duration): ReadonlyArray<string> => {
  const seconds = Duration.isFinite(connectTimeout) ? Math.max(1, Math.ceil(Duration.toSeconds(connectTimeout))) : 0
  return [
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
  ]
}

/** Starts ssh and waits until the engine answers through it. */
const handshake = (
  endpoint: SshEndpoint,
  connectTimeout: Duration.Duration
): Effect.Effect<SshConnection, SshFailure> =>
  Effect.async<SshConnection, SshFailure>((resume) => {
    const child = spawn("ssh", command(endpoint, connectTimeout), { stdio: "pipe" })
    let stderr = ""
    let head = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk])
      if (!head.includes("\r\n\r\n")) return
      stopListening()
      resume(Effect.succeed({ child, stderr: () => stderr }))
    }
    const onError = ({ message }: Error) =>
      resume(
        Effect.fail({ message: `the ssh command could not be started: ${message}`, code: "ENOENT", isRefusal: false })
      )
    const onClose = (exitCode: number | null) => {
      const text = stderr.trim()
      const code = errorCode(text)
      const message = text === "" ? `ssh exited with code ${exitCode}` : text
      // Ssh exits with 255 for its own errors, and else with the code of the command.
      resume(
        Effect.fail({
          message,
          code: code ?? (exitCode === 255 ? "ECONNREFUSED" : "ECONNRESET"),
          isRefusal: code === undefined && exitCode === 255
        })
      )
    }
    const stopListening = () => {
      child.stdout.off("data", onData)
      child.stdout.pause()
      child.off("close", onClose)
    }
    child.stdout.on("data", onData)
    child.stderr.on("data", (chunk: Buffer) => {
      if (stderr.length < 4096) stderr += chunk.toString("utf8")
    })
    child.stdin.on("error", () => {})
    child.on("error", onError)
    child.on("close", onClose)
    child.stdin.write(ping)
    return Effect.sync(() => {
      stopListening()
      child.kill()
    })
  })

/** Opens a connection. Tries again, within the time for it, while the server refuses it. */
export const connectSsh = (
  endpoint: SshEndpoint,
  connectTimeout: Duration.Duration
): Effect.Effect<SshConnection, SshFailure> =>
  Effect.suspend(() => {
    let refusals = 0
    let refusal: SshFailure | undefined
    const connect = handshake(endpoint, connectTimeout).pipe(
      Effect.tapError((failure) =>
        Effect.sync(() => {
          if (!failure.isRefusal) return
          refusals++
          refusal = failure
        })
      ),
      Effect.retry({ schedule: refusedHandshake, while: ({ isRefusal }) => isRefusal })
    )
    if (!Duration.isFinite(connectTimeout)) return connect
    const time = Duration.format(connectTimeout)
    return Effect.timeoutFail(connect, {
      duration: connectTimeout,
      onTimeout: (): SshFailure =>
        refusal === undefined
          ? { message: `could not connect within ${time}`, code: "ETIMEDOUT", isRefusal: false }
          : {
              ...refusal,
              message: `the ssh server closed ${refusals} connections before they were open within ${time}: ${refusal.message}`
            }
    })
  })
