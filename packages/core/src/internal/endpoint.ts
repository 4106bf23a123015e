import * as Either from "effect/Either"
import { InvalidRequest } from "../DockerError.js"

/** Where an engine listens. */
export type Endpoint =
  | { readonly _tag: "Unix"; readonly url: string; readonly socketPath: string }
  | { readonly _tag: "Tcp"; readonly url: string; readonly host: string; readonly port: number }

/** Where the docker CLI looks when nothing is configured. */
export const defaultEndpoint = "unix:///var/run/docker.sock"

/** Reads `unix:///path`, `tcp://host[:port]` or `http://host[:port]`; the port is 2375 when not given. */
export const parseEndpoint = (url: string): Either.Either<Endpoint, InvalidRequest> => {
  const refuse = (detail: string) => Either.left(new InvalidRequest({ field: "Docker endpoint", value: url, detail }))
  if (url.startsWith("unix://")) {
    const socketPath = url.slice("unix://".length)
    // oxlint-disable-next-line no-control-regex
    return /^\/[^\0-\x1f]+$/.test(socketPath)
      ? Either.right({ _tag: "Unix", url, socketPath })
      : refuse(`the socket's path must be absolute, as in ${defaultEndpoint}`)
  }
  const parsed = /^(tcp|http):\/\/(\[[0-9a-fA-F:.]+\]|[^/:@?#\s]+)(?::(\d{1,5}))?\/?$/.exec(url)
  if (parsed === null) return refuse(`give unix:///path/to/docker.sock or tcp://host:port`)
  const port = Number(parsed[3] ?? 2375)
  if (port < 1 || port > 65_535) return refuse("the port must be from 1 to 65535")
  return Either.right({ _tag: "Tcp", url, host: parsed[2] ?? "", port })
}
