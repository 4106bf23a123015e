import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Call } from "../calls/call.js"
import type { StreamResponse } from "../calls/response.js"
import { extractArchive } from "../containers/extractArchive.js"
import { familiarName } from "../programs/imageReference.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { directorySize, type MemoryDirectory, newDirectory } from "../state/fileTree.js"
import { emptyConfig, enginePlatform, type ImagePlatform, newLayer, withId } from "../state/images/imageContent.js"
import { newId } from "../state/objectId.js"
import { parseInstruction } from "./build/dockerfile.js"
import { configChange } from "./build/instructionConfig.js"
import { emitImageEvent } from "./imageEvents.js"
import { streamLines } from "./jsonLines.js"
import { parseTagged } from "./reference.js"

/** Extracts an uploaded archive into an empty directory. */
export const uploadedFiles = ({ state, upload }: Call): Effect.Effect<MemoryDirectory, ErrorResponse> =>
  Effect.gen(function* () {
    const root = newDirectory(yield* state.clock.now)
    yield* extractArchive(upload, {
      root,
      directory: "/",
      noOverwriteDirNonDir: false,
      mounts: [],
      missing: errorResponse(500, "no such file or directory"),
      now: state.clock.now
    })
    return root
  })

/** Creates an image from an uploaded archive of its files. */
export const importImage = (
  call: Call,
  platform: ImagePlatform | undefined
): Effect.Effect<StreamResponse, ErrorResponse, Scope.Scope> =>
  Effect.gen(function* () {
    const { query, state } = call
    const repository = query.text("repo") ?? ""
    const tag = query.text("tag") ?? ""
    if (repository !== "") yield* parseTagged(repository, tag)
    let config = emptyConfig
    for (const text of query.texts("changes")) {
      const instruction = parseInstruction(text)
      const isAllowed = !["ARG", "MAINTAINER", "SHELL"].includes(instruction.keyword)
      const change = isAllowed ? configChange(config, instruction, {}) : undefined
      if (change === undefined) return yield* errorResponse(400, `${instruction.keyword} is not a valid change command`)
      config = change.config
    }
    const files = yield* uploadedFiles(call)
    const created = yield* state.clock.now
    const message = query.text("message") ?? ""
    const comment = message === "" ? "Imported from -" : message
    const size = directorySize(files)
    const image = state.images.keep(
      withId({
        created,
        comment,
        platform: platform ?? enginePlatform,
        config,
        layers: [newLayer(newId(), size)],
        history: [{ created, createdBy: "", comment, size, emptyLayer: false }],
        files
      })
    )
    if (repository !== "") {
      const name = familiarName(tag === "" ? repository : `${repository}:${tag}`)
      state.images.tag(image, name, created)
      yield* emitImageEvent(state, image, "tag", { name })
    }
    yield* emitImageEvent(state, image, "import")
    return yield* streamLines((emit) => Effect.sync(() => emit({ status: image.id })))
  })
