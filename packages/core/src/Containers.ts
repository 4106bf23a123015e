import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Docker, type DockerRequest } from "./Docker.js"
import {
  type ContainerNotFound,
  type ContainerSetting,
  ContainerStateConflict,
  type DockerFailure,
  EngineError,
  ImageNotFound,
  InvalidRequest,
  NameConflict,
  PortAllocated,
  type PruneInProgress,
  type WaitFailed
} from "./DockerError.js"
import { decodeAnswer, nullable, decodeRaw, StringRecord } from "./internal/api/decode.js"
import { containerNotFound, mapEngineError, stateConflict } from "./internal/api/errorRules.js"
import { filtersQuery, invalidFilter } from "./internal/api/filters.js"
import { validateName, containerPath } from "./internal/api/names.js"
import { acquireDetached, removeOrWarn } from "./internal/api/scopedResource.js"
import { type PruneReport, pruneRefused } from "./internal/api/prune.js"
import type {
  ContainerDetails,
  ContainerExit,
  ContainerSummary,
  CreatedContainer,
  FileChange,
  ProcessTable
} from "./internal/containers/containerModels.js"
import { EngineStateName, normalizeState } from "./internal/api/containerState.js"
import { type WaitCondition, waitForContainer, type WaitOptions } from "./internal/watch/containerWait.js"

export type { WaitCondition, WaitOptions } from "./internal/watch/containerWait.js"

export { ContainerState } from "./internal/api/containerState.js"

export { PruneReport } from "./internal/api/prune.js"

export {
  ContainerDetails,
  ContainerExit,
  ContainerPort,
  ContainerSummary,
  CreatedContainer,
  FileChange,
  ProcessTable
} from "./internal/containers/containerModels.js"

/** What a container is made from. */
export interface ContainerSpec {
  readonly image: string
  readonly name?: string
  readonly command?: ReadonlyArray<string>
  readonly entrypoint?: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly workingDirectory?: string
  readonly user?: string
  readonly tty?: boolean
  readonly openStdin?: boolean
  /** Ports to publish; the engine chooses the host's where none is given. */
  readonly ports?: ReadonlyArray<{
    readonly containerPort: number
    readonly hostPort?: number
    readonly hostIp?: string
    readonly protocol?: "tcp" | "udp" | "sctp"
  }>
  /** `source:target[:options]`. */
  readonly binds?: ReadonlyArray<string>
  readonly network?: string
  readonly restart?: {
    readonly policy: "no" | "always" | "unless-stopped" | "on-failure"
    readonly maximumRetryCount?: number
  }
  readonly log?: { readonly driver: string; readonly options?: Readonly<Record<string, string>> }
  readonly autoRemove?: boolean
  /** Fields of the engine's own create request, over those above. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Fields of the engine's own `HostConfig`, over those above. */
  readonly hostConfig?: Readonly<Record<string, unknown>>
}

