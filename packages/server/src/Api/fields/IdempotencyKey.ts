/** The header that makes a repeated request start nothing twice. */
import * as Schema from "effect/Schema"

/** `setHeaders(IdempotencyKey)` on an endpoint that starts an operation. */
export const IdempotencyKey = Schema.Struct({
  "idempotency-key": Schema.optionalWith(
    Schema.String.pipe(
      Schema.pattern(/^[\x21-\x7e]{1,255}$/, {
        message: () => "An Idempotency-Key has 1 to 255 printable ASCII characters and no spaces. A UUID is one."
      })
    ).annotations({
      description:
        "A new text for each request, such as a UUID. If the request is repeated with the same one, within a day, it answers with the operation that was started the first time"
    }),
    { exact: true }
  )
})

/** The key of a request's headers, as a field of `OperationRequest`. */
export const idempotencyKeyOf = (headers: typeof IdempotencyKey.Type): { readonly idempotencyKey?: string } => {
  const key = headers["idempotency-key"]
  return key === undefined ? {} : { idempotencyKey: key }
}
