import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { decodeResponse, nullable } from "../api/decode.js"
import type { EngineInfo } from "./systemModels.js"

/** Decodes the response to `GET /info`. */
export const decodeInfo = decodeResponse(
  Schema.Struct({
    ID: Schema.String,
    Name: Schema.String,
    ServerVersion: Schema.String,
    OperatingSystem: Schema.String,
    OSType: Schema.String,
    Architecture: Schema.String,
    KernelVersion: Schema.String,
    NCPU: Schema.Number,
    MemTotal: Schema.Number,
    Containers: Schema.Number,
    ContainersRunning: Schema.Number,
    ContainersPaused: Schema.Number,
    ContainersStopped: Schema.Number,
    Images: Schema.Number,
    Driver: Schema.String,
    LoggingDriver: Schema.String,
    CgroupVersion: Schema.optional(Schema.String),
    DockerRootDir: Schema.String,
    Warnings: nullable(Schema.Array(Schema.String))
  })
)

/** Names the fields of `GET /info` as the other services do. */
export const toEngineInfo = (
  response: Effect.Effect.Success<ReturnType<typeof decodeInfo>>,
  raw: EngineInfo["raw"]
): EngineInfo => ({
  id: response.ID,
  name: response.Name,
  serverVersion: response.ServerVersion,
  operatingSystem: response.OperatingSystem,
  osType: response.OSType,
  architecture: response.Architecture,
  kernelVersion: response.KernelVersion,
  cpus: response.NCPU,
  memory: response.MemTotal,
  containers: {
    all: response.Containers,
    running: response.ContainersRunning,
    paused: response.ContainersPaused,
    stopped: response.ContainersStopped
  },
  images: response.Images,
  storageDriver: response.Driver,
  loggingDriver: response.LoggingDriver,
  cgroupVersion: response.CgroupVersion ?? "",
  rootDirectory: response.DockerRootDir,
  warnings: response.Warnings ?? [],
  raw
})
