import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { extract, type Header } from "tar-stream"
import { InvalidRequest } from "../../DockerError.js"
import { TarPaths } from "./tarPaths.js"

/** Called for each entry. Returns a function that receives the entry's content, or `undefined` to skip it. */
export type TarEntryReader = (header: Header) => ((bytes: Uint8Array) => void) | undefined

/** Parses an archive chunk by chunk. */
class TarVerifier {
  readonly #paths = new TarPaths()
  // With a low mark, each write completes only when all of it has been parsed.
  readonly #parser = extract({ highWaterMark: 1 })
  #failure: InvalidRequest | undefined
  #onProgress = () => {}

  constructor(reader: TarEntryReader | undefined) {
    this.#parser.on("entry", (header, content, next) => {
      const rejection = this.#paths.rejection(header)
      if (rejection !== undefined) {
        this.#fail(header.name, rejection)
        return
      }
      const onContent = reader?.(header)
      if (onContent !== undefined)
        content.on("data", (bytes) => {
          if (bytes instanceof Uint8Array) onContent(bytes)
        })
      content.on("error", () => {})
      content.resume()
      next()
    })
    this.#parser.on("error", ({ message }: Error) =>
      this.#fail("", `the archive is truncated, or is not a tar archive: ${message}`)
    )
    this.#parser.on("drain", () => this.#onProgress())
    this.#parser.on("finish", () => this.#onProgress())
  }

  /** Parses a chunk, and succeeds with it if everything in it is valid. */
  verify(bytes: Uint8Array): Effect.Effect<Uint8Array, InvalidRequest> {
    if (bytes.length === 0) return Effect.succeed(bytes)
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return Effect.as(
      this.#advance(() => void this.#parser.write(buffer)),
      bytes
    )
  }

  /** Fails if the archive is not complete. */
  readonly end: Effect.Effect<void, InvalidRequest> = Effect.suspend(() =>
    this.#advance(() => void this.#parser.end(undefined))
  )

  readonly destroy: Effect.Effect<void> = Effect.sync(() => this.#parser.destroy())

  #fail(value: string, detail: string): void {
    this.#failure ??= new InvalidRequest({ field: "tar", value, detail })
    this.#onProgress()
  }

  /** Feeds the parser, and waits until it is done with what it got. */
  #advance(feed: () => void): Effect.Effect<void, InvalidRequest> {
    return Effect.async<void, InvalidRequest>((resume) => {
      this.#onProgress = () => {
        this.#onProgress = () => {}
        resume(this.#failure === undefined ? Effect.void : Effect.fail(this.#failure))
      }
      if (this.#failure === undefined) feed()
      else this.#onProgress()
    })
  }
}

/**
 * Passes a tar archive through unchanged, each chunk once all of it has been found valid. Fails if the archive is truncated
 * or not a tar archive, or if an entry would be extracted outside of the target directory, and names that entry. Buffers no
 * more than a chunk.
 */
export const verifyTar = <E, R>(
  tar: Stream.Stream<Uint8Array, E, R>,
  reader?: TarEntryReader
): Stream.Stream<Uint8Array, E | InvalidRequest, R> =>
  Stream.suspend(() => {
    const verifier = new TarVerifier(reader)
    return tar.pipe(
      Stream.mapEffect((bytes) => verifier.verify(bytes)),
      Stream.concat(Stream.drain(Stream.fromEffect(verifier.end))),
      Stream.ensuring(verifier.destroy)
    )
  })
