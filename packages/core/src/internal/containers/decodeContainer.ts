import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest } from "../../Docker.js"
import type { EngineError } from "../../DockerError.js"
import { EngineStateName, normalizeState } from "../api/containerState.js"
import { decodeResponse, decodeWithRaw, nullable, StringRecord } from "../api/decode.js"
import { ownNameFirst } from "../api/names.js"
import type {
  ContainerDetails,
  ContainerMount,
  ContainerNetwork,
  ContainerPort,
  ContainerSummary
} from "./containerModels.js"

const EnginePort = Schema.Struct({
  IP: Schema.optional(Schema.String),
  PrivatePort: Schema.Number,
  PublicPort: Schema.optional(Schema.Number),
  Type: Schema.String
})

const EngineSummary = Schema.Struct({
  Id: Schema.String,
  Names: nullable(Schema.Array(Schema.String)),
  Image: Schema.String,
  ImageID: Schema.String,
  Command: Schema.String,
  Created: Schema.Number,
  State: EngineStateName,
  Status: Schema.String,
  Ports: nullable(Schema.Array(EnginePort)),
  Labels: nullable(StringRecord),
  SizeRw: Schema.optional(Schema.Number),
  SizeRootFs: Schema.optional(Schema.Number)
})

const decodeList = decodeResponse(Schema.Array(EngineSummary))

const EngineMount = Schema.Struct({
  Type: Schema.String,
  Name: Schema.optional(Schema.String),
  Source: Schema.optional(Schema.String),
  Destination: Schema.String,
  RW: Schema.optional(Schema.Boolean)
})

const EngineEndpoint = Schema.Struct({
  NetworkID: Schema.optional(Schema.String),
  IPAddress: Schema.optional(Schema.String),
  GlobalIPv6Address: Schema.optional(Schema.String),
  Gateway: Schema.optional(Schema.String),
  MacAddress: Schema.optional(Schema.String),
  Aliases: nullable(Schema.Array(Schema.String))
})

const EnginePortBinding = Schema.Struct({
  HostIp: Schema.optional(Schema.String),
  HostPort: Schema.optional(Schema.String)
})

const EnginePortMap = Schema.Record({ key: Schema.String, value: Schema.NullOr(Schema.Array(EnginePortBinding)) })

const EngineDetails = Schema.Struct({
  Id: Schema.String,
  Name: Schema.String,
  Image: Schema.String,
  Created: Schema.String,
  RestartCount: Schema.optional(Schema.Number),
  Config: Schema.Struct({
    Image: Schema.String,
    Tty: Schema.optional(Schema.Boolean),
    Labels: nullable(StringRecord),
    Env: nullable(Schema.Array(Schema.String)),
    Cmd: nullable(Schema.Array(Schema.String)),
    Entrypoint: nullable(Schema.Array(Schema.String))
  }),
  Mounts: nullable(Schema.Array(EngineMount)),
  NetworkSettings: nullable(
    Schema.Struct({
      Ports: nullable(EnginePortMap),
      Networks: nullable(Schema.Record({ key: Schema.String, value: Schema.NullOr(EngineEndpoint) }))
    })
  ),
  HostConfig: Schema.Struct({ LogConfig: Schema.optional(Schema.Struct({ Type: Schema.String })) }),
  State: Schema.Struct({
    Status: EngineStateName,
    ExitCode: Schema.Number,
    Error: Schema.optional(Schema.String),
    StartedAt: Schema.String,
    FinishedAt: Schema.String,
    Health: Schema.optional(Schema.NullOr(Schema.Struct({ Status: Schema.String })))
  })
})

/** Podman omits the address of a port that is published on all addresses. */
const hostAddress = ({ IP, PublicPort }: typeof EnginePort.Type) =>
  IP !== undefined && IP !== "" ? { ip: IP } : PublicPort === undefined ? {} : { ip: "0.0.0.0" }

const containerPort = (port: typeof EnginePort.Type): ContainerPort => ({
  ...hostAddress(port),
  privatePort: port.PrivatePort,
  ...(port.PublicPort === undefined ? {} : { publicPort: port.PublicPort }),
  protocol: port.Type
})

/** The container's own name, without the leading slash. */
const ownName = (names: ReadonlyArray<string>): string => {
  const [first = ""] = ownNameFirst(names)
  return first.includes("/") ? "" : first
}

