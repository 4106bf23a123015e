/** Operations on images that core has as effects. */
import type { DockerFailure, InvalidRequest, PruneInProgress } from "@dockwire/core/DockerError"
import type { PruneReport } from "@dockwire/core/Containers"
import type { ImagePruneOptions, ImagesShape } from "@dockwire/core/Images"
import { Operation } from "@dockwire/core/Operation"
import * as Stream from "effect/Stream"

/** Removes images that are not in use, with a line for each. */
export const pruneImages = (
  images: ImagesShape,
  options: ImagePruneOptions
): Operation<PruneReport, PruneInProgress | InvalidRequest | DockerFailure> => ({
  kind: "prune_images",
  target: {},
  steps: Stream.fromEffect(images.prune(options)).pipe(
    Stream.flatMap((report) =>
      Stream.make(
        ...report.deleted.map((name) => Operation.line(`Deleted: ${name}`, "stdout")),
        Operation.line(`Total reclaimed space: ${report.spaceReclaimed} bytes`, "stdout"),
        Operation.result(report)
      )
    )
  )
})
