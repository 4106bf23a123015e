import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Docker, type DockerRequest } from "./Docker.js"
import type { ContainerNotFound, DockerFailure } from "./DockerError.js"
import { decodeResponse, nullable } from "./internal/api/decode.js"
import { containerNotFound, mapEngineError } from "./internal/api/errorRules.js"
import { containerPath } from "./internal/api/names.js"
import { EngineContainerState } from "./internal/api/containerState.js"

/** What a running container uses, as the docker command computes it. */
export interface RunningStats {
  readonly _tag: "Running"
  readonly containerId: string
  readonly name: string
  /** RFC 3339 with nanoseconds, by the engine's clock. */
  readonly timestamp: string
  /** Of one processor: 150 is one and a half of them. */
  readonly cpuPercent: number
  /** Bytes, without the page cache that can be given back at any time. */
  readonly memoryUsage: number
  /** Bytes; what the host has where the container has no limit. */
  readonly memoryLimit: number
  readonly memoryPercent: number
  /** Bytes since the start, over all networks. */
  readonly networkReceived: number
  readonly networkSent: number
  /** Bytes since the start. */
  readonly blockRead: number
  readonly blockWritten: number
  /** Processes and threads. */
  readonly pids: number
}

/** The container doesn't run, so there are no figures. */
export interface StoppedStats {
  readonly _tag: "Stopped"
  readonly containerId: string
}

/** What a container uses. */
export type ContainerStats = RunningStats | StoppedStats

const Cpu = Schema.Struct({
  cpu_usage: Schema.Struct({ total_usage: Schema.Number, percpu_usage: nullable(Schema.Array(Schema.Number)) }),
  system_cpu_usage: Schema.optional(Schema.Number),
  online_cpus: Schema.optional(Schema.Number)
})

const Sample = Schema.Struct({
  id: Schema.optional(Schema.String),
  name: Schema.optional(Schema.String),
  read: Schema.String,
  cpu_stats: Cpu,
  precpu_stats: Cpu,
  memory_stats: Schema.Struct({
    usage: Schema.optional(Schema.Number),
    limit: Schema.optional(Schema.Number),
    stats: nullable(Schema.Record({ key: Schema.String, value: Schema.Number }))
  }),
  networks: nullable(
    Schema.Record({ key: Schema.String, value: Schema.Struct({ rx_bytes: Schema.Number, tx_bytes: Schema.Number }) })
  ),
  blkio_stats: Schema.optional(
    Schema.Struct({
      io_service_bytes_recursive: nullable(Schema.Array(Schema.Struct({ op: Schema.String, value: Schema.Number })))
    })
  ),
  pids_stats: Schema.optional(Schema.Struct({ current: Schema.optional(Schema.Number) }))
})

const decodeSample = decodeResponse(Sample)
const decodeLine = decodeResponse(Schema.parseJson(Sample))

const decodeState = decodeResponse(Schema.Struct({ State: Schema.Struct({ Status: EngineContainerState }) }))

const stopped = (containerId: string): StoppedStats => ({ _tag: "Stopped", containerId })

/** Whether there is a sample before it, or no need of one: a stopped container's has the year 1. */
const hasBefore = ({ precpu_stats, read }: typeof Sample.Type): boolean =>
  precpu_stats.system_cpu_usage !== undefined || read.startsWith("0001-")

const cpuPercent = ({ cpu_stats: now, precpu_stats: before }: typeof Sample.Type): number => {
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0)
  const cpus = now.online_cpus || (now.cpu_usage.percpu_usage?.length ?? 0)
  return used > 0 && passed > 0 ? (used / passed) * cpus * 100 : 0
}

const memoryUsage = ({ memory_stats: { stats, usage = 0 } }: typeof Sample.Type): number => {
  // cgroup v1 has the figure with its children's under the longer name.
  const inactive = stats?.["total_inactive_file"] ?? stats?.["inactive_file"] ?? 0
  return inactive < usage ? usage - inactive : usage
}

const blockBytes = ({ blkio_stats }: typeof Sample.Type, operation: string): number =>
  (blkio_stats?.io_service_bytes_recursive ?? [])
    .filter(({ op }) => op.toLowerCase() === operation)
    .reduce((sum, { value }) => sum + value, 0)

