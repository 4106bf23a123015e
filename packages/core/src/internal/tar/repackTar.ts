import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { InvalidRequest } from "../../DockerError.js"
import { invalidTar, readTar } from "./readTar.js"
import { encodeTarHeader, paddingLength, type TarHeader } from "./tarHeader.js"
import type { TarItem } from "./tarParser.js"
import { TarPaths } from "./tarPaths.js"

/** The two empty blocks that end an archive. */
const archiveEnd = Buffer.alloc(1024)

/**
 * Checks where an entry would be extracted, and returns it as it is to be sent. A hard link to a symbolic link becomes a
 * symbolic link: some systems would follow it to the file that it leads to.
 */
export const checkEntry = (paths: TarPaths, header: TarHeader): Effect.Effect<TarHeader, InvalidRequest> =>
  Effect.suspend(() => {
    const rejection = paths.rejection(header)
    if (rejection !== undefined) return invalidTar(header.name, rejection)
    const target = header.type === "link" ? paths.symbolicTarget(header.linkName) : undefined
    return Effect.succeed(target === undefined ? header : { ...header, type: "symlink", linkName: target })
  })

/** The bytes of an archive up to an item, as `TarEncoder` writes it. */
export class TarEncoder {
  #padding = 0
  #remaining = 0

  /** Encodes an item in one canonical form: POSIX headers, and extended ones where a value does not fit. */
  encode(item: TarItem): ReadonlyArray<Uint8Array> {
    if (item._tag === "Entry") {
      this.#remaining = item.header.size
      this.#padding = paddingLength(item.header.size)
      return [encodeTarHeader(item.header)]
    }
    this.#remaining -= item.bytes.length
    return this.#remaining === 0 && this.#padding > 0 ? [item.bytes, Buffer.alloc(this.#padding)] : [item.bytes]
  }

  /** The end of an archive. */
  readonly end: Uint8Array = archiveEnd
}

/** Writes an archive from items. */
export const writeTar = <E, R>(items: Stream.Stream<TarItem, E, R>): Stream.Stream<Uint8Array, E, R> =>
  Stream.suspend(() => {
    const encoder = new TarEncoder()
    return items.pipe(
      Stream.mapChunks((chunk) =>
        Chunk.unsafeFromArray(Chunk.toReadonlyArray(chunk).flatMap((item) => encoder.encode(item)))
      ),
      Stream.concat(Stream.make(encoder.end))
    )
  })

/**
 * Unpacks a tar archive and packs it again, so that whoever reads the result understands it as it was checked. Fails in
 * place of an entry that would be extracted outside of the target directory, and names that entry.
 */
export const repackTar = <E, R>(
  tar: Stream.Stream<Uint8Array, E, R>
): Stream.Stream<Uint8Array, E | InvalidRequest, R> =>
  Stream.suspend(() => {
    const paths = new TarPaths()
    return readTar(tar).pipe(
      Stream.mapEffect((item) =>
        item._tag === "Content"
          ? Effect.succeed(item)
          : Effect.map(checkEntry(paths, item.header), (header): TarItem => ({ _tag: "Entry", header }))
      ),
      writeTar
    )
  })