/** Which containers to list. */
export interface ListOptions {
  /** Also those that don't run. Default true. */
  readonly all?: boolean
  /** The engine's filters: `{ status: ["running"], label: ["a=b"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

/** How to stop. */
export interface StopOptions {
  /**
   * How long the container has before it is killed; the engine counts whole seconds, so begun ones count in full. For ever
   * with `Duration.infinity`, with one of centuries, and as with the docker command with one below zero (`"-1 seconds"`).
   * Default: the container's own, 10 seconds else.
   */
  readonly timeout?: Duration.DurationInput
}

/** What a container may use; what is not named stays as it is. */
export interface ContainerLimits {
  /** Bytes. */
  readonly memory?: number
  /** Bytes of memory and swap together; -1 for no limit. */
  readonly memorySwap?: number
  /** Bytes. */
  readonly memoryReservation?: number
  /** Processors: 1.5 is one and a half. */
  readonly cpus?: number
  /** Its weight against others; 1024 is usual. */
  readonly cpuShares?: number
  /** On which processors: `0-2,4`. */
  readonly cpuset?: string
  /** Processes and threads; -1 for no limit. */
  readonly pids?: number
  readonly restart?: NonNullable<ContainerSpec["restart"]>
}

const decodeSummaries = decodeAnswer(
  Schema.Array(
    Schema.Struct({
      Id: Schema.String,
      Names: nullable(Schema.Array(Schema.String)),
      Image: Schema.String,
      ImageID: Schema.String,
      Command: Schema.String,
      Created: Schema.Number,
      State: EngineStateName,
      Status: Schema.String,
      Ports: nullable(
        Schema.Array(
          Schema.Struct({
            IP: Schema.optional(Schema.String),
            PrivatePort: Schema.Number,
            PublicPort: Schema.optional(Schema.Number),
            Type: Schema.String
          })
        )
      ),
      Labels: nullable(StringRecord)
    })
  )
)

const decodeDetails = decodeAnswer(
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
const decodeCreated = decodeAnswer(
  Schema.Struct({ Id: Schema.String, Warnings: nullable(Schema.Array(Schema.String)) })
)
const decodeExit = decodeAnswer(
  Schema.Struct({ StatusCode: Schema.Number, Error: nullable(Schema.Struct({ Message: Schema.String })) })
)

const decodeTop = decodeAnswer(
  Schema.Struct({ Titles: Schema.Array(Schema.String), Processes: nullable(Schema.Array(Schema.Array(Schema.String))) })
)
const decodeChanges = decodeAnswer(
  Schema.NullOr(Schema.Array(Schema.Struct({ Path: Schema.String, Kind: Schema.Literal(0, 1, 2) })))
)
const changeKinds = ["modified", "added", "deleted"] as const
const decodeUpdated = decodeAnswer(Schema.Struct({ Warnings: nullable(Schema.Array(Schema.String)) }))
const decodePruned = decodeAnswer(
  Schema.Struct({
    ContainersDeleted: nullable(Schema.Array(Schema.String)),
    SpaceReclaimed: Schema.optional(Schema.Number)
  })
)

const restartPolicy = (restart: ContainerSpec["restart"]) =>
  restart === undefined ? undefined : { Name: restart.policy, MaximumRetryCount: restart.maximumRetryCount ?? 0 }

/** Podman leaves it out where a port is published on all addresses. */
const addressOf = ({
  IP,
  PublicPort
}: {
  readonly IP?: string | undefined
  readonly PublicPort?: number | undefined
}) => (IP !== undefined && IP !== "" ? { ip: IP } : PublicPort === undefined ? {} : { ip: "0.0.0.0" })

const withoutSlash = (name: string) => (name.startsWith("/") ? name.slice(1) : name)

const portAllocated = (id: string, error: EngineError): PortAllocated | undefined => {
  if (!/port is already allocated|bind: address already in use|ports are not available/.test(error.detail))
    return undefined
  const address = /Bind for (\S+:\d+) failed|listen \w+ (\S+:\d+): bind/.exec(error.detail)
  return new PortAllocated({ containerId: id, address: address?.[1] ?? address?.[2], detail: error.detail })
}

/**
 * By which words of the engine, or of what runs containers for it, a setting is known that keeps a container from starting.
 * Where the engine lacks a program of its own, or can't mount what each container has, the container is not to blame.
 */
const settingWords: ReadonlyArray<readonly [ContainerSetting, RegExp]> = [
  [
    "command",
    /container process(?: caused)?:? "?(?:error during container init: )?exec: |executable file `|open executable/
  ],
  ["network", /(?:^|: )network .+ not found|cannot join network of a/i],
  ["workingDirectory", /chdir to cwd/],
  ["user", /no matching entries in (passwd|group)/],
  ["devices", /gathering device information/],
  [
    "mounts",
    /\bmounting \\*"(?:\/|tmpfs\\*" to rootfs at \\*"(?!\/dev\\*"))|error while mounting volume|bind source path does not exist|invalid mount/
  ]
]

/** The rule of a start: what keeps it from that is in what it was made from. */
const misconfigured = (id: string, error: EngineError): ContainerStateConflict | undefined => {
  const absent = /(?:^|: )No such container: (.*)$/i.exec(error.detail)?.[1]
  // A container whose network it was to share is gone, not itself.
  const setting =
    absent !== undefined && absent !== id
      ? "network"
      : settingWords.find(([, words]) => absent === undefined && words.test(error.detail))?.[0]
  return setting === undefined
    ? undefined
    : new ContainerStateConflict({ containerId: id, state: "misconfigured", setting, detail: error.detail })
}

const startRefused = (id: string, error: EngineError) =>
  misconfigured(id, error) ?? containerNotFound(id, error) ?? stateConflict(id, error) ?? portAllocated(id, error)

