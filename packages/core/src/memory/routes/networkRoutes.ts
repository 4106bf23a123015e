import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { StringRecord, nullable } from "../../internal/api/decode.js"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { contains, nextFreeSubnet, overlaps, parseCidr, allocatedRanges } from "../state/ipam.js"
import { type Call, found, readBody, type Routes, jsonResponse } from "../calls/response.js"
import { isRunning, join, part } from "../containers/startContainer.js"
import { EndpointConfig } from "../calls/containerConfig.js"
import { type EngineState, type MemoryContainer, type MemoryNetwork, newId } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

const Pool = Schema.Struct({
  Subnet: Schema.optional(Schema.String),
  IPRange: Schema.optional(Schema.String),
  Gateway: Schema.optional(Schema.String)
})
const CreateBody = Schema.Struct({
  Name: Schema.optional(Schema.String),
  Driver: Schema.optional(Schema.String),
  Internal: Schema.optional(Schema.Boolean),
  Attachable: Schema.optional(Schema.Boolean),
  EnableIPv6: Schema.optional(Schema.Boolean),
  IPAM: nullable(Schema.Struct({ Config: nullable(Schema.Array(Pool)) })),
  Options: nullable(StringRecord),
  Labels: nullable(StringRecord)
})
const ConnectBody = Schema.Struct({
  Container: Schema.optional(Schema.String),
  EndpointConfig: nullable(EndpointConfig)
})
const DisconnectBody = Schema.Struct({
  Container: Schema.optional(Schema.String),
  Force: Schema.optional(Schema.Boolean)
})

const drivers = ["bridge", "ipvlan", "macvlan", "overlay"]
const predefined = ["bridge", "host", "none", "default"]

const view = (state: EngineState, network: MemoryNetwork, members: boolean) => ({
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
    (members ? state.members(network) : []).map(({ container, endpoint }) => [
      container.id,
      { Name: container.name, EndpointID: endpoint.id, MacAddress: "", IPv4Address: endpoint.address, IPv6Address: "" }
    ])
  ),
  Options: network.options,
  Labels: network.labels
})

const said = (state: EngineState, { driver, id, name }: MemoryNetwork, action: string) =>
  state.journal.publish("network", action, id, { name, type: driver })

/** The networks that every engine has. */
export const predefinedNetworks = (state: EngineState): Effect.Effect<void> =>
  Effect.forEach(
    [
      ["bridge", "bridge"],
      ["host", "host"],
      ["none", "null"]
    ] as const,
    ([name, driver]) =>
      Effect.map(state.clock.now, (created) => {
        const id = newId()
        const subnet = driver === "bridge" ? nextFreeSubnet(state) : undefined
        const subnets = subnet === undefined ? [] : [subnet]
        const shared = { internal: false, attachable: false, ipv6: false, options: {}, labels: {}, predefined: true }
        state.networks.set(id, { ...shared, id, name, driver, created, subnets })
      }),
    { discard: true }
  )

/** The address ranges of a new network. */
const subnetsOf = (
  state: EngineState,
  pools: ReadonlyArray<typeof Pool.Type>
): Effect.Effect<MemoryNetwork["subnets"], ErrorResponse> =>
  Effect.gen(function* () {
    const invalid = (words: string) => errorResponse(400, `invalid network config:\n${words}`)
    const subnets: Array<MemoryNetwork["subnets"][number]> = []
    for (const { Gateway = "", IPRange = "", Subnet = "" } of pools) {
      const range = parseCidr(Subnet)
      // Ranges of IPv6 are kept as they are, and no address is given out of them.
      if (range === undefined && !/^[0-9a-f:]+\/\d+$/i.test(Subnet)) {
        return yield* invalid(`invalid subnet ${Subnet}: invalid CIDR block notation`)
      }
      if (range !== undefined && Gateway !== "" && !contains(range, Gateway)) {
        return yield* invalid(`invalid gateway ${Gateway}: parent subnet ${Subnet} doesn't contain this address`)
      }
      if (range !== undefined && IPRange !== "" && !contains(range, IPRange.split("/")[0] ?? "")) {
        return yield* invalid(`invalid ip-range ${IPRange}: parent subnet ${Subnet} doesn't contain ip-range`)
      }
      if (range !== undefined && allocatedRanges(state).some((other) => overlaps(range, other))) {
        return yield* errorResponse(403, "Pool overlaps with other one on this address space")
      }
      subnets.push({
        Subnet,
        ...(IPRange === "" ? {} : { IPRange }),
        ...(Gateway === "" ? {} : { Gateway })
      })
    }
    if (subnets.length > 0) return subnets
    const free = nextFreeSubnet(state)
    return free === undefined
      ? yield* errorResponse(400, "all predefined address pools have been fully subnetted")
      : [free]
  })

