import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import {
  type ContainerNotFound,
  ContainerStateConflict,
  type DockerFailure,
  EngineUnavailable,
  InvalidRequest
} from "../../DockerError.js"
import { EngineContainerState } from "../api/containerState.js"
import { decodeResponse, requestDecoded } from "../api/decode.js"
import { containerNotFound, mapEngineError } from "../api/errors/errorRules.js"
import { containerPath } from "../api/names.js"
import { containerEndPoll } from "../api/schedules.js"
import { openInScope } from "../api/scopedResource.js"
import { demultiplex } from "../logs/demultiplex.js"
import type { OutputPiece } from "../api/streams/outputPiece.js"
import { mapContainerErrors } from "./containerErrors.js"
import { inputBytes, unusedDetachKeys } from "./input.js"

/**
 * How to attach to a container.
 *
 * @since 0.1.0
 * @category models
 */
export interface AttachOptions {
  /** Emits the container's log first. Default `false`. */
  readonly replay?: boolean
}

/**
 * The standard streams of a container's main process.
 *
 * @since 0.1.0
 * @category models
 */
export interface Attachment {
  /** Whether the container has a terminal. If so, everything it prints is emitted as `stdout`. */
  readonly tty: boolean
  /** What the process prints from now on. Ends when the process ends. */
  readonly output: Stream.Stream<OutputPiece, DockerFailure>
  /** Fails with `InvalidRequest` if the container was created without `OpenStdin`. */
  readonly write: (input: Uint8Array | string) => Effect.Effect<void, InvalidRequest | DockerFailure>
  /**
   * Closes the writing side; `output` continues. The process sees the end of its input if the container was created with
   * `StdinOnce`. If not, its input stays open for the next client that attaches.
   */
  readonly end: Effect.Effect<void>
  /** Resizes the container's terminal. Has no effect on a container without one. */
  readonly resize: (size: {
    readonly rows: number
    readonly columns: number
  }) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | DockerFailure>
}

const decodeContainer = decodeResponse(
  Schema.Struct({
    Id: Schema.String,
    Config: Schema.Struct({ Tty: Schema.optional(Schema.Boolean), OpenStdin: Schema.optional(Schema.Boolean) }),
    State: Schema.Struct({ Status: EngineContainerState, StartedAt: Schema.String })
  })
)

/** The states in which the engine accepts an attach and closes the connection at once. */
const unattachableStates: Readonly<Record<string, ContainerStateConflict["state"]>> = {
  exited: "stopped",
  dead: "stopped",
  restarting: "stopped",
  paused: "paused",
  removing: "removing"
}

const inspect = (docker: DockerShape, id: string) =>
  Effect.gen(function* () {
    const request = { method: "GET", path: yield* containerPath(id, "/json") } as const
    return yield* requestDecoded(docker, request, decodeContainer)
  }).pipe(mapEngineError((error) => containerNotFound(id, error)))

/** Fails if the run that began at `startedAt` has not ended: then the engine, and not the process, closed the connection. */
const confirmEnd = (docker: DockerShape, id: string, startedAt: string): Effect.Effect<void, DockerFailure> =>
  inspect(docker, id).pipe(
    Effect.flatMap(({ State }) => {
      const isUp = State.Status === "running" || State.Status === "paused"
      const isSameRun = State.StartedAt === startedAt || startedAt.startsWith("0001-")
      return isUp && isSameRun ? Effect.fail({ _tag: "StillRunning" } as const) : Effect.void
    }),
    Effect.retry({ while: (error) => error._tag === "StillRunning", schedule: containerEndPoll }),
    Effect.catchTags({
      ContainerNotFound: () => Effect.void,
      StillRunning: () =>
        Effect.fail(
          new EngineUnavailable({
            endpoint: docker.endpoint,
            reason: "Lost",
            detail: "the connection was closed while the container was running"
          })
        )
    })
  )

/** Attaches to a container until the scope closes. `POST /containers/{id}/attach` */
export const attachTo = (
  docker: DockerShape,
  id: string,
  options: AttachOptions
): Effect.Effect<Attachment, ContainerNotFound | ContainerStateConflict | DockerFailure, Scope.Scope> =>
  openInScope(openAttachment(docker, id, options)).pipe(mapContainerErrors(id))

const openAttachment = (docker: DockerShape, id: string, options: AttachOptions) =>
  Effect.gen(function* () {
    const { Config, Id, State } = yield* inspect(docker, id)
    const state = unattachableStates[State.Status]
    if (state !== undefined) {
      const detail = `request not sent: the state of the container is "${State.Status}"`
      return yield* new ContainerStateConflict({ containerId: id, state, detail })
    }
    const tty = Config.Tty ?? false
    const stdin = Config.OpenStdin ?? false
    const request: DockerRequest = {
      method: "POST",
      path: `/containers/${Id}/attach`,
      query: {
        stream: true,
        stdin,
        stdout: true,
        stderr: true,
        logs: options.replay ?? false,
        detachKeys: tty ? unusedDetachKeys() : undefined
      }
    }
    const duplex = yield* docker.hijack(request)
    const pieces = tty
      ? Stream.map(duplex.output, (bytes): OutputPiece => ({ _tag: "Output", stream: "stdout", bytes }))
      : demultiplex(duplex.output, request, docker.endpoint)
    const startedAt = (yield* inspect(docker, id)).State.StartedAt
    const attachment: Attachment = {
      tty,
      output: Stream.concat(pieces, Stream.drain(Stream.fromEffect(confirmEnd(docker, Id, startedAt)))),
      write: (input) =>
        stdin
          ? duplex.write(inputBytes(input))
          : new InvalidRequest({
              field: "standard input",
              value: id,
              detail: "the container was created without OpenStdin, so its standard input is closed"
            }),
      end: duplex.end,
      resize: ({ columns, rows }) =>
        docker
          .json({ method: "POST", path: `/containers/${Id}/resize`, query: { h: rows, w: columns } })
          .pipe(Effect.asVoid, mapContainerErrors(id))
    }
    return attachment
  })
