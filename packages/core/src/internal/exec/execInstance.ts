import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { DockerDuplex, DockerRequest, DockerShape } from "../../Docker.js"
import type { ContainerNotFound, ContainerStateConflict, DockerFailure } from "../../DockerError.js"
import { decodeResponse, nullable, requestDecoded } from "../api/decode.js"
import { containerPath } from "../api/names.js"
import { execPoll } from "../api/schedules.js"
import { mapContainerErrors } from "./containerErrors.js"

/** Where and as whom a command runs. */
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
  Pid: nullable(Schema.Number)
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

/** The request that starts an exec instance and attaches to it. */
export const startRequest = (execId: string, tty: boolean): DockerRequest => ({
  method: "POST",
  path: `/exec/${execId}/start`,
  body: { Detach: false, Tty: tty },
  timeout: "60 seconds"
})

/** Starts an exec instance with the request of `startRequest`. */
export const startExec = (
  docker: DockerShape,
  id: string,
  request: DockerRequest
): Effect.Effect<DockerDuplex, ContainerFailure, Scope.Scope> => docker.hijack(request).pipe(mapContainerErrors(id))

/** Not a class: creating an error for each poll would be costly. */
const pending = Effect.fail({ _tag: "Pending" } as const)

/** Polls the state of an exec instance until `find` returns a value. `GET /exec/{id}/json` */
const pollState = <A>(
  docker: DockerShape,
  execId: string,
  find: (state: typeof ExecState.Type) => A | undefined
): Effect.Effect<A, DockerFailure> => {
  const request = { method: "GET", path: `/exec/${execId}/json` } as const
  return requestDecoded(docker, request, decodeState).pipe(
    Effect.flatMap((state) => {
      const found = find(state)
      return found === undefined ? pending : Effect.succeed(found)
    }),
    Effect.retry({ while: (error) => error._tag === "Pending", schedule: execPoll }),
    // The schedule never ends.
    Effect.catchTag("Pending", () => Effect.never)
  )
}

/** Waits for a command to exit. Its output may end earlier, as it ends with the connection. */
export const awaitExitCode = (docker: DockerShape, execId: string): Effect.Effect<number, DockerFailure> =>
  pollState(docker, execId, ({ ExitCode, Running }) => (Running ? undefined : (ExitCode ?? undefined)))

/** Waits until it is known whether the engine could start the command: only then does it get a process id. */
export const hasStarted = (docker: DockerShape, execId: string): Effect.Effect<boolean, DockerFailure> =>
  pollState(docker, execId, ({ ExitCode, Pid, Running }) =>
    (Pid ?? 0) !== 0 ? true : Running || ExitCode == null ? undefined : false
  )
