import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { EngineError } from "../../DockerError.js"

/** A tar archive ends with two blocks of zeros. */
const endLength = 1024

/** Long enough for the message of an error. */
const tailLength = 8192

const isEnd = (tail: Uint8Array): boolean =>
  tail.length >= endLength && tail.subarray(-endLength).every((byte) => byte === 0)

/** The error that the engine wrote behind what it had of the archive, if any. */
const errorBehind = (tail: Uint8Array): string | undefined => {
  const [json] = /\{"error(Detail)?":[^\0]*\}\s*$/.exec(new TextDecoder().decode(tail)) ?? []
  if (json === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(json)
    return Predicate.hasProperty(parsed, "error") && typeof parsed.error === "string" ? parsed.error : undefined
  } catch {
    return undefined
  }
}

/**
 * Fails at the end of an archive that is incomplete. An engine that fails halfway has sent its status long before: it writes
 * an error behind the archive, or simply stops.
 */
export const wholeArchive = <E, R>(
  request: string,
  archive: Stream.Stream<Uint8Array, E, R>
): Stream.Stream<Uint8Array, E | EngineError, R> =>
  Stream.suspend(() => {
    let tail = new Uint8Array(0)
    const remember = (bytes: Uint8Array): Uint8Array => {
      const kept = bytes.length < tailLength ? tail.subarray(-(tailLength - bytes.length)) : new Uint8Array(0)
      const added = bytes.subarray(-tailLength)
      const next = new Uint8Array(kept.length + added.length)
      next.set(kept)
      next.set(added, kept.length)
      tail = next
      return bytes
    }
    const checked = Stream.suspend(() =>
      isEnd(tail)
        ? Stream.empty
        : Stream.fail(
            new EngineError({ request, status: 200, detail: errorBehind(tail) ?? "the archive ends before its end" })
          )
    )
    return Stream.concat(Stream.map(archive, remember), checked)
  })
