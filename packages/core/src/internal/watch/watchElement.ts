import * as Schema from "effect/Schema"
import { EngineError, EngineUnavailable } from "../../DockerError.js"
import { ContainerState } from "../api/containerState.js"
import { EngineEvent } from "./eventModel.js"

/**
 * The kinds of object that a watch reports on.
 *
 * @since 0.1.0
 * @category models
 */
export const WatchedType = Schema.Literal("container", "image", "volume", "network")

/**
 * @since 0.1.0
 * @category models
 */
export type WatchedType = typeof WatchedType.Type

const optionalString = Schema.optionalWith(Schema.String, { exact: true })

/**
 * An event about a container.
 *
 * @since 0.1.0
 * @category models
 */
export const ContainerEvent = Schema.TaggedStruct("ContainerEvent", {
  action: Schema.String,
  containerId: Schema.String,
  /** Empty if the engine did not send it. */
  name: Schema.String,
  image: Schema.String,
  event: EngineEvent
})

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerEvent = typeof ContainerEvent.Type

/**
 * An event about an image.
 *
 * @since 0.1.0
 * @category models
 */
export const ImageEvent = Schema.TaggedStruct("ImageEvent", {
  action: Schema.String,
  /** The image's name, or its id if it has no name. */
  image: Schema.String,
  event: EngineEvent
})

/**
 * @since 0.1.0
 * @category models
 */
export type ImageEvent = typeof ImageEvent.Type

/**
 * An event about a volume.
 *
 * @since 0.1.0
 * @category models
 */
export const VolumeEvent = Schema.TaggedStruct("VolumeEvent", {
  action: Schema.String,
  volume: Schema.String,
  event: EngineEvent
})

/**
 * @since 0.1.0
 * @category models
 */
export type VolumeEvent = typeof VolumeEvent.Type

/**
 * An event about a network.
 *
 * @since 0.1.0
 * @category models
 */
export const NetworkEvent = Schema.TaggedStruct("NetworkEvent", {
  action: Schema.String,
  networkId: Schema.String,
  name: Schema.String,
  /** The container that was connected or disconnected. */
  containerId: optionalString,
  event: EngineEvent
})

/**
 * @since 0.1.0
 * @category models
 */
export type NetworkEvent = typeof NetworkEvent.Type

/**
 * An engine event, tagged by the kind of object it is about. `event` is the event as the engine sent it.
 *
 * @since 0.1.0
 * @category models
 */
export const WatchedEvent = Schema.Union(ContainerEvent, ImageEvent, VolumeEvent, NetworkEvent)

/**
 * @since 0.1.0
 * @category models
 */
export type WatchedEvent = typeof WatchedEvent.Type

/**
 * A difference between the engine before and after an outage. Objects that were both created and removed during the outage
 * leave no trace.
 *
 * @since 0.1.0
 * @category models
 */
export const EngineChange = Schema.Struct({
  type: WatchedType,
  /** The id; for a volume, its name. */
  id: Schema.String,
  /** For an image, its tags separated by commas. */
  name: Schema.String,
  change: Schema.Literal("added", "removed", "changed"),
  /** A container's state before the outage, followed by its health if it has a health check: `running, healthy`. */
  before: optionalString,
  /** The same after the outage. */
  after: optionalString,
  /** A container's state after the outage, without its health. */
  state: Schema.optionalWith(ContainerState, { exact: true }),
  /** Set if the container is running and was started during the outage. */
  restarted: Schema.optionalWith(Schema.Boolean, { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export type EngineChange = typeof EngineChange.Type

/**
 * The connection to the engine was lost. Nothing is reported until the next `Resynced`.
 *
 * @since 0.1.0
 * @category models
 */
export const Disconnected = Schema.TaggedStruct("Disconnected", {
  error: Schema.Union(EngineUnavailable, EngineError)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Disconnected = typeof Disconnected.Type

/**
 * The watch is connected again. `changes` lists what happened during the outage; events follow.
 *
 * @since 0.1.0
 * @category models
 */
export const Resynced = Schema.TaggedStruct("Resynced", { changes: Schema.Array(EngineChange) })

/**
 * @since 0.1.0
 * @category models
 */
export type Resynced = typeof Resynced.Type

/**
 * An element of `Events.watch`.
 *
 * @since 0.1.0
 * @category models
 */
export const WatchElement = Schema.Union(WatchedEvent, Disconnected, Resynced).annotations({
  identifier: "WatchElement"
})

/**
 * @since 0.1.0
 * @category models
 */
export type WatchElement = typeof WatchElement.Type

/** Tags an event by the kind of object it is about; `undefined` for kinds that a watch does not report on. */
export const toWatchedEvent = (event: EngineEvent): WatchedEvent | undefined => {
  const { action, attributes, id, type } = event
  const name = attributes["name"]
  switch (type) {
    case "container":
      return {
        _tag: "ContainerEvent",
        action,
        containerId: id,
        name: name ?? "",
        image: attributes["image"] ?? "",
        event
      }
    case "image":
      return { _tag: "ImageEvent", action, image: name ?? id, event }
    case "volume":
      return { _tag: "VolumeEvent", action, volume: id, event }
    case "network": {
      const containerId = attributes["container"]
      return {
        _tag: "NetworkEvent",
        action,
        networkId: id,
        name: name ?? "",
        ...(containerId === undefined ? {} : { containerId }),
        event
      }
    }
    default:
      return undefined
  }
}
