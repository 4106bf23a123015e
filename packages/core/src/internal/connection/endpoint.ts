import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import { InvalidRequest } from "../../DockerError.js"

/**
 * Certificates for a connection over TLS, in PEM format.
 *
 * @since 0.1.0
 * @category models
 */
export interface TlsOptions {
  /** The certificate authorities to trust. Default: those of the system. */
  readonly ca?: string
  /** The client certificate. */
  readonly cert?: string
  readonly key?: Redacted.Redacted
  /** Whether to verify the engine's certificate and host name. Default `true`. */
  readonly verify?: boolean
}

/** The address of an engine. */
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

/** The endpoint that the docker CLI uses if none is configured. */
export const defaultEndpoint = "unix:///var/run/docker.sock"

const host = String.raw`(\[[0-9a-fA-F:.]+\]|[^/:@?#\s\[\]]+)(?::(\d{1,5}))?\/?`
const tcp = new RegExp(`^(tcp|https?)://${host}$`)
const ssh = new RegExp(`^ssh://(?:([^/:@?#\\s]+)@)?${host}$`)

/**
 * Parses `unix:///path`, `tcp://host[:port]` (also with `http://` or `https://`) or `ssh://[user@]host[:port]`. The default
 * port of TCP is 2375, or 2376 with TLS.
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
      : refuse(`the path of the socket must be absolute, as in ${defaultEndpoint}`)
  }
  const isInvalidPort = (port: number | undefined) => port !== undefined && (port < 1 || port > 65_535)
  const byTcp = tcp.exec(url)
  if (byTcp !== null) {
    const [, scheme, name = "", given] = byTcp
    const secure = tls ?? (scheme === "https" ? {} : undefined)
    const port = given === undefined ? (secure === undefined ? 2375 : 2376) : Number(given)
    if (isInvalidPort(port)) return refuse("the port must be between 1 and 65535")
    return Either.right({ _tag: "Tcp", url, host: name, port, ...(secure === undefined ? {} : { tls: secure }) })
  }
  const bySsh = ssh.exec(url)
  if (bySsh !== null) {
    const [, user, name = "", given] = bySsh
    const port = given === undefined ? undefined : Number(given)
    // The ssh command would parse it as an option.
    if (name.startsWith("-") || user?.startsWith("-") === true)
      return refuse("the user and the host must not begin with '-'")
    if (isInvalidPort(port)) return refuse("the port must be between 1 and 65535")
    return Either.right({ _tag: "Ssh", url, host: name, port, user })
  }
  return refuse("use unix:///path/to/docker.sock, tcp://host:port or ssh://user@host")
}
