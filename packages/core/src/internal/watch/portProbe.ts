import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { connect } from "node:net"
import { parseEndpoint } from "../connection/endpoint.js"
import type { WaitSubject } from "./waitVerdict.js"

/** Where a container's port can be reached from here. */
export interface PortAddress {
  readonly host: string
  readonly port: number
}

/**
 * Finds a TCP port of a container: as published on the engine's host, or else at the container's own address. Returns
 * `undefined` if it has neither.
 */
export const portAddress = (
  engineEndpoint: string,
  { NetworkSettings }: WaitSubject,
  port: number
): PortAddress | undefined => {
  const endpoint = Either.getOrUndefined(parseEndpoint(engineEndpoint))
  const engineHost =
    endpoint === undefined || endpoint._tag === "Unix" ? undefined : endpoint.host.replaceAll(/^\[|\]$/g, "")
  const [published] = NetworkSettings.Ports?.[`${port}/tcp`] ?? []
  if (published !== undefined) {
    const { HostIp, HostPort } = published
    const isAnyAddress = HostIp === "" || HostIp === "0.0.0.0"
    return {
      host: engineHost ?? (isAnyAddress ? "127.0.0.1" : HostIp === "::" ? "::1" : HostIp),
      port: Number(HostPort)
    }
  }
  const address = Object.values(NetworkSettings.Networks ?? {}).find(({ IPAddress }) => IPAddress !== "")?.IPAddress
  return address === undefined ? undefined : { host: address, port }
}

/**
 * Whether something accepts connections at an address. The engine's proxy for published ports accepts them even if nothing
 * listens in the container, but then closes them at once; so a connection must stay open for a moment or receive data.
 */
export const acceptsConnections = ({ host, port }: PortAddress): Effect.Effect<boolean> =>
  Effect.async<boolean>((resume) => {
    const socket = connect({ host, port })
    let timer: NodeJS.Timeout | undefined
    const finish = (accepts: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resume(Effect.succeed(accepts))
    }
    socket.once("connect", () => {
      timer = setTimeout(() => finish(true), 100)
    })
    socket.once("data", () => finish(true))
    socket.once("end", () => finish(false))
    socket.once("error", () => finish(false))
    socket.setTimeout(2_000, () => finish(false))
    return Effect.sync(() => {
      clearTimeout(timer)
      socket.destroy()
    })
  })
