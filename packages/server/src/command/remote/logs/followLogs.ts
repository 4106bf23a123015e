/** The logs of containers as they go on, over the WebSocket. */
import { connect } from "../../../client/index.js"
import { CommandFailure } from "../CommandFailure.js"
import type { ServerAddress } from "../findServer.js"
import { note } from "../Output.js"
import { reportConnection } from "../reportConnection.js"
import { gapText, markText } from "./logMarks.js"
import type { LogPrinter } from "./LogPrinter.js"

/** Where a log begins. */
export interface FollowStart {
  readonly tail?: number
  readonly since?: string
}

/** Prints the logs, and goes on until all containers are removed. */
export const followLogs = (
  address: ServerAddress,
  names: ReadonlyArray<string>,
  start: FollowStart,
  printer: LogPrinter
): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(address.url, { token: address.token, reconnectDelayMax: 5_000 })
    const left = new Set(names)
    const finish = (end: () => void): void => {
      printer.flush()
      socket.disconnect()
      end()
    }
    const say = (text: string): void => {
      printer.interject()
      note(text)
    }
    const nameOf = (containerId: string | null | undefined): string => containerId ?? ""
    reportConnection(socket, say, (failure) => finish(() => reject(failure)))
    socket.on("docker_log_batch", ({ container_id, lines }) => {
      const name = nameOf(container_id)
      for (const [timestamp, stream, text, part] of lines) printer.add({ name, timestamp, stream, text, part })
      printer.flush()
    })
    socket.on("gap", (gap) => say(gapText(gap.room.replace(/^container_logs_/, ""), gap)))
    socket.on("container_log_mark", (mark) => {
      const name = nameOf(mark.container_id)
      const exitCode = mark.mark === "stopped" ? mark.exit_code : undefined
      say(markText(name, mark.mark, exitCode, mark.mark === "engine_error" ? mark.message : undefined))
      if (mark.mark === "removed") {
        left.delete(name)
        if (left.size === 0) finish(resolve)
      }
      if (mark.mark === "recreated") {
        left.add(name)
        socket.emit("stop_container_logs", { container_id: name })
        socket.emit("stream_container_logs", { container_id: name, since: 1 })
      }
    })
    socket.on("engine_status", ({ available, reason }) => {
      if (!available) say(`The engine does not answer: ${reason ?? "no reason is known"}`)
    })
    socket.on("error", ({ about, code, message }) => {
      if (about === undefined || code === "too_fast") return
      // One that was there when the command started, and is gone before it could be followed.
      say(`${about}: ${message}`)
      left.delete(about)
      if (left.size === 0) finish(() => reject(new CommandFailure("There is no log to follow.")))
    })
    for (const name of names) socket.emit("stream_container_logs", { container_id: name, ...start })
  })
