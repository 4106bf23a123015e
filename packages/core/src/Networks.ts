import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { isIP, isIPv4 } from "node:net"
import { Docker, type DockerRequest } from "./Docker.js"
import {
  type ContainerNotFound,
  type DockerFailure,
  type EngineError,
  InvalidRequest,
  NameConflict,
  NetworkNotFound,
  type PruneInProgress,
  ResourceInUse
} from "./DockerError.js"
import { RawObject, StringRecord, decodeAnswer, nullable, decodeRaw } from "./internal/api/decode.js"
import { containerNotFound, mapEngineError } from "./internal/api/errorRules.js"
import { filtersQuery, invalidFilter } from "./internal/api/filters.js"
import { pruneRefused } from "./internal/api/prune.js"
import { containerPath, encodePathSegment } from "./internal/api/names.js"
import { retryWhileInUse } from "./internal/api/schedules.js"
import { acquireDetached, removeOrWarn } from "./internal/api/scopedResource.js"

/**
 * A subnet of a network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Subnet = Schema.Struct({
  /** CIDR, such as `10.5.0.0/16`. */
  subnet: Schema.String,
  /** Address of the gateway. */
  gateway: Schema.optionalWith(Schema.String, { exact: true }),
  /** CIDR within `subnet` from which containers are assigned addresses. */
  ipRange: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ identifier: "Subnet" })

/**
 * @since 0.1.0
 * @category models
 */
export type Subnet = typeof Subnet.Type

/**
 * A container connected to a network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const NetworkMember = Schema.Struct({
  containerId: Schema.String,
  /** Container name. */
  name: Schema.String,
  /** CIDR, or empty. */
  ipv4Address: Schema.String,
  /** CIDR, or empty. */
  ipv6Address: Schema.String
}).annotations({ identifier: "NetworkMember" })

/**
 * @since 0.1.0
 * @category models
 */
export type NetworkMember = typeof NetworkMember.Type

/**
 * A network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Network = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  driver: Schema.String,
  /** `local`, `global` or `swarm`. */
  scope: Schema.String,
  /** Creation time, RFC 3339. */
  created: Schema.String,
  /** Whether external access is disabled. */
  internal: Schema.Boolean,
  /** Whether IPv6 is enabled. */
  ipv6: Schema.Boolean,
  subnets: Schema.Array(Subnet),
  /** Driver options. */
  options: StringRecord,
  labels: StringRecord,
  /** Connected containers. Filled by `Networks.inspect` only; `Networks.list` leaves it empty. */
  members: Schema.Array(NetworkMember).annotations({
    description: "Connected containers; empty in a list"
  }),
  /** The complete response from the engine. */
  raw: RawObject
}).annotations({ identifier: "Network" })

/**
 * @since 0.1.0
 * @category models
 */
export type Network = typeof Network.Type

/**
 * A network that has just been created.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreatedNetwork = Schema.Struct({
  id: Schema.String,
  /** Warnings from the engine. */
  warnings: Schema.Array(Schema.String)
}).annotations({ identifier: "CreatedNetwork" })

/**
 * @since 0.1.0
 * @category models
 */
export type CreatedNetwork = typeof CreatedNetwork.Type

