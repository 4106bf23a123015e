import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createReadStream } from "node:fs"
import { mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, posix } from "node:path"
import { InvalidRequest } from "../../../DockerError.js"
import { readTar } from "../../tar/readTar.js"

/** No Dockerfile is longer. */
const maxDockerfileBytes = 1024 * 1024

const failure = (error: unknown) =>
  new InvalidRequest({
    field: "context",
    value: "",
    detail: `the archive cannot be stored for the time of the build: ${String(error)}`
  })

const attempt = <A>(work: () => Promise<A>): Effect.Effect<A, InvalidRequest> =>
  Effect.tryPromise({ try: work, catch: failure })

const normalized = (path: string): string => posix.normalize(path).replace(/^\/+/, "")

/** The content of a file in an archive. Missing if there is none, or if the archive is compressed or damaged. */
const readFileIn = (archive: Stream.Stream<Uint8Array, unknown>, path: string): Effect.Effect<string | undefined> =>
  Effect.suspend(() => {
    let pieces: Array<Uint8Array> | undefined
    let isInside = false
    let size = 0
    return Stream.runForEach(readTar(archive), (item) =>
      Effect.sync(() => {
        if (item._tag === "Entry") {
          const name = Buffer.from(item.header.name, "latin1").toString("utf8")
          isInside = normalized(name) === normalized(path)
          if (isInside) [pieces, size] = [[], 0]
        } else if (isInside && pieces !== undefined && (size += item.bytes.length) <= maxDockerfileBytes) {
          pieces.push(Uint8Array.from(item.bytes))
        }
      })
    ).pipe(
      Effect.ignore,
      Effect.map(() => (pieces === undefined ? undefined : Buffer.concat(pieces).toString("utf8")))
    )
  })

/** An archive that is kept in a file, so that it can be looked at before it is sent. */
export interface SpooledArchive {
  readonly content: Stream.Stream<Uint8Array, InvalidRequest>
  readonly readText: (path: string) => Effect.Effect<string | undefined>
}

/** Writes an archive to a file, which is removed when the scope closes. */
export const spoolArchive = (
  archive: Stream.Stream<Uint8Array>
): Effect.Effect<SpooledArchive, InvalidRequest, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      attempt(() => mkdtemp(join(tmpdir(), "dockwire-context-"))),
      (folder) => Effect.ignore(Effect.promise(() => rm(folder, { recursive: true, force: true })))
    )
    const path = join(folder, "context.tar")
    yield* Effect.scoped(
      Effect.gen(function* () {
        const file = yield* Effect.acquireRelease(
          attempt(() => open(path, "wx", 0o600)),
          (file) => Effect.ignore(Effect.promise(() => file.close()))
        )
        yield* Stream.runForEachChunk(archive, (chunk) =>
          attempt(() => file.writeFile(Buffer.concat(Chunk.toReadonlyArray(chunk))))
        )
      })
    )
    const content = Stream.suspend(() =>
      Stream.fromAsyncIterable<Uint8Array, InvalidRequest>(
        createReadStream(path, { highWaterMark: 256 * 1024 }),
        failure
      )
    )
    return { content, readText: (name) => readFileIn(content, name) }
  })