/** What the specification says of a setting. */
const settingOf = (spec: ContainerSpec, setting: ContainerSetting): string =>
  setting === "command"
    ? [...(spec.entrypoint ?? []), ...(spec.command ?? [])].join(" ")
    : setting === "mounts"
      ? (spec.binds ?? []).join(", ")
      : setting === "devices"
        ? JSON.stringify(spec.hostConfig?.["Devices"] ?? [])
        : (spec[setting] ?? "")

/** Beyond, the engine's nanoseconds overflow, and it would kill at once. */
const longestStop = 9_223_372_036

/** The time to stop as the engine takes it: whole seconds, or -1 for ever. */
const stopSeconds = (timeout: Duration.DurationInput): number => {
  // Decoded, what is below nothing would be nothing, and the container killed at once.
  const negative =
    typeof timeout === "string"
      ? timeout.startsWith("-")
      : typeof timeout === "number" || typeof timeout === "bigint"
        ? timeout < 0
        : Array.isArray(timeout) && timeout.some((part) => part < 0)
  const seconds = Math.ceil(Duration.toSeconds(timeout))
  return negative || seconds > longestStop ? -1 : seconds
}

const imageName = /^[a-z0-9]/i

const createBody = (spec: ContainerSpec): Effect.Effect<Record<string, unknown>, InvalidRequest> =>
  Effect.gen(function* () {
    const invalid = (field: string, value: unknown, detail: string) =>
      new InvalidRequest({ field, value: String(value), detail })
    if (!imageName.test(spec.image)) return yield* invalid("image", spec.image, "give the name or id of an image")
    for (const { containerPort, hostPort } of spec.ports ?? []) {
      for (const port of [containerPort, ...(hostPort === undefined ? [] : [hostPort])]) {
        if (!Number.isInteger(port) || port < 1 || port > 65_535)
          return yield* invalid("port", port, "give a whole number from 1 to 65535")
      }
    }
    const bindings: Record<string, Array<{ HostIp: string; HostPort: string }>> = {}
    for (const port of spec.ports ?? []) {
      const key = `${port.containerPort}/${port.protocol ?? "tcp"}`
      const binding = { HostIp: port.hostIp ?? "", HostPort: port.hostPort === undefined ? "" : String(port.hostPort) }
      bindings[key] = [...(bindings[key] ?? []), binding]
    }
    return {
      Image: spec.image,
      Cmd: spec.command,
      Entrypoint: spec.entrypoint,
      Env:
        spec.environment === undefined
          ? undefined
          : Object.entries(spec.environment).map(([key, value]) => `${key}=${value}`),
      Labels: spec.labels,
      WorkingDir: spec.workingDirectory,
      User: spec.user,
      Tty: spec.tty,
      OpenStdin: spec.openStdin,
      ExposedPorts: Object.fromEntries(Object.keys(bindings).map((key) => [key, {}])),
      ...spec.config,
      HostConfig: {
        PortBindings: bindings,
        Binds: spec.binds,
        NetworkMode: spec.network,
        RestartPolicy: restartPolicy(spec.restart),
        LogConfig: spec.log === undefined ? undefined : { Type: spec.log.driver, Config: spec.log.options ?? {} },
        AutoRemove: spec.autoRemove,
        ...spec.hostConfig
      }
    }
  })

