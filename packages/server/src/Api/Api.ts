/** The complete HTTP API. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as OpenApi from "@effect/platform/OpenApi"
import { ContainersApi, ExecElement, LogElement, StatsElement } from "./Containers.js"
import { EngineApi } from "./Engine.js"
import {
  ExecDisabled,
  HostNotAllowed,
  InvalidRequest,
  NotAllowed,
  OriginNotAllowed,
  ReadOnly,
  ScopeMissing,
  TooManyAttempts
} from "./Errors.js"
import { withoutDecodeError } from "./fields/withoutDecodeError.js"
import { ImagesApi } from "./Images.js"
import { KeptLogElement } from "./logs/KeptLogElement.js"
import { LogsApi } from "./logs/Logs.js"
import { NetworksApi } from "./Networks.js"
import { OperationsApi } from "./Operations.js"
import { SessionApi } from "./Session.js"
import { StackLogElement, StacksApi } from "./Stacks.js"
import { EventElement, SystemApi } from "./System.js"
import { VolumesApi } from "./Volumes.js"

/**
 * All groups of endpoints, and the source of `/openapi.json`.
 *
 * @since 0.1.0
 * @category schemas
 */
export class Api extends HttpApi.make("dockwire")
  .add(ContainersApi)
  .add(EngineApi)
  .add(ImagesApi)
  .add(LogsApi)
  .add(NetworksApi)
  .add(OperationsApi)
  .add(SessionApi)
  .add(StacksApi)
  .add(SystemApi)
  .add(VolumesApi)
  .addError(InvalidRequest)
  .addError(NotAllowed)
  .addError(HostNotAllowed)
  .addError(OriginNotAllowed)
  .addError(ReadOnly)
  .addError(ExecDisabled)
  .addError(ScopeMissing)
  .addError(TooManyAttempts)
  .annotate(HttpApi.AdditionalSchemas, [
    LogElement,
    KeptLogElement,
    StackLogElement,
    StatsElement,
    ExecElement,
    EventElement
  ])
  .annotate(OpenApi.Title, "Dockwire")
  .annotate(OpenApi.Version, "0.1.0")
  .annotate(OpenApi.Transform, withoutDecodeError)
  .annotate(
    OpenApi.Description,
    "Docker over HTTP. Live events are sent over the WebSocket at /ws. Requests under /api need a session cookie or the token, as `Authorization: Bearer <token>` or `X-Dockwire-Token: <token>`."
  ) {}
