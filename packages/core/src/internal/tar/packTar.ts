import * as Stream from "effect/Stream"
import { type Header, pack } from "tar-stream"

/** An entry of a tar archive. */
export interface TarEntry {
  readonly header: Partial<Header> & Pick<Header, "name">
  /** The content of a file. */
  readonly content?: Uint8Array
}

/** Creates a tar archive from entries in memory. */
export const packTar = (entries: Iterable<TarEntry>): Stream.Stream<Uint8Array> =>
  Stream.suspend(() => {
    const archive = pack()
    for (const { content, header } of entries) {
      if (content === undefined) archive.entry(header)
      else archive.entry(header, Buffer.from(content.buffer, content.byteOffset, content.byteLength))
    }
    archive.finalize()
    return Stream.fromAsyncIterable(archive, (error) => error).pipe(
      Stream.filter((chunk) => chunk instanceof Uint8Array),
      // Nothing is read from outside of memory, so only a bug can make this fail.
      Stream.catchAll(Stream.die)
    )
  })