const make = Effect.gen(function* () {
  const docker = yield* Docker

  const ask = (request: DockerRequest) =>
    Effect.map(docker.json(request), ({ body, status }) => ({ body, request, status }))

  const verb = (
    id: string,
    method: "POST" | "DELETE",
    rest: string,
    options: Pick<DockerRequest, "query" | "timeout"> = {}
  ) => Effect.flatMap(containerPath(id, rest), (path) => ask({ method, path, ...options }))

  const list = Effect.fn("Containers.list")(
    function* (options: ListOptions = {}) {
      const { body, request, status } = yield* ask({
        method: "GET",
        path: "/containers/json",
        query: {
          all: options.all ?? true,
          filters: filtersQuery(options.filters)
        }
      })
      const summaries = yield* decodeSummaries(request, status, body)
      return summaries.map((summary): ContainerSummary => ({
        id: summary.Id,
        names: (summary.Names ?? []).map(withoutSlash),
        image: summary.Image,
        imageId: summary.ImageID,
        command: summary.Command,
        created: summary.Created,
        state: normalizeState(summary.State),
        status: summary.Status,
        ports: (summary.Ports ?? []).map((port) => ({
          ...addressOf(port),
          privatePort: port.PrivatePort,
          ...(port.PublicPort === undefined ? {} : { publicPort: port.PublicPort }),
          protocol: port.Type
        })),
        labels: summary.Labels ?? {}
      }))
    },
    (effect, options) => mapEngineError((error) => invalidFilter(options?.filters, error))(effect)
  )

  const inspect = Effect.fn("Containers.inspect")(
    function* (id: string) {
      const { body, request, status } = yield* ask({ method: "GET", path: yield* containerPath(id, "/json") })
      const details = yield* decodeDetails(request, status, body)
      const result: ContainerDetails = {
        id: details.Id,
        name: withoutSlash(details.Name),
        image: details.Config.Image,
        imageId: details.Image,
        created: details.Created,
        tty: details.Config.Tty ?? false,
        labels: details.Config.Labels ?? {},
        logDriver: details.HostConfig.LogConfig?.Type ?? "",
        restartCount: details.RestartCount ?? 0,
        state: {
          status: normalizeState(details.State.Status),
          exitCode: details.State.ExitCode,
          error: details.State.Error ?? "",
          startedAt: details.State.StartedAt,
          finishedAt: details.State.FinishedAt,
          // Podman gives an empty one where there is no check.
          ...(details.State.Health == null || details.State.Health.Status === ""
            ? {}
            : { health: details.State.Health.Status })
        },
        raw: yield* decodeRaw(request, status, body)
      }
      return result
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error))(effect)
  )

  const create = Effect.fn("Containers.create")(
    function* (spec: ContainerSpec) {
      const body = yield* createBody(spec)
      const { request, ...answer } = yield* ask({
        method: "POST",
        path: "/containers/create",
        query: { name: spec.name },
        body
      })
      const created = yield* decodeCreated(request, answer.status, answer.body)
      return { id: created.Id, warnings: created.Warnings ?? [] }
    },
    (effect, spec) =>
      mapEngineError((error) =>
        error.status === 404 && /no such image/i.test(error.detail)
          ? new ImageNotFound({ image: spec.image, detail: error.detail })
          : error.status === 409 || /name is already in use/.test(error.detail)
            ? new NameConflict({ name: spec.name ?? "", detail: error.detail })
            : error.status === 400 || /^invalid volume specification|: invalid argument$/.test(error.detail)
              ? new InvalidRequest({
                  field: "container specification",
                  value: spec.name ?? spec.image,
                  detail: error.detail
                })
              : undefined
      )(effect)
  )

  const start = Effect.fn("Containers.start")(
    function* (id: string) {
      yield* verb(id, "POST", "/start")
    },
    (effect, id) => mapEngineError((error) => startRefused(id, error))(effect)
  )

  // The engine answers when the container has stopped, so its own time to do so comes on top.
  const stopRequest = (options: StopOptions) => {
    if (options.timeout === undefined) return { timeout: Duration.infinity }
    const seconds = stopSeconds(options.timeout)
    return { query: { t: seconds }, timeout: seconds < 0 ? Duration.infinity : Duration.seconds(seconds + 60) }
  }

  const stop = Effect.fn("Containers.stop")(
    function* (id: string, options: StopOptions = {}) {
      yield* verb(id, "POST", "/stop", stopRequest(options))
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error))(effect)
  )

  const restart = Effect.fn("Containers.restart")(
    function* (id: string, options: StopOptions = {}) {
      yield* verb(id, "POST", "/restart", stopRequest(options))
    },
    (effect, id) => mapEngineError((error) => startRefused(id, error))(effect)
  )

  const kill = Effect.fn("Containers.kill")(
    function* (id: string, signal: string = "SIGKILL") {
      yield* verb(id, "POST", "/kill", { query: { signal } })
    },
    (effect, id, signal) =>
      mapEngineError(
        (error) =>
          containerNotFound(id, error) ??
          stateConflict(id, error) ??
          (error.status === 400 || /invalid signal/i.test(error.detail)
            ? new InvalidRequest({ field: "signal", value: signal ?? "SIGKILL", detail: error.detail })
            : undefined)
      )(effect)
  )

  const pause = Effect.fn("Containers.pause")(
    function* (id: string) {
      yield* verb(id, "POST", "/pause")
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error))(effect)
  )

  const unpause = Effect.fn("Containers.unpause")(
    function* (id: string) {
      yield* verb(id, "POST", "/unpause")
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error))(effect)
  )

  const remove = Effect.fn("Containers.remove")(
    function* (id: string, options: { readonly force?: boolean; readonly volumes?: boolean } = {}) {
      yield* verb(id, "DELETE", "", { query: { force: options.force ?? false, v: options.volumes ?? false } })
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error))(effect)
  )

  const wait = Effect.fn("Containers.wait")(
    function* (id: string, condition: "not-running" | "next-exit" | "removed" = "not-running") {
      const { body, request, status } = yield* verb(id, "POST", "/wait", {
        query: { condition },
        timeout: Duration.infinity
      })
      const waited = yield* decodeExit(request, status, body)
      const result: ContainerExit = {
        exitCode: waited.StatusCode,
        ...(waited.Error == null ? {} : { error: waited.Error.Message })
      }
      return result
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error))(effect)
  )

  const rename = Effect.fn("Containers.rename")(
    function* (id: string, name: string) {
      yield* validateName("name", name)
      yield* verb(id, "POST", "/rename", { query: { name } })
    },
    (effect, id, name) =>
      mapEngineError(
        (error) =>
          containerNotFound(id, error) ??
          (error.status === 409
            ? new NameConflict({ name, detail: error.detail })
            : error.status === 400
              ? new InvalidRequest({ field: "name", value: name, detail: error.detail })
              : undefined)
      )(effect)
  )

  const top = Effect.fn("Containers.top")(
    function* (id: string, psArguments?: string) {
      const request = {
        method: "GET",
        path: yield* containerPath(id, "/top"),
        query: { ps_args: psArguments }
      } as const
      const { body, status } = yield* docker.json(request)
      if (body === undefined) return yield* Effect.flatMap(inspect(id), ({ state }) => Effect.fail(noTable(id, state)))
      const { Processes, Titles } = yield* decodeTop(request, status, body)
      return processTable(Titles, Processes ?? [])
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error))(effect)
  )

  const changes = Effect.fn("Containers.changes")(
    function* (id: string) {
      const request = { method: "GET", path: yield* containerPath(id, "/changes") } as const
      const { body, status } = yield* docker.json(request)
      return ((yield* decodeChanges(request, status, body)) ?? []).map(({ Kind, Path }): FileChange => ({
        path: Path,
        kind: changeKinds[Kind]
      }))
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error))(effect)
  )

  const update = Effect.fn("Containers.update")(
    function* (id: string, limits: ContainerLimits) {
      const request = {
        method: "POST",
        path: yield* containerPath(id, "/update"),
        body: {
          Memory: limits.memory,
          MemorySwap: limits.memorySwap,
          MemoryReservation: limits.memoryReservation,
          NanoCpus: limits.cpus === undefined ? undefined : Math.round(limits.cpus * 1e9),
          CpuShares: limits.cpuShares,
          CpusetCpus: limits.cpuset,
          PidsLimit: limits.pids,
          RestartPolicy: restartPolicy(limits.restart)
        }
      } as const
      const { body, status } = yield* docker.json(request)
      return (yield* decodeUpdated(request, status, body)).Warnings ?? []
    },
    (effect, id) =>
      mapEngineError(
        (error) =>
          containerNotFound(id, error) ??
          stateConflict(id, error) ??
          (error.status === 400 ? new InvalidRequest({ field: "limits", value: id, detail: error.detail }) : undefined)
      )(effect)
  )

  const prune = Effect.fn("Containers.prune")(
    function* (options: Pick<ListOptions, "filters"> = {}) {
      const request = {
        method: "POST",
        path: "/containers/prune",
        query: { filters: filtersQuery(options.filters) }
      } as const
      const { body, status } = yield* docker.json(request)
      const { ContainersDeleted, SpaceReclaimed } = yield* decodePruned(request, status, body)
      const pruned: PruneReport = { deleted: ContainersDeleted ?? [], spaceReclaimed: SpaceReclaimed ?? 0 }
      return pruned
    },
    (effect, options) => mapEngineError(pruneRefused("containers", options?.filters))(effect)
  )

  const waitUntil = Effect.fn("Containers.waitUntil")(function* (
    id: string,
    condition: WaitCondition,
    options: WaitOptions = {}
  ) {
    yield* waitForContainer(docker, id, condition, options)
  })

  const release = (id: string) =>
    removeOrWarn(
      `container ${id}`,
      remove(id, { force: true, volumes: true }).pipe(
        Effect.catchTag("ContainerNotFound", () => Effect.void),
        Effect.catchIf(
          (error) => error._tag === "ContainerStateConflict" && error.state === "removing",
          () => Effect.void
        )
      )
    )

  const scoped = Effect.fn("Containers.scoped")(function* (spec: ContainerSpec) {
    const created = yield* acquireDetached(
      spec.name === undefined ? `a container of ${spec.image}` : `container ${spec.name}`,
      create(spec),
      ({ id }) => release(id)
    )
    yield* start(created.id).pipe(
      Effect.catchTags({
        // What keeps it from starting is in its specification, and so this fails by what `create` fails by.
        PortAllocated: ({ address, detail }) =>
          Effect.fail(new InvalidRequest({ field: "ports", value: address ?? "", detail })),
        // It was made a moment ago: that it is gone or in another state is somebody else's doing.
        ContainerNotFound: (error) => Effect.fail(lostContainer(created.id, 404, error.detail)),
        ContainerStateConflict: ({ detail, setting }) =>
          Effect.fail(
            setting === undefined
              ? lostContainer(created.id, 409, detail)
              : new InvalidRequest({ field: setting, value: settingOf(spec, setting), detail })
          )
      })
    )
    return created
  })

  return {
    changes,
    create,
    inspect,
    kill,
    list,
    pause,
    prune,
    remove,
    rename,
    restart,
    scoped,
    start,
    stop,
    top,
    unpause,
    update,
    wait,
    waitUntil
  }
})

