import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { extract, type Header } from "tar-stream"
import { InvalidRequest } from "../../DockerError.js"

/** Of the names in a tar: whether one leads out of the folder in which it is unpacked, also by way of links in it. */
export class TarPaths {
  /** Targets of links by their place, as far as they have come. */
  readonly #links = new Map<string, string>()

  /** Why an entry is refused; `undefined` when it isn't. Takes the entries in their order. */
  refusal({ linkname, name, type }: Pick<Header, "linkname" | "name" | "type">): string | undefined {
    if (name.startsWith("/")) return "it is absolute"
    const parts = partsOf(name)
    if (parts === undefined) return "it climbs out of its folder"
    const last = parts.at(-1)
    if (type !== "symlink" && type !== "link") {
      return this.#resolve(parts) === undefined ? "it leads out of its folder through a link" : undefined
    }
    const folder = this.#resolve(parts.slice(0, -1))
    if (folder === undefined || last === undefined) return "it leads out of its folder through a link"
    const place = [...folder, last].join("/")
    const target = linkname
    if (type === "symlink") {
      // Where it leads is nobody's harm, until something is put there through it.
      this.#links.set(place, target)
      return undefined
    }
    const linked = target.startsWith("/") ? undefined : partsOf(target)
    const linkedFolder = linked === undefined ? undefined : this.#resolve(linked.slice(0, -1))
    const linkedName = linked?.at(-1)
    if (linkedFolder === undefined || linkedName === undefined)
      return `it is a hard link to what is outside its folder, ${JSON.stringify(target)}`
    const further = this.#links.get([...linkedFolder, linkedName].join("/"))
    if (further === undefined) this.#links.delete(place)
    else if (linkedFolder.join("/") === folder.join("/")) this.#links.set(place, further)
    else return `it is a hard link to a symbolic link elsewhere, ${JSON.stringify(target)}`
    return undefined
  }

  /** Where a path leads when links are followed; `undefined` when that is outside. */
  #resolve(parts: ReadonlyArray<string>): ReadonlyArray<string> | undefined {
    const place: Array<string> = []
    const rest = parts.toReversed()
    for (let hops = 0; rest.length > 0;) {
      const part = rest.pop()
      if (part === undefined || part === "" || part === ".") continue
      if (part === "..") {
        if (place.pop() === undefined) return undefined
        continue
      }
      const target = this.#links.get([...place, part].join("/"))
      if (target === undefined) {
        place.push(part)
        continue
      }
      // As many as Linux follows.
      if (target.startsWith("/") || ++hops > 40) return undefined
      rest.push(...target.split("/").toReversed())
    }
    return place
  }
}

/** The parts of a relative path; `undefined` when one of them is `..`. */
const partsOf = (path: string): ReadonlyArray<string> | undefined => {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".")
  return parts.includes("..") ? undefined : parts
}

/** Given an entry, what takes its content; nothing, where it isn't wanted. */
export type TarEntryReader = (header: Header) => ((bytes: Uint8Array) => void) | undefined

/**
 * The same tar, byte by byte, each piece only when all that is in it is found good. One that is cut or is none, and one
 * with an entry whose name leads out of the folder where it is unpacked, fails and names the entry. Holds no more than a
 * piece, and the targets of its links.
 */
export const checkedTar = <E, R>(
  tar: Stream.Stream<Uint8Array, E, R>,
  reader?: TarEntryReader
): Stream.Stream<Uint8Array, E | InvalidRequest, R> =>
  Stream.suspend(() => {
    const paths = new TarPaths()
    // So that each write is answered when it has been read to its end.
    const parser = extract({ highWaterMark: 1 })
    let failure: InvalidRequest | undefined
    let wake = () => {}
    const fail = (value: string, detail: string) => {
      failure ??= new InvalidRequest({ field: "tar", value, detail })
      wake()
    }
    parser.on("entry", (header, content, next) => {
      const refusal = paths.refusal(header)
      if (refusal !== undefined) {
        fail(header.name, `this path in it is refused: ${refusal}`)
        return
      }
      const take = reader?.(header)
      if (take !== undefined)
        content.on("data", (bytes) => {
          if (bytes instanceof Uint8Array) take(bytes)
        })
      content.on("error", () => {})
      content.resume()
      next()
    })
    parser.on("error", (error: Error) => fail("", `it is cut, or none: ${error.message}`))
    parser.on("drain", () => wake())
    parser.on("finish", () => wake())

    const step = (go: () => void) =>
      Effect.async<void, InvalidRequest>((resume) => {
        wake = () => {
          wake = () => {}
          resume(failure === undefined ? Effect.void : Effect.fail(failure))
        }
        if (failure === undefined) go()
        else wake()
      })
    const pass = (bytes: Uint8Array) =>
      bytes.length === 0
        ? Effect.succeed(bytes)
        : Effect.as(
            step(() => void parser.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))),
            bytes
          )
    return tar.pipe(
      Stream.mapEffect(pass),
      Stream.concat(Stream.drain(Stream.fromEffect(step(() => void parser.end(undefined))))),
      Stream.ensuring(Effect.sync(() => parser.destroy()))
    )
  })
