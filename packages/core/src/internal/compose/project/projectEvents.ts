import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { DockerFailure, InvalidRequest } from "../../../DockerError.js"
import { engineEvents, type EventsOptions } from "../../watch/engineEvents.js"
import { EngineEvent } from "../../watch/eventModel.js"
import { composeLabels, projectFilter } from "./composeLabels.js"

/**
 * An event of a container of a project.
 *
 * @since 0.1.0
 * @category models
 */
export const ComposeEvent = Schema.Struct({
  /** `start`, `die`, `health_status: healthy`, ... */
  action: Schema.String,
  service: Schema.String,
  /** Which of the service's containers it is, from 1. */
  number: Schema.Number,
  /** Whether the container was made by `compose run`. */
  oneOff: Schema.Boolean,
  containerId: Schema.String,
  /** The container's name. */
  name: Schema.String,
  /** The event as the engine sent it. */
  event: EngineEvent
}).annotations({ identifier: "ComposeEvent" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeEvent = typeof ComposeEvent.Type

/** Tells which service an event is of; `undefined` if of none. */
export const composeEvent = (event: EngineEvent): ComposeEvent | undefined => {
  const labels = event.type === "container" ? composeLabels(event.attributes) : undefined
  if (labels?.service === undefined) return undefined
  const { number = 1, oneOff = false, service } = labels
  const name = event.attributes["name"] ?? ""
  return { action: event.action, service, number, oneOff, containerId: event.id, name, event }
}

/** The events of a project's containers. `GET /events` */
export const projectEvents = (
  docker: DockerShape,
  project: string,
  { since, until }: Pick<EventsOptions, "since" | "until">
): Stream.Stream<ComposeEvent, InvalidRequest | DockerFailure> =>
  engineEvents(docker, {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    filters: { type: ["container"], ...projectFilter(project) }
  }).pipe(Stream.filterMap((event) => Option.fromNullable(composeEvent(event))))
