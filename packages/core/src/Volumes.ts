import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { Docker, type DockerRequest } from "./Docker.js"
import {
  type DockerFailure,
  type EngineError,
  InvalidRequest,
  NameConflict,
  type PruneInProgress,
  ResourceInUse,
  VolumeNotFound
} from "./DockerError.js"
import { RawObject, StringRecord, decodeAnswer, nullable, decodeRaw } from "./internal/api/decode.js"
import { mapEngineError } from "./internal/api/errorRules.js"
import { filtersQuery, invalidFilter } from "./internal/api/filters.js"
import { validateName, encodePathSegment } from "./internal/api/names.js"
import { type PruneReport, pruneRefused } from "./internal/api/prune.js"
import { retryWhileInUse } from "./internal/api/schedules.js"
import { acquireDetached, removeOrWarn } from "./internal/api/scopedResource.js"
import { pruneVolumes } from "./internal/api/volumePrune.js"

/**
 * A volume.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Volume = Schema.Struct({
  name: Schema.String,
  driver: Schema.String,
  /** Path of the volume on the engine's host. */
  mountpoint: Schema.String,
  /** Creation time, RFC 3339. Absent if the driver does not report it. */
  created: Schema.optionalWith(Schema.String, { exact: true }),
  /** `local` or `global`. */
  scope: Schema.String,
  /** Driver options. */
  options: StringRecord,
  labels: StringRecord,
  /** The complete response from the engine. */
  raw: RawObject
}).annotations({ identifier: "Volume" })

/**
 * @since 0.1.0
 * @category models
 */
export type Volume = typeof Volume.Type

/** What a volume is made from. */
export interface VolumeSpec {
  /** The engine makes one up where none is given. */
  readonly name?: string
  /** Default `local`. */
  readonly driver?: string
  /** The driver's own options. */
  readonly options?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

/** The engine's filters: `{ label: ["a=b"], dangling: ["true"] }`. */
export interface VolumeFilters {
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

const One = Schema.Struct({
  Name: Schema.String,
  Driver: Schema.String,
  Mountpoint: Schema.String,
  CreatedAt: Schema.optional(Schema.String),
  Scope: Schema.String,
  Options: nullable(StringRecord),
  Labels: nullable(StringRecord)
})
const decodeMany = decodeAnswer(Schema.Struct({ Volumes: nullable(Schema.Array(Schema.Unknown)) }))
const decodeOne = decodeAnswer(One)

const volume = (request: DockerRequest, status: number, body: unknown): Effect.Effect<Volume, EngineError> =>
  Effect.gen(function* () {
    const { CreatedAt, Driver, Labels, Mountpoint, Name, Options, Scope } = yield* decodeOne(request, status, body)
    return {
      name: Name,
      driver: Driver,
      mountpoint: Mountpoint,
      ...(CreatedAt === undefined || CreatedAt === "" ? {} : { created: CreatedAt }),
      scope: Scope,
      options: Options ?? {},
      labels: Labels ?? {},
      raw: yield* decodeRaw(request, status, body)
    }
  })

const notFound = (name: string, error: EngineError) =>
  error.status === 404 && /no such volume/i.test(error.detail)
    ? new VolumeNotFound({ volume: name, detail: error.detail })
    : undefined

const volumePath = (name: string): Effect.Effect<string, VolumeNotFound> =>
  Effect.suspend(() => {
    const part = encodePathSegment(name)
    return part === undefined
      ? Effect.fail(
          new VolumeNotFound({ volume: name, detail: "nothing was asked, as this can't be a part of a path" })
        )
      : Effect.succeed(`/volumes/${part}`)
  })

const equal = (left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>) => {
  const keys = Object.keys(left)
  return keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key])
}

/** The engine tells of a plugin with its tag. */
const tagged = (driver: string) => (driver === "local" || driver.includes(":") ? driver : `${driver}:latest`)

/** Of a volume with a name that a scope made: by its value the scope knows its own. */
const scopeLabel = "com.dockwire.scope"

/** In what a volume that was there already differs from the one that was asked for. */
const difference = (spec: VolumeSpec, found: Volume): string | undefined =>
  tagged(found.driver) !== tagged(spec.driver ?? "local")
    ? `its driver is ${found.driver}`
    : !equal(found.options, spec.options ?? {})
      ? "its options are others" // They may hold passwords.
      : !equal(found.labels, spec.labels ?? {})
        ? `its labels are ${JSON.stringify(found.labels)}`
        : undefined

