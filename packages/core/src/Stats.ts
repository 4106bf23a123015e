/**
 * The resource usage of containers.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Docker, type DockerRequest, type DockerShape } from "./Docker.js"
import { type ContainerNotFound, type DockerFailure, EngineUnavailable } from "./DockerError.js"
import { decodeResponse, nullable, requestDecoded } from "./internal/api/decode.js"
import { containerNotFound, mapEngineError } from "./internal/api/errors/errorRules.js"
import { containerPath } from "./internal/api/names.js"
import { nextRunPoll, rerunDelay } from "./internal/api/schedules.js"
import { EngineContainerState } from "./internal/api/containerState.js"
import { traced } from "./internal/api/traced.js"
import type { ContainerStats, StoppedStats } from "./internal/containers/statsModels.js"
import { subscribe } from "./internal/watch/engineEvents.js"

export { ContainerStats, RunningStats, StoppedStats } from "./internal/containers/statsModels.js"

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

const decodeState = decodeResponse(
  Schema.Struct({ Id: Schema.String, State: Schema.Struct({ Status: EngineContainerState }) })
)

const stopped = (containerId: string): StoppedStats => ({ _tag: "Stopped", containerId })

/** The engine sends a sample for a stopped container too, with zeros and a time in the year 1. */
const isOfStopped = ({ read }: typeof Sample.Type): boolean => read.startsWith("0001-")

/** Whether a sample contains the one before it. A rate of CPU usage takes two, and the first of a run has none. */
const isComplete = (sample: typeof Sample.Type): boolean =>
  sample.precpu_stats.system_cpu_usage !== undefined || isOfStopped(sample)

const cpuPercent = ({ cpu_stats: current, precpu_stats: previous }: typeof Sample.Type): number => {
  const used = current.cpu_usage.total_usage - previous.cpu_usage.total_usage
  const elapsed = (current.system_cpu_usage ?? 0) - (previous.system_cpu_usage ?? 0)
  const cpus = current.online_cpus || (current.cpu_usage.percpu_usage?.length ?? 0)
  return used > 0 && elapsed > 0 ? (used / elapsed) * cpus * 100 : 0
}

const memoryUsage = ({ memory_stats: { stats, usage = 0 } }: typeof Sample.Type): number => {
  // On cgroup v1, only the total includes child cgroups.
  const inactive = stats?.["total_inactive_file"] ?? stats?.["inactive_file"] ?? 0
  return inactive < usage ? usage - inactive : usage
}

const blockBytes = ({ blkio_stats }: typeof Sample.Type, operation: string): number =>
  (blkio_stats?.io_service_bytes_recursive ?? [])
    .filter(({ op }) => op.toLowerCase() === operation)
    .reduce((sum, { value }) => sum + value, 0)

const toStats = (containerId: string, sample: typeof Sample.Type): ContainerStats => {
  if (isOfStopped(sample)) return stopped(containerId)
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

const mapContainerNotFound = (id: string) => mapEngineError((error) => containerNotFound(id, error))

const statsRequest = (id: string, stream: boolean) =>
  Effect.map(containerPath(id, "/stats"), (path): DockerRequest => ({ method: "GET", path, query: { stream } }))

/** The stats until the engine ends them: Docker when the container is removed, Podman when it stops. */
const streamOnce = (
  docker: DockerShape,
  id: string
): Stream.Stream<ContainerStats, ContainerNotFound | DockerFailure> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const request = yield* statsRequest(id, true)
      const { body, status } = yield* docker.stream(request)
      return body.pipe(
        Stream.decodeText(),
        Stream.splitLines,
        Stream.filter((line) => line.trim() !== ""),
        Stream.mapEffect((line) => decodeLine(request, status, line)),
        Stream.filter(isComplete),
        Stream.map((sample) => toStats(id, sample))
      )
    }).pipe(mapContainerNotFound(id))
  )

const once = (docker: DockerShape, id: string) =>
  Effect.gen(function* () {
    const request = yield* statsRequest(id, false)
    const { body, status } = yield* docker.json(request)
    // Podman's answer for a stopped container.
    if (body === undefined) return stopped(id)
    const sample = yield* decodeSample(request, status, body)
    if (isComplete(sample)) return toStats(id, sample)
    // Podman answers with the first sample of a stream, which is not complete.
    const first = yield* Stream.runHead(streamOnce(docker, id))
    return Option.getOrElse(first, () => stopped(id))
  }).pipe(mapContainerNotFound(id))

