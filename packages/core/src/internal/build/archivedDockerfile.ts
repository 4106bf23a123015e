import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { packTar } from "../tar/packTar.js"

/** What ends an archive. */
const endLength = 1024

/** A name that no file of a context has. */
export const archivedDockerfileName = ".dockwire.Dockerfile"

/** An archive with a Dockerfile in front of its other files. */
export const withDockerfile = (archive: Stream.Stream<Uint8Array>, text: string): Stream.Stream<Uint8Array> => {
  const entry = { header: { name: archivedDockerfileName, mode: 0o644 }, content: new TextEncoder().encode(text) }
  const packed = Effect.map(Stream.runCollect(packTar([entry])), (chunks) => {
    const bytes = Buffer.concat(Chunk.toReadonlyArray(chunks))
    return bytes.subarray(0, bytes.length - endLength)
  })
  return Stream.concat(Stream.fromEffect(packed), archive)
}
