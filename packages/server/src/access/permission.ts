/** Whether someone may do something: by their scopes, and by what is switched off for everyone. */
import { type Scope, scopes } from "../Api/RequiredScope.js"
import type { IdentityShape } from "./Identity.js"

/** What the settings switch off for everyone. */
export interface AccessLimits {
  /** Nothing but reading. */
  readonly readOnly: boolean
  /** Whether commands may be run in containers. */
  readonly execEnabled: boolean
}

/** Why something is not allowed: the body of a 403 response. */
export type Denial =
  | { readonly _tag: "ReadOnly"; readonly message: string }
  | { readonly _tag: "ExecDisabled"; readonly message: string }
  | {
      readonly _tag: "ScopeMissing"
      readonly message: string
      /** The scope that is needed. */
      readonly scope: Scope
      /** The scopes that the token has. */
      readonly scopes: ReadonlyArray<Scope>
    }

/** Why this may not be done; `undefined` if it may. */
export const denial = (scope: Scope, who: IdentityShape, limits: AccessLimits): Denial | undefined => {
  if (limits.readOnly && scope !== "read") {
    return {
      _tag: "ReadOnly",
      message: "This server only reads. To change anything through it, restart Dockwire without --read-only."
    }
  }
  if (scope === "exec" && !limits.execEnabled) {
    return {
      _tag: "ExecDisabled",
      message: "This server runs no commands in containers. To allow it, restart Dockwire with --enable-exec."
    }
  }
  if (who.scopes.includes(scope)) return undefined
  const has = who.scopes.length === 0 ? "none" : `only ${who.scopes.join(" and ")}`
  return {
    _tag: "ScopeMissing",
    message: `This needs the scope ${scope}, and the token ${JSON.stringify(who.name)} has ${has}. Use another token, or create one with "dockwire token create NAME --scope ${scope}".`,
    scope,
    scopes: who.scopes
  }
}

/** What someone may do here: their scopes without what is switched off. */
export const allowedScopes = (who: IdentityShape, limits: AccessLimits): ReadonlyArray<Scope> =>
  scopes.filter((scope) => denial(scope, who, limits) === undefined)
