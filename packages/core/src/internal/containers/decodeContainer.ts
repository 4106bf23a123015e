import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest } from "../../Docker.js"
import type { EngineError } from "../../DockerError.js"
import { EngineStateName, normalizeState } from "../api/containerState.js"
import { decodeResponse, decodeRaw, nullable, StringRecord } from "../api/decode.js"
import { ownNameFirst } from "../api/names.js"
import type { ContainerDetails, ContainerPort, ContainerSummary } from "./containerModels.js"

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
  Labels: nullable(StringRecord)
})

const decodeList = decodeResponse(Schema.Array(EngineSummary))

const decodeInspect = decodeResponse(
  Schema.Struct({
    Id: Schema.String,
    Name: Schema.String,
    Image: Schema.String,
    Created: Schema.String,
    RestartCount: Schema.optional(Schema.Number),
    Config: Schema.Struct({
      Image: Schema.String,
      Tty: Schema.optional(Schema.Boolean),
      Labels: nullable(StringRecord)
    }),
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
)

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

const containerSummary = (summary: typeof EngineSummary.Type): ContainerSummary => ({
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
  labels: summary.Labels ?? {}
})

/** Decodes the response of `GET /containers/json`. */
export const decodeContainerSummaries = (
  request: DockerRequest,
  status: number,
  body: unknown
): Effect.Effect<ReadonlyArray<ContainerSummary>, EngineError> =>
  Effect.map(decodeList(request, status, body), (summaries) => summaries.map(containerSummary))

/** Decodes the response of `GET /containers/{id}/json`. */
export const decodeContainerDetails = (
  request: DockerRequest,
  status: number,
  body: unknown
): Effect.Effect<ContainerDetails, EngineError> =>
  Effect.zipWith(
    decodeInspect(request, status, body),
    decodeRaw(request, status, body),
    ({ Config, Created, HostConfig, Id, Image, Name, RestartCount, State }, raw): ContainerDetails => ({
      id: Id,
      name: ownName([Name]),
      image: Config.Image,
      imageId: Image,
      created: Created,
      tty: Config.Tty ?? false,
      labels: Config.Labels ?? {},
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
