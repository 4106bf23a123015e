import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { connect, isIP } from "node:net"
import type { DockerShape } from "../../Docker.js"
import type { DockerFailure } from "../../DockerError.js"
import { parseEndpoint } from "../connection/endpoint.js"
import { inspectForWait, type WaitSubject } from "./waitVerdict.js"

/** Where a container's port can be reached from here. */
export interface PortAddress {
  readonly host: string
  readonly port: number
}

const loopback: ReadonlyArray<string> = ["127.0.0.1", "::1"]

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.")

/** How the engine's host is reached from here: as this machine, or by the name in the endpoint. */
const engineHosts = (engineEndpoint: string): ReadonlyArray<string> => {
  const endpoint = Either.getOrUndefined(parseEndpoint(engineEndpoint))
  if (endpoint === undefined || endpoint._tag === "Unix") return loopback
  const host = endpoint.host.replaceAll(/^\[|\]$/g, "")
  return isLoopback(host) ? loopback : [host]
}

/** Where a port that is published on an address of the engine's host can be reached from here. */
const publishedHosts = (hostIp: string, hosts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const isLocal = hosts === loopback
  if (hostIp === "" || hostIp === "0.0.0.0") return isLocal ? ["127.0.0.1"] : hosts
  if (hostIp === "::") return isLocal ? ["::1"] : hosts
  return isLoopback(hostIp) && !isLocal ? [] : [hostIp]
}

/**
 * Finds where a TCP port of a container can be reached: on the engine's host if it is published or the container uses the
 * host's network, or else at the container's own addresses. Empty if nowhere. Of a container that uses the network of
 * another one, pass that one (`networkOwner`).
 */
export const portAddresses = (
  engineEndpoint: string,
  { HostConfig, NetworkSettings }: WaitSubject,
  port: number
): ReadonlyArray<PortAddress> => {
  const hosts = engineHosts(engineEndpoint)
  if (HostConfig?.NetworkMode === "host") return hosts.map((host) => ({ host, port }))
  const published = (NetworkSettings.Ports?.[`${port}/tcp`] ?? []).flatMap(({ HostIp, HostPort }) =>
    publishedHosts(HostIp, hosts).map((host) => ({ host, port: Number(HostPort) }))
  )
  const isPort = (address: PortAddress) => Number.isInteger(address.port) && address.port > 0 && address.port <= 65_535
  if (published.some(isPort)) return published.filter(isPort)
  return Object.values(NetworkSettings.Networks ?? {}).flatMap(({ GlobalIPv6Address, IPAddress }) =>
    [IPAddress, GlobalIPv6Address].flatMap((host) => (host == null || isIP(host) === 0 ? [] : [{ host, port }]))
  )
}

/** A container that uses the network of one that uses the network of another, and so on: how far that is followed. */
const maxNetworkOwners = 8

/**
 * Finds the container whose network a container uses: itself, or with the network mode `container:<id>` another one. Returns
 * `undefined` if that one does not exist or does not run.
 */
export const networkOwner = (
  docker: DockerShape,
  subject: WaitSubject
): Effect.Effect<WaitSubject | undefined, DockerFailure> =>
  Effect.gen(function* () {
    let owner = subject
    for (let count = 0; count < maxNetworkOwners; count++) {
      const target = /^container:(.+)$/.exec(owner.HostConfig?.NetworkMode ?? "")?.[1]
      if (target === undefined) return owner
      owner = yield* inspectForWait(docker, target)
      if (owner.State.Status !== "running") return undefined
    }
    return undefined
  }).pipe(Effect.catchTag("ContainerNotFound", () => Effect.succeed(undefined)))

/**
 * Whether something accepts connections at an address. The engine's proxy for published ports accepts them even if nothing
 * listens in the container, but then closes them at once; so a connection must stay open for a moment or receive data.
 */
const acceptsConnections = ({ host, port }: PortAddress): Effect.Effect<boolean> =>
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

/** Whether something accepts connections at any of the addresses. */
export const anyAccepts = (addresses: ReadonlyArray<PortAddress>): Effect.Effect<boolean> =>
  addresses.length === 0
    ? Effect.succeed(false)
    : Effect.raceAll(
        addresses.map((address) =>
          Effect.filterOrFail(
            acceptsConnections(address),
            (accepts) => accepts,
            () => "refused" as const
          )
        )
      ).pipe(Effect.orElseSucceed(() => false))
