import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerDuplex, DockerRequest, DockerShape } from "../../Docker.js"
import type { ContainerNotFound, ContainerStateConflict, DockerFailure } from "../../DockerError.js"
import { decodeResponse, nullable, requestDecoded } from "../api/decode.js"
import { containerPath } from "../api/names.js"
import { execExitPoll, execStartPoll, livenessCheck } from "../api/schedules.js"
import { mapContainerErrors } from "./containerErrors.js"

/**
 * Where and as whom a command runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecSettings {
  readonly environment?: Readonly<Record<string, string>>
  /** `name`, `uid`, `name:group` or `uid:gid`. */
  readonly user?: string
  /** An absolute path. */
  readonly workingDirectory?: string
  readonly privileged?: boolean
}

/** What the engine reports of a command. */
const ExecState = Schema.Struct({
  Running: Schema.Boolean,
  ExitCode: nullable(Schema.Number),
  Pid: nullable(Schema.Number),
  ContainerID: Schema.String
})

const decodeCreated = decodeResponse(Schema.Struct({ Id: Schema.String }))
const decodeState = decodeResponse(ExecState)

type ContainerFailure = ContainerNotFound | ContainerStateConflict | DockerFailure

/** Creates an exec instance, and returns its id. `POST /containers/{id}/exec` */
export const createExec = (
  docker: DockerShape,
  id: string,
  command: ReadonlyArray<string>,
  { environment, privileged, user, workingDirectory }: ExecSettings,
  streams: Readonly<Record<string, unknown>>
): Effect.Effect<string, ContainerFailure> =>
  Effect.gen(function* () {
    const body = {
      ...streams,
      Cmd: command,
      Env: environment === undefined ? undefined : Object.entries(environment).map(([key, value]) => `${key}=${value}`),
      User: user,
      WorkingDir: workingDirectory,
      Privileged: privileged
    }
    const request = { method: "POST", path: yield* containerPath(id, "/exec"), body } as const
    return (yield* requestDecoded(docker, request, decodeCreated)).Id
  }).pipe(mapContainerErrors(id))

/** The request that starts an exec instance, and attaches to it unless it is detached. */
export const startRequest = (
  execId: string,
  { detach, tty }: { readonly detach: boolean; readonly tty: boolean }
): DockerRequest => ({
  method: "POST",
  path: `/exec/${execId}/start`,
  body: { Detach: detach, Tty: tty },
  timeout: "60 seconds"
})

/** Starts an exec instance with the request of `startRequest`. */
export const startExec = (
  docker: DockerShape,
  id: string,
  request: DockerRequest
): Effect.Effect<DockerDuplex, ContainerFailure, Scope.Scope> => docker.hijack(request).pipe(mapContainerErrors(id))

type State = typeof ExecState.Type

const readState = (docker: DockerShape, execId: string): Effect.Effect<State, DockerFailure> =>
  requestDecoded(docker, { method: "GET", path: `/exec/${execId}/json` }, decodeState)

/** How a command ended. */
export interface ExecEnd {
  readonly exitCode: number
  /** The engine could not start it: it has no process id, and the exit code that a shell uses for this. */
  readonly neverStarted: boolean
}

const endOf = ({ ExitCode, Pid, Running }: State): ExecEnd | undefined =>
  Running || ExitCode == null
    ? undefined
    : { exitCode: ExitCode, neverStarted: (Pid ?? 0) === 0 && (ExitCode === 126 || ExitCode === 127) }

/** Opens a stream of events after which a command in the container may have ended. */
export type ExecWatch = (
  docker: DockerShape,
  containerId: string
) => Effect.Effect<Stream.Stream<unknown, unknown>, unknown, Scope.Scope>

/** Not a class: creating an error for each poll would be costly. */
const pending = Effect.fail({ _tag: "Pending" } as const)

/** Polls the state of an exec instance a few times, until `find` returns a value. `GET /exec/{id}/json` */
const pollState = <A>(
  docker: DockerShape,
  execId: string,
  schedule: Schedule.Schedule<unknown>,
  find: (state: State) => A | undefined
) =>
  readState(docker, execId).pipe(
    Effect.flatMap((state) => {
      const found = find(state)
      return found === undefined ? pending : Effect.succeed(found)
    }),
    Effect.retry({ while: (error) => error._tag === "Pending", schedule })
  )

/**
 * Waits for a command to end. Its output may end earlier, as it ends with the connection. Polls a few times, as the exit
 * most often follows the output at once; then the engine's events tell when to look again. Looks again every ten seconds
 * even without them. `GET /exec/{id}/json`, `GET /events`
 */
export const awaitEnd = (
  docker: DockerShape,
  execId: string,
  watch: ExecWatch
): Effect.Effect<ExecEnd, DockerFailure> =>
  pollState(docker, execId, execExitPoll, endOf).pipe(
    Effect.catchTag("Pending", () =>
      Effect.flatMap(readState(docker, execId), ({ ContainerID }) => {
        const events = Stream.unwrapScoped(
          // Subscribes first and then looks, so that no exit falls between the two.
          Effect.map(watch(docker, ContainerID), (events) => Stream.concat(Stream.succeed(undefined), events))
        ).pipe(Stream.catchAll(() => Stream.empty))
        return Stream.merge(events, Stream.fromSchedule(livenessCheck)).pipe(
          Stream.mapEffect(() => readState(docker, execId)),
          Stream.filterMap((state) => Option.fromNullable(endOf(state))),
          Stream.runHead,
          // The schedule never ends.
          Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: Effect.succeed }))
        )
      })
    )
  )

/** Waits for a command to exit. */
export const awaitExitCode = (
  docker: DockerShape,
  execId: string,
  watch: ExecWatch
): Effect.Effect<number, DockerFailure> => Effect.map(awaitEnd(docker, execId, watch), ({ exitCode }) => exitCode)

/**
 * Whether the engine could not start a command, as soon as it is known: a command that runs has a process id. A command
 * whose state remains unclear for ten seconds counts as started.
 */
export const isNeverStarted = (docker: DockerShape, execId: string): Effect.Effect<boolean, DockerFailure> =>
  pollState(docker, execId, execStartPoll, (state) =>
    (state.Pid ?? 0) !== 0 ? false : endOf(state)?.neverStarted
  ).pipe(Effect.catchTag("Pending", () => Effect.succeed(false)))
