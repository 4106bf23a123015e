/** The scope that each message of a client needs. */
import type { Scope } from "../Api/RequiredScope.js"
import type { Denial } from "../access/permission.js"
import type { ClientMessage } from "../Wire.js"

/** Why what needs this scope is not allowed; `undefined` if it is. */
export type Denials = (scope: Scope) => Denial | undefined

/** What a connection needs: whoever has one is sent the status of the engine and of containers. */
export const connectionScope: Scope = "read"

/** What the messages need. */
export const messageScopes: { readonly [E in ClientMessage["event"]]: Scope } = {
  join: "read",
  leave: "read",
  stream_container_logs: "read",
  stop_container_logs: "read",
  stream_container_stats: "read",
  stop_container_stats: "read"
}

/** The `code` of the `error` that answers a message that is not allowed. */
export const denialCodes: { readonly [Tag in Denial["_tag"]]: string } = {
  ReadOnly: "read_only",
  ExecDisabled: "exec_disabled",
  ScopeMissing: "scope_missing"
}