const make = Effect.gen(function* () {
  const docker = yield* Docker

  const list = Effect.fn("Volumes.list")(
    function* (options: VolumeFilters = {}) {
      const request = { method: "GET", path: "/volumes", query: { filters: filtersQuery(options.filters) } } as const
      const { body, status } = yield* docker.json(request)
      const { Volumes } = yield* decodeMany(request, status, body)
      return yield* Effect.forEach(Volumes ?? [], (one) => volume(request, status, one))
    },
    (effect, options) => mapEngineError((error) => invalidFilter(options?.filters, error))(effect)
  )

  const inspect = Effect.fn("Volumes.inspect")(
    function* (name: string) {
      const request = { method: "GET", path: yield* volumePath(name) } as const
      const { body, status } = yield* docker.json(request)
      return yield* volume(request, status, body)
    },
    (effect, name) => mapEngineError((error) => notFound(name, error))(effect)
  )

  const create = Effect.fn("Volumes.create")(
    function* (spec: VolumeSpec = {}) {
      // What other drivers take for a name is for them to say.
      if (spec.name !== undefined && (spec.driver ?? "local") === "local") yield* validateName("volume name", spec.name)
      const request = {
        method: "POST",
        path: "/volumes/create",
        body: { Name: spec.name, Driver: spec.driver, DriverOpts: spec.options, Labels: spec.labels }
      } as const
      const { body, status } = yield* docker.json(request)
      const made = yield* volume(request, status, body)
      // The engine gives one that was there already, and says nothing of what was asked for in vain.
      const other = spec.name === undefined ? undefined : difference(spec, made)
      if (other === undefined) return made
      return yield* new NameConflict({ name: made.name, detail: `a volume of this name exists, and ${other}` })
    },
    (effect, spec) =>
      mapEngineError((error) =>
        (error.status === 404 && /plugin/.test(error.detail)) || error.detail.endsWith("required plugin missing")
          ? new InvalidRequest({ field: "driver", value: spec?.driver ?? "", detail: error.detail })
          : error.status === 400 || error.detail.endsWith(": invalid argument")
            ? new InvalidRequest({ field: "volume specification", value: spec?.name ?? "", detail: error.detail })
            : undefined
      )(effect)
  )

  const remove = Effect.fn("Volumes.remove")(
    function* (name: string, options: { readonly force?: boolean } = {}) {
      const path = yield* volumePath(name)
      yield* docker.json({ method: "DELETE", path, query: { force: options.force ?? false } })
    },
    (effect, name) =>
      mapEngineError(
        (error) =>
          notFound(name, error) ??
          (error.status === 409 ? new ResourceInUse({ resource: name, detail: error.detail }) : undefined)
      )(effect)
  )

  const prune = Effect.fn("Volumes.prune")(
    function* (options: VolumeFilters = {}) {
      const pruned: PruneReport = yield* pruneVolumes(docker, options.filters ?? {})
      return pruned
    },
    (effect, options) => mapEngineError(pruneRefused("volumes", options?.filters))(effect)
  )

  /**
   * A volume that is there belongs to somebody else, however like the one asked for it is: the scope must not remove it. The
   * label tells them apart, as `create` gives a volume with other labels to nobody.
   */
  const scoped = Effect.fn("Volumes.scoped")((spec: VolumeSpec = {}) =>
    acquireDetached(
      spec.name === undefined ? "an anonymous volume" : `volume ${spec.name}`,
      create(spec.name === undefined ? spec : { ...spec, labels: { ...spec.labels, [scopeLabel]: randomUUID() } }),
      ({ name }) => removeOrWarn(`volume ${name}`, retryWhileInUse(remove(name, { force: true })))
    )
  )

  return { create, inspect, list, prune, remove, scoped }
})

/** The shape of `Volumes`. */
export interface VolumesShape {
  /** The volumes. `GET /volumes` */
  readonly list: (options?: VolumeFilters) => Effect.Effect<ReadonlyArray<Volume>, InvalidRequest | DockerFailure>
  /** One volume. `GET /volumes/{name}` */
  readonly inspect: (name: string) => Effect.Effect<Volume, VolumeNotFound | DockerFailure>
  /**
   * Makes a volume. One of that name which is there already is given when it is just as asked for, else it is a
   * `NameConflict`. `POST /volumes/create`
   */
  readonly create: (spec?: VolumeSpec) => Effect.Effect<Volume, NameConflict | InvalidRequest | DockerFailure>
  /** Removes it; with `force`, one that is not there is no failure. `DELETE /volumes/{name}` */
  readonly remove: (
    name: string,
    options?: { readonly force?: boolean }
  ) => Effect.Effect<void, VolumeNotFound | ResourceInUse | DockerFailure>
  /** Removes the anonymous ones that no container uses; those with names too by the filter `all=true`. `POST /volumes/prune` */
  readonly prune: (
    options?: VolumeFilters
  ) => Effect.Effect<PruneReport, PruneInProgress | InvalidRequest | DockerFailure>
  /**
   * A new volume, as long as the scope is open; one of this name must not be there. A named one bears the label
   * `com.dockwire.scope` beside its own. A removal that fails is a logged warning. Interrupting it returns at once, also
   * while the engine makes the volume: then it is removed when it is made.
   */
  readonly scoped: (
    spec?: VolumeSpec
  ) => Effect.Effect<Volume, NameConflict | InvalidRequest | DockerFailure, Scope.Scope>
}

/**
 * Volumes.
 *
 * @example
 * ```ts
 * import { Docker, Volumes } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const volumes = yield* Volumes
 *   const { name } = yield* volumes.scoped({ labels: { purpose: "example" } })
 *   return (yield* volumes.list({ filters: { name: [name] } })).map(({ labels }) => labels["purpose"])
 * })
 *
 * const live = Volumes.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(live))))
 * ```
 */
export class Volumes extends Context.Tag("@dockwire/core/Volumes")<Volumes, VolumesShape>() {
  /** Volumes of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Volumes, never, Docker> = Layer.effect(Volumes, make)
}
