import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { InvalidRequest } from "../../DockerError.js"
import { TarFormatError } from "./tarHeader.js"
import { type TarItem, TarParser } from "./tarParser.js"

/** The error for an archive or an entry, whose name is a byte string. */
export const invalidTar = (name: string, detail: string) =>
  new InvalidRequest({ field: "tar", value: Buffer.from(name, "latin1").toString("utf8"), detail })

/** Runs a step of a parser. */
const parse = <A>(parser: TarParser, step: () => A): Effect.Effect<A, InvalidRequest> =>
  Effect.try({
    try: step,
    catch: (error) =>
      error instanceof TarFormatError ? invalidTar(parser.entryName, error.message) : invalidTar("", String(error))
  })

/**
 * Reads the entries of a tar archive. Understands the formats that tar writes (v7, ustar, GNU, POSIX), and fails with
 * `InvalidRequest` for an archive that is truncated, damaged or ambiguous, or that uses another feature. Buffers no more
 * than a chunk.
 */
export const readTar = <E, R>(tar: Stream.Stream<Uint8Array, E, R>): Stream.Stream<TarItem, E | InvalidRequest, R> =>
  Stream.suspend(() => {
    const parser = new TarParser()
    return tar.pipe(
      Stream.mapChunksEffect((chunk) =>
        parse(parser, () => Chunk.unsafeFromArray(Chunk.toReadonlyArray(chunk).flatMap((bytes) => parser.push(bytes))))
      ),
      Stream.concat(Stream.drain(Stream.fromEffect(parse(parser, () => parser.finish()))))
    )
  })