const create = (call: Call) =>
  Effect.gen(function* () {
    const { state } = call
    const asked = yield* readBody(CreateBody)(call)
    const { Driver = "", Name = "" } = asked
    const driver = Driver === "" ? "bridge" : Driver
    if (Name.trim() === "") return yield* errorResponse(400, `invalid name: ${Name}`)
    if (predefined.includes(Name)) {
      return yield* errorResponse(403, `operation is not permitted on predefined ${Name} network `)
    }
    if ([...state.networks.values()].some(({ name }) => name === Name)) {
      return yield* errorResponse(409, `network with name ${Name} already exists`)
    }
    if (driver === "host" || driver === "null") {
      return yield* errorResponse(403, `only one instance of "${driver}" network is allowed`)
    }
    if (!drivers.includes(driver)) return yield* errorResponse(404, `plugin "${driver}" not found`)
    if (driver === "overlay") {
      const words =
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'
      return yield* errorResponse(503, words)
    }
    const network: MemoryNetwork = {
      id: newId(),
      name: Name,
      driver,
      subnets: yield* subnetsOf(state, asked.IPAM?.Config ?? []),
      created: yield* state.clock.now,
      internal: asked.Internal ?? false,
      attachable: asked.Attachable ?? false,
      ipv6: asked.EnableIPv6 ?? false,
      options: asked.Options ?? {},
      labels: asked.Labels ?? {},
      predefined: false
    }
    state.networks.set(network.id, network)
    yield* said(state, network, "create")
    return jsonResponse(201, { Id: network.id, Warning: "" })
  })

const networkOf = ({ parameter, state }: Call) => found(state.network(parameter))

/** Why a container can't be on a network, `undefined` where it can. */
const mismatch = (
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
    const words = "container cannot be connected to multiple networks with one of the networks in private (none) mode"
    return errorResponse(403, words)
  }
  if (container.endpoints.has(network.id) && isRunning(container)) {
    return errorResponse(403, `endpoint with name ${container.name} already exists in network ${network.name}`)
  }
  if (address === undefined || address === "") return undefined
  const inside = network.subnets.some(({ Subnet }) => {
    const range = parseCidr(Subnet)
    return range !== undefined && contains(range, address)
  })
  return inside
    ? undefined
    : errorResponse(
        400,
        `invalid endpoint settings:\nno configured subnet or ip-range contain the IP address ${address}`
      )
}

const connect = (call: Call) =>
  Effect.gen(function* () {
    const { state } = call
    const asked = yield* readBody(ConnectBody)(call)
    const network = state.network(call.parameter)
    const container = yield* found(state.container(asked.Container ?? ""))
    const address = asked.EndpointConfig?.IPAMConfig?.IPv4Address
    // Only when the container is started does the engine look whether there is such a network.
    if (!("driver" in network) && isRunning(container)) return yield* network
    const refused = "driver" in network ? mismatch(state, network, container, address) : undefined
    if (refused !== undefined) return yield* refused
    container.endpoints.set("driver" in network ? network.id : call.parameter, {
      id: newId(),
      aliases: asked.EndpointConfig?.Aliases ?? [],
      requestedAddress: address === "" ? undefined : address,
      address: ""
    })
    if ("driver" in network && isRunning(container)) yield* join(state, container, network)
    return jsonResponse(200)
  })

