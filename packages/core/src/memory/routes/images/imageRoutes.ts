import type { Routes } from "../../calls/call.js"
import { buildRoutes } from "./buildRoutes.js"
import { imageArchiveRoutes } from "./imageArchiveRoutes.js"
import { imageCollectionRoutes } from "./imageCollectionRoutes.js"
import { imageTransferRoutes } from "./imageTransferRoutes.js"

/** The routes of `/images`, `/build` and `/auth`. */
export const imageRoutes: Routes = {
  ...buildRoutes,
  ...imageArchiveRoutes,
  ...imageCollectionRoutes,
  ...imageTransferRoutes
}
