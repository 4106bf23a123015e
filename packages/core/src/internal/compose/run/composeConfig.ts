import { isRecord } from "effect/Predicate"
import * as Schema from "effect/Schema"
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
    description: "All that compose prints. Values of variables are hidden unless asked for"
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

/** The same without the values of variables. A secret names its variable in `environment`, which is no value. */
const withoutValues = (value: unknown, depth = 0): unknown => {
  if (depth > 100) return hiddenValue
  if (Array.isArray(value)) return value.map((item: unknown) => withoutValues(item, depth + 1))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      (secretMaps.has(name) && typeof inner !== "string") || secretTexts.has(name)
        ? hiddenMap(inner)
        : withoutValues(inner, depth + 1)
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

/** Decodes what `config --format json` prints. */
export const decodeComposeConfig = (text: string, showsValues: boolean) => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = undefined
  }
  const raw = showsValues ? parsed : withoutValues(parsed)
  const { name, networks, services, volumes } = fieldsOf(raw)
  return decode({
    name,
    services: Object.fromEntries(
      Object.entries(fieldsOf(services)).map(([service, value]) => [service, serviceOf(value)])
    ),
    networks: Object.keys(fieldsOf(networks)),
    volumes: Object.keys(fieldsOf(volumes)),
    raw
  })
}
