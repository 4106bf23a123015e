/** Containers over HTTP. */
import { ContainerDetails, ContainerSummary } from "@dockwire/core/Containers"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"
import * as Errors from "./Errors.js"
import { RequiredScope } from "./RequiredScope.js"

export type { ContainerSummary } from "@dockwire/core/Containers"

/** What can be done to a container. */
export type ContainerAction = "start" | "stop" | "restart"

const id = Schema.Struct({
  id: Schema.String.pipe(
    Schema.maxLength(255, { message: () => "The name of a container has at most 255 characters." }),
    // An inner slash, sent as %2F: an alias that a legacy link added.
    Schema.pattern(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*(\/[a-zA-Z0-9][a-zA-Z0-9_.-]*)*$/, {
      message: () => "Pass a container's name, its full id or the start of its id."
    })
  )
})

const action = <const Name extends ContainerAction>(name: Name) =>
  HttpApiEndpoint.post(name, `/:id/${name}`)
    .setPath(id)
    .addError(Errors.ContainerNotFound)
    .addError(Errors.EngineUnavailable)
    .addError(Errors.EngineError)
    .annotate(RequiredScope, "operate")

/** Lists, inspects, starts, stops and restarts containers. */
export class ContainersApi extends HttpApiGroup.make("containers")
  .add(
    HttpApiEndpoint.get("list", "/")
      .addSuccess(Schema.Array(ContainerSummary))
      .addError(Errors.InvalidRequest)
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("inspect", "/:id")
      .setPath(id)
      .addSuccess(ContainerDetails)
      .addError(Errors.ContainerNotFound)
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
      .annotate(RequiredScope, "read")
  )
  .add(action("start").addError(Errors.ContainerStateConflict).addError(Errors.PortAllocated))
  .add(action("stop").addError(Errors.InvalidRequest))
  .add(action("restart").addError(Errors.ContainerStateConflict).addError(Errors.PortAllocated))
  .prefix("/api/containers") {}
