import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { isIPv4 } from "node:net"
import type { EngineState } from "../state/engineState.js"
import { nextFreeAddress } from "../state/ipam.js"
import { isRunning, type MemoryContainer, type PublishedPort } from "../state/memoryContainer.js"
import type { MemoryNetwork } from "../state/networkStore.js"

const firstEphemeralPort = 32_768

const isSameHost = (left: string, right: string): boolean =>
  left === right ||
  (isIPv4(left) && isIPv4(right) && (left === "0.0.0.0" || right === "0.0.0.0")) ||
  (!isIPv4(left) && !isIPv4(right) && (left === "::" || right === "::"))

/** Addresses reserved for documentation, which no host has. */
const documentationAddress = /^(192\.0\.2|198\.51\.100|203\.0\.113)\.|^2001:db8:/i

/** Allocates the host ports that a container publishes. Left is the engine's error for a port or address it cannot use. */
export const allocatePorts = (
  state: EngineState,
  container: MemoryContainer
): Either.Either<ReadonlyArray<PublishedPort>, string> => {
  const allocated = [...state.containers.values()].flatMap((other) => (isRunning(other) ? other.ports : []))
  const ports: Array<PublishedPort> = []
  const isAllocated = (key: string, ip: string, hostPort: number) =>
    [...allocated, ...ports].some(
      (port) =>
        port.hostPort === hostPort && port.key.split("/")[1] === key.split("/")[1] && isSameHost(ip, port.hostIp)
    )
  for (const { hostIp, hostPort, key } of container.settings.ports) {
    const ips = hostIp === "" ? ["0.0.0.0", "::"] : [hostIp]
    const fixed = hostPort !== "" && hostPort !== "0"
    let port = fixed ? Number(hostPort) : firstEphemeralPort
    while (!fixed && ips.some((ip) => isAllocated(key, ip, port))) port++
    for (const ip of ips) {
      if (documentationAddress.test(ip)) {
        const [protocol = "tcp"] = key.split("/").slice(1)
        const address = isIPv4(ip) ? `${protocol}4 ${ip}:${port}` : `${protocol}6 [${ip}]:${port}`
        const reason = `listen ${address}: bind: cannot assign requested address`
        return Either.left(`Error starting userland proxy: ${reason}`)
      }
      if (isAllocated(key, ip, port)) return Either.left(`Bind for ${ip}:${port} failed: port is already allocated`)
      ports.push({ key, hostIp: ip, hostPort: port })
    }
  }
  return Either.right(ports)
}

/** The networks that a container has endpoints on. */
export const connectedNetworks = (state: EngineState, { endpoints }: MemoryContainer): ReadonlyArray<MemoryNetwork> =>
  [...endpoints.keys()].flatMap((id) => state.networks.get(id) ?? [])

/** Gives a running container's endpoint an address on its network. */
export const connectEndpoint = (
  state: EngineState,
  container: MemoryContainer,
  network: MemoryNetwork
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const endpoint = container.endpoints.get(network.id)
    if (endpoint === undefined) return Effect.void
    const [subnet] = network.subnets
    const allocated = state.networkMembers(network).map((member) => member.endpoint.address)
    endpoint.address =
      endpoint.requestedAddress !== undefined
        ? `${endpoint.requestedAddress}/${subnet?.Subnet.split("/")[1]}`
        : subnet === undefined
          ? ""
          : nextFreeAddress(subnet, allocated)
    return state.emitNetworkEvent(network, "connect", { container: container.id })
  })

/** Releases the address of a container's endpoint. The endpoint stays for the next start. */
export const disconnectEndpoint = (
  state: EngineState,
  container: MemoryContainer,
  network: MemoryNetwork
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const endpoint = container.endpoints.get(network.id)
    if (endpoint !== undefined) endpoint.address = ""
    return state.emitNetworkEvent(network, "disconnect", { container: container.id })
  })