const figures = (containerId: string, sample: typeof Sample.Type): ContainerStats => {
  // The engine answers for a stopped container too, with zeros and the year 1.
  if (sample.read.startsWith("0001-")) return stopped(containerId)
  const networks = Object.values(sample.networks ?? {})
  const usage = memoryUsage(sample)
  const limit = sample.memory_stats.limit ?? 0
  return {
    _tag: "Running",
    containerId: sample.id ?? containerId,
    name: (sample.name ?? "").replace(/^\//, ""),
    timestamp: sample.read,
    cpuPercent: cpuPercent(sample),
    memoryUsage: usage,
    memoryLimit: limit,
    memoryPercent: limit === 0 ? 0 : (usage / limit) * 100,
    networkReceived: networks.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    networkSent: networks.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
    blockRead: blockBytes(sample, "read"),
    blockWritten: blockBytes(sample, "write"),
    pids: sample.pids_stats?.current ?? 0
  }
}

const make = Effect.gen(function* () {
  const docker = yield* Docker

  const statsRequest = (id: string, stream: boolean) =>
    Effect.map(containerPath(id, "/stats"), (path): DockerRequest => ({ method: "GET", path, query: { stream } }))

  const once = Effect.fn("Stats.once")(
    function* (id: string) {
      const request = yield* statsRequest(id, false)
      const { body, status } = yield* docker.json(request)
      // Podman has nothing to say of a stopped one, and gives a sample with nothing before it to be held against.
      if (body === undefined) return stopped(id)
      const sample = yield* decodeSample(request, status, body)
      return hasBefore(sample) ? figures(id, sample) : yield* second(id)
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error))(effect)
  )

  /** The figures of one run, or further: Docker's end when the container is removed, Podman's when it stops. */
  const samples = (id: string): Stream.Stream<ContainerStats, ContainerNotFound | DockerFailure> =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const request = yield* statsRequest(id, true)
        const { body, status } = yield* docker.stream(request)
        return body.pipe(
          Stream.decodeText(),
          Stream.splitLines,
          Stream.filter((line) => line.trim() !== ""),
          Stream.mapEffect((line) => decodeLine(request, status, line)),
          // The first sample has nothing before it to be held against; the docker command leaves it out too.
          Stream.filter(hasBefore),
          Stream.map((sample) => figures(id, sample))
        )
      }).pipe(mapEngineError((error) => containerNotFound(id, error)))
    )

  const second = (id: string) =>
    Effect.map(
      Stream.runHead(samples(id)),
      Option.getOrElse(() => stopped(id))
    )

  const isRunning = (id: string) =>
    Effect.gen(function* () {
      const request = { method: "GET", path: yield* containerPath(id, "/json") } as const
      const { body, status } = yield* docker.json(request)
      const { State } = yield* decodeState(request, status, body)
      return State.Status === "running" || State.Status === "paused"
    }).pipe(mapEngineError((error) => containerNotFound(id, error)))

  const soon = (id: string): Stream.Stream<ContainerStats, DockerFailure> =>
    Stream.unwrap(
      Effect.as(
        Effect.sleep("1 second"),
        Stream.suspend(() => later(id))
      )
    )

  /** Behind the end of the figures: that there are none, and those of the next run, until there is no container any more. */
  const later = (id: string): Stream.Stream<ContainerStats, DockerFailure> =>
    Stream.unwrap(
      Effect.map(isRunning(id), (running) =>
        Stream.concat(running ? samples(id) : Stream.succeed(stopped(id)), soon(id))
      )
    ).pipe(Stream.catchTag("ContainerNotFound", () => Stream.empty))

  const stream = (id: string): Stream.Stream<ContainerStats, ContainerNotFound | DockerFailure> =>
    Stream.concat(
      samples(id),
      Stream.suspend(() => later(id))
    ).pipe(Stream.changesWith((before, now) => before._tag === "Stopped" && now._tag === "Stopped"))

  return { once, stream }
})

/** The shape of `Stats`. */
export interface StatsShape {
  /** What it uses now; takes the engine a second. `GET /containers/{id}/stats` */
  readonly once: (id: string) => Effect.Effect<ContainerStats, ContainerNotFound | DockerFailure>
  /** What it uses, each second, until it is removed. That it is stopped is said once. `GET /containers/{id}/stats` */
  readonly stream: (id: string) => Stream.Stream<ContainerStats, ContainerNotFound | DockerFailure>
}

/**
 * What containers use.
 *
 * @example
 * ```ts
 * import { Docker, Stats } from "@dockwire/core"
 * import { Effect, Layer, Stream } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const stats = yield* Stats
 *   yield* stats.stream("web").pipe(
 *     Stream.take(2),
 *     Stream.runForEach((now) =>
 *       Effect.sync(() => console.log(now._tag === "Running" ? `${now.memoryUsage} bytes` : "stopped"))
 *     )
 *   )
 * })
 *
 * const live = Stats.layer.pipe(Layer.provide(Docker.layerConfig))
 * await Effect.runPromise(program.pipe(Effect.provide(live)))
 * ```
 */
export class Stats extends Context.Tag("@dockwire/core/Stats")<Stats, StatsShape>() {
  /** Figures of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Stats, never, Docker> = Layer.effect(Stats, make)
}
