import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import {
  type ContainerNotFound,
  type ContainerStateConflict,
  type DockerFailure,
  type EngineError,
  ExecFailed
} from "../../DockerError.js"
import { decodeResponse, nullable, requestDecoded } from "../api/decode.js"
import { ambiguousId, mapEngineError } from "../api/errors/errorRules.js"
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
): Effect.Effect<string, ContainerFailure | ExecFailed> =>
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
  }).pipe(
    mapContainerErrors(id),
    // Docker 28 looks the user up now, earlier engines when the command starts.
    mapEngineError((error) =>
      error.status === 400 && ambiguousId(id, error) === undefined
        ? new ExecFailed({ containerId: id, command, detail: error.detail })
        : undefined
    )
  )

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

interface State extends Schema.Schema.Type<typeof ExecState> {
  /** Podman forgets the process id of a command that has exited. */
  readonly forgetsPid: boolean
}

const readState = (
  docker: DockerShape,
  execId: string,
  options: Pick<DockerRequest, "timeout"> = {}
): Effect.Effect<State, DockerFailure> => {
  const request = { method: "GET", path: `/exec/${execId}/json`, ...options } as const
  return Effect.flatMap(docker.json(request), ({ body, headers, status }) =>
    Effect.map(decodeState(request, status, body), (state) => ({
      ...state,
      forgetsPid: headers?.["server"]?.startsWith("Libpod") ?? false
    }))
  )
}

/**
 * Maps the errors of a request that starts an exec instance. If the engine answers with an error and the instance has no
 * process, the command could not be started, whatever the message says.
 */
export const mapStartErrors =
  (docker: DockerShape, id: string, execId: string, command: ReadonlyArray<string>) =>
  <A, R>(start: Effect.Effect<A, DockerFailure, R>): Effect.Effect<A, ContainerFailure | ExecFailed, R> =>
    start.pipe(
      mapContainerErrors(id),
      Effect.catchTag("EngineError", (error) =>
        readState(docker, execId).pipe(
          Effect.map(({ Pid, Running }) => !Running && (Pid ?? 0) === 0),
          Effect.orElseSucceed(() => false),
          Effect.flatMap((isFailed): Effect.Effect<never, EngineError | ExecFailed> =>
            Effect.fail(isFailed ? new ExecFailed({ containerId: id, command, detail: error.detail }) : error)
          )
        )
      )
    )

/** How a command ended. */
export interface ExecEnd {
  readonly exitCode: number
  /** Whether the engine could not start it, given its output. */
  readonly neverStarted: (output: string) => boolean
}

/** Podman's message if it could not start a command, as the output of that command. */
const podmanFailure = /^(Error: )?(runc|crun): /

/**
 * A command that could not be started has no process id, and the exit code that a shell uses for this. Only if the engine
 * forgets process ids does the output decide.
 */
const endOf = ({ ExitCode, Pid, Running, forgetsPid }: State): ExecEnd | undefined => {
  if (Running || ExitCode == null) return undefined
  const hasFailed = (Pid ?? 0) === 0 && (ExitCode === 126 || ExitCode === 127)
  return { exitCode: ExitCode, neverStarted: (output) => hasFailed && (!forgetsPid || podmanFailure.test(output)) }
}

/** Looks once how a command ended. `undefined` if it runs. `GET /exec/{id}/json` */
export const readEnd = (
  docker: DockerShape,
  execId: string,
  timeout: Duration.Duration
): Effect.Effect<ExecEnd | undefined, DockerFailure> => Effect.map(readState(docker, execId, { timeout }), endOf)

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
export const isNeverStarted = (
  docker: DockerShape,
  execId: string,
  output: string
): Effect.Effect<boolean, DockerFailure> =>
  pollState(docker, execId, execStartPoll, (state) =>
    (state.Pid ?? 0) !== 0 ? false : endOf(state)?.neverStarted(output)
  ).pipe(Effect.catchTag("Pending", () => Effect.succeed(false)))
