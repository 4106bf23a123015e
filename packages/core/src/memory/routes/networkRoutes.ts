import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { StringRecord, nullable } from "../../internal/api/decode.js"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { type Call, decodeBody, type Routes } from "../calls/call.js"
import { EndpointConfig, endpointSettings } from "../calls/containerConfig.js"
import { jsonResponse } from "../calls/response.js"
import { connectEndpoint, disconnectEndpoint } from "../containers/containerNetworking.js"
import { newEndpoint } from "../containers/createContainer.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { contains, IpamConfig, nextFreeSubnet, overlaps, parseCidr, type Subnet } from "../state/ipam.js"
import { isRunning, type MemoryContainer } from "../state/memoryContainer.js"
import type { MemoryNetwork } from "../state/networkStore.js"
import { newId } from "../state/objectId.js"

const drivers = ["bridge", "ipvlan", "macvlan", "overlay"]
const predefinedNames = ["bridge", "host", "none", "default"]

const networkView = (state: EngineState, network: MemoryNetwork, withMembers: boolean) => ({
  Name: network.name,
  Id: network.id,
  Created: nanosTimestamp(network.created),
  Scope: "local",
  Driver: network.driver,
  EnableIPv6: network.ipv6,
  IPAM: { Driver: "default", Options: null, Config: network.subnets },
  Internal: network.internal,
  Attachable: network.attachable,
  Ingress: false,
  ConfigFrom: { Network: "" },
  ConfigOnly: false,
  Containers: Object.fromEntries(
    (withMembers ? state.networkMembers(network) : []).map(({ container, endpoint }) => [
      container.id,
      { Name: container.name, EndpointID: endpoint.id, MacAddress: "", IPv4Address: endpoint.address, IPv6Address: "" }
    ])
  ),
  Options: network.options,
  Labels: network.labels
})

const targetNetwork = ({ parameter, state }: Call) => state.networks.find(parameter)

const list = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const filters = yield* query.filters(["dangling", "driver", "id", "label", "name", "scope", "type"])
    const dangling = yield* filters.boolean("dangling")
    const invalid = filters.get("type").find((value) => value !== "custom" && value !== "builtin")
    if (invalid !== undefined) return yield* errorResponse(500, `invalid filter: 'type'='${invalid}'`)
    const networks = [...state.networks.values()].filter(
      (network) =>
        filters.name(network.name) &&
        filters.labels(network.labels) &&
        filters.any("id", (id) => network.id.startsWith(id)) &&
        filters.any("driver", (driver) => network.driver === driver) &&
        filters.any("scope", (scope) => scope === "local") &&
        filters.any("type", (value) => (value === "builtin") === network.predefined) &&
        (dangling === undefined || dangling === (!network.predefined && state.networkMembers(network).length === 0))
    )
    return jsonResponse(
      200,
      networks.map((network) => networkView(state, network, false))
    )
  })

const decodeCreate = decodeBody(
  Schema.Struct({
    Name: Schema.optional(Schema.String),
    Driver: Schema.optional(Schema.String),
    Internal: Schema.optional(Schema.Boolean),
    Attachable: Schema.optional(Schema.Boolean),
    EnableIPv6: Schema.optional(Schema.Boolean),
    IPAM: nullable(Schema.Struct({ Config: nullable(Schema.Array(IpamConfig)) })),
    Options: nullable(StringRecord),
    Labels: nullable(StringRecord)
  })
)

/** Why a network cannot be created, if it cannot. */
const creationError = (state: EngineState, name: string, driver: string): ErrorResponse | undefined => {
  if (name.trim() === "") return errorResponse(400, `invalid name: ${name}`)
  if (predefinedNames.includes(name)) {
    return errorResponse(403, `operation is not permitted on predefined ${name} network `)
  }
  if ([...state.networks.values()].some((network) => network.name === name)) {
    return errorResponse(409, `network with name ${name} already exists`)
  }
  if (driver === "host" || driver === "null") {
    return errorResponse(403, `only one instance of "${driver}" network is allowed`)
  }
  if (!drivers.includes(driver)) return errorResponse(404, `plugin "${driver}" not found`)
  if (driver !== "overlay") return undefined
  const message =
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'
  return errorResponse(503, message)
}

