import * as Stream from "effect/Stream"
import { type Header, pack } from "tar-stream"

/** What goes in a tar. */
export interface TarEntry {
  readonly header: Partial<Header> & Pick<Header, "name">
  /** Of a file. */
  readonly content?: Uint8Array
}

/** A tar of entries whose content is at hand. */
export const packedTar = (entries: Iterable<TarEntry>): Stream.Stream<Uint8Array> =>
  Stream.suspend(() => {
    const packed = pack()
    for (const { content, header } of entries) {
      if (content === undefined) packed.entry(header)
      else packed.entry(header, Buffer.from(content.buffer, content.byteOffset, content.byteLength))
    }
    packed.finalize()
    return Stream.fromAsyncIterable(packed, (error) => error).pipe(
      Stream.filter((piece) => piece instanceof Uint8Array),
      // It reads nothing, so nothing can fail.
      Stream.orDie
    )
  })
