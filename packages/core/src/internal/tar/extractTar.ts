import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { InvalidRequest } from "../../DockerError.js"
import { readTar } from "./readTar.js"
import { checkEntry, TarEncoder } from "./repackTar.js"
import type { TarItem } from "./tarParser.js"
import { type TarPathNode, TarPaths } from "./tarPaths.js"

/** A directory that archives are extracted into. */
export interface ExtractionTarget<E, R> {
  /** Describes a path below the directory, as it is now. */
  readonly describe: (path: string) => Effect.Effect<"missing" | TarPathNode, E, R>
  /** Extracts an archive. */
  readonly upload: <E2, R2>(tar: Stream.Stream<Uint8Array, E2, R2>) => Effect.Effect<void, E | E2, R | R2>
}

/** Reads items one by one, and can look at the next one. */
class TarItems<E, R> {
  #items: ReadonlyArray<TarItem> = []
  #index = 0

  constructor(readonly pull: Effect.Effect<Chunk.Chunk<TarItem>, Option.Option<E>, R>) {}

  /** The next item, or `undefined` at the end. */
  readonly peek: Effect.Effect<TarItem | undefined, E, R> = Effect.suspend(() => {
    const item = this.#items[this.#index]
    if (item !== undefined) return Effect.succeed(item)
    return Effect.matchEffect(this.pull, {
      onSuccess: (chunk) => {
        this.#items = Chunk.toReadonlyArray(chunk)
        this.#index = 0
        return this.peek
      },
      onFailure: Option.match({ onNone: () => Effect.succeed(undefined), onSome: (error) => Effect.fail(error) })
    })
  })

  skip(): void {
    this.#index++
  }
}

/**
 * Extracts an archive into a directory, repacked. Fails in place of an entry that would be extracted outside of it:
 * through a link of the archive, or through one that is in the directory already.
 *
 * A directory for which the archive has no entry may be such a link, and what it is cannot be found out while the engine
 * extracts: it allows one operation at a time. So the archive is uploaded in parts, and directories are looked at between
 * them. An archive with an entry for each of its directories is one part: the engine replaces links by those directories.
 */
export const extractTar = <E, R, E2, R2>(
  tar: Stream.Stream<Uint8Array, E, R>,
  target: ExtractionTarget<E2, R2>
): Effect.Effect<void, E | E2 | InvalidRequest, R | R2> =>
  Effect.scoped(
    Effect.gen(function* () {
      const paths = new TarPaths()
      const items = new TarItems(yield* Stream.toPull(readTar(tar)))
      const unknownDirectory = (item: TarItem | undefined) =>
        item?._tag === "Entry" ? paths.unknownDirectory(item.header) : undefined
      const lookAt = (directory: string) =>
        Effect.map(target.describe(Buffer.from(directory, "latin1").toString("utf8")), (node) =>
          paths.addExisting(directory, node)
        )
      let isDone = false
      while (!isDone) {
        const first = yield* items.peek
        for (let path = unknownDirectory(first); path !== undefined; path = unknownDirectory(first)) yield* lookAt(path)
        const encoder = new TarEncoder()
        const part = Stream.repeatEffectChunkOption(
          Effect.gen(function* () {
            const item = yield* Effect.mapError(items.peek, Option.some)
            isDone = item === undefined
            if (item === undefined || unknownDirectory(item) !== undefined) return yield* Effect.fail(Option.none())
            items.skip()
            if (item._tag === "Content") return Chunk.unsafeFromArray(encoder.encode(item))
            const header = yield* Effect.mapError(checkEntry(paths, item.header), Option.some)
            return Chunk.unsafeFromArray(encoder.encode({ _tag: "Entry", header }))
          })
        )
        yield* target.upload(Stream.concat(part, Stream.make(encoder.end)))
      }
    })
  )
