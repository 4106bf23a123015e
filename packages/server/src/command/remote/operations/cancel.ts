/** `dockwire cancel`: cancels an operation, and waits for its end. */
import { findServer } from "../findServer.js"
import { note } from "../Output.js"
import type { ParsedCommand } from "../parseCommand.js"
import { RemoteServer } from "../RemoteServer.js"
import { findOperation } from "./findOperation.js"
import { endText } from "./operationText.js"

/** How long an operation may take to end, in milliseconds: containers have time to stop. */
const timeout = 600_000

/** Cancels an operation. Resolves when it has ended. */
export const cancelOperation = (server: RemoteServer, logId: string): Promise<unknown> =>
  server.call("operations.cancel", { path: { id: logId } }, { timeout })

export const cancel = async (parsed: ParsedCommand): Promise<void> => {
  const server = new RemoteServer(await findServer(parsed))
  const { log_id } = await findOperation(server, parsed.operands[0] ?? "")
  await cancelOperation(server, log_id)
  note(endText(await server.call("operations.get", { path: { id: log_id } })))
}
