import * as Effect from "effect/Effect"
import type { Call, Routes } from "../../calls/call.js"
import { streamResponse } from "../../calls/response.js"
import { loadImages, saveImages } from "../../images/imageArchive.js"
import { uploadedFiles } from "../../images/importImage.js"
import { streamLines } from "../../images/jsonLines.js"

const save = ({ state }: Call, names: ReadonlyArray<string>) =>
  Effect.map(saveImages(state, names), (tar) => streamResponse("application/x-tar", tar))

/** The routes of archives of images. */
export const imageArchiveRoutes: Routes = {
  "GET /images/get": (call) => save(call, call.query.texts("names")),
  "GET /images/{name}/get": (call) => save(call, [call.parameter]),
  // The response begins before the archive has been read, so that its faults are lines.
  "POST /images/load": (call) =>
    streamLines((emit) =>
      Effect.flatMap(uploadedFiles(call), (archive) => loadImages(call.state, archive, call.query.flag("quiet"), emit))
    )
}
