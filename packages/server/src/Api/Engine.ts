/** The engine over HTTP. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { EngineStatus } from "../EngineStatus.js"
import { RequiredScope } from "./RequiredScope.js"

/** Whether the engine answers, and whether it is a real one. */
export class EngineApi extends HttpApiGroup.make("engine")
  .add(HttpApiEndpoint.get("status", "/").addSuccess(EngineStatus).annotate(RequiredScope, "read"))
  .prefix("/api/engine") {}
