import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import type { Process } from "../programs/process.js"
import type { ConditionVariable } from "../time/conditionVariable.js"
import type { ContainerLog, LogWriter } from "./logs/containerLog.js"
import type { ContainerSettings, EndpointSettings, RestartPolicy } from "./containerSettings.js"
import { type ErrorResponse, errorResponse } from "./errorResponse.js"
import type { MemoryDirectory } from "./fileTree.js"
import type { MemoryImage } from "./images/imageStore.js"

/** A container's endpoint on a network. */
export interface Endpoint extends EndpointSettings {
  readonly id: string
  /** With its prefix length, such as `172.17.0.2/16`; empty while the container is not running. */
  address: string
}

/** A published port. */
export interface PublishedPort {
  /** The container's side, such as `80/tcp`. */
  readonly key: string
  readonly hostIp: string
  readonly hostPort: number
}

/** A mount point of a container. */
export interface Mount {
  readonly type: "bind" | "volume" | "tmpfs"
  /** The name of the volume. */
  readonly name?: string
  readonly source: string
  readonly target: string
  readonly writable: boolean
  /** Whether it is an anonymous volume. */
  readonly anonymous: boolean
}

/** One run of a container, from its start to the exit of its process. */
export interface ContainerRun {
  readonly process: Process
  readonly writers: ReadonlyArray<LogWriter>
  readonly startedAt: bigint
  /** The index of the first log record after this run; set when the run ends. */
  logEnd?: number
}

/** A container and its state. */
export interface MemoryContainer {
  readonly id: string
  name: string
  readonly image: MemoryImage
  readonly created: bigint
  readonly settings: ContainerSettings
  readonly mounts: ReadonlyArray<Mount>
  /** The root directory, including what is mounted in it. */
  readonly files: MemoryDirectory
  readonly log: ContainerLog
  /** Notified on every change of state. */
  readonly changed: ConditionVariable
  /** By network id, or by the requested name if there is no such network. */
  readonly endpoints: Map<string, Endpoint>
  /** The ids of the containers that legacy links lead to, by alias. */
  readonly links: ReadonlyMap<string, string>
  /** `HostConfig` as requested, with later updates applied. */
  hostConfig: Readonly<Record<string, unknown>>
  restart: RestartPolicy
  ports: ReadonlyArray<PublishedPort>
  status: "created" | "running" | "paused" | "restarting" | "removing" | "exited"
  exitCode: number
  error: string
  startedAt: bigint | undefined
  finishedAt: bigint | undefined
  health: string | undefined
  /** The current run, or the last one. */
  run: ContainerRun | undefined
  /** Called with the process of the next run: clients that attached before it started. */
  readonly pendingAttachments: Set<(process: Process) => void>
  /** How many runs have ended. */
  exitCount: number
  restartCount: number
  /** The delay before the last automatic restart, in milliseconds. Doubles with each restart. */
  restartDelay: number
  /** Waits for the restart delay, then restarts the container. */
  pendingRestart: Fiber.Fiber<void> | undefined
  /** Stopped or killed by a request, so it is not restarted. */
  manuallyStopped: boolean
  /** A stop is in progress; its event is emitted when the process has exited. */
  stopping: boolean
  removed: boolean
}

/** A command executed in a running container. */
export interface MemoryExec {
  readonly id: string
  readonly container: MemoryContainer
  readonly command: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  /** `user[:group]`; empty for the container's own user. */
  readonly user: string
  /** Empty for the container's own working directory. */
  readonly workingDirectory: string
  readonly tty: boolean
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  started: boolean
  process: Process | undefined
  exitCode: number | undefined
}

/** Whether the container has a live process; also true while it is paused. */
export const isRunning = ({ run }: MemoryContainer): boolean => run !== undefined && run.logEnd === undefined

/** The container's current run, or the engine's error if it is not running. */
export const requireRunning = (container: MemoryContainer): Either.Either<ContainerRun, ErrorResponse> =>
  container.run === undefined || !isRunning(container)
    ? Either.left(errorResponse(409, `container ${container.id} is not running`))
    : Either.right(container.run)