/** The subnets of a new network: the requested ones, or the next free one. */
const allocateSubnets = (
  state: EngineState,
  configs: ReadonlyArray<typeof IpamConfig.Type>
): Effect.Effect<ReadonlyArray<Subnet>, ErrorResponse> =>
  Effect.gen(function* () {
    const allocated = state.networks.allocatedRanges
    const invalid = (message: string) => errorResponse(400, `invalid network config:\n${message}`)
    const subnets: Array<Subnet> = []
    for (const { Gateway = "", IPRange = "", Subnet = "" } of configs) {
      const range = parseCidr(Subnet)
      // IPv6 subnets are stored, but no addresses are allocated from them.
      if (range === undefined && !/^[0-9a-f:]+\/\d+$/i.test(Subnet)) {
        return yield* invalid(`invalid subnet ${Subnet}: invalid CIDR block notation`)
      }
      if (range !== undefined && Gateway !== "" && !contains(range, Gateway)) {
        return yield* invalid(`invalid gateway ${Gateway}: parent subnet ${Subnet} doesn't contain this address`)
      }
      if (range !== undefined && IPRange !== "" && !contains(range, IPRange.split("/")[0] ?? "")) {
        return yield* invalid(`invalid ip-range ${IPRange}: parent subnet ${Subnet} doesn't contain ip-range`)
      }
      if (range !== undefined && allocated.some((other) => overlaps(range, other))) {
        return yield* errorResponse(403, "Pool overlaps with other one on this address space")
      }
      subnets.push({
        Subnet,
        ...(IPRange === "" ? {} : { IPRange }),
        ...(Gateway === "" ? {} : { Gateway })
      })
    }
    if (subnets.length > 0) return subnets
    const free = nextFreeSubnet(allocated)
    return free === undefined
      ? yield* errorResponse(400, "all predefined address pools have been fully subnetted")
      : [free]
  })

const create = (call: Call) =>
  Effect.gen(function* () {
    const { state } = call
    const body = yield* decodeCreate(call)
    const name = body.Name ?? ""
    const driver = body.Driver === undefined || body.Driver === "" ? "bridge" : body.Driver
    const invalid = creationError(state, name, driver)
    if (invalid !== undefined) return yield* invalid
    const network: MemoryNetwork = {
      id: newId(),
      name,
      driver,
      subnets: yield* allocateSubnets(state, body.IPAM?.Config ?? []),
      created: yield* state.clock.now,
      internal: body.Internal ?? false,
      attachable: body.Attachable ?? false,
      ipv6: body.EnableIPv6 ?? false,
      options: body.Options ?? {},
      labels: body.Labels ?? {},
      predefined: false
    }
    state.networks.set(network.id, network)
    yield* state.emitNetworkEvent(network, "create")
    return jsonResponse(201, { Id: network.id, Warning: "" })
  })

const remove = (call: Call) =>
  Effect.gen(function* () {
    const { state } = call
    const network = yield* targetNetwork(call)
    if (network.predefined) {
      return yield* errorResponse(403, `${network.name} is a pre-defined network and cannot be removed`)
    }
    if (state.networkMembers(network).length > 0) {
      const reason = `network ${network.name} id ${network.id} has active endpoints`
      return yield* errorResponse(403, `error while removing network: ${reason}`)
    }
    state.networks.delete(network.id)
    yield* state.emitNetworkEvent(network, "destroy")
    return jsonResponse(204)
  })

const prune = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const filters = yield* query.filters(["label", "label!", "until"])
    const until = yield* filters.until(yield* state.clock.now)
    const deleted: Array<string> = []
    for (const network of state.networks.values()) {
      if (network.predefined || state.networkMembers(network).length > 0) continue
      if (until !== undefined && network.created > until) continue
      if (!filters.labels(network.labels) || !filters.withoutLabels(network.labels)) continue
      state.networks.delete(network.id)
      deleted.push(network.name)
      yield* state.emitNetworkEvent(network, "destroy")
    }
    yield* state.journal.publish("network", "prune", "", { reclaimed: "0" })
    return jsonResponse(200, { NetworksDeleted: deleted.length === 0 ? null : deleted })
  })