const disconnect = (call: Call) =>
  Effect.gen(function* () {
    const { state } = call
    const { Container = "", Force = false } = yield* readBody(DisconnectBody)(call)
    const network = yield* networkOf(call)
    const container = state.container(Container)
    if (!("endpoints" in container)) {
      return yield* Force ? errorResponse(404, `endpoint ${Container} not found`) : container
    }
    if (network.name === "host") {
      return yield* errorResponse(
        403,
        "container cannot be disconnected from host network or connected to host network"
      )
    }
    if (!container.endpoints.has(network.id)) {
      return yield* errorResponse(500, `container ${container.id} is not connected to network ${network.name}`)
    }
    if (isRunning(container)) yield* part(state, container, network)
    container.endpoints.delete(network.id)
    return jsonResponse(200)
  })

/** What `/networks` asks for. */
export const networkRoutes: Routes = {
  "GET /networks": ({ query, state }) =>
    Effect.gen(function* () {
      const filters = yield* query.filters(["dangling", "driver", "id", "label", "name", "scope", "type"])
      const dangling = yield* filters.boolean("dangling")
      const type = filters.get("type").find((value) => value !== "custom" && value !== "builtin")
      if (type !== undefined) return yield* errorResponse(500, `invalid filter: 'type'='${type}'`)
      const networks = [...state.networks.values()].filter(
        (network) =>
          filters.name(network.name) &&
          filters.labels(network.labels) &&
          filters.any("id", (id) => network.id.startsWith(id)) &&
          filters.any("driver", (driver) => network.driver === driver) &&
          filters.any("scope", (scope) => scope === "local") &&
          filters.any("type", (value) => (value === "builtin") === network.predefined) &&
          (dangling === undefined || dangling === (!network.predefined && state.members(network).length === 0))
      )
      return jsonResponse(
        200,
        networks.map((network) => view(state, network, false))
      )
    }),
  "POST /networks/create": create,
  "POST /networks/prune": ({ query, state }) =>
    Effect.gen(function* () {
      const filters = yield* query.filters(["label", "label!", "until"])
      const until = yield* filters.until(yield* state.clock.now)
      const deleted: Array<string> = []
      for (const network of state.networks.values()) {
        if (network.predefined || state.members(network).length > 0) continue
        if (until !== undefined && network.created > until) continue
        if (!filters.labels(network.labels) || !filters.unlabelled(network.labels)) continue
        state.networks.delete(network.id)
        deleted.push(network.name)
        yield* said(state, network, "destroy")
      }
      yield* state.journal.publish("network", "prune", "", { reclaimed: "0" })
      return jsonResponse(200, { NetworksDeleted: deleted.length === 0 ? null : deleted })
    }),
  "GET /networks/{id}": (call) =>
    Effect.map(networkOf(call), (network) => jsonResponse(200, view(call.state, network, true))),
  "DELETE /networks/{id}": (call) =>
    Effect.gen(function* () {
      const { state } = call
      const network = yield* networkOf(call)
      if (network.predefined) {
        return yield* errorResponse(403, `${network.name} is a pre-defined network and cannot be removed`)
      }
      if (state.members(network).length > 0) {
        const words = `network ${network.name} id ${network.id} has active endpoints`
        return yield* errorResponse(403, `error while removing network: ${words}`)
      }
      state.networks.delete(network.id)
      yield* said(state, network, "destroy")
      return jsonResponse(204)
    }),
  "POST /networks/{id}/connect": connect,
  "POST /networks/{id}/disconnect": disconnect
}
