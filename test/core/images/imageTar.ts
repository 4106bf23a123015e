import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { packTar } from "../../../packages/core/src/internal/tar/packTar.js"

/** An archive of files, by path. */
export const imageTar = (files: Readonly<Record<string, string | Uint8Array>>): Promise<Uint8Array> =>
  Effect.runPromise(
    Stream.runCollect(
      packTar(Object.entries(files).map(([name, content]) => ({ header: { name }, content: Buffer.from(content) })))
    ).pipe(Effect.map((chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks))))
  )
