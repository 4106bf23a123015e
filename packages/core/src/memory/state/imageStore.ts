import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { createHash } from "node:crypto"
import type { InvalidRequest } from "../../DockerError.js"
import { withDefaultTag } from "../programs/imageReference.js"
import type { EngineClock } from "../time/engineClock.js"
import { type ErrorResponse, errorResponse } from "./errorResponse.js"
import { addFiles, type FileContents, type MemoryDirectory, newDirectory } from "./fileTree.js"

/** An image. */
export interface MemoryImage {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly id: string
  tags: ReadonlyArray<string>
  readonly created: bigint
  readonly command: ReadonlyArray<string>
  /** The root directory that its containers start with. */
  readonly files: MemoryDirectory
}

/** The size reported for every image, in bytes. */
export const imageSize = 2_000_000

/** The directories in every image, with their modes. */
const rootDirectories: Readonly<Record<string, number>> = {
  bin: 0o755,
  dev: 0o755,
  etc: 0o755,
  home: 0o755,
  proc: 0o755,
  root: 0o700,
  sys: 0o755,
  tmp: 0o1777,
  usr: 0o755,
  var: 0o755
}

/** The engine's images, by id. */
export class ImageStore extends Map<string, MemoryImage> {
  constructor(readonly clock: EngineClock) {
    super()
  }

  /** Adds an image. */
  add(
    name: string,
    command: ReadonlyArray<string>,
    contents: FileContents = {}
  ): Effect.Effect<MemoryImage, InvalidRequest> {
    return Effect.gen(this, function* () {
      const created = yield* this.clock.now
      const files = newDirectory(created)
      for (const [directory, mode] of Object.entries(rootDirectories)) {
        files.children.set(directory, newDirectory(created, mode))
      }
      yield* addFiles(files, contents, created)
      const tag = withDefaultTag(name)
      const id = `sha256:${createHash("sha256").update(tag).digest("hex")}`
      const image: MemoryImage = { id, tags: [tag], created, command, files }
      this.set(id, image)
      return image
    })
  }

  /** Finds an image by tag, by id, or by an id prefix of four digits or more. */
  find(reference: string): Either.Either<MemoryImage, ErrorResponse> {
    const tag = withDefaultTag(reference)
    const digits = reference.replace(/^sha256:/, "")
    const all = [...this.values()]
    const image =
      all.find(({ tags }) => tags.includes(tag)) ??
      (/^[0-9a-f]{4,64}$/.test(digits) ? all.find(({ id }) => id.startsWith(`sha256:${digits}`)) : undefined)
    return image === undefined ? Either.left(errorResponse(404, `No such image: ${tag}`)) : Either.right(image)
  }
}
