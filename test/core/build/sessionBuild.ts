import { Docker } from "@dockwire/core"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { InvalidRequest, RegistryError } from "../../../packages/core/src/DockerError.js"
import {
  type BuildContextSource,
  openBuildContext
} from "../../../packages/core/src/internal/build/context/buildContext.js"
import {
  bytesField,
  integerField,
  protoFields,
  textField
} from "../../../packages/core/src/internal/build/protobuf/protoFields.js"
import {
  type BuildSession,
  type BuildSessionOptions,
  openBuildSession
} from "../../../packages/core/src/internal/build/session/buildSession.js"
import { jsonAt } from "../../engine/engineRequest.js"

/** A build over a session, straight from the engine's answer. */
export interface SessionBuild {
  readonly imageId: string | undefined
  readonly error: string | undefined
  /** What the session says about the failure. */
  readonly failure: InvalidRequest | RegistryError | undefined
  /** What the steps printed. */
  readonly output: string
  /** The bytes that each transfer of files took. */
  readonly transferred: Readonly<Record<string, number>>
}

export interface SessionBuildOptions extends Partial<Omit<BuildSessionOptions, "context">> {
  readonly source: BuildContextSource
  readonly query?: Readonly<Record<string, string>>
  /** Called when the session is open. */
  readonly onOpen?: (session: BuildSession) => void
}

const messages = (response: string): ReadonlyArray<unknown> =>
  response
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line): unknown => JSON.parse(line))

const readTrace = (line: unknown) => {
  const aux = jsonAt(line, "aux")
  if (jsonAt(line, "id") !== "moby.buildkit.trace" || typeof aux !== "string") return { statuses: [], logs: [] }
  const fields = protoFields(Buffer.from(aux, "base64"))
  const of = (number: number) =>
    fields
      .filter(({ field }) => field === number)
      .map(({ value }) => (Buffer.isBuffer(value) ? protoFields(value) : []))
  return {
    statuses: of(2).map((status) => ({ id: textField(status, 1), current: integerField(status, 4) })),
    logs: of(3).map((log) => bytesField(log, 4).toString("utf8"))
  }
}

/** Builds with a session, until the answer ends or the session is lost. */
export const sessionBuild = ({
  onOpen,
  query = {},
  source,
  ...options
}: SessionBuildOptions): Effect.Effect<SessionBuild, unknown, Docker | Scope.Scope> =>
  Effect.gen(function* () {
    const docker = yield* Docker
    const context = yield* openBuildContext(source)
    const credentials = options.credentials ?? (() => Effect.succeed(undefined))
    const session = yield* openBuildSession(docker, { ...options, context, credentials })
    if (session === "unsupported") return yield* Effect.fail(new Error("the engine has no sessions"))
    onOpen?.(session)
    const { body } = yield* docker.stream({
      method: "POST",
      path: "/build",
      timeout: "1 hour",
      query: {
        version: "2",
        remote: "client-session",
        session: session.id,
        dockerfile: context.dockerfileName,
        ...query
      }
    })
    const text = yield* Effect.raceFirst(Stream.mkString(Stream.decodeText(body)), session.lost)
    const lines = messages(text)
    const traces = lines.map(readTrace)
    const ids = lines.filter((line) => jsonAt(line, "id") === "moby.image.id").map((line) => jsonAt(line, "aux", "ID"))
    const errors = lines.map((line) => jsonAt(line, "error")).filter((error) => typeof error === "string")
    return {
      imageId: ids.length === 0 ? undefined : String(ids[0]),
      error: errors[0],
      failure: yield* session.failure,
      output: traces.flatMap(({ logs }) => logs).join(""),
      transferred: Object.fromEntries(
        traces.flatMap(({ statuses }) =>
          statuses.filter(({ id }) => id.startsWith("transferring")).map(({ current, id }) => [id, current])
        )
      )
    }
  })
