import type { ViewerTransport, Wire } from "@dockwire/server"

/** A connection that records what is sent over it. A write completes at once, or else when the test calls `completeWrites`. */
export class RecordingTransport implements ViewerTransport {
  readonly frames: Array<Buffer> = []
  readonly closeCodes: Array<number> = []
  private readonly pending: Array<() => void> = []

  constructor(private readonly writesCompleteAtOnce = false) {}

  send = (frame: Buffer, done: () => void): void => {
    this.frames.push(frame)
    if (this.writesCompleteAtOnce) queueMicrotask(done)
    else this.pending.push(done)
  }

  close = (code: number): void => void this.closeCodes.push(code)

  completeWrites(): void {
    for (const done of this.pending.splice(0)) done()
  }

  get messages(): ReadonlyArray<Wire.ServerMessage> {
    return this.frames.flatMap((frame): ReadonlyArray<Wire.ServerMessage> => JSON.parse(frame.toString("utf8")))
  }

  /** The texts of all lines. */
  get lines(): ReadonlyArray<string> {
    return this.messages.flatMap((message) =>
      message.event === "docker_log" ? message.data.lines.map((line) => line[2]) : []
    )
  }
}
