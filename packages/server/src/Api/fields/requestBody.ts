/** How the body of a request is read. */
import * as Context from "effect/Context"

/** The longest JSON body that is read unless an endpoint says otherwise, in bytes. */
export const maxBodyBytes = 1024 * 1024

/** Annotates an endpoint whose handler reads and checks the body itself. */
export class ReadsBody extends Context.Reference<ReadsBody>()("@dockwire/server/ReadsBody", {
  defaultValue: () => false
}) {}
