import type { Socket } from "../../client/index.js"
import { CommandFailure } from "./CommandFailure.js"

/** Why the server closed the connection for good, as the socket's `error` has it. */
const finalCodes = ["not_allowed", "not_this_protocol", "closed"]

/**
 * Tells when the connection is lost and when it is back, once each. `onEnd` is called when the server does not want this client
 * any more: then it does not reconnect.
 */
export const reportConnection = (
  socket: Socket,
  say: (text: string) => void,
  onEnd: (failure: CommandFailure) => void
): void => {
  let isLost = false
  const lost = (why: string): void => {
    if (!isLost) say(`The connection to the server is lost, and this command reconnects. ${why}`)
    isLost = true
  }
  socket.on("disconnect", ({ reason, reconnects }) => {
    if (reconnects) lost(reason)
  })
  socket.on("connect_error", ({ message }) => lost(message))
  socket.on("connect", () => {
    if (isLost) say("The connection to the server is back")
    isLost = false
  })
  socket.on("error", ({ code, message }) => {
    if (!finalCodes.includes(code)) return
    const advice =
      code === "not_allowed" ? " Set DOCKWIRE_TOKEN to a token that the server accepts, with the scope read." : ""
    onEnd(new CommandFailure(`The server closed the connection: ${message}${advice}`))
  })
}
