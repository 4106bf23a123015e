import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/**
 * What a service waits for before it starts.
 *
 * @since 0.1.0
 * @category models
 */
export const ComposeDependency = Schema.Struct({
  service: Schema.String,
  /** `service_started`, `service_healthy` or `service_completed_successfully`. */
  condition: Schema.String
}).annotations({ identifier: "ComposeDependency" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeDependency = typeof ComposeDependency.Type

const words = (text: string, separator: string): ReadonlyArray<string> =>
  text.split(separator).filter((word) => word !== "")

/** `db:service_healthy:false,init:service_completed_successfully:false` */
const Dependencies = Schema.transform(Schema.String, Schema.Array(ComposeDependency), {
  strict: true,
  decode: (text) =>
    words(text, ",").map((dependency) => {
      const [service = "", condition = "service_started"] = dependency.split(":")
      return { service, condition }
    }),
  encode: (dependencies) => dependencies.map(({ condition, service }) => `${service}:${condition}:false`).join(",")
})

const Files = Schema.transform(Schema.String, Schema.Array(Schema.String), {
  strict: true,
  decode: (text) => words(text, ","),
  encode: (files) => files.join(",")
})

/** Compose counts a service's containers from 1. */
const ContainerNumber = Schema.transform(Schema.String, Schema.Number, {
  strict: true,
  decode: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : 1),
  encode: String
})

/** Compose writes `True` and `False`. */
const OneOff = Schema.transform(Schema.String, Schema.Boolean, {
  strict: true,
  decode: (text) => text.toLowerCase() === "true",
  encode: (oneOff) => (oneOff ? "True" : "False")
})

const prefix = "com.docker.compose"

/** The label that everything of a project carries. */
export const projectLabel = `${prefix}.project`

const optional = <A, I>(schema: Schema.Schema<A, I>, key: string) =>
  Schema.optionalWith(schema, { exact: true }).pipe(Schema.fromKey(`${prefix}.${key}`))

/**
 * The labels by which compose finds what belongs to a project. Encoded, they are labels as compose writes them.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeLabels = Schema.Struct({
  project: Schema.propertySignature(Schema.String).pipe(Schema.fromKey(projectLabel)),
  /** Containers only. */
  service: optional(Schema.String, "service"),
  /** Which of the service's containers it is, from 1. */
  number: optional(ContainerNumber, "container-number"),
  /** Whether it was made by `compose run`. */
  oneOff: optional(OneOff, "oneoff"),
  /** A hash of the service's settings. */
  configHash: optional(Schema.String, "config-hash"),
  dependsOn: optional(Dependencies, "depends_on"),
  workingDirectory: optional(Schema.String, "project.working_dir"),
  configFiles: optional(Files, "project.config_files"),
  /** A network's name in the compose file. */
  network: optional(Schema.String, "network"),
  /** A volume's name in the compose file. */
  volume: optional(Schema.String, "volume")
}).annotations({ identifier: "ComposeLabels" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeLabels = typeof ComposeLabels.Type

const decode = Schema.decodeUnknownEither(ComposeLabels)

/** The labels of compose among an object's labels; `undefined` if it belongs to no project. */
export const composeLabels = (labels: Readonly<Record<string, string>>): ComposeLabels | undefined =>
  Either.getOrUndefined(decode(labels))

/** The engine's filter for what belongs to a project; to any project without a name. */
export const projectFilter = (project: string | undefined): Readonly<Record<string, ReadonlyArray<string>>> => ({
  label: [project === undefined ? projectLabel : `${projectLabel}=${project}`]
})
