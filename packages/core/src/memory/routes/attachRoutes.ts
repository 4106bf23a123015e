import * as Effect from "effect/Effect"
import { openAttachment } from "../calls/attachment.js"
import { type Call, type Routes, targetContainer } from "../calls/call.js"
import { encodeFrame } from "../calls/streamFrame.js"
import type { LogStream } from "../../LogEvent.js"
import type { Process } from "../programs/process.js"
import { errorResponse } from "../state/errorResponse.js"
import { isRunning, type MemoryContainer } from "../state/memoryContainer.js"

/** The records in a container's log, encoded for the client. */
const encodeLog = (
  { log, settings }: MemoryContainer,
  streams: Readonly<Record<LogStream, boolean>>
): ReadonlyArray<Uint8Array> => {
  const records: Array<Uint8Array> = []
  for (let index = log.first; index < log.end; index++) {
    const record = log.at(index)
    if (record === undefined || !streams[record.stream]) continue
    records.push(settings.tty ? record.bytes : encodeFrame(record.stream, record.bytes))
  }
  return records
}

const attach = (call: Call) =>
  Effect.gen(function* () {
    const { parameter, query, state, upgrade } = call
    const container = yield* targetContainer(call)
    if (container.status === "paused") {
      return yield* errorResponse(409, `container ${parameter} is paused, unpause the container before attach`)
    }
    if (container.status === "restarting") {
      return yield* errorResponse(409, `container ${parameter} is restarting, wait until the container is running`)
    }
    const { openStdin, stdinOnce, tty } = container.settings
    const live = query.flag("stream")
    const stdin = live && openStdin && query.flag("stdin")
    const streams = { stdout: query.flag("stdout"), stderr: query.flag("stderr") }
    let process: Process | undefined
    const input = {
      write: (bytes: Uint8Array) => (stdin && process !== undefined ? process.writeInput(bytes) : Effect.void),
      // Without `StdinOnce`, stdin stays open for other clients.
      end: Effect.suspend(() =>
        stdin && stdinOnce && !tty && process !== undefined ? Effect.asVoid(process.stdin.end) : Effect.void
      )
    }
    const backlog = query.flag("logs") ? encodeLog(container, streams) : []
    const { close, connect, response } = yield* openAttachment({ tty, streams, upgrade, backlog, input })
    yield* state.emitContainerEvent(container, "attach")
    const attachTo = (running: Process) => {
      process = running
      connect(running)
    }
    if (live && container.run !== undefined && isRunning(container)) attachTo(container.run.process)
    else if (live) {
      // The engine lets clients attach to a stopped container and connects them to its next run.
      container.pendingAttachments.add(attachTo)
      yield* Effect.addFinalizer(() => Effect.sync(() => container.pendingAttachments.delete(attachTo)))
    }
    const connected = container.changed.waitUntil(() => !live || process !== undefined || container.removed)
    const exited = Effect.suspend(() => process?.awaitExit ?? Effect.void)
    yield* connected.pipe(Effect.zipRight(exited), Effect.zipRight(close), Effect.forkScoped)
    return response
  })

/** The route of `POST /containers/{id}/attach`. */
export const attachRoutes: Routes = {
  "POST /containers/{id}/attach": attach
}
