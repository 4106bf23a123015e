/** Who may call an endpoint. */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"

/** Every `Scope`. */
export const scopes = ["read", "operate", "exec"] as const

/**
 * What a credential allows. `read`: see everything, change nothing. `operate`: start, stop, pull, deploy, remove. `exec`: run
 * commands in containers. One scope does not contain another.
 */
export const Scope = Schema.Literal(...scopes).annotations({ identifier: "Scope" })

/** See the schema. */
export type Scope = typeof Scope.Type

/**
 * The scope that an endpoint needs, `none` if any valid credential does, or `open` if it needs no credential, or checks it by
 * itself. Every endpoint has this annotation: `endpoint.annotate(RequiredScope, "operate")`.
 */
export class RequiredScope extends Context.Tag("@dockwire/server/RequiredScope")<
  RequiredScope,
  Scope | "none" | "open"
>() {}
