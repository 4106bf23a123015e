import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { StringRecord, nullable } from "../../internal/api/decode.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

const Words = nullable(Schema.Union(Schema.Array(Schema.String), Schema.String))

/** How a container is on a network. */
export const EndpointConfig = Schema.Struct({
  Aliases: nullable(Schema.Array(Schema.String)),
  IPAMConfig: nullable(
    Schema.Struct({ IPv4Address: Schema.optional(Schema.String), IPv6Address: Schema.optional(Schema.String) })
  )
})

/** The policy by which a container is restarted. */
export const RestartPolicy = Schema.Struct({
  Name: Schema.optional(Schema.String),
  MaximumRetryCount: Schema.optional(Schema.Number)
})

const Body = Schema.Struct({
  Image: Schema.optional(Schema.String),
  Cmd: Words,
  Entrypoint: Words,
  Env: nullable(Schema.Array(Schema.String)),
  Labels: nullable(StringRecord),
  Hostname: Schema.optional(Schema.String),
  Tty: Schema.optional(Schema.Boolean),
  OpenStdin: Schema.optional(Schema.Boolean),
  StdinOnce: Schema.optional(Schema.Boolean),
  StopSignal: Schema.optional(Schema.String),
  StopTimeout: nullable(Schema.Number),
  Healthcheck: nullable(Schema.Struct({ Test: nullable(Schema.Array(Schema.String)) })),
  Volumes: nullable(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  HostConfig: nullable(
    Schema.Struct({
      AutoRemove: Schema.optional(Schema.Boolean),
      Binds: nullable(Schema.Array(Schema.String)),
      LogConfig: nullable(Schema.Struct({ Type: Schema.optional(Schema.String), Config: nullable(StringRecord) })),
      Memory: Schema.optional(Schema.Number),
      Mounts: nullable(
        Schema.Array(
          Schema.Struct({
            Type: Schema.optional(Schema.String),
            Source: Schema.optional(Schema.String),
            Target: Schema.optional(Schema.String),
            ReadOnly: Schema.optional(Schema.Boolean)
          })
        )
      ),
      NetworkMode: Schema.optional(Schema.String),
      PortBindings: nullable(
        Schema.Record({
          key: Schema.String,
          value: Schema.NullOr(
            Schema.Array(
              Schema.Struct({ HostIp: Schema.optional(Schema.String), HostPort: Schema.optional(Schema.String) })
            )
          )
        })
      ),
      RestartPolicy: nullable(RestartPolicy)
    })
  ),
  NetworkingConfig: nullable(
    Schema.Struct({
      EndpointsConfig: nullable(Schema.Record({ key: Schema.String, value: Schema.NullOr(EndpointConfig) }))
    })
  )
})

/** What a create request says, as far as the engine acts on it. */
export interface ContainerSettings {
  readonly image: string
  readonly command: ReadonlyArray<string> | undefined
  readonly entrypoint: ReadonlyArray<string> | undefined
  readonly env: ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
  readonly hostname: string
  readonly tty: boolean
  readonly openStdin: boolean
  readonly stdinOnce: boolean
  readonly stopSignal: string
  readonly stopTimeout: number
  readonly healthCheck: boolean
  readonly volumes: ReadonlyArray<string>
  readonly autoRemove: boolean
  readonly binds: ReadonlyArray<string>
  readonly mounts: ReadonlyArray<{
    readonly type: string
    readonly source: string
    readonly target: string
    readonly readOnly: boolean
  }>
  readonly logDriver: string
  readonly logOptions: Readonly<Record<string, string>>
  readonly memory: number
  readonly networkMode: string
  /** `hostIp` and `hostPort` are empty where the engine chooses. */
  readonly ports: ReadonlyArray<{ readonly key: string; readonly hostIp: string; readonly hostPort: string }>
  readonly restart: { readonly name: string; readonly maximumRetryCount: number }
  readonly endpoints: Readonly<Record<string, typeof EndpointConfig.Type | null>>
  /** The engine's `Config` and `HostConfig` as they were asked for. */
  readonly config: Readonly<Record<string, unknown>>
  readonly hostConfig: Readonly<Record<string, unknown>>
}

const decode = Schema.decodeUnknownEither(Body)

const words = (value: ReadonlyArray<string> | string | null | undefined) =>
  value == null ? undefined : typeof value === "string" ? [value] : value

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {}

/** A body that is not what it has to be. */
export const invalidBody = (error: ParseResult.ParseError): ErrorResponse =>
  errorResponse(400, `invalid JSON: ${ParseResult.TreeFormatter.formatErrorSync(error)}`)

/** Reads the body of a create request. */
export const containerSettings = (body: unknown): Either.Either<ContainerSettings, ErrorResponse> =>
  Either.mapBoth(decode(body), {
    onLeft: invalidBody,
    onRight: (asked): ContainerSettings => {
      const host = asked.HostConfig ?? {}
      const policy = host.RestartPolicy?.Name ?? ""
      const test = asked.Healthcheck?.Test ?? []
      const { HostConfig, NetworkingConfig: _, ...config } = record(body)
      return {
        image: asked.Image ?? "",
        command: words(asked.Cmd),
        entrypoint: words(asked.Entrypoint),
        env: asked.Env ?? [],
        labels: asked.Labels ?? {},
        hostname: asked.Hostname ?? "",
        tty: asked.Tty ?? false,
        openStdin: asked.OpenStdin ?? false,
        stdinOnce: asked.StdinOnce ?? false,
        stopSignal: asked.StopSignal ?? "SIGTERM",
        stopTimeout: asked.StopTimeout ?? 10,
        healthCheck: test.length > 0 && test[0] !== "NONE",
        volumes: Object.keys(asked.Volumes ?? {}),
        autoRemove: host.AutoRemove ?? false,
        binds: host.Binds ?? [],
        mounts: (host.Mounts ?? []).map(({ ReadOnly, Source, Target, Type }) => ({
          type: Type ?? "volume",
          source: Source ?? "",
          target: Target ?? "",
          readOnly: ReadOnly ?? false
        })),
        logDriver: host.LogConfig?.Type === undefined || host.LogConfig.Type === "" ? "json-file" : host.LogConfig.Type,
        logOptions: host.LogConfig?.Config ?? {},
        memory: host.Memory ?? 0,
        networkMode: host.NetworkMode === undefined || host.NetworkMode === "default" ? "bridge" : host.NetworkMode,
        ports: Object.entries(host.PortBindings ?? {}).flatMap(([key, bindings]) =>
          (bindings ?? []).map(({ HostIp, HostPort }) => ({
            key: key.includes("/") ? key : `${key}/tcp`,
            hostIp: HostIp ?? "",
            hostPort: HostPort ?? ""
          }))
        ),
        restart: { name: policy === "" ? "no" : policy, maximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0 },
        endpoints: asked.NetworkingConfig?.EndpointsConfig ?? {},
        config,
        hostConfig: record(HostConfig)
      }
    }
  })
