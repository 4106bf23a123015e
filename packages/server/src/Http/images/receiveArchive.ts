/** The archive of a build, received into a file. */
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { BodyTooLarge, UploadFailed } from "../../Api/Errors.js"
import { maxArchiveBytes } from "../../Api/Images.js"

/** An archive that was received. Whoever has it removes it. */
export interface ReceivedArchive {
  readonly content: Stream.Stream<Uint8Array>
  readonly remove: Effect.Effect<void>
}

class TooLarge extends Data.TaggedError("TooLarge") {}

const tooLarge = (): typeof BodyTooLarge.Type => ({
  _tag: "BodyTooLarge",
  limit: maxArchiveBytes,
  message: `The archive is longer than ${maxArchiveBytes} bytes. Leave out what the Dockerfile does not copy.`
})

const uploadFailed = (detail: string): typeof UploadFailed.Type => ({
  _tag: "UploadFailed",
  detail,
  message: `The archive was not received: ${detail}. Check the connection, and the space in the server's folder for temporary files.`
})

/** Fails as soon as there is more than the limit. */
const limited = <E>(bytes: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E | TooLarge> => {
  let length = 0
  return Stream.mapEffect(bytes, (chunk) => {
    length += chunk.length
    return length > maxArchiveBytes ? Effect.fail(new TooLarge()) : Effect.succeed(chunk)
  })
}

/** Receives the body of a request into a file of its own, which is removed if that fails or is interrupted. */
export const receiveArchive = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<ReceivedArchive, typeof BodyTooLarge.Type | typeof UploadFailed.Type, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    if (Number(request.headers["content-length"] ?? 0) > maxArchiveBytes) return yield* Effect.fail(tooLarge())
    const files = yield* FileSystem.FileSystem
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const folder = yield* files.makeTempDirectory({ prefix: "dockwire-build-" })
        const file = `${folder}/context.tar`
        const remove = Effect.ignoreLogged(files.remove(folder, { recursive: true, force: true }))
        yield* restore(Stream.run(limited(request.stream), files.sink(file))).pipe(Effect.onError(() => remove))
        // A file that this server has just written.
        return { content: Stream.orDie(files.stream(file, { chunkSize: 256 * 1024 })), remove }
      })
    )
  }).pipe(
    Effect.mapError((error) =>
      error._tag === "TooLarge" || error._tag === "BodyTooLarge" ? tooLarge() : uploadFailed(error.message)
    )
  )
