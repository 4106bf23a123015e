/** Who sent a request. */
import * as Context from "effect/Context"
import type { Scope } from "../Api/RequiredScope.js"

/** Who sent a request, and what they may ask for. */
export interface IdentityShape {
  /** `operator` for the server's own token, otherwise the name of a token in the tokens file. */
  readonly name: string
  /** What the token allows. What is switched off for everyone is not left out. */
  readonly scopes: ReadonlyArray<Scope>
}

/** The name of whoever has the server's own token. */
export const operatorName = "operator"

const nobody: IdentityShape = { name: "nobody", scopes: [] }

/** Who sent the request that is being handled. Outside of a request, and where none is asked for, it is nobody. */
export class Identity extends Context.Reference<Identity>()("@dockwire/server/Identity", {
  defaultValue: () => nobody
}) {}
