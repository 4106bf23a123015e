/** Watches an operation from its first line to its end, over the WebSocket. */
import { connect, type SocketEvents } from "../../../client/index.js"
import { operationRoom, type WireLine } from "../../../Wire.js"
import { CommandFailure, ExitCode } from "../CommandFailure.js"
import type { ServerAddress } from "../findServer.js"
import { gapText } from "../logs/logMarks.js"
import { reportConnection } from "../reportConnection.js"
import { RemoteServer, RequestRefused } from "../RemoteServer.js"

/** Shows an operation. */
export interface OperationDisplay {
  readonly lines: (lines: ReadonlyArray<WireLine>) => void
  readonly progress: (progress: SocketEvents["docker_progress"]) => void
  /** Tells what is neither. */
  readonly say: (text: string) => void
  readonly end: (end: OperationEnding) => void
}

/** How an operation ended. */
export type OperationEnding = SocketEvents["docker_log_complete"]

/** The exit code for the end of an operation. */
export const exitCodeOf = ({ status }: Pick<OperationEnding, "status">): number =>
  status === "completed" ? ExitCode.ok : status === "interrupted" ? ExitCode.interrupted : ExitCode.failed

/** An operation that is being watched. */
export interface WatchedOperation {
  /** How it ended. Fails if that cannot be known. */
  readonly ended: Promise<OperationEnding>
  /** Watches no longer. The operation goes on. */
  readonly leave: () => void
}

/** Starts to watch an operation. */
export const watchOperation = (address: ServerAddress, logId: string, display: OperationDisplay): WatchedOperation => {
  const socket = connect(address.url, { token: address.token, reconnectDelayMax: 5_000 })
  const room = operationRoom(logId)
  const ended = new Promise<OperationEnding>((resolve, reject) => {
    const fail = (failure: unknown): void => {
      socket.disconnect()
      reject(failure)
    }
    reportConnection(socket, display.say, fail)
    socket.on("connect", ({ reconnected }) => {
      if (!reconnected) return
      // A server that keeps no history has forgotten it when it starts again, and no end would ever come.
      new RemoteServer(address).call("operations.get", { path: { id: logId } }).catch((error: unknown) => {
        if (!(error instanceof RequestRefused) || error.error._tag !== "OperationNotFound") return
        fail(
          new CommandFailure(
            `The server was restarted and does not know operation ${logId} any more, nor how it ended.`
          )
        )
      })
    })
    socket.on("docker_log_batch", ({ lines }) => display.lines(lines))
    socket.on("docker_progress", display.progress)
    socket.on("gap", (gap) => display.say(gapText("the operation", gap)))
    socket.on("docker_log_complete", (end) => {
      socket.disconnect()
      display.end(end)
      resolve(end)
    })
    socket.on("error", ({ about, code, message }) => {
      if (about === room && code !== "too_fast") fail(new CommandFailure(message))
    })
  })
  socket.emit("join", { room })
  return { ended, leave: () => void socket.disconnect() }
}