/** What a network is made from. */
export interface NetworkSpec {
  /** Any text that is not blank. */
  readonly name: string
  /** Default `bridge`. */
  readonly driver?: string
  /** The engine chooses one where none is given. */
  readonly subnets?: ReadonlyArray<Subnet>
  /** No way out of it. */
  readonly internal?: boolean
  readonly attachable?: boolean
  readonly ipv6?: boolean
  readonly options?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

/** How a container is connected. */
export interface ConnectOptions {
  /** Further names under which the others on the network find it. */
  readonly aliases?: ReadonlyArray<string>
  readonly ipv4Address?: string
  readonly ipv6Address?: string
}

/** The engine's filters: `{ label: ["a=b"], driver: ["bridge"] }`. */
export interface NetworkFilters {
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

const decodeOne = decodeAnswer(
  Schema.Struct({
    Id: Schema.String,
    Name: Schema.String,
    Driver: Schema.String,
    Scope: Schema.String,
    Created: Schema.String,
    Internal: Schema.optional(Schema.Boolean),
    EnableIPv6: Schema.optional(Schema.Boolean),
    IPAM: nullable(
      Schema.Struct({
        Config: nullable(
          Schema.Array(
            Schema.Struct({
              Subnet: Schema.optional(Schema.String),
              Gateway: Schema.optional(Schema.String),
              IPRange: Schema.optional(Schema.String)
            })
          )
        )
      })
    ),
    Options: nullable(StringRecord),
    Labels: nullable(StringRecord),
    Containers: nullable(
      Schema.Record({
        key: Schema.String,
        value: Schema.Struct({ Name: Schema.String, IPv4Address: Schema.String, IPv6Address: Schema.String })
      })
    )
  })
)
const decodeMany = decodeAnswer(Schema.Array(Schema.Unknown))
const decodeCreated = decodeAnswer(Schema.Struct({ Id: Schema.String, Warning: Schema.optional(Schema.String) }))
const decodePruned = decodeAnswer(Schema.Struct({ NetworksDeleted: nullable(Schema.Array(Schema.String)) }))

const optional = <K extends string>(key: K, value: string | undefined) =>
  value === undefined || value === "" ? {} : { [key]: value }

const network = (request: DockerRequest, status: number, body: unknown): Effect.Effect<Network, EngineError> =>
  Effect.gen(function* () {
    const one = yield* decodeOne(request, status, body)
    return {
      id: one.Id,
      name: one.Name,
      driver: one.Driver,
      scope: one.Scope,
      created: one.Created,
      internal: one.Internal ?? false,
      ipv6: one.EnableIPv6 ?? false,
      subnets: (one.IPAM?.Config ?? []).map(({ Gateway, IPRange, Subnet }) => ({
        subnet: Subnet ?? "",
        ...optional("gateway", Gateway),
        ...optional("ipRange", IPRange)
      })),
      options: one.Options ?? {},
      labels: one.Labels ?? {},
      members: Object.entries(one.Containers ?? {}).map(([containerId, { IPv4Address, IPv6Address, Name }]) => ({
        containerId,
        name: Name,
        ipv4Address: IPv4Address,
        ipv6Address: IPv6Address
      })),
      raw: yield* decodeRaw(request, status, body)
    }
  })

const notFound = (id: string, error: EngineError) =>
  error.status === 404 && /network (.* )?not found|no such network|unable to find network/i.test(error.detail)
    ? new NetworkNotFound({ network: id, detail: error.detail })
    : undefined

const networkPath = (id: string, rest = ""): Effect.Effect<string, NetworkNotFound> =>
  Effect.suspend(() => {
    const part = encodePathSegment(id)
    return part === undefined
      ? Effect.fail(
          new NetworkNotFound({
            network: id,
            detail: "nothing was asked, as this can't be a part of a path; a network of such a name is found by its id"
          })
        )
      : Effect.succeed(`/networks/${part}${rest}`)
  })

const checkedCidr = (field: string, value: string): Effect.Effect<void, InvalidRequest> => {
  const [address = "", bits = "", ...more] = value.split("/")
  const longest = isIPv4(address) ? 32 : 128
  return more.length === 0 && isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest
    ? Effect.void
    : Effect.fail(
        new InvalidRequest({ field, value, detail: "give an address and a prefix length, as in 10.5.0.0/16" })
      )
}

const checkedAddress = (field: string, value: string | undefined): Effect.Effect<void, InvalidRequest> =>
  value === undefined || isIP(value) !== 0
    ? Effect.void
    : Effect.fail(new InvalidRequest({ field, value, detail: "give an IP address, as in 10.5.0.1" }))

const make = Effect.gen(function* () {
  const docker = yield* Docker

  const list = Effect.fn("Networks.list")(
    function* (options: NetworkFilters = {}) {
      const request = { method: "GET", path: "/networks", query: { filters: filtersQuery(options.filters) } } as const
      const { body, status } = yield* docker.json(request)
      const found = yield* decodeMany(request, status, body)
      return yield* Effect.forEach(found, (one) => network(request, status, one))
    },
    (effect, options) => mapEngineError((error) => invalidFilter(options?.filters, error))(effect)
  )

  const inspect = Effect.fn("Networks.inspect")(
    function* (id: string) {
      const request = { method: "GET", path: yield* networkPath(id) } as const
      const { body, status } = yield* docker.json(request)
      return yield* network(request, status, body)
    },
    (effect, id) => mapEngineError((error) => notFound(id, error))(effect)
  )

  const create = Effect.fn("Networks.create")(
    function* (spec: NetworkSpec) {
      if (spec.name.trim() === "") {
        const detail = "give a name that is not empty or blank"
        return yield* new InvalidRequest({ field: "network name", value: spec.name, detail })
      }
      for (const { gateway, ipRange, subnet } of spec.subnets ?? []) {
        yield* checkedCidr("subnet", subnet)
        if (ipRange !== undefined) yield* checkedCidr("IP range", ipRange)
        yield* checkedAddress("gateway", gateway)
      }
      const request = {
        method: "POST",
        path: "/networks/create",
        body: {
          Name: spec.name,
          Driver: spec.driver ?? "bridge",
          Internal: spec.internal,
          Attachable: spec.attachable,
          EnableIPv6: spec.ipv6,
          // Engines before API 1.44 make a second network of the same name without it.
          CheckDuplicate: true,
          IPAM:
            spec.subnets === undefined
              ? undefined
              : {
                  Config: spec.subnets.map(({ gateway, ipRange, subnet }) => ({
                    Subnet: subnet,
                    Gateway: gateway,
                    IPRange: ipRange
                  }))
                },
          Options: spec.options,
          Labels: spec.labels
        }
      } as const
      const { body, status } = yield* docker.json(request)
      const { Id, Warning } = yield* decodeCreated(request, status, body)
      return { id: Id, warnings: Warning === undefined || Warning === "" ? [] : [Warning] }
    },
    (effect, spec) =>
      mapEngineError((error) => {
        const invalid = (field: string, value: string) => new InvalidRequest({ field, value, detail: error.detail })
        if (error.status === 409 || /already exists/.test(error.detail)) {
          return new NameConflict({ name: spec.name, detail: error.detail })
        }
        if (/overlaps|is already used on the host/.test(error.detail)) {
          return invalid("subnet", (spec.subnets ?? []).map(({ subnet }) => subnet).join(", "))
        }
        if ((error.status === 404 && /plugin/.test(error.detail)) || error.detail.startsWith("unsupported driver")) {
          return invalid("driver", spec.driver ?? "bridge")
        }
        if (error.status === 403 || /conflicts with a valid network mode/.test(error.detail)) {
          return invalid("network name", spec.name)
        }
        return error.status === 400 || /out of range$|: invalid argument$|not in subnet/.test(error.detail)
          ? invalid("network specification", spec.name)
          : undefined
      })(effect)
  )

  const remove = Effect.fn("Networks.remove")(
    function* (id: string) {
      yield* docker.json({ method: "DELETE", path: yield* networkPath(id) })
    },
    (effect, id) =>
      mapEngineError(
        (error) =>
          notFound(id, error) ??
          (/active endpoints|network is being used/.test(error.detail)
            ? new ResourceInUse({ resource: id, detail: error.detail })
            : undefined) ??
          (error.status === 403 || error.detail.startsWith("default network")
            ? new InvalidRequest({ field: "network", value: id, detail: error.detail })
            : undefined)
      )(effect)
  )

  const prune = Effect.fn("Networks.prune")(
    function* (options: NetworkFilters = {}) {
      const request = {
        method: "POST",
        path: "/networks/prune",
        query: { filters: filtersQuery(options.filters) }
      } as const
      const { body, status } = yield* docker.json(request)
      const { NetworksDeleted } = yield* decodePruned(request, status, body)
      return NetworksDeleted ?? []
    },
    (effect, options) => mapEngineError(pruneRefused("networks", options?.filters))(effect)
  )

  /** What the engine says of a container and a network that do not go together. */
  const mismatch = (id: string, container: string, error: EngineError) =>
    notFound(id, error) ??
    containerNotFound(container, error) ??
    (error.status === 403 || /is not connected|already connected|to host network/.test(error.detail)
      ? new InvalidRequest({ field: "container", value: container, detail: error.detail })
      : error.status === 400 || /not belong to any|not in any subnet/.test(error.detail)
        ? new InvalidRequest({ field: "connection", value: container, detail: error.detail })
        : undefined)

  const connect = Effect.fn("Networks.connect")(
    function* (id: string, container: string, options: ConnectOptions = {}) {
      const path = yield* networkPath(id, "/connect")
      yield* containerPath(container, "")
      yield* checkedAddress("IPv4 address", options.ipv4Address)
      yield* checkedAddress("IPv6 address", options.ipv6Address)
      yield* docker.json({
        method: "POST",
        path,
        body: {
          Container: container,
          EndpointConfig: {
            Aliases: options.aliases,
            IPAMConfig: { IPv4Address: options.ipv4Address, IPv6Address: options.ipv6Address }
          }
        }
      })
    },
    (effect, id, container) => mapEngineError((error) => mismatch(id, container, error))(effect)
  )

  const disconnect = Effect.fn("Networks.disconnect")(
    function* (id: string, container: string, options: { readonly force?: boolean } = {}) {
      const path = yield* networkPath(id, "/disconnect")
      yield* containerPath(container, "")
      yield* docker.json({ method: "POST", path, body: { Container: container, Force: options.force ?? false } })
    },
    (effect, id, container) => mapEngineError((error) => mismatch(id, container, error))(effect)
  )

  const release = (id: string) =>
    removeOrWarn(
      `network ${id}`,
      Effect.gen(function* () {
        const { members } = yield* inspect(id)
        for (const { containerId } of members) {
          yield* disconnect(id, containerId, { force: true }).pipe(
            Effect.catchTags({ ContainerNotFound: () => Effect.void, InvalidRequest: () => Effect.void })
          )
        }
        yield* remove(id)
      }).pipe(
        retryWhileInUse,
        Effect.catchTag("NetworkNotFound", () => Effect.void)
      )
    )

  const scoped = Effect.fn("Networks.scoped")((spec: NetworkSpec) =>
    acquireDetached(`network ${spec.name}`, create(spec), ({ id }) => release(id))
  )

  return { connect, create, disconnect, inspect, list, prune, remove, scoped }
})

/** The shape of `Networks`. Wherever an `id` is asked for, a name serves too. */
export interface NetworksShape {
  /** The networks, without their members. `GET /networks` */
  readonly list: (options?: NetworkFilters) => Effect.Effect<ReadonlyArray<Network>, InvalidRequest | DockerFailure>
  /** One network. `GET /networks/{id}` */
  readonly inspect: (id: string) => Effect.Effect<Network, NetworkNotFound | DockerFailure>
  /** Makes a network. `POST /networks/create` */
  readonly create: (spec: NetworkSpec) => Effect.Effect<CreatedNetwork, NameConflict | InvalidRequest | DockerFailure>
  /** Removes it, when no container is on it. `DELETE /networks/{id}` */
  readonly remove: (id: string) => Effect.Effect<void, NetworkNotFound | ResourceInUse | InvalidRequest | DockerFailure>
  /** Removes those on which no container is; gives their names. `POST /networks/prune` */
  readonly prune: (
    options?: NetworkFilters
  ) => Effect.Effect<ReadonlyArray<string>, PruneInProgress | InvalidRequest | DockerFailure>
  /** Puts a container on it; one that is on it already is an `InvalidRequest`. `POST /networks/{id}/connect` */
  readonly connect: (
    id: string,
    container: string,
    options?: ConnectOptions
  ) => Effect.Effect<void, NetworkNotFound | ContainerNotFound | InvalidRequest | DockerFailure>
  /** Takes a container off it; one that is not on it is an `InvalidRequest`. `POST /networks/{id}/disconnect` */
  readonly disconnect: (
    id: string,
    container: string,
    options?: { readonly force?: boolean }
  ) => Effect.Effect<void, NetworkNotFound | ContainerNotFound | InvalidRequest | DockerFailure>
  /**
   * A network as long as the scope is open; then who is still on it is taken off. A removal that fails is a logged warning.
   * Interrupting it returns at once, also while the engine makes the network: then it is removed when it is made.
   */
  readonly scoped: (
    spec: NetworkSpec
  ) => Effect.Effect<CreatedNetwork, NameConflict | InvalidRequest | DockerFailure, Scope.Scope>
}

/**
 * Networks.
 *
 * @example
 * ```ts
 * import { Docker, Networks } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const networks = yield* Networks
 *   const { id } = yield* networks.scoped({ name: "dockwire-docstring", internal: true })
 *   yield* networks.connect(id, "web", { aliases: ["front"] })
 *   return (yield* networks.inspect(id)).members.length
 * })
 *
 * const live = Networks.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(live))))
 * ```
 */
export class Networks extends Context.Tag("@dockwire/core/Networks")<Networks, NetworksShape>() {
  /** Networks of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Networks, never, Docker> = Layer.effect(Networks, make)
}
