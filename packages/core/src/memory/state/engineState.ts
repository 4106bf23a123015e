import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import type { ConditionVariable } from "../time/conditionVariable.js"
import type { ContainerLog, LogWriter } from "./containerLog.js"
import type { ContainerSettings } from "../calls/containerConfig.js"
import { EngineClock } from "../time/engineClock.js"
import { EventJournal } from "./eventJournal.js"
import { type MemoryDirectory, newDirectory } from "./fileTree.js"
import type { Process } from "../programs/process.js"
import type { MemoryProgram } from "../programs/program.js"
import { withDefaultTag } from "../programs/imageReference.js"
import { type ErrorResponse, errorResponse } from "./errorResponse.js"

/** A container's place on a network. */
export interface Endpoint {
  readonly id: string
  readonly aliases: ReadonlyArray<string>
  readonly requestedAddress: string | undefined
  /** Empty while the container doesn't run. */
  address: string
}

/** Where a host port leads. */
export interface PublishedPort {
  /** `80/tcp` */
  readonly key: string
  readonly hostIp: string
  readonly hostPort: number
}

/** A file system inside a container. */
export interface Mount {
  readonly type: "bind" | "volume" | "tmpfs"
  /** Of a volume. */
  readonly name?: string
  readonly source: string
  readonly target: string
  readonly writable: boolean
  /** A volume that was made for this container, without a name of its own. */
  readonly anonymous: boolean
}

/** A run of a container. */
export interface ContainerRun {
  readonly process: Process
  readonly writers: ReadonlyArray<LogWriter>
  readonly startedAt: bigint
  /** Where its log ends; missing while it runs. */
  logEnd?: number
}

/** A container. */
export interface MemoryContainer {
  readonly id: string
  name: string
  readonly image: MemoryImage
  readonly created: bigint
  readonly settings: ContainerSettings
  readonly mounts: ReadonlyArray<Mount>
  /** Its root, with what is mounted there. */
  readonly files: MemoryDirectory
  readonly log: ContainerLog
  readonly changed: ConditionVariable
  /** By the network's id, or its name where there was none of it. */
  readonly endpoints: Map<string, Endpoint>
  /** The engine's `HostConfig`, whole. */
  hostConfig: Readonly<Record<string, unknown>>
  restart: { readonly name: string; readonly maximumRetryCount: number }
  ports: ReadonlyArray<PublishedPort>
  status: "created" | "running" | "paused" | "restarting" | "removing" | "exited"
  exitCode: number
  error: string
  startedAt: bigint | undefined
  finishedAt: bigint | undefined
  health: string | undefined
  run: ContainerRun | undefined
  /** Who wants to be connected to the process of the next run. */
  readonly attaching: Set<(process: Process) => void>
  /** How many runs have ended. */
  exitCount: number
  restartCount: number
  /** How long the next wait for a restart is, in milliseconds. */
  backoff: number
  restarting: Fiber.Fiber<void> | undefined
  /** Somebody ended it, so it isn't restarted. */
  stopped: boolean
  /** `stop` is under way, and is said when it ends. */
  stopping: boolean
  removed: boolean
}

/** A command in a container. */
export interface MemoryExec {
  readonly id: string
  readonly container: MemoryContainer
  readonly command: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly tty: boolean
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  process: Process | undefined
  begun: boolean
  exitCode: number | undefined
}

/** An image. */
export interface MemoryImage {
  /** `sha256:...` */
  readonly id: string
  tags: ReadonlyArray<string>
  readonly created: bigint
  readonly command: ReadonlyArray<string>
  /** The root of its containers, before they change it. */
  readonly files: MemoryDirectory
}

/** A volume. */
export interface MemoryVolume {
  readonly name: string
  readonly files: MemoryDirectory
  readonly created: bigint
  readonly options: Readonly<Record<string, string>> | null
  readonly labels: Readonly<Record<string, string>> | null
  readonly anonymous: boolean
}

