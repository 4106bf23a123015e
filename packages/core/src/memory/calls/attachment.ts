import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import type { LogStream } from "../../LogEvent.js"
import type { Process } from "../programs/process.js"
import type { StreamResponse } from "./response.js"
import { encodeFrame, multiplexedStream, rawStream } from "./streamFrame.js"

/** How a client attaches to a process. */
export interface AttachOptions {
  readonly tty: boolean
  readonly streams: Readonly<Record<LogStream, boolean>>
  readonly upgrade: boolean
  /** Sent ahead of the process's output. */
  readonly backlog: ReadonlyArray<Uint8Array>
  /** Handles the client's input. */
  readonly input: Pick<StreamResponse, "write" | "end">
}

/** A client's connection to a process. */
export interface Attachment {
  readonly response: StreamResponse
  /** Sends the process's output to the client. */
  readonly connect: (process: Process) => void
  /** Ends the response. */
  readonly close: Effect.Effect<void>
}

/** Opens a response that a process can be connected to, now or later. */
export const openAttachment = ({
  backlog,
  input,
  streams,
  tty,
  upgrade
}: AttachOptions): Effect.Effect<Attachment, never, Scope.Scope> =>
  Effect.gen(function* () {
    const output = yield* Mailbox.make<Uint8Array>()
    let removeListener = () => {}
    yield* Effect.addFinalizer(() => Effect.sync(() => removeListener()))
    for (const bytes of backlog) output.unsafeOffer(bytes)
    const response: StreamResponse = {
      _tag: "Stream",
      status: upgrade ? 101 : 200,
      // Without an upgrade, the engine labels even multiplexed streams as raw.
      contentType: upgrade && !tty ? multiplexedStream : rawStream,
      body: Mailbox.toStream(output),
      ...input
    }
    const connect = (process: Process) => {
      removeListener = process.addOutputListener((stream, bytes) => {
        if (streams[stream]) output.unsafeOffer(tty ? Uint8Array.from(bytes) : encodeFrame(stream, bytes))
      })
    }
    return { response, connect, close: Effect.asVoid(output.end) }
  })
