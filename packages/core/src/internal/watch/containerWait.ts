import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { connect } from "node:net"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import {
  type ContainerNotFound,
  type DockerFailure,
  EngineUnavailable,
  type HealthCheckRun,
  InvalidRequest,
  WaitFailed,
  type WaitFailure
} from "../../DockerError.js"
import { decodeResponse, nullable } from "../api/decode.js"
import { containerNotFound, mapEngineError } from "../api/errorRules.js"
import { containerPath } from "../api/names.js"
import { EngineContainerState } from "../api/containerState.js"
import { parseEndpoint } from "../connection/endpoint.js"
import { readLog } from "../logs/logReader.js"
import type { LogsError } from "../logs/logRequest.js"
import { openEvents } from "./engineEvents.js"
import { followLog } from "./logFollower.js"
import { normalizeTimestamp, nanosTimestamp, timestampMillis } from "../api/engineTime.js"

/** What to wait for. */
export type WaitCondition =
  | "running"
  /** By its health check. */
  | "healthy"
  /** Or removed. */
  | "exited"
  /**
   * A line of its present run, in which a text is found or which a RegExp matches. A RegExp sees the first 16 KiB of a line,
   * and runs on the event loop: give none that backtracks without bound (`(a+)+b`).
   */
  | { readonly log: string | RegExp }
  /** Something that takes connections on this TCP port: as published on the host, else at the container's own address. */
  | { readonly port: number }

/** How long to wait. */
export interface WaitOptions {
  /** Default 60 seconds. */
  readonly timeout?: Duration.DurationInput
}

const decodeInspected = decodeResponse(
  Schema.Struct({
    Id: Schema.String,
    Config: Schema.Struct({
      Healthcheck: nullable(Schema.Struct({ Test: nullable(Schema.Array(Schema.String)) }))
    }),
    State: Schema.Struct({
      Status: EngineContainerState,
      ExitCode: Schema.Number,
      Error: Schema.optional(Schema.String),
      StartedAt: Schema.String,
      FinishedAt: Schema.String,
      Health: nullable(
        Schema.Struct({
          Status: Schema.String,
          Log: nullable(
            Schema.Array(
              Schema.Struct({
                Start: Schema.String,
                End: Schema.String,
                ExitCode: Schema.Number,
                Output: Schema.String
              })
            )
          )
        })
      )
    }),
    NetworkSettings: Schema.Struct({
      Ports: nullable(
        Schema.Record({
          key: Schema.String,
          value: Schema.NullOr(Schema.Array(Schema.Struct({ HostIp: Schema.String, HostPort: Schema.String })))
        })
      ),
      Networks: nullable(Schema.Record({ key: Schema.String, value: Schema.Struct({ IPAddress: Schema.String }) }))
    })
  })
)

type Inspected = Effect.Effect.Success<ReturnType<typeof decodeInspected>>

/** Why a wait is over without what it waited for. */
interface Vain {
  readonly reason: WaitFailure
  readonly detail: string
}

/** What a look at the container says: it is so, it can't be any more, or neither. */
type Verdict = "met" | Vain | undefined

const isOver = ({ State }: Inspected): boolean => State.Status === "exited" || State.Status === "dead"

const exited = ({ State }: Inspected): Vain => ({
  reason: "Exited",
  detail: `it exited with ${State.ExitCode}${State.Error ? ` (${State.Error})` : ""}`
})

const startFailed = ({ State }: Inspected): Vain | undefined =>
  State.Status === "created" && State.Error
    ? { reason: "Exited", detail: `it could not start: ${State.Error}` }
    : undefined

const removed: Vain = { reason: "Removed", detail: "it was removed" }

const inWords = (condition: WaitCondition): string =>
  typeof condition === "string"
    ? condition
    : "log" in condition
      ? `a writer of ${typeof condition.log === "string" ? JSON.stringify(condition.log) : String(condition.log)}`
      : `reachable on port ${condition.port}`

const checked = (condition: WaitCondition): Effect.Effect<void, InvalidRequest> =>
  typeof condition === "object" &&
  "port" in condition &&
  (!Number.isInteger(condition.port) || condition.port < 1 || condition.port > 65_535)
    ? Effect.fail(
        new InvalidRequest({
          field: "port",
          value: String(condition.port),
          detail: "give a whole number from 1 to 65535"
        })
      )
    : Effect.void

/** What a RegExp is shown of a line: one that backtracks must not hold the process for a line of a megabyte. */
const matchedLength = 16 * 1024

const matcher = (pattern: string | RegExp): ((text: string) => boolean) => {
  if (typeof pattern === "string") return (text) => text.includes(pattern)
  // One with memory would look from where it found something last.
  const stateless = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ""))
  return (text) => stateless.test(text.slice(0, matchedLength))
}

