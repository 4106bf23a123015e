import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { type EngineState, engineVersion } from "../state/engineState.js"
import { configView, contentSize, type ImageContent } from "../state/images/imageContent.js"
import type { MemoryImage } from "../state/images/imageStore.js"
import { zeroTime } from "../time/timestamps.js"

const seconds = (nanos: bigint): number => Number(nanos / 1_000_000_000n)

/** An element of the body of `GET /images/json`. */
export const summaryView = (image: MemoryImage) => ({
  Containers: -1,
  Created: seconds(image.created),
  Id: image.id,
  Labels: Object.keys(image.config.labels).length === 0 ? null : image.config.labels,
  ParentId: image.parent,
  RepoDigests: image.digests,
  RepoTags: image.tags,
  SharedSize: -1,
  Size: contentSize(image)
})

/** The body of `GET /images/{name}/json`. */
export const detailsView = (image: MemoryImage) => {
  const { comment, config, created, digests, id, lastTagged, layers, parent, platform, tags } = image
  return {
    Id: id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: parent,
    Comment: comment,
    Created: nanosTimestamp(created),
    DockerVersion: engineVersion,
    Author: "",
    Config: configView(config),
    Architecture: platform.architecture,
    ...(platform.variant === "" ? {} : { Variant: platform.variant }),
    Os: platform.os,
    Size: contentSize(image),
    GraphDriver: { Data: null, Name: "overlay2" },
    RootFS: { Type: "layers", ...(layers.length === 0 ? {} : { Layers: layers.map(({ diffId }) => diffId) }) },
    Metadata: { LastTagTime: lastTagged === undefined ? zeroTime : nanosTimestamp(lastTagged) }
  }
}

/** The image and those that it was built from, newest first, as far as the engine has them. */
const ancestry = (state: EngineState, image: MemoryImage): ReadonlyArray<MemoryImage> => {
  const all = [image]
  for (let parent = state.images.get(image.parent); parent !== undefined; parent = state.images.get(parent.parent)) {
    all.push(parent)
  }
  return all
}

/** The body of `GET /images/{name}/history`. */
export const historyView = (state: EngineState, image: MemoryImage) => {
  const images = ancestry(state, image)
  const newest: ReadonlyArray<ImageContent["history"][number]> = image.history.toReversed()
  return newest.map(({ comment, created, createdBy, size }, index) => {
    const step = images[index]
    return {
      Comment: comment,
      Created: seconds(created),
      CreatedBy: createdBy,
      Id: step?.id ?? "<missing>",
      Size: size,
      Tags: step === undefined || step.tags.length === 0 ? null : step.tags
    }
  })
}
