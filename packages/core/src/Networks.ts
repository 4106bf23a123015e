/**
 * Networks: list, inspect, create, connect, disconnect, remove, and prune.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Docker, type DockerShape } from "./Docker.js"
import {
  type ContainerNotFound,
  type DockerFailure,
  type EngineError,
  InvalidRequest,
  type NameConflict,
  type NetworkNotFound,
  type PruneInProgress,
  ResourceInUse
} from "./DockerError.js"
import { decodeResponse, nullable, requestDecoded } from "./internal/api/decode.js"
import { mapEngineError } from "./internal/api/errors/errorRules.js"
import { filtersQuery, invalidFilter, pruneRefused } from "./internal/api/filters.js"
import { containerPath } from "./internal/api/names.js"
import { retryWhileInUse } from "./internal/api/schedules.js"
import { acquireDetached, removeOrWarn } from "./internal/api/scopedResource.js"
import { traced } from "./internal/api/traced.js"
import { decodeNetwork, decodeNetworks } from "./internal/networks/decodeNetwork.js"
import { connectionError, networkNotFound, networkPath } from "./internal/networks/networkErrors.js"
import type { CreatedNetwork, Network } from "./internal/networks/networkModels.js"
import {
  createNetworkError,
  encodeNetworkSpec,
  type NetworkSpec,
  validateAddress
} from "./internal/networks/networkSpec.js"

export { CreatedNetwork, Network, NetworkMember, Subnet } from "./internal/networks/networkModels.js"

export type { NetworkSpec } from "./internal/networks/networkSpec.js"

/**
 * Options of `Networks.connect`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConnectOptions {
  /** Additional DNS names of the container on the network. */
  readonly aliases?: ReadonlyArray<string>
  readonly ipv4Address?: string
  readonly ipv6Address?: string
}

/**
 * Options of `Networks.list` and `Networks.prune`.
 *
 * @since 0.1.0
 * @category models
 */
