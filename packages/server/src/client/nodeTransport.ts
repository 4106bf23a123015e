import { subprotocol } from "../Wire.js"
import type { Addresses, Transport } from "./Transport.js"

/** Connects with `ws`, which can send the token as a header. */
export const nodeTransport =
  (to: Addresses, token: string | undefined): Transport =>
  async () => {
    const { WebSocket } = await import("ws")
    const socket = new WebSocket(to.socket, [subprotocol], {
      handshakeTimeout: 10_000,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` }
    })
    // A viewer hardly ever sends anything, so only TCP keep-alive detects a server that vanished.
    socket.on("upgrade", (response) => response.socket.setKeepAlive(true, 30_000))
    return socket
  }
