import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { constants } from "node:fs"
import { access, readFile } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { Docker, type DockerRequest } from "./Docker.js"
import { type DockerFailure, InstallFailed, InvalidRequest, type PruneInProgress } from "./DockerError.js"
import { decodeAnswer, nullable, decodeRaw } from "./internal/api/decode.js"
import { mapEngineError } from "./internal/api/errorRules.js"
import { filtersQuery, pruneRefused } from "./internal/api/filters.js"
import { retryWhilePruning } from "./internal/api/schedules.js"
import { type HostCommand, hostCommand, runHostCommand } from "./internal/host/hostCommand.js"
import { installPlan, instructions } from "./internal/host/installPlan.js"
import { pruneVolumes } from "./internal/api/volumePrune.js"
import { Operation, type OperationStep } from "./Operation.js"

/** What an engine says at its door. */
export interface EnginePing {
  readonly apiVersion: string
  readonly osType: string
  /** The builder that it prefers: `1` the classic one, `2` BuildKit. */
  readonly builderVersion: string
  readonly experimental: boolean
}

/** Of what version an engine is. */
export interface EngineVersion {
  readonly version: string
  readonly apiVersion: string
  /** The oldest API that it still answers. */
  readonly minApiVersion: string
  readonly os: string
  readonly arch: string
  readonly kernelVersion: string
  readonly components: ReadonlyArray<{ readonly name: string; readonly version: string }>
  /** The engine's own object, whole. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** What an engine is and has. */
export interface EngineInfo {
  readonly id: string
  /** The host's name. */
  readonly name: string
  readonly serverVersion: string
  readonly operatingSystem: string
  readonly osType: string
  readonly architecture: string
  readonly kernelVersion: string
  readonly cpus: number
  /** Bytes. */
  readonly memory: number
  readonly containers: {
    readonly all: number
    readonly running: number
    readonly paused: number
    readonly stopped: number
  }
  readonly images: number
  readonly storageDriver: string
  readonly loggingDriver: string
  readonly cgroupVersion: string
  /** Where it keeps its data, on its host. */
  readonly rootDirectory: string
  readonly warnings: ReadonlyArray<string>
  /** The engine's own object, whole. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** What one kind of thing takes on the disk. */
export interface DiskShare {
  readonly count: number
  /** Of them in use. */
  readonly active: number
  /** Bytes. */
  readonly size: number
  /** Bytes that a prune of all that is not in use would free. */
  readonly reclaimable: number
}

/** What the engine takes on the disk. */
export interface DiskUsage {
  readonly images: DiskShare
  /** What containers have written beside their images and volumes. */
  readonly containers: DiskShare
  readonly volumes: DiskShare
  readonly buildCache: DiskShare
  /** The engine's own object, whole. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** What to prune beside stopped containers, unused networks, dangling images and the build cache. */
export interface SystemPruneOptions {
  /** Also images that have a name and no container uses. */
  readonly allImages?: boolean
  /** Also anonymous volumes that no container uses. */
  readonly volumes?: boolean
  /** The engine's filters: `{ label: ["a=b"] }`, `{ until: ["24h"] }`. The build cache, which has no labels, is left with any. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

/** What a prune of everything removed. */
export interface SystemPruned {
  readonly containers: ReadonlyArray<string>
  readonly networks: ReadonlyArray<string>
  /** Names that were taken from images, and ids of images that are gone. */
  readonly images: ReadonlyArray<string>
  readonly volumes: ReadonlyArray<string>
  readonly buildCache: ReadonlyArray<string>
  /** Bytes. */
  readonly spaceReclaimed: number
}

/** What there is of Docker, and what is wrong. */
export interface Installation {
  readonly engine:
    | { readonly _tag: "Available"; readonly endpoint: string; readonly version: string; readonly apiVersion: string }
    | {
        readonly _tag: "Unavailable"
        readonly endpoint: string
        readonly error: DockerFailure
        /** Whether the engine's program is on this machine: then it is installed, and doesn't run or doesn't let us in. */
        readonly installed: boolean
      }
  readonly compose:
    | { readonly _tag: "Available"; readonly version: string; readonly command: ReadonlyArray<string> }
    | { readonly _tag: "Missing"; readonly detail: string }
  /** What is wrong, in sentences that say what to do. None when all is well. */
  readonly problems: ReadonlyArray<string>
}

/** How to install. */
export interface InstallOptions {
  /** Shows what would be done, and does nothing. */
  readonly dryRun?: boolean
}

/** What an installation did, or with `dryRun` would have done. */
export interface Installed {
  readonly system: string
  readonly packages: ReadonlyArray<string>
  /** Each a program and its arguments. */
  readonly commands: ReadonlyArray<ReadonlyArray<string>>
  readonly dryRun: boolean
  /** How things stand behind it. */
  readonly installation: Installation
}

const decodeVersion = decodeAnswer(
  Schema.Struct({
    Version: Schema.String,
    ApiVersion: Schema.String,
    MinAPIVersion: Schema.optional(Schema.String),
    Os: Schema.String,
    Arch: Schema.String,
    KernelVersion: Schema.optional(Schema.String),
    Components: nullable(Schema.Array(Schema.Struct({ Name: Schema.String, Version: Schema.String })))
  })
)

const decodeInfo = decodeAnswer(
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

/** What an engine of API 1.52 and more says of each kind: figures that are 0 are left out. */
const KindUsage = nullable(
  Schema.Struct({
    TotalCount: nullable(Schema.Number),
    ActiveCount: nullable(Schema.Number),
    TotalSize: nullable(Schema.Number),
    Reclaimable: nullable(Schema.Number)
  })
)

const decodeUsage = decodeAnswer(
  Schema.Struct({
    ImageUsage: KindUsage,
    ContainerUsage: KindUsage,
    VolumeUsage: KindUsage,
    BuildCacheUsage: KindUsage,
    // Of the APIs before, which name each thing and leave the sums to who asks.
    LayersSize: nullable(Schema.Number),
    Images: nullable(
      Schema.Array(
        Schema.Struct({
          Containers: nullable(Schema.Number),
          Size: nullable(Schema.Number),
          SharedSize: nullable(Schema.Number)
        })
      )
    ),
    Containers: nullable(Schema.Array(Schema.Struct({ State: Schema.String, SizeRw: nullable(Schema.Number) }))),
    Volumes: nullable(
      Schema.Array(
        Schema.Struct({ UsageData: nullable(Schema.Struct({ Size: Schema.Number, RefCount: Schema.Number })) })
      )
    ),
    BuildCache: nullable(
      Schema.Array(
        Schema.Struct({
          Size: nullable(Schema.Number),
          InUse: nullable(Schema.Boolean),
          Shared: nullable(Schema.Boolean)
        })
      )
    )
  })
)

const Deleted = nullable(Schema.Array(Schema.String))
const decodePruned = decodeAnswer(
  Schema.Struct({
    ContainersDeleted: Deleted,
    NetworksDeleted: Deleted,
    CachesDeleted: Deleted,
    ImagesDeleted: nullable(
      Schema.Array(Schema.Struct({ Untagged: nullable(Schema.String), Deleted: nullable(Schema.String) }))
    ),
    SpaceReclaimed: Schema.optional(Schema.Number)
  })
)

/** As the docker command reckons. */
const diskUsage = (usage: Effect.Effect.Success<ReturnType<typeof decodeUsage>>): Omit<DiskUsage, "raw"> => {
  const share = <A>(
    items: ReadonlyArray<A> | null | undefined,
    isActive: (item: A) => boolean,
    size: (item: A) => number
  ): DiskShare => {
    const all = items ?? []
    const sum = (some: ReadonlyArray<A>) => some.reduce((total, item) => total + Math.max(0, size(item)), 0)
    const idle = all.filter((item) => !isActive(item))
    return { count: all.length, active: all.length - idle.length, size: sum(all), reclaimable: sum(idle) }
  }
  const told = (kind: typeof usage.ImageUsage): DiskShare | undefined =>
    kind == null
      ? undefined
      : {
          count: kind.TotalCount ?? 0,
          active: kind.ActiveCount ?? 0,
          size: Math.max(0, kind.TotalSize ?? 0),
          reclaimable: Math.max(0, kind.Reclaimable ?? 0)
        }
  const images = share(
    usage.Images,
    ({ Containers }) => (Containers ?? 0) > 0,
    ({ SharedSize, Size }) => (Size ?? 0) - Math.max(0, SharedSize ?? 0)
  )
  // Layers that images share count once: what is not used by one that is in use can go. Podman says 0 of them.
  const layers = usage.LayersSize || images.size
  return {
    images: told(usage.ImageUsage) ?? {
      ...images,
      size: layers,
      reclaimable: Math.max(0, layers - (images.size - images.reclaimable))
    },
    containers:
      told(usage.ContainerUsage) ??
      share(
        usage.Containers,
        ({ State }) => State === "running" || State === "paused" || State === "restarting",
        ({ SizeRw }) => SizeRw ?? 0
      ),
    volumes:
      told(usage.VolumeUsage) ??
      share(
        usage.Volumes,
        ({ UsageData }) => (UsageData?.RefCount ?? 0) > 0,
        ({ UsageData }) => UsageData?.Size ?? 0
      ),
    buildCache:
      told(usage.BuildCacheUsage) ??
      share(
        usage.BuildCache,
        ({ InUse }) => InUse ?? false,
        ({ Shared, Size }) => (Shared === true ? 0 : (Size ?? 0))
      )
  }
}

/** Whether a program is in one of the folders of PATH, or where engines live. */
const hasProgram = (name: string): Effect.Effect<boolean> => {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", "/usr/bin"]
  return Effect.exists(new Set(folders.filter((folder) => folder !== "")), (folder) =>
    Effect.promise(() =>
      access(join(folder, name), constants.X_OK).then(
        () => true,
        () => false
      )
    )
  )
}

const composeCommands: ReadonlyArray<ReadonlyArray<string>> = [["docker", "compose"], ["docker-compose"]]

const words = ({ args, program }: HostCommand): ReadonlyArray<string> => [program, ...args]

const findCompose: Effect.Effect<Installation["compose"]> = Effect.gen(function* (): Effect.fn.Return<
  Installation["compose"]
> {
  const said: Array<string> = []
  for (const command of composeCommands) {
    const [program = "", ...rest] = command
    const { detail, exitCode, stderr, stdout } = yield* runHostCommand({
      program,
      args: [...rest, "version", "--short"]
    })
    const version = stdout.trim().replace(/^v/, "")
    if (exitCode === 0 && /^\d+\./.test(version)) {
      if (!version.startsWith("1.")) return { _tag: "Available", version, command }
      said.push(`${command.join(" ")} is ${version}, which is too old`)
    } else said.push(`${command.join(" ")}: ${stderr.trim().split("\n")[0] || detail}`)
  }
  return { _tag: "Missing", detail: said.join("; ") }
}).pipe(
  Effect.timeoutOption("10 seconds"),
  Effect.map(
    Option.getOrElse((): Installation["compose"] => ({ _tag: "Missing", detail: "no answer within 10 seconds" }))
  )
)

const make = Effect.gen(function* () {
  const docker = yield* Docker

  const ask = <A>(
    decode: (request: DockerRequest, status: number, body: unknown) => Effect.Effect<A, DockerFailure>,
    request: DockerRequest
  ) => Effect.flatMap(docker.json(request), ({ body, status }) => decode(request, status, body))

  /** What a method needs of an answer, and the answer whole. */
  const askWithRaw = <A>(
    decode: (request: DockerRequest, status: number, body: unknown) => Effect.Effect<A, DockerFailure>,
    request: DockerRequest
  ) =>
    Effect.flatMap(docker.json(request), ({ body, status }) =>
      Effect.all({ value: decode(request, status, body), raw: decodeRaw(request, status, body) })
    )

  const ping = Effect.fn("System.ping")(function* () {
    const { headers = {} } = yield* docker.json({ method: "GET", path: "/_ping" })
    const result: EnginePing = {
      apiVersion: headers["api-version"] ?? "",
      osType: headers["ostype"] ?? "",
      builderVersion: headers["builder-version"] ?? "",
      experimental: headers["docker-experimental"] === "true"
    }
    return result
  })

  const version = Effect.fn("System.version")(function* () {
    const { raw, value } = yield* askWithRaw(decodeVersion, { method: "GET", path: "/version" })
    const result: EngineVersion = {
      version: value.Version,
      apiVersion: value.ApiVersion,
      minApiVersion: value.MinAPIVersion ?? "",
      os: value.Os,
      arch: value.Arch,
      kernelVersion: value.KernelVersion ?? "",
      components: (value.Components ?? []).map(({ Name, Version }) => ({ name: Name, version: Version })),
      raw
    }
    return result
  })

  const info = Effect.fn("System.info")(function* () {
    const { raw, value } = yield* askWithRaw(decodeInfo, { method: "GET", path: "/info" })
    const result: EngineInfo = {
      id: value.ID,
      name: value.Name,
      serverVersion: value.ServerVersion,
      operatingSystem: value.OperatingSystem,
      osType: value.OSType,
      architecture: value.Architecture,
      kernelVersion: value.KernelVersion,
      cpus: value.NCPU,
      memory: value.MemTotal,
      containers: {
        all: value.Containers,
        running: value.ContainersRunning,
        paused: value.ContainersPaused,
        stopped: value.ContainersStopped
      },
      images: value.Images,
      storageDriver: value.Driver,
      loggingDriver: value.LoggingDriver,
      cgroupVersion: value.CgroupVersion ?? "",
      rootDirectory: value.DockerRootDir,
      warnings: value.Warnings ?? [],
      raw
    }
    return result
  })

  const usage = Effect.fn("System.diskUsage")(function* () {
    const request = { method: "GET", path: "/system/df", timeout: "10 minutes" } as const
    const { raw, value } = yield* askWithRaw(decodeUsage, request)
    const result: DiskUsage = { ...diskUsage(value), raw }
    return result
  })

  const prune = Effect.fn("System.prune")(function* (options: SystemPruneOptions = {}) {
    const { filters } = options
    if (options.volumes === true && filters?.["until"] !== undefined) {
      const detail = "volumes can't be pruned by their age: leave out either"
      return yield* new InvalidRequest({ field: "filters", value: JSON.stringify(filters), detail })
    }
    const one = (path: string, kind: PruneInProgress["kind"], more: SystemPruneOptions["filters"] = {}) =>
      ask(decodePruned, {
        method: "POST",
        path,
        query: { filters: filtersQuery({ ...filters, ...more }) },
        timeout: "10 minutes"
      }).pipe(mapEngineError(pruneRefused(kind, filters)))
    // Containers first: what they used is unused then.
    const containers = yield* one("/containers/prune", "containers")
    const networks = yield* retryWhilePruning(one("/networks/prune", "networks"))
    const volumes =
      options.volumes === true
        ? yield* retryWhilePruning(
            pruneVolumes(docker, filters ?? {}).pipe(mapEngineError(pruneRefused("volumes", filters)))
          )
        : undefined
    const dangling = [options.allImages === true ? "false" : "true"]
    const images = yield* retryWhilePruning(one("/images/prune", "images", { dangling }))
    const buildCache = filters === undefined ? yield* retryWhilePruning(one("/build/prune", "build cache")) : undefined
    const result: SystemPruned = {
      containers: containers.ContainersDeleted ?? [],
      networks: networks.NetworksDeleted ?? [],
      images: (images.ImagesDeleted ?? []).flatMap(({ Deleted, Untagged }) => Deleted ?? Untagged ?? []),
      volumes: volumes?.deleted ?? [],
      buildCache: buildCache?.CachesDeleted ?? [],
      spaceReclaimed: [containers, networks, images, buildCache].reduce(
        (sum, pruned) => sum + (pruned?.SpaceReclaimed ?? 0),
        volumes?.spaceReclaimed ?? 0
      )
    }
    return result
  })

  const isInstalled = Effect.fn("System.isInstalled")(function* () {
    const { endpoint } = docker
    const engine = yield* version().pipe(
      Effect.map(({ apiVersion, version }): Installation["engine"] => ({
        _tag: "Available",
        endpoint,
        version,
        apiVersion
      })),
      Effect.catchAll((error) =>
        Effect.map(hasProgram("dockerd"), (installed): Installation["engine"] => ({
          _tag: "Unavailable",
          endpoint,
          error,
          installed
        }))
      )
    )
    const compose = yield* findCompose
    const problems: Array<string> = []
    if (engine._tag === "Unavailable") {
      problems.push(engine.error.message)
      if (!engine.installed && endpoint.startsWith("unix:"))
        problems.push(`No Docker engine is installed on this machine; install it, as ${instructions} says.`)
    }
    if (compose._tag === "Missing") problems.push(`There is no docker compose to use (${compose.detail}).`)
    const result: Installation = { engine, compose, problems }
    return result
  })

  /** Runs a command as steps; what it says comes as lines, and that it failed as a failure with its last words. */
  const step = (command: HostCommand): Stream.Stream<OperationStep<never>, InstallFailed> =>
    Stream.suspend(() => {
      const lastWords: Array<string> = []
      return Stream.concat(
        Stream.make(Operation.line(`$ ${words(command).join(" ")}`)),
        Stream.flatMap(hostCommand(command), (output) => {
          if (output._tag === "Line") {
            if (output.stream === "stderr" && output.text.trim() !== "") lastWords.push(output.text.trim())
            if (lastWords.length > 3) lastWords.shift()
            return Stream.make(Operation.line(output.text, output.stream))
          }
          if (output.exitCode === 0) return Stream.empty
          const said = lastWords.length === 0 ? "" : ` (${lastWords.join("; ")})`
          const detail = `${command.program}: ${output.detail}${said}`
          return Stream.fail(
            new InstallFailed({ reason: "CommandFailed", detail, command: words(command), instructions })
          )
        })
      )
    })

  const install = (options: InstallOptions = {}): Operation<Installed, InstallFailed> => {
    const dryRun = options.dryRun ?? false
    const steps = Effect.gen(function* () {
      const osRelease = yield* Effect.promise(() => readFile("/etc/os-release", "utf8").catch(() => undefined))
      const plan = yield* installPlan(process.platform, osRelease)
      if (!dryRun && process.getuid?.() !== 0) {
        const detail = "installing packages takes root; run it as root, or have it done by who may"
        return yield* new InstallFailed({ reason: "NotPermitted", detail, instructions })
      }
      const done = dryRun
        ? Stream.concat(
            Stream.fromIterable(
              plan.commands.map((command) => Operation.line(`Would run: ${words(command).join(" ")}`))
            ),
            // Against lists that are not fetched first it may fail, where the real thing would not.
            Stream.catchAll(step(plan.simulation), ({ message }) => Stream.make(Operation.line(message)))
          )
        : Stream.flatMap(Stream.fromIterable(plan.commands), step)
      return Stream.make(
        Operation.line(`${dryRun ? "Would install" : "Installing"} ${plan.packages.join(", ")} on ${plan.system}.`),
        ...plan.notes.map((note) => Operation.line(note))
      ).pipe(
        Stream.concat(done),
        Stream.concat(
          Stream.fromEffect(
            Effect.map(isInstalled(), (installation) =>
              Operation.result<Installed>({
                system: plan.system,
                packages: plan.packages,
                commands: plan.commands.map(words),
                dryRun,
                installation
              })
            )
          )
        )
      )
    })
    return { kind: "install_engine", target: {}, steps: Stream.unwrap(steps) }
  }

  const system: SystemShape = { diskUsage: usage, info, install, isInstalled, ping, prune, version }
  return system
})

/** The shape of `System`. */
export interface SystemShape {
  /** Whether it answers, and what it says at its door. `GET /_ping` */
  readonly ping: () => Effect.Effect<EnginePing, DockerFailure>
  /** `GET /version` */
  readonly version: () => Effect.Effect<EngineVersion, DockerFailure>
  /** `GET /info` */
  readonly info: () => Effect.Effect<EngineInfo, DockerFailure>
  /** What it takes on the disk. An engine with much on it needs minutes. `GET /system/df` */
  readonly diskUsage: () => Effect.Effect<DiskUsage, DockerFailure>
  /**
   * Removes what is not in use: stopped containers, networks, images, the build cache, and volumes where asked. Where another
   * prune of containers is under way it does nothing; once begun, it waits up to 5 seconds for others to be done.
   * `POST /containers/prune`, `/networks/prune`, `/images/prune`, `/volumes/prune`, `/build/prune`
   */
  readonly prune: (
    options?: SystemPruneOptions
  ) => Effect.Effect<SystemPruned, PruneInProgress | InvalidRequest | DockerFailure>
  /** What there is of the engine and of compose, and what is wrong: as data, never as a failure. `GET /version` */
  readonly isInstalled: () => Effect.Effect<Installation>
  /**
   * Installs the engine and compose on this machine by the packages of Debian and Ubuntu themselves; elsewhere it refuses and
   * points to Docker's own instructions. It takes root, but for a dry run. No shell sees anything of it. Interrupted, it ends
   * apt: packages may be left half installed then, which the next installation puts right first.
   */
  readonly install: (options?: InstallOptions) => Operation<Installed, InstallFailed>
}

/**
 * The engine itself, and what it runs on.
 *
 * @example
 * ```ts
 * import { Docker, System } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const system = yield* System
 *   const { version } = yield* system.version()
 *   const { images } = yield* system.diskUsage()
 *   return `${version}: ${images.count} images of ${images.size} bytes`
 * })
 *
 * const live = System.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 */
export class System extends Context.Tag("@dockwire/core/System")<System, SystemShape>() {
  /** The engine behind `Docker`, and this machine. */
  static readonly layer: Layer.Layer<System, never, Docker> = Layer.effect(System, make)
}
