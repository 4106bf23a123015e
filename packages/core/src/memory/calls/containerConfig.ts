import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { StringRecord, nullable } from "../../internal/api/decode.js"
import type { ContainerSettings, EndpointSettings, RestartPolicy } from "../state/containerSettings.js"
import type { ErrorResponse } from "../state/errorResponse.js"
import { bodyDecoder } from "./call.js"

const CommandLine = nullable(Schema.Union(Schema.Array(Schema.String), Schema.String))

/** A container's configuration on a network, in requests to create or connect one. */
export const EndpointConfig = Schema.Struct({
  Aliases: nullable(Schema.Array(Schema.String)),
  IPAMConfig: nullable(
    Schema.Struct({ IPv4Address: Schema.optional(Schema.String), IPv6Address: Schema.optional(Schema.String) })
  )
})

/** A restart policy, in requests to create or update a container. */
export const RestartPolicyConfig = Schema.Struct({
  Name: Schema.optional(Schema.String),
  MaximumRetryCount: Schema.optional(Schema.Number)
})

const MountConfig = Schema.Struct({
  Type: Schema.optional(Schema.String),
  Source: Schema.optional(Schema.String),
  Target: Schema.optional(Schema.String),
  ReadOnly: Schema.optional(Schema.Boolean)
})

const PortBinding = Schema.Struct({
  HostIp: Schema.optional(Schema.String),
  HostPort: Schema.optional(Schema.String)
})

const HostConfig = Schema.Struct({
  AutoRemove: Schema.optional(Schema.Boolean),
  Binds: nullable(Schema.Array(Schema.String)),
  Links: nullable(Schema.Array(Schema.String)),
  LogConfig: nullable(Schema.Struct({ Type: Schema.optional(Schema.String), Config: nullable(StringRecord) })),
  Memory: Schema.optional(Schema.Number),
  Mounts: nullable(Schema.Array(MountConfig)),
  MemorySwap: Schema.optional(Schema.Number),
  NanoCpus: Schema.optional(Schema.Number),
  NetworkMode: Schema.optional(Schema.String),
  PortBindings: nullable(Schema.Record({ key: Schema.String, value: Schema.NullOr(Schema.Array(PortBinding)) })),
  RestartPolicy: nullable(RestartPolicyConfig),
  Tmpfs: nullable(StringRecord)
})

const ContainerConfig = Schema.Struct({
  Image: Schema.optional(Schema.String),
  Cmd: CommandLine,
  Entrypoint: CommandLine,
  Env: nullable(Schema.Array(Schema.String)),
  Labels: nullable(StringRecord),
  ExposedPorts: nullable(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  Hostname: Schema.optional(Schema.String),
  Tty: Schema.optional(Schema.Boolean),
  OpenStdin: Schema.optional(Schema.Boolean),
  StdinOnce: Schema.optional(Schema.Boolean),
  StopSignal: Schema.optional(Schema.String),
  StopTimeout: nullable(Schema.Number),
  Healthcheck: nullable(Schema.Struct({ Test: nullable(Schema.Array(Schema.String)) })),
  Volumes: nullable(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  HostConfig: nullable(HostConfig),
  NetworkingConfig: nullable(
    Schema.Struct({
      EndpointsConfig: nullable(Schema.Record({ key: Schema.String, value: Schema.NullOr(EndpointConfig) }))
    })
  )
})

const commandWords = (value: ReadonlyArray<string> | string | null | undefined) =>
  typeof value === "string" ? [value] : (value ?? undefined)

/** A port with its protocol, `tcp` by default. */
const portKey = (key: string) => (key.includes("/") ? key : `${key}/tcp`)

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {}

/** The endpoint settings of a request, with their defaults filled in. */
export const endpointSettings = (config: typeof EndpointConfig.Type | null | undefined): EndpointSettings => {
  const address = config?.IPAMConfig?.IPv4Address
  return { aliases: config?.Aliases ?? [], requestedAddress: address === "" ? undefined : address }
}

/** The restart policy of a request; `no` unless it names one. */
export const restartPolicy = (config: typeof RestartPolicyConfig.Type | null | undefined): RestartPolicy => ({
  name: config?.Name === undefined || config.Name === "" ? "no" : config.Name,
  maximumRetryCount: config?.MaximumRetryCount ?? 0
})

const decode = bodyDecoder(ContainerConfig)

/** Decodes the body of a create request. */
export const decodeContainerConfig = (body: unknown): Either.Either<ContainerSettings, ErrorResponse> =>
  Either.map(decode(body), (request): ContainerSettings => {
    const { HostConfig: hostConfig, NetworkingConfig: _, ...config } = record(body)
    return {
      ...configSettings(request),
      ...hostSettings(request.HostConfig ?? {}),
      config,
      hostConfig: record(hostConfig)
    }
  })

const configSettings = (config: typeof ContainerConfig.Type) => {
  const healthTest = config.Healthcheck?.Test ?? []
  const endpoints = Object.entries(config.NetworkingConfig?.EndpointsConfig ?? {})
  return {
    image: config.Image ?? "",
    command: commandWords(config.Cmd),
    entrypoint: commandWords(config.Entrypoint),
    env: config.Env ?? [],
    exposedPorts: Object.keys(config.ExposedPorts ?? {}).map(portKey),
    labels: config.Labels ?? {},
    hostname: config.Hostname ?? "",
    tty: config.Tty ?? false,
    openStdin: config.OpenStdin ?? false,
    stdinOnce: config.StdinOnce ?? false,
    stopSignal: config.StopSignal ?? "SIGTERM",
    stopTimeout: config.StopTimeout ?? 10,
    healthCheck: healthTest.length > 0 && healthTest[0] !== "NONE",
    volumes: Object.keys(config.Volumes ?? {}),
    endpoints: Object.fromEntries(endpoints.map(([network, endpoint]) => [network, endpointSettings(endpoint)]))
  }
}

const hostSettings = (config: typeof HostConfig.Type) => {
  const { LogConfig, NetworkMode } = config
  return {
    autoRemove: config.AutoRemove ?? false,
    binds: config.Binds ?? [],
    links: (config.Links ?? []).map((link) => {
      const [container = "", alias] = link.split(":")
      return { container, alias: alias ?? container }
    }),
    mounts: (config.Mounts ?? []).map(({ ReadOnly, Source, Target, Type }) => ({
      type: Type ?? "volume",
      source: Source ?? "",
      target: Target ?? "",
      readOnly: ReadOnly ?? false
    })),
    logDriver: LogConfig?.Type === undefined || LogConfig.Type === "" ? "json-file" : LogConfig.Type,
    logOptions: LogConfig?.Config ?? {},
    limits: { memory: config.Memory ?? 0, memorySwap: config.MemorySwap ?? 0, nanoCpus: config.NanoCpus ?? 0 },
    networkMode: NetworkMode === undefined || NetworkMode === "default" ? "bridge" : NetworkMode,
    ports: Object.entries(config.PortBindings ?? {}).flatMap(([key, bindings]) =>
      (bindings ?? []).map(({ HostIp, HostPort }) => ({
        key: portKey(key),
        hostIp: HostIp ?? "",
        hostPort: HostPort ?? ""
      }))
    ),
    restart: restartPolicy(config.RestartPolicy),
    tmpfs: Object.keys(config.Tmpfs ?? {})
  }
}