/** Podman gives an empty answer where it can't list the processes: the state tells why. */
const noTable = (id: string, { status }: ContainerDetails["state"]) =>
  status === "running" || status === "paused"
    ? new EngineError({ request: `GET /containers/${id}/top`, status: 200, detail: "an empty answer" })
    : new ContainerStateConflict({
        containerId: id,
        state: "stopped",
        detail: `an empty answer, and the container is ${status}`
      })

/** Podman gives the lines of ps as they are: the last column takes what is left of each. */
const processTable = (titles: ReadonlyArray<string>, processes: ReadonlyArray<ReadonlyArray<string>>): ProcessTable => {
  const [line, ...more] = titles
  const split = line?.trim().split(/\s+/) ?? []
  if (more.length > 0 || split.length < 2) return { titles, processes }
  const columns = (words: ReadonlyArray<string>) => [
    ...words.slice(0, split.length - 1),
    words.slice(split.length - 1).join(" ")
  ]
  return { titles: split, processes: processes.map((row) => columns(row.join(" ").trim().split(/\s+/))) }
}

const lostContainer = (id: string, status: number, detail: string) =>
  new EngineError({ request: `POST /containers/${id}/start`, status, detail })

/** The shape of `Containers`. Wherever an `id` is asked for, a name or an unambiguous beginning of the id serves too. */
export interface ContainersShape {
  /** The containers, newest first. `GET /containers/json` */
  readonly list: (
    options?: ListOptions
  ) => Effect.Effect<ReadonlyArray<ContainerSummary>, InvalidRequest | DockerFailure>
  /** One container in detail. `GET /containers/{id}/json` */
  readonly inspect: (id: string) => Effect.Effect<ContainerDetails, ContainerNotFound | DockerFailure>
  /** Makes a container and doesn't start it. `POST /containers/create` */
  readonly create: (
    spec: ContainerSpec
  ) => Effect.Effect<CreatedContainer, ImageNotFound | NameConflict | InvalidRequest | DockerFailure>
  /**
   * Starts it; one that runs already is left alone. One that can't be started for what it is made from (a command or a
   * network that is not there) is a `ContainerStateConflict`, state `misconfigured`. `POST /containers/{id}/start`
   */
  readonly start: (
    id: string
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | PortAllocated | DockerFailure>
  /** Stops it, and kills it when it takes too long; one that doesn't run is left alone. `POST /containers/{id}/stop` */
  readonly stop: (id: string, options?: StopOptions) => Effect.Effect<void, ContainerNotFound | DockerFailure>
  /** Stops it if it runs, and starts it. `POST /containers/{id}/restart` */
  readonly restart: (
    id: string,
    options?: StopOptions
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | PortAllocated | DockerFailure>
  /** Sends a signal, `SIGKILL` when none is named. `POST /containers/{id}/kill` */
  readonly kill: (
    id: string,
    signal?: string
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | InvalidRequest | DockerFailure>
  /** Freezes its processes. `POST /containers/{id}/pause` */
  readonly pause: (id: string) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | DockerFailure>
  /** Lets a paused one go on. `POST /containers/{id}/unpause` */
  readonly unpause: (id: string) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | DockerFailure>
  /** Removes it: a running one with `force` only; its anonymous volumes too with `volumes`. `DELETE /containers/{id}` */
  readonly remove: (
    id: string,
    options?: { readonly force?: boolean; readonly volumes?: boolean }
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | DockerFailure>
  /** Done when it doesn't run (at once if so already), at its next exit, or when it is removed. `POST /containers/{id}/wait` */
  readonly wait: (
    id: string,
    condition?: "not-running" | "next-exit" | "removed"
  ) => Effect.Effect<ContainerExit, ContainerNotFound | DockerFailure>
  /**
   * Done when a condition holds, at once if so already. It fails when that takes too long, and as soon as it can't come any
   * more: the container has exited for good, is unhealthy or removed. Listens to events and looks when there is one; only a
   * port is tried again and again. `GET /events`, `GET /containers/{id}/json`, `GET /containers/{id}/logs`
   */
  readonly waitUntil: (
    id: string,
    condition: WaitCondition,
    options?: WaitOptions
  ) => Effect.Effect<void, ContainerNotFound | WaitFailed | InvalidRequest | DockerFailure>
  /** Gives it another name. `POST /containers/{id}/rename` */
  readonly rename: (
    id: string,
    name: string
  ) => Effect.Effect<void, ContainerNotFound | NameConflict | InvalidRequest | DockerFailure>
  /** Its processes; `psArguments` are those of `ps`, `-ef` when not given. `GET /containers/{id}/top` */
  readonly top: (
    id: string,
    psArguments?: string
  ) => Effect.Effect<ProcessTable, ContainerNotFound | ContainerStateConflict | DockerFailure>
  /** In what its files differ from its image's. `GET /containers/{id}/changes` */
  readonly changes: (id: string) => Effect.Effect<ReadonlyArray<FileChange>, ContainerNotFound | DockerFailure>
  /** Changes its limits while it runs; gives the engine's warnings. `POST /containers/{id}/update` */
  readonly update: (
    id: string,
    limits: ContainerLimits
  ) => Effect.Effect<ReadonlyArray<string>, ContainerNotFound | ContainerStateConflict | InvalidRequest | DockerFailure>
  /** Removes those that don't run. `POST /containers/prune` */
  readonly prune: (
    options?: Pick<ListOptions, "filters">
  ) => Effect.Effect<PruneReport, PruneInProgress | InvalidRequest | DockerFailure>
  /**
   * A container that runs as long as the scope is open: made and started, then removed with its anonymous volumes, also when
   * starting it failed. It fails as `create` does; what keeps it from starting, as a port that is taken or a command that is
   * not there, is an `InvalidRequest` for that field. A removal that fails is a logged warning. Interrupting it returns at once, also
   * while the engine makes the container: then it is removed when it is made.
   */
  readonly scoped: (
    spec: ContainerSpec
  ) => Effect.Effect<CreatedContainer, ImageNotFound | NameConflict | InvalidRequest | DockerFailure, Scope.Scope>
}

/**
 * Containers: list, inspect and the verbs.
 *
 * @example
 * ```ts
 * import { Containers, Docker } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const containers = yield* Containers
 *   const { id } = yield* containers.scoped({ image: "busybox:latest", command: ["sh", "-c", "exit 3"] })
 *   return yield* containers.wait(id)
 * }).pipe(Effect.catchTag("ImageNotFound", ({ image }) => Effect.fail(`Pull ${image} first`)))
 *
 * const live = Containers.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(live))))
 * ```
 */
export class Containers extends Context.Tag("@dockwire/core/Containers")<Containers, ContainersShape>() {
  /** Containers of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Containers, never, Docker> = Layer.effect(Containers, make)
}