/** The container's full id, and whether it runs. `GET /containers/{id}/json` */
const inspectRunning = (docker: DockerShape, id: string) =>
  Effect.gen(function* () {
    const request = { method: "GET", path: yield* containerPath(id, "/json") } as const
    const { Id, State } = yield* requestDecoded(docker, request, decodeState)
    return { fullId: Id, running: State.Status === "running" || State.Status === "paused" }
  }).pipe(mapContainerNotFound(id))

/** Waits until a container runs or is removed. */
const untilRunning = (docker: DockerShape, fullId: string): Effect.Effect<void, ContainerNotFound | DockerFailure> =>
  Effect.gen(function* () {
    // Subscribed before the first inspect, so that no start falls in between.
    const filters = { type: ["container"], container: [fullId], event: ["start", "destroy"] }
    const events = yield* subscribe(docker, { filters })
    // Covers events that an engine fails to emit.
    const ticks = Stream.as(Stream.tick(nextRunPoll), undefined)
    const found = yield* Stream.merge(Stream.as(events, undefined), ticks, { haltStrategy: "left" }).pipe(
      Stream.mapEffect(() => inspectRunning(docker, fullId)),
      Stream.filter(({ running }) => running),
      Stream.runHead
    )
    if (Option.isSome(found)) return
    const detail = "the engine ended the event stream"
    return yield* new EngineUnavailable({ endpoint: docker.endpoint, reason: "Lost", detail })
  }).pipe(Effect.scoped)

/** The stats over all runs of a container. */
const streamAll = (docker: DockerShape, id: string): Stream.Stream<ContainerStats, ContainerNotFound | DockerFailure> =>
  Stream.suspend(() => {
    // The full id as soon as it is known: the name may pass to another container.
    let target = id
    const run = Stream.suspend(() =>
      Stream.map(streamOnce(docker, target), (stats) => {
        if (stats._tag === "Running") target = stats.containerId
        return stats
      })
    )
    const pause = (effect: Effect.Effect<void, ContainerNotFound | DockerFailure>) =>
      Stream.drain(Stream.fromEffect(effect))
    const inspected = Effect.suspend(() => inspectRunning(docker, target))
    const nextRun = Stream.unwrap(
      Effect.map(inspected, ({ fullId, running }) => {
        target = fullId
        return running
          ? Stream.concat(run, pause(Effect.sleep(rerunDelay)))
          : Stream.concat(Stream.succeed<ContainerStats>(stopped(id)), pause(untilRunning(docker, fullId)))
      })
    )
    const laterRuns = Stream.catchTag(Stream.forever(nextRun), "ContainerNotFound", () => Stream.empty)
    return Stream.concat(run, laterRuns).pipe(
      Stream.changesWith((previous, current) => previous._tag === "Stopped" && current._tag === "Stopped")
    )
  })

const make = Effect.map(Docker, (docker): StatsShape => ({
  once: traced("Stats.once")((id: string) => once(docker, id)),
  stream: (id) => streamAll(docker, id)
}))

/**
 * The service `Stats`.
 *
 * @since 0.1.0
 * @category services
 */
export interface StatsShape {
  /** Reads the current usage, which takes the engine a second. `GET /containers/{id}/stats` */
  readonly once: (id: string) => Effect.Effect<ContainerStats, ContainerNotFound | DockerFailure>
  /**
   * Emits the usage every second, over all runs of the container, until it is removed. Emits `StoppedStats` once each time
   * it stops. `GET /containers/{id}/stats`, `GET /events`
   */
  readonly stream: (id: string) => Stream.Stream<ContainerStats, ContainerNotFound | DockerFailure>
}

/**
 * Reads the resource usage of containers.
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
 *
 * @since 0.1.0
 * @category tags
 */
export class Stats extends Context.Tag("@dockwire/core/Stats")<Stats, StatsShape>() {
  /**
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<Stats, never, Docker> = Layer.effect(Stats, make)
}
