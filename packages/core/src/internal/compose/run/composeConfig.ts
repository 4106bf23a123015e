import * as Either from "effect/Either"
import { isRecord } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Redactor } from "../../build/output/redactor.js"
import { replicasOf } from "../door/projectConfig.js"

/** What stands in the place of a value that is hidden. */
export const hiddenValue = "<hidden>"

const Values = Schema.Record({ key: Schema.String, value: Schema.NullOr(Schema.String) })

/**
 * A service as the files of a project declare it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeServiceConfig = Schema.Struct({
  image: Schema.optional(Schema.String),
  /** Whether its image is built. */
  isBuilt: Schema.Boolean,
  profiles: Schema.Array(Schema.String),
  /** The services that are started before it, with the condition for that. */
  dependsOn: Schema.Record({ key: Schema.String, value: Schema.String }),
  environment: Values.annotations({ description: "`null` for a variable that is not set. Hidden unless asked for" }),
  /** How many containers it has. */
  replicas: Schema.Number,
  /** `no`, `always`, `on-failure` or `unless-stopped`. */
  restart: Schema.String,
  hasHealthCheck: Schema.Boolean
}).annotations({ identifier: "ComposeServiceConfig", description: "A service as the files of a project declare it" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeServiceConfig = typeof ComposeServiceConfig.Type

/**
 * What the files of a project declare, with everything filled in.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeConfig = Schema.Struct({
  name: Schema.String,
  /** Those that take part: without a profile, or with one that is active. */
  services: Schema.Record({ key: Schema.String, value: ComposeServiceConfig }),
  networks: Schema.Array(Schema.String),
  volumes: Schema.Array(Schema.String),
  raw: Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
    description: "All that compose prints. Values of variables, and what is Redacted, are hidden unless asked for"
  })
}).annotations({ identifier: "ComposeConfig", description: "What the files of a project declare" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeConfig = typeof ComposeConfig.Type

type Fields = Readonly<Record<PropertyKey, unknown>>

const fieldsOf = (value: unknown): Fields => (isRecord(value) ? value : {})

/** Properties whose values may be secret, wherever they are. */
const secretMaps = new Set(["environment", "args"])
const secretTexts = new Set(["content"])

const hiddenMap = (value: unknown): unknown =>
  isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([name, text]) => [name, text === null ? null : hiddenValue]))
    : Array.isArray(value)
      ? value.map(() => hiddenValue)
      : value === null || value === undefined
        ? value
        : hiddenValue

/**
 * The same without the values of variables, and without those that are secret wherever they are. A secret names its variable in
 * `environment`, which is no value.
 */
const withoutValues = (value: unknown, redactor: Redactor, depth = 0): unknown => {
  if (depth > 100) return hiddenValue
  if (typeof value === "string") return redactor.text(value)
  if (Array.isArray(value)) return value.map((item: unknown) => withoutValues(item, redactor, depth + 1))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      (secretMaps.has(name) && typeof inner !== "string") || secretTexts.has(name)
        ? hiddenMap(inner)
        : withoutValues(inner, redactor, depth + 1)
    ])
  )
}

const strings = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : []

const serviceOf = (value: unknown): unknown => {
  const service = fieldsOf(value)
  return {
    image: service["image"],
    isBuilt: isRecord(service["build"]),
    profiles: strings(service["profiles"]),
    dependsOn: Object.fromEntries(
      Object.entries(fieldsOf(service["depends_on"])).map(([name, on]) => [
        name,
        fieldsOf(on)["condition"] ?? "service_started"
      ])
    ),
    environment: service["environment"] ?? {},
    replicas: replicasOf(service),
    restart: typeof service["restart"] === "string" ? service["restart"] : "no",
    hasHealthCheck: isRecord(service["healthcheck"]) && service["healthcheck"]["disable"] !== true
  }
}

const decode = Schema.decodeUnknownEither(ComposeConfig)
const decodeService = Schema.decodeUnknownEither(ComposeServiceConfig)

/** Decodes what `config --format json` prints. With a redactor, values are hidden. */
export const decodeComposeConfig = (text: string, redactor: Redactor | undefined) => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = undefined
  }
  const raw = redactor === undefined ? parsed : withoutValues(parsed, redactor)
  const { networks, services, volumes } = fieldsOf(raw)
  const { name } = fieldsOf(parsed)
  return Either.gen(function* () {
    const own: Array<readonly [name: string, service: ComposeServiceConfig]> = []
    for (const [service, value] of Object.entries(fieldsOf(services))) {
      own.push([service, yield* decodeService(serviceOf(value))])
    }
    const [networkNames, volumeNames] = [Object.keys(fieldsOf(networks)), Object.keys(fieldsOf(volumes))]
    const config = yield* decode({ name, services: {}, networks: networkNames, volumes: volumeNames, raw })
    // The schema of a record would lose a service called `__proto__`.
    return { ...config, services: Object.fromEntries(own) }
  })
}