const containerSummary = (summary: typeof EngineSummary.Type, withSize: boolean): ContainerSummary => ({
  id: summary.Id,
  name: ownName(summary.Names ?? []),
  names: ownNameFirst(summary.Names ?? []),
  image: summary.Image,
  imageId: summary.ImageID,
  command: summary.Command,
  created: summary.Created,
  state: normalizeState(summary.State),
  status: summary.Status,
  ports: (summary.Ports ?? []).map(containerPort),
  labels: summary.Labels ?? {},
  ...(withSize ? { sizeRw: summary.SizeRw ?? 0, sizeRootFs: summary.SizeRootFs ?? 0 } : {})
})

/** Decodes the response of `GET /containers/json`. The engine omits sizes of 0 bytes. */
export const decodeContainerSummaries =
  (withSize: boolean) =>
  (
    request: DockerRequest,
    status: number,
    body: unknown
  ): Effect.Effect<ReadonlyArray<ContainerSummary>, EngineError> =>
    Effect.map(decodeList(request, status, body), (summaries) =>
      summaries.map((summary) => containerSummary(summary, withSize))
    )

/** Ports as the list has them. A port that is open but not published has no bindings. */
const openPorts = (ports: typeof EnginePortMap.Type): ReadonlyArray<ContainerPort> =>
  Object.entries(ports).flatMap(([key, bindings]) => {
    const [port = "", protocol = "tcp"] = key.split("/")
    const open = { PrivatePort: Number(port), Type: protocol }
    return bindings === null || bindings.length === 0
      ? [containerPort(open)]
      : bindings.map(({ HostIp, HostPort }) =>
          containerPort({
            ...open,
            ...(HostIp === undefined ? {} : { IP: HostIp }),
            ...(HostPort === undefined || HostPort === "" ? {} : { PublicPort: Number(HostPort) })
          })
        )
  })

const containerNetwork = (name: string, endpoint: typeof EngineEndpoint.Type | null): ContainerNetwork => ({
  name,
  networkId: endpoint?.NetworkID ?? "",
  ipv4Address: endpoint?.IPAddress ?? "",
  ipv6Address: endpoint?.GlobalIPv6Address ?? "",
  gateway: endpoint?.Gateway ?? "",
  macAddress: endpoint?.MacAddress ?? "",
  aliases: endpoint?.Aliases ?? []
})

const containerMount = ({ Destination, Name, RW, Source, Type }: typeof EngineMount.Type): ContainerMount => ({
  type: Type,
  ...(Name === undefined || Name === "" ? {} : { name: Name }),
  source: Source ?? "",
  target: Destination,
  readOnly: RW === false
})

/** An entry without a value removes a variable of the image. */
const environment = (entries: ReadonlyArray<string>): Readonly<Record<string, string>> => {
  const variables: Array<readonly [string, string]> = []
  for (const entry of entries) {
    const end = entry.indexOf("=")
    if (end >= 0) variables.push([entry.slice(0, end), entry.slice(end + 1)])
  }
  return Object.fromEntries(variables)
}

/** Decodes the response of `GET /containers/{id}/json`. */
export const decodeContainerDetails = decodeWithRaw(
  EngineDetails,
  (
    { Config, Created, HostConfig, Id, Image, Mounts, Name, NetworkSettings, RestartCount, State },
    raw
  ): ContainerDetails => ({
    id: Id,
    name: ownName([Name]),
    image: Config.Image,
    imageId: Image,
    created: Created,
    tty: Config.Tty ?? false,
    labels: Config.Labels ?? {},
    command: Config.Cmd ?? [],
    entrypoint: Config.Entrypoint ?? [],
    environment: environment(Config.Env ?? []),
    ports: openPorts(NetworkSettings?.Ports ?? {}),
    networks: Object.entries(NetworkSettings?.Networks ?? {}).map(([name, endpoint]) =>
      containerNetwork(name, endpoint)
    ),
    mounts: (Mounts ?? []).map(containerMount),
    logDriver: HostConfig.LogConfig?.Type ?? "",
    restartCount: RestartCount ?? 0,
    state: {
      status: normalizeState(State.Status),
      exitCode: State.ExitCode,
      error: State.Error ?? "",
      startedAt: State.StartedAt,
      finishedAt: State.FinishedAt,
      // Podman sends an empty status for a container without a health check.
      ...(State.Health == null || State.Health.Status === "" ? {} : { health: State.Health.Status })
    },
    raw
  })
)
