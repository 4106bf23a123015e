import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import type { LogStream } from "../../LogEvent.js"
import { type Call, targetContainer, type StreamResponse, type Routes } from "../calls/response.js"
import { isRunning, said } from "../containers/startContainer.js"
import type { MemoryContainer } from "../state/engineState.js"
import { frame, multiplexed, raw } from "../calls/streamFrame.js"
import type { Process } from "../programs/process.js"
import { errorResponse } from "../state/errorResponse.js"

/** How a client is connected to a process. */
export interface Attachment {
  readonly tty: boolean
  readonly streams: Readonly<Record<LogStream, boolean>>
  readonly upgrade: boolean
  /** What comes before all that the process writes from now on. */
  readonly before: ReadonlyArray<Uint8Array>
}

/** The answer that connects a client to a process, as soon as there is one, until that ends. */
export const attached = (
  { before, streams, tty, upgrade }: Attachment,
  input: { readonly write: (bytes: Uint8Array) => Effect.Effect<void>; readonly end: Effect.Effect<void> }
): Effect.Effect<
  { readonly answer: StreamResponse; readonly listen: (process: Process) => void; readonly close: Effect.Effect<void> },
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const output = yield* Mailbox.make<Uint8Array>()
    let unlisten = () => {}
    yield* Effect.addFinalizer(() => Effect.sync(() => unlisten()))
    for (const bytes of before) output.unsafeOffer(bytes)
    const answer: StreamResponse = {
      _tag: "Stream",
      status: upgrade ? 101 : 200,
      // Without the upgrade the engine names frames raw too.
      contentType: upgrade && !tty ? multiplexed : raw,
      body: Mailbox.toStream(output),
      ...input
    }
    const listen = (process: Process) => {
      unlisten = process.addOutputListener((stream, bytes) => {
        if (streams[stream]) output.unsafeOffer(tty ? Uint8Array.from(bytes) : frame(stream, bytes))
      })
    }
    return { answer, listen, close: Effect.asVoid(output.end) }
  })

const logged = ({ log, settings }: MemoryContainer, streams: Attachment["streams"]): ReadonlyArray<Uint8Array> => {
  const records: Array<Uint8Array> = []
  for (let at = log.first; at < log.end; at++) {
    const record = log.at(at)
    if (record === undefined || !streams[record.stream]) continue
    records.push(settings.tty ? record.bytes : frame(record.stream, record.bytes))
  }
  return records
}

const attach = (call: Call) =>
  Effect.gen(function* () {
    const { query, state, upgrade } = call
    const container = yield* targetContainer(call)
    if (container.status === "paused") {
      return yield* errorResponse(409, `container ${call.parameter} is paused, unpause the container before attach`)
    }
    if (container.status === "restarting") {
      return yield* errorResponse(409, `container ${call.parameter} is restarting, wait until the container is running`)
    }
    const { openStdin, stdinOnce, tty } = container.settings
    const live = query.flag("stream")
    const stdin = live && openStdin && query.flag("stdin")
    const streams = { stdout: query.flag("stdout"), stderr: query.flag("stderr") }
    let process: Process | undefined
    const input = {
      write: (bytes: Uint8Array) => (stdin && process !== undefined ? process.writeInput(bytes) : Effect.void),
      // Another client may go on writing, unless the container was made for one.
      end: Effect.suspend(() =>
        stdin && stdinOnce && !tty && process !== undefined ? Effect.asVoid(process.stdin.end) : Effect.void
      )
    }
    const before = query.flag("logs") ? logged(container, streams) : []
    const { answer, close, listen } = yield* attached({ tty, streams, upgrade, before }, input)
    yield* said(state, container, "attach")
    const connect = (running: Process) => {
      process = running
      listen(running)
    }
    const ended = Effect.suspend(() => process?.awaitExit ?? Effect.void)
    if (live && container.run !== undefined && isRunning(container)) connect(container.run.process)
    else if (live) {
      // Attached to one that doesn't run, the engine waits for its next run.
      container.attaching.add(connect)
      yield* Effect.addFinalizer(() => Effect.sync(() => container.attaching.delete(connect)))
    }
    const begun = container.changed.waitUntil(() => !live || process !== undefined || container.removed)
    yield* begun.pipe(Effect.zipRight(ended), Effect.zipRight(close), Effect.forkScoped)
    return answer
  })

/** `POST /containers/{id}/attach` */
export const attachRoutes: Routes = {
  "POST /containers/{id}/attach": attach
}
