/** The HTTP API as a whole. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as OpenApi from "@effect/platform/OpenApi"
import { ContainersApi } from "./Containers.js"
import { EngineApi } from "./Engine.js"
import { NotAllowed, OriginNotAllowed } from "./Errors.js"
import { SessionApi } from "./Session.js"

/** All groups; `/openapi.json` is made from it. */
export class Api extends HttpApi.make("dockwire")
  .add(ContainersApi)
  .add(EngineApi)
  .add(SessionApi)
  .addError(NotAllowed)
  .addError(OriginNotAllowed)
  .annotate(OpenApi.Title, "Dockwire")
  .annotate(OpenApi.Version, "0.1.0")
  .annotate(OpenApi.Description, "Docker over HTTP; its live side is the WebSocket at /ws") {}
