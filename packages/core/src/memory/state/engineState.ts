import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type { Process } from "../programs/process.js"
import type { MemoryProgram } from "../programs/program.js"
import { EngineClock } from "../time/engineClock.js"
import { type ErrorResponse, errorResponse } from "./errorResponse.js"
import { EventJournal } from "./eventJournal.js"
import { type MemoryDirectory, newDirectory } from "./fileTree.js"
import type { MemoryBuildSpec } from "./images/imageSpec.js"
import { ImageStore } from "./images/imageStore.js"
import { RegistryStore } from "./images/registryStore.js"
import { type Endpoint, isRunning, type MemoryContainer, type MemoryExec } from "./memoryContainer.js"
import { type MemoryNetwork, NetworkStore } from "./networkStore.js"
import { newId } from "./objectId.js"
import { VolumeStore } from "./volumeStore.js"

/** The Docker Engine release that the engine in memory behaves like. */
export const engineVersion = "26.1.5"

/** The Engine API version of that release. */
export const apiVersion = "1.45"

/** Memory of the simulated host, in bytes. */
export const hostMemory = 8 * 1024 ** 3

/** CPUs of the simulated host. */
export const hostCpus = 2

/** A container that is connected to a network, and its endpoint there. */
export interface NetworkMember {
  readonly container: MemoryContainer
  readonly endpoint: Endpoint
}

/** A running command in a container. */
export interface RunningExec {
  readonly command: ReadonlyArray<string>
  readonly process: Process
}

/** Everything that the engine holds. */
export class EngineState {
  readonly id = newId()
  readonly clock: EngineClock
  readonly journal: EventJournal
  readonly containers = new Map<string, MemoryContainer>()
  readonly execs = new Map<string, MemoryExec>()
  readonly images: ImageStore
  readonly registries: RegistryStore
  readonly networks = new NetworkStore()
  readonly volumes: VolumeStore
  /** Bind mount sources by path. The host has no files of its own. */
  readonly #hostDirectories = new Map<string, MemoryDirectory>()

  constructor(
    /** The lifetime of the engine, in which its processes run. */
    readonly scope: Scope.Scope,
    readonly programs: ReadonlyArray<MemoryProgram>,
    /** The default `log-opts` of the driver `json-file`. */
    readonly logOptions: Readonly<Record<string, string>>,
    /** How far the engine's clock is ahead of Effect's `Clock`, in milliseconds. */
    clockAheadMillis: number,
    /** The scripted builds. */
    readonly builds: ReadonlyArray<MemoryBuildSpec>
  ) {
    this.clock = new EngineClock(clockAheadMillis)
    this.journal = new EventJournal(this.clock)
    this.images = new ImageStore(this.clock)
    this.registries = new RegistryStore(this.clock)
    this.volumes = new VolumeStore(this.clock, this.journal)
  }

  /** The host directory at a path; created if it does not exist. */
  hostDirectory(path: string, now: bigint): MemoryDirectory {
    const directory = this.#hostDirectories.get(path) ?? newDirectory(now)
    this.#hostDirectories.set(path, directory)
    return directory
  }

  /** Finds a container by id, name, or unambiguous id prefix. */
  findContainer(reference: string): Either.Either<MemoryContainer, ErrorResponse> {
    const all = [...this.containers.values()]
    const name = reference.replace(/^\//, "")
    const exact =
      this.containers.get(reference) ?? all.find((container) => this.containerNames(container).includes(name))
    if (exact !== undefined) return Either.right(exact)
    const [match, ...others] = all.filter(({ id }) => id.startsWith(reference))
    if (match === undefined) return Either.left(errorResponse(404, `No such container: ${reference}`))
    return others.length === 0
      ? Either.right(match)
      : Either.left(errorResponse(400, `multiple IDs found with provided prefix: ${reference}`))
  }

  /** A container's names in order: its own name, and the aliases that legacy links of other containers have added. */
  containerNames({ id, name }: MemoryContainer): ReadonlyArray<string> {
    const aliases = [...this.containers.values()].flatMap((other) =>
      [...other.links].flatMap(([alias, target]) => (target === id ? [`${other.name}/${alias}`] : []))
    )
    return [name, ...aliases].toSorted()
  }

  /** The running containers on a network. */
  networkMembers({ id }: MemoryNetwork): ReadonlyArray<NetworkMember> {
    return [...this.containers.values()].flatMap((container) => {
      const endpoint = container.endpoints.get(id)
      return endpoint === undefined || !isRunning(container) ? [] : [{ container, endpoint }]
    })
  }

  /** The containers that mount a volume. */
  volumeUsers(volume: string): ReadonlyArray<MemoryContainer> {
    return [...this.containers.values()].filter(({ mounts }) => mounts.some(({ name }) => name === volume))
  }

  /** The commands that are running in a container. */
  runningExecs(container: MemoryContainer): ReadonlyArray<RunningExec> {
    return [...this.execs.values()].flatMap((exec) => {
      const { command, exitCode, process } = exec
      return exec.container === container && process !== undefined && exitCode === undefined
        ? [{ command, process }]
        : []
    })
  }

  emitContainerEvent(
    { id, name, settings }: MemoryContainer,
    action: string,
    attributes: Readonly<Record<string, string>> = {}
  ): Effect.Effect<void> {
    const all = { ...settings.labels, image: settings.image, name, ...attributes }
    return this.journal.publish("container", action, id, all)
  }

  emitNetworkEvent(
    { driver, id, name }: MemoryNetwork,
    action: string,
    attributes: Readonly<Record<string, string>> = {}
  ): Effect.Effect<void> {
    return this.journal.publish("network", action, id, { name, type: driver, ...attributes })
  }
}