/** Why a container cannot be connected to a network, if it cannot. */
const connectionError = (
  state: EngineState,
  network: MemoryNetwork,
  container: MemoryContainer,
  address: string | undefined
): ErrorResponse | undefined => {
  const others = [...container.endpoints.keys()].map((id) => state.networks.get(id)?.name)
  if (network.name === "host" || others.includes("host")) {
    return errorResponse(403, "container cannot be disconnected from host network or connected to host network")
  }
  if (network.name === "none" || others.includes("none")) {
    const message = "container cannot be connected to multiple networks with one of the networks in private (none) mode"
    return errorResponse(403, message)
  }
  if (container.endpoints.has(network.id) && isRunning(container)) {
    return errorResponse(403, `endpoint with name ${container.name} already exists in network ${network.name}`)
  }
  if (address === undefined) return undefined
  const isConfigured = network.subnets.some(({ Subnet }) => {
    const range = parseCidr(Subnet)
    return range !== undefined && contains(range, address)
  })
  if (isConfigured) return undefined
  const message = `invalid endpoint settings:\nno configured subnet or ip-range contain the IP address ${address}`
  return errorResponse(400, message)
}

const decodeConnect = decodeBody(
  Schema.Struct({ Container: Schema.optional(Schema.String), EndpointConfig: nullable(EndpointConfig) })
)

const connect = (call: Call) =>
  Effect.gen(function* () {
    const { parameter, state } = call
    const body = yield* decodeConnect(call)
    const container = yield* state.findContainer(body.Container ?? "")
    const settings = endpointSettings(body.EndpointConfig)
    const found = targetNetwork(call)
    if (Either.isLeft(found)) {
      // For a stopped container, the engine only looks the network up when the container starts.
      if (isRunning(container)) return yield* found.left
      container.endpoints.set(parameter, newEndpoint(settings))
      return jsonResponse(200)
    }
    const network = found.right
    const refused = connectionError(state, network, container, settings.requestedAddress)
    if (refused !== undefined) return yield* refused
    container.endpoints.set(network.id, newEndpoint(settings))
    if (isRunning(container)) yield* connectEndpoint(state, container, network)
    return jsonResponse(200)
  })

const decodeDisconnect = decodeBody(
  Schema.Struct({ Container: Schema.optional(Schema.String), Force: Schema.optional(Schema.Boolean) })
)

const disconnect = (call: Call) =>
  Effect.gen(function* () {
    const { state } = call
    const { Container: reference = "", Force: force = false } = yield* decodeDisconnect(call)
    const network = yield* targetNetwork(call)
    const container = yield* Effect.mapError(state.findContainer(reference), (error) =>
      force ? errorResponse(404, `endpoint ${reference} not found`) : error
    )
    if (network.name === "host") {
      return yield* errorResponse(
        403,
        "container cannot be disconnected from host network or connected to host network"
      )
    }
    if (!container.endpoints.has(network.id)) {
      return yield* errorResponse(500, `container ${container.id} is not connected to network ${network.name}`)
    }
    if (isRunning(container)) yield* disconnectEndpoint(state, container, network)
    container.endpoints.delete(network.id)
    return jsonResponse(200)
  })

/** The routes of `/networks`. */
export const networkRoutes: Routes = {
  "GET /networks": list,
  "POST /networks/create": create,
  "POST /networks/prune": prune,
  "GET /networks/{id}": (call) =>
    Effect.map(targetNetwork(call), (network) => jsonResponse(200, networkView(call.state, network, true))),
  "DELETE /networks/{id}": remove,
  "POST /networks/{id}/connect": connect,
  "POST /networks/{id}/disconnect": disconnect
}
