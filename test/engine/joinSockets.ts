import type { Socket } from "node:net"

/** Passes on what each of two sockets sends to the other, until one of them closes. `open` holds those that are open. */
export const joinSockets = (first: Socket, second: Socket, open: Set<Socket>): void => {
  for (const [socket, other] of [
    [first, second],
    [second, first]
  ] as const) {
    open.add(socket)
    socket.on("error", () => other.destroy())
    socket.on("close", () => {
      open.delete(socket)
      other.destroy()
    })
    socket.pipe(other)
  }
}
