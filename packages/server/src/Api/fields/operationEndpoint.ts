import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Accepted } from "./Accepted.js"
import * as Errors from "../Errors.js"
import { RequiredScope } from "../RequiredScope.js"
import { IdempotencyKey } from "./IdempotencyKey.js"

/** An endpoint that starts an operation: it answers at once, and a repeated request starts nothing twice. */
export const operationEndpoint = <const Name extends string>(name: Name, path: `/${string}`) =>
  HttpApiEndpoint.post(name, path)
    .setHeaders(IdempotencyKey)
    .addSuccess(Accepted)
    .addError(Errors.OperationConflict)
    .addError(Errors.IdempotencyKeyReused)
    .annotate(RequiredScope, "operate")
