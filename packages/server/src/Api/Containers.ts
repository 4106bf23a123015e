/** The containers over HTTP. */
import { ContainerState } from "@dockwire/core/Containers"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"
import * as Errors from "./Errors.js"

const Labels = Schema.Record({ key: Schema.String, value: Schema.String })
const optionalText = Schema.optionalWith(Schema.String, { exact: true })

/** A container as a list shows it. */
export const ContainerSummary = Schema.Struct({
  id: Schema.String,
  names: Schema.Array(Schema.String),
  image: Schema.String,
  imageId: Schema.String,
  command: Schema.String,
  created: Schema.Number.annotations({ description: "Seconds since the epoch" }),
  state: ContainerState,
  status: Schema.String.annotations({ description: "The engine's words: Up 3 seconds" }),
  ports: Schema.Array(
    Schema.Struct({
      ip: optionalText,
      privatePort: Schema.Number,
      publicPort: Schema.optionalWith(Schema.Number, { exact: true }),
      protocol: Schema.String
    })
  ),
  labels: Labels
}).annotations({ identifier: "ContainerSummary" })

/** A container in detail. */
export const ContainerDetails = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  image: Schema.String,
  imageId: Schema.String,
  created: Schema.String,
  tty: Schema.Boolean,
  labels: Labels,
  logDriver: Schema.String,
  restartCount: Schema.Number,
  state: Schema.Struct({
    status: ContainerState,
    exitCode: Schema.Number,
    error: Schema.String,
    startedAt: Schema.String,
    finishedAt: Schema.String,
    health: optionalText
  }),
  raw: Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
    description: "The engine's own object, whole"
  })
}).annotations({ identifier: "ContainerDetails" })

const id = Schema.Struct({
  id: Schema.String.pipe(
    Schema.pattern(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/, {
      message: () => "give a container's full id, the beginning of one, or a name"
    })
  )
})

const verb = <const Name extends string>(name: Name) =>
  HttpApiEndpoint.post(name, `/:id/${name}`)
    .setPath(id)
    .addError(Errors.ContainerNotFound)
    .addError(Errors.EngineUnavailable)
    .addError(Errors.EngineError)

/** List, look at, start, stop and restart containers. */
export class ContainersApi extends HttpApiGroup.make("containers")
  .add(
    HttpApiEndpoint.get("list", "/")
      .addSuccess(Schema.Array(ContainerSummary))
      .addError(Errors.InvalidRequest)
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
  )
  .add(
    HttpApiEndpoint.get("inspect", "/:id")
      .setPath(id)
      .addSuccess(ContainerDetails)
      .addError(Errors.ContainerNotFound)
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
  )
  .add(verb("start").addError(Errors.ContainerStateConflict).addError(Errors.PortAllocated))
  .add(verb("stop"))
  .add(verb("restart").addError(Errors.ContainerStateConflict).addError(Errors.PortAllocated))
  .prefix("/api/containers") {}