/** A network. */
export interface MemoryNetwork {
  readonly id: string
  readonly name: string
  readonly driver: string
  readonly created: bigint
  readonly internal: boolean
  readonly attachable: boolean
  readonly ipv6: boolean
  readonly subnets: ReadonlyArray<{
    readonly Subnet: string
    readonly IPRange?: string
    readonly Gateway?: string
  }>
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly predefined: boolean
}

/** A new id of 64 hexadecimal digits. */
export const newId = (): string => randomBytes(32).toString("hex")

/** All that the engine has. */
export class EngineState {
  readonly clock = new EngineClock()
  readonly journal = new EventJournal(this.clock)
  readonly containers = new Map<string, MemoryContainer>()
  readonly execs = new Map<string, MemoryExec>()
  readonly images = new Map<string, MemoryImage>()
  readonly volumes = new Map<string, MemoryVolume>()
  readonly networks = new Map<string, MemoryNetwork>()
  readonly id = newId()
  /** What containers find at a path of the host, which has no files. */
  readonly #hostFolders = new Map<string, MemoryDirectory>()

  constructor(
    readonly scope: Scope.Scope,
    readonly programs: ReadonlyArray<MemoryProgram>,
    /** Of the driver `json-file`, where a container doesn't bring its own. */
    readonly logOptions: Readonly<Record<string, string>>
  ) {}

  /** The folder of the host that is bound into containers. */
  hostFolder(path: string, now: bigint): MemoryDirectory {
    const folder = this.#hostFolders.get(path) ?? newDirectory(now)
    this.#hostFolders.set(path, folder)
    return folder
  }

  /** By id, name, or an unambiguous beginning of the id. */
  container(id: string): MemoryContainer | ErrorResponse {
    const all = [...this.containers.values()]
    const exact = this.containers.get(id) ?? all.find(({ name }) => name === id.replace(/^\//, ""))
    if (exact !== undefined) return exact
    const begun = all.filter((container) => container.id.startsWith(id))
    if (begun.length > 1) return errorResponse(400, `multiple IDs found with provided prefix: ${id}`)
    return begun[0] ?? errorResponse(404, `No such container: ${id}`)
  }

  /** By id, name, or an unambiguous beginning of the id. */
  network(id: string): MemoryNetwork | ErrorResponse {
    const all = [...this.networks.values()]
    const exact = this.networks.get(id) ?? all.find(({ name }) => name === id)
    if (exact !== undefined) return exact
    const begun = all.filter((network) => network.id.startsWith(id))
    if (begun.length > 1)
      return errorResponse(400, `network ${id} is ambiguous (${begun.length} matches found based on ID prefix)`)
    return begun[0] ?? errorResponse(404, `network ${id} not found`)
  }

  /** By id, a beginning of the id, or a name with its tag. */
  image(name: string): MemoryImage | ErrorResponse {
    const tagged = withDefaultTag(name)
    const hex = name.replace(/^sha256:/, "")
    const found =
      [...this.images.values()].find(({ tags }) => tags.includes(tagged)) ??
      (/^[0-9a-f]{4,64}$/.test(hex)
        ? [...this.images.values()].find(({ id }) => id.slice("sha256:".length).startsWith(hex))
        : undefined)
    return found ?? errorResponse(404, `No such image: ${tagged}`)
  }

  /** The containers that are on a network now. */
  members(network: MemoryNetwork): ReadonlyArray<{ readonly container: MemoryContainer; readonly endpoint: Endpoint }> {
    return [...this.containers.values()].flatMap((container) => {
      const endpoint = container.endpoints.get(network.id)
      const runs = container.run !== undefined && container.run.logEnd === undefined
      return endpoint === undefined || !runs ? [] : [{ container, endpoint }]
    })
  }

  /** The containers that have a volume. */
  users(volume: string): ReadonlyArray<MemoryContainer> {
    return [...this.containers.values()].filter(({ mounts }) => mounts.some(({ name }) => name === volume))
  }

  /** What an event of a container says of it. */
  attributes(container: MemoryContainer): Record<string, string> {
    return { ...container.settings.labels, image: container.settings.image, name: container.name }
  }
}