/** Whether something listens: it takes the connection, and doesn't hang up at once as the engine's proxy does for nobody. */
const answers = (host: string, port: number): Effect.Effect<boolean> =>
  Effect.async<boolean>((resume) => {
    const socket = connect({ host, port })
    let timer: NodeJS.Timeout | undefined
    const done = (answer: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resume(Effect.succeed(answer))
    }
    socket.once("connect", () => {
      timer = setTimeout(() => done(true), 100)
    })
    socket.once("data", () => done(true))
    socket.once("end", () => done(false))
    socket.once("error", () => done(false))
    socket.setTimeout(2_000, () => done(false))
    return Effect.sync(() => {
      clearTimeout(timer)
      socket.destroy()
    })
  })

/** Waits until a condition holds for a container. */
export const waitForContainer = (
  docker: DockerShape,
  id: string,
  condition: WaitCondition,
  options: WaitOptions
): Effect.Effect<void, ContainerNotFound | WaitFailed | InvalidRequest | DockerFailure> =>
  Effect.gen(function* () {
    yield* checked(condition)
    const timeout = Duration.decode(options.timeout ?? "60 seconds")

    const inspect = (id: string) =>
      Effect.gen(function* () {
        const request: DockerRequest = { method: "GET", path: yield* containerPath(id, "/json") }
        const { body, status } = yield* docker.json(request)
        return yield* decodeInspected(request, status, body)
      }).pipe(mapEngineError((error) => containerNotFound(id, error)))
    const first = yield* inspect(id)
    const containerId = first.Id

    /** Verdicts on what the container is now, and whenever something happens to it; the first that there is. */
    const decided = (judge: (look: Inspected, action: string) => Verdict, whenRemoved: Verdict = removed) =>
      Effect.scoped(
        Effect.gen(function* () {
          // Subscribed first, looked behind that.
          const events = yield* openEvents(docker, { filters: { type: ["container"], container: [containerId] } })
          const actions = Stream.filterMap(events, ({ action }) =>
            action.startsWith("exec_") ? Option.none() : Option.some(action)
          )
          // A look now and then stands in for an event that an engine did not give out.
          const now = Stream.as(Stream.tick("5 seconds"), "")
          const verdicts = Stream.mapEffect(Stream.merge(actions, now, { haltStrategy: "left" }), (action) =>
            inspect(containerId).pipe(
              Effect.map((look) => judge(look, action)),
              Effect.catchTag("ContainerNotFound", () => Effect.succeed(whenRemoved))
            )
          )
          const verdict = yield* Stream.runHead(Stream.filter(verdicts, (verdict) => verdict !== undefined))
          if (Option.isSome(verdict)) return verdict.value
          const detail = "the engine ended its events"
          return yield* new EngineUnavailable({ endpoint: docker.endpoint, reason: "Lost", detail })
        })
      )

    const written = (pattern: string | RegExp): Effect.Effect<Verdict, LogsError> => {
      const matches = matcher(pattern)
      const { FinishedAt, StartedAt, Status } = first.State
      const [started = "", finished = ""] = [normalizeTimestamp(StartedAt), normalizeTimestamp(FinishedAt)]
      // A process may have written before the engine has noted that it runs; what an earlier run wrote doesn't count.
      const noted = nanosTimestamp(BigInt(Math.max(0, timestampMillis(started) - 1_000)) * 1_000_000n)
      // Of a run that goes on; of one that is over it is its own end, which after a short one may stand before its beginning.
      const before = !isOver(first) && finished > noted && finished < started ? finished : noted
      const since = started.startsWith("0001-") ? {} : { since: before }
      if (isOver(first)) {
        const found = Stream.runHead(
          Stream.filter(readLog(docker, containerId, since), (lines) => lines.some(({ text }) => matches(text)))
        )
        return Effect.map(found, (lines): Verdict => (Option.isSome(lines) ? "met" : exited(first)))
      }
      const verdicts = Stream.mapEffect(followLog(docker, containerId, Status === "created" ? {} : since), (batch) =>
        Effect.gen(function* () {
          let stopped = false
          for (const element of batch) {
            if (element._tag === "LogLine" && matches(element.text)) return "met" as const
            if (element._tag === "LogMark" && element.mark === "removed") return removed
            stopped ||= element._tag === "LogMark" && element.mark === "stopped"
          }
          if (!stopped) return undefined
          const look = yield* inspect(containerId)
          return isOver(look) ? exited(look) : undefined
        }).pipe(Effect.catchTag("ContainerNotFound", () => Effect.succeed(removed)))
      )
      return Effect.map(
        Stream.runHead(Stream.filter(verdicts, (verdict) => verdict !== undefined)),
        Option.getOrElse((): Verdict => removed)
      )
    }

    /** Where a port is to be reached: as published on the engine's host, else at the container's own address. */
    const target = ({ NetworkSettings }: Inspected, port: number) => {
      const endpoint = Either.getOrUndefined(parseEndpoint(docker.endpoint))
      const engineHost =
        endpoint === undefined || endpoint._tag === "Unix" ? undefined : endpoint.host.replaceAll(/^\[|\]$/g, "")
      const [published] = NetworkSettings.Ports?.[`${port}/tcp`] ?? []
      if (published !== undefined) {
        const { HostIp, HostPort } = published
        const anywhere = HostIp === "" || HostIp === "0.0.0.0"
        return {
          host: engineHost ?? (anywhere ? "127.0.0.1" : HostIp === "::" ? "::1" : HostIp),
          port: Number(HostPort)
        }
      }
      const address = Object.values(NetworkSettings.Networks ?? {}).find(({ IPAddress }) => IPAddress !== "")?.IPAddress
      return address === undefined ? undefined : { host: address, port }
    }

    const answering = (port: number) => {
      let latest = first
      let pause = 25
      // That something listens is no event: this alone is asked again and again.
      const ask: Effect.Effect<Verdict> = Effect.suspend(() => {
        const place = latest.State.Status === "running" ? target(latest, port) : undefined
        return Effect.flatMap(
          place === undefined ? Effect.succeed(false) : answers(place.host, place.port),
          (answer) => {
            if (answer) return Effect.succeed<Verdict>("met")
            pause = Math.min(500, pause * 2)
            return Effect.delay(ask, Duration.millis(pause))
          }
        )
      })
      const state = decided((look) => {
        latest = look
        if (isOver(look)) return exited(look)
        return look.State.Status === "running" && target(look, port) === undefined
          ? { reason: "Impossible", detail: `its port ${port} is not published, and it has no address of its own` }
          : startFailed(look)
      })
      return Effect.raceFirst(state, ask)
    }

    const verdict = Effect.gen(function* () {
      if (typeof condition === "object" && "log" in condition) {
        return yield* Effect.raceFirst(decided(startFailed, undefined), written(condition.log))
      }
      if (typeof condition === "object") return yield* answering(condition.port)
      switch (condition) {
        case "running":
          return yield* decided((look, action) =>
            look.State.Status === "running" || action === "start" ? "met" : startFailed(look)
          )
        case "exited":
          return yield* decided((look) => (isOver(look) ? "met" : startFailed(look)), "met")
        case "healthy":
          return yield* decided((look) => {
            if (isOver(look)) return exited(look)
            const { Health, Status } = look.State
            if (Health?.Status === "healthy") return "met"
            if (Health?.Status === "unhealthy") return { reason: "Unhealthy", detail: "it is unhealthy" }
            if (Status !== "running" || (Health != null && !/^(none)?$/.test(Health.Status))) return startFailed(look)
            return { reason: "Impossible", detail: "it has no health check" }
          })
      }
    }).pipe(
      Effect.catchTag("LogsUnreadable", ({ detail }) => Effect.succeed<Verdict>({ reason: "Impossible", detail })),
      Effect.timeoutOption(timeout),
      Effect.map(
        Option.getOrElse((): Verdict => ({
          reason: "TimedOut",
          detail: `it was not so after ${Duration.format(timeout)}`
        }))
      )
    )

    const vain = yield* verdict
    if (vain === "met" || vain === undefined) return
    /** What it leaves to read; nothing where it is gone or the engine takes too long. */
    const told = <A, E>(effect: Effect.Effect<ReadonlyArray<A>, E>) =>
      effect.pipe(
        Effect.timeoutOption("5 seconds"),
        Effect.map(Option.getOrElse((): ReadonlyArray<A> => [])),
        Effect.orElseSucceed((): ReadonlyArray<A> => [])
      )
    const lines = Stream.runCollect(readLog(docker, containerId, { tail: 20 }))
    return yield* new WaitFailed({
      containerId,
      condition: inWords(condition),
      ...vain,
      healthLog: yield* told(
        Effect.map(inspect(containerId), ({ State }) =>
          (State.Health?.Log ?? []).map(({ End, ExitCode, Output, Start }): HealthCheckRun => ({
            start: Start,
            end: End,
            exitCode: ExitCode,
            output: Output
          }))
        )
      ),
      lastLines: yield* told(
        Effect.map(lines, (batches) => Array.from(batches).flatMap((lines) => lines.map(({ text }) => text)))
      )
    })
  })