export interface NetworkFilters {
  /** The engine's filters, such as `{ label: ["a=b"], driver: ["bridge"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

/**
 * The service `Networks`. Wherever a method takes an `id`, a name works too.
 *
 * @since 0.1.0
 * @category services
 */
export interface NetworksShape {
  /** Lists networks, without their members. `GET /networks` */
  readonly list: (options?: NetworkFilters) => Effect.Effect<ReadonlyArray<Network>, InvalidRequest | DockerFailure>
  /** Returns one network with its members. `GET /networks/{id}` */
  readonly inspect: (id: string) => Effect.Effect<Network, NetworkNotFound | DockerFailure>
  /** Creates a network. `POST /networks/create` */
  readonly create: (spec: NetworkSpec) => Effect.Effect<CreatedNetwork, NameConflict | InvalidRequest | DockerFailure>
  /** Removes a network that no container is connected to. `DELETE /networks/{id}` */
  readonly remove: (id: string) => Effect.Effect<void, NetworkNotFound | ResourceInUse | InvalidRequest | DockerFailure>
  /** Removes all networks that no container is connected to, and returns their names. `POST /networks/prune` */
  readonly prune: (
    options?: NetworkFilters
  ) => Effect.Effect<ReadonlyArray<string>, PruneInProgress | InvalidRequest | DockerFailure>
  /** Connects a container. Fails with `InvalidRequest` if it is already connected. `POST /networks/{id}/connect` */
  readonly connect: (
    id: string,
    container: string,
    options?: ConnectOptions
  ) => Effect.Effect<void, NetworkNotFound | ContainerNotFound | InvalidRequest | DockerFailure>
  /** Disconnects a container. Fails with `InvalidRequest` if it is not connected. `POST /networks/{id}/disconnect` */
  readonly disconnect: (
    id: string,
    container: string,
    options?: { readonly force?: boolean }
  ) => Effect.Effect<void, NetworkNotFound | ContainerNotFound | InvalidRequest | DockerFailure>
  /**
   * Creates a network and removes it when the scope closes, after disconnecting its remaining members. If the removal
   * fails, a warning is logged. Interruption returns promptly, even while the engine creates the network, which is then
   * removed in the background.
   */
  readonly scoped: (
    spec: NetworkSpec
  ) => Effect.Effect<CreatedNetwork, NameConflict | InvalidRequest | DockerFailure, Scope.Scope>
}

const decodeCreated = decodeResponse(Schema.Struct({ Id: Schema.String, Warning: Schema.optional(Schema.String) }))
const decodePruned = decodeResponse(Schema.Struct({ NetworksDeleted: nullable(Schema.Array(Schema.String)) }))

const removeError = (id: string, error: EngineError) =>
  networkNotFound(id, error) ??
  (/active endpoints|network is being used/.test(error.detail)
    ? new ResourceInUse({ resource: id, detail: error.detail })
    : /pre-defined network|^default network/.test(error.detail)
      ? new InvalidRequest({ field: "network", value: id, detail: error.detail })
      : undefined)

const networkCollection = (docker: DockerShape) => ({
  list: traced("Networks.list")((options: NetworkFilters = {}) =>
    requestDecoded(
      docker,
      { method: "GET", path: "/networks", query: { filters: filtersQuery(options.filters) } },
      decodeNetworks
    ).pipe(mapEngineError((error) => invalidFilter(options.filters, error)))
  ),

  create: traced("Networks.create")((spec: NetworkSpec) =>
    encodeNetworkSpec(spec).pipe(
      Effect.flatMap((body) =>
        requestDecoded(docker, { method: "POST", path: "/networks/create", body }, decodeCreated)
      ),
      Effect.map(({ Id, Warning }): CreatedNetwork => ({
        id: Id,
        warnings: Warning === undefined || Warning === "" ? [] : [Warning]
      })),
      mapEngineError((error) => createNetworkError(spec, error))
    )
  ),

  prune: traced("Networks.prune")((options: NetworkFilters = {}) =>
    requestDecoded(
      docker,
      { method: "POST", path: "/networks/prune", query: { filters: filtersQuery(options.filters) } },
      decodePruned
    ).pipe(
      Effect.map(({ NetworksDeleted }) => NetworksDeleted ?? []),
      mapEngineError(pruneRefused("networks", options.filters))
    )
  )
})

const networkVerbs = (docker: DockerShape) => ({
  inspect: traced("Networks.inspect")((id: string) =>
    networkPath(id).pipe(
      Effect.flatMap((path) => requestDecoded(docker, { method: "GET", path }, decodeNetwork)),
      mapEngineError((error) => networkNotFound(id, error))
    )
  ),

  remove: traced("Networks.remove")((id: string) =>
    networkPath(id).pipe(
      Effect.flatMap((path) => docker.json({ method: "DELETE", path })),
      Effect.asVoid,
      mapEngineError((error) => removeError(id, error))
    )
  ),

  connect: traced("Networks.connect")(
    Effect.fnUntraced(
      function* (id: string, container: string, options: ConnectOptions = {}) {
        const path = yield* networkPath(id, "/connect")
        yield* containerPath(container, "")
        yield* validateAddress("IPv4 address", options.ipv4Address)
        yield* validateAddress("IPv6 address", options.ipv6Address)
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
      (effect, id, container) => mapEngineError((error) => connectionError(id, container, error))(effect)
    )
  ),

  disconnect: traced("Networks.disconnect")(
    Effect.fnUntraced(
      function* (id: string, container: string, options: { readonly force?: boolean } = {}) {
        const path = yield* networkPath(id, "/disconnect")
        yield* containerPath(container, "")
        yield* docker.json({ method: "POST", path, body: { Container: container, Force: options.force ?? false } })
      },
      (effect, id, container) => mapEngineError((error) => connectionError(id, container, error))(effect)
    )
  )
})

/** Disconnects all members of a network, then removes it. Does nothing if it no longer exists. */
const disconnectAndRemove = ({ disconnect, inspect, remove }: ReturnType<typeof networkVerbs>, id: string) =>
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

const makeNetworks = (docker: DockerShape): NetworksShape => {
  const collection = networkCollection(docker)
  const verbs = networkVerbs(docker)
  return {
    ...collection,
    ...verbs,
    scoped: traced("Networks.scoped")((spec: NetworkSpec) =>
      acquireDetached(`network ${spec.name}`, collection.create(spec), ({ id }) => disconnectAndRemove(verbs, id))
    )
  }
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
 *
 * @since 0.1.0
 * @category tags
 */
export class Networks extends Context.Tag("@dockwire/core/Networks")<Networks, NetworksShape>() {
  /**
   * Networks of the engine behind `Docker`.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<Networks, never, Docker> = Layer.effect(Networks, Effect.map(Docker, makeNetworks))
}
