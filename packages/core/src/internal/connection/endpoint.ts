import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import { InvalidRequest } from "../../DockerError.js"

/** Certificates for an engine that is reached over TLS: PEM texts. */
export interface TlsOptions {
  /** Who signed the engine's certificate; the system's authorities when not given. */
  readonly ca?: string
  /** The client's own certificate and key. */
  readonly cert?: string
  readonly key?: Redacted.Redacted
  /** Whether the engine's certificate and name are checked. Default true. */
  readonly verify?: boolean
}

/** Where an engine listens. */
export type Endpoint =
  | { readonly _tag: "Unix"; readonly url: string; readonly socketPath: string }
  | {
      readonly _tag: "Tcp"
      readonly url: string
      readonly host: string
      readonly port: number
      readonly tls?: TlsOptions
    }
  | {
      readonly _tag: "Ssh"
      readonly url: string
      readonly host: string
      readonly port: number | undefined
      readonly user: string | undefined
    }

/** Where the docker CLI looks when nothing is configured. */
export const defaultEndpoint = "unix:///var/run/docker.sock"

const host = String.raw`(\[[0-9a-fA-F:.]+\]|[^/:@?#\s\[\]]+)(?::(\d{1,5}))?\/?`
const tcp = new RegExp(`^(tcp|https?)://${host}$`)
const ssh = new RegExp(`^ssh://(?:([^/:@?#\\s]+)@)?${host}$`)

/**
 * Reads `unix:///path`, `tcp://host[:port]` (also `http://` and `https://`) or `ssh://[user@]host[:port]`. The port of tcp is
 * 2375 when not given, 2376 with TLS.
 */
export const parseEndpoint = (url: string, tls?: TlsOptions): Either.Either<Endpoint, InvalidRequest> => {
  const refuse = (detail: string) =>
    Either.left(
      new InvalidRequest({ field: "Docker endpoint", value: url.replace(/\/\/[^/]*:[^/]*@/, "//...@"), detail })
    )
  if (url.startsWith("unix://")) {
    const socketPath = url.slice("unix://".length)
    // oxlint-disable-next-line no-control-regex
    return /^\/[^\0-\x1f]+$/.test(socketPath)
      ? Either.right({ _tag: "Unix", url, socketPath })
      : refuse(`the socket's path must be absolute, as in ${defaultEndpoint}`)
  }
  const wrongPort = (port: number | undefined) => port !== undefined && (port < 1 || port > 65_535)
  const byTcp = tcp.exec(url)
  if (byTcp !== null) {
    const [, scheme, name = "", given] = byTcp
    const secure = tls ?? (scheme === "https" ? {} : undefined)
    const port = given === undefined ? (secure === undefined ? 2375 : 2376) : Number(given)
    if (wrongPort(port)) return refuse("the port must be from 1 to 65535")
    return Either.right({ _tag: "Tcp", url, host: name, port, ...(secure === undefined ? {} : { tls: secure }) })
  }
  const bySsh = ssh.exec(url)
  if (bySsh !== null) {
    const [, user, name = "", given] = bySsh
    const port = given === undefined ? undefined : Number(given)
    // The ssh command would take it for an option.
    if (name.startsWith("-") || user?.startsWith("-") === true) return refuse("neither user nor host begin with '-'")
    if (wrongPort(port)) return refuse("the port must be from 1 to 65535")
    return Either.right({ _tag: "Ssh", url, host: name, port, user })
  }
  return refuse("give unix:///path/to/docker.sock, tcp://host:port or ssh://user@host")
}
