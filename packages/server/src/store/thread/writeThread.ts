/** The thread that writes. */
import type { MessagePort } from "node:worker_threads"
import { LogWriter } from "../write/LogWriter.js"
import type { ColumnBatch, Retained, ThreadData, WriteCalls, WriterNews } from "./messages.js"
import { isDamaged, openFile, type OpenFile } from "../database/openFile.js"
import { answerCall, type CallMessage, failureOf } from "./serveCalls.js"

/** What the main thread sends: batches with the size that it counts for them, or calls. */
export type WriterMessage =
  | { readonly batches: ReadonlyArray<{ readonly batch: ColumnBatch; readonly size: number }> }
  | CallMessage<WriteCalls>

/** The time between two commits, in milliseconds. What comes in it is at risk if the process is killed. */
const commitInterval = 250
/** A commit that failed is tried again after this time. */
const retryAfter = 1_000
/** So much is committed at once, without waiting. */
const commitBytes = 4 * 1024 * 1024
const tidyInterval = 60_000

class WriteThread {
  private readonly writer: LogWriter
  private timer: NodeJS.Timeout | undefined
  private takenBytes = 0
  /** When the oldest of what is not stored was taken. */
  private takenSince: number | undefined
  /** It is tried again after a while. */
  private hasFailed = false
  private readonly tidying: NodeJS.Timeout
  private isClosed = false

  constructor(
    private readonly port: MessagePort,
    private readonly open: OpenFile,
    private readonly data: ThreadData
  ) {
    this.writer = new LogWriter(open.connection, data.retention)
    this.tidying = setInterval(() => void this.retain(this.data.retention).catch(() => {}), tidyInterval)
    this.tidying.unref()
  }

  receive(message: WriterMessage): void {
    if ("batches" in message) this.take(message.batches)
    else void answerCall(message.port, () => this.call(message))
  }

  private take(batches: ReadonlyArray<{ readonly batch: ColumnBatch; readonly size: number }>): void {
    for (const { batch, size } of batches) {
      this.writer.take(batch, size)
      this.takenBytes += size
      this.takenSince ??= performance.now()
      // While batches come without a pause, timers wait.
      const isDue = this.takenBytes >= commitBytes || performance.now() - this.takenSince >= commitInterval
      if (isDue && !this.hasFailed) this.attempt()
    }
    if (this.writer.hasPending) this.timer ??= setTimeout(() => void this.attempt(), commitInterval)
  }

  private call(message: CallMessage<WriteCalls>): unknown {
    switch (message.call) {
      case "flush":
        return this.flush()
      case "resume":
        return this.writer.resume(message.takes)
      case "retain":
        return this.retain(message.takes)
      case "close":
        return this.close()
    }
  }

  private tell(news: WriterNews): void {
    this.port.postMessage(news)
  }

  private commit(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.takenBytes = 0
    this.takenSince = undefined
    if (!this.writer.hasPending) return
    const bytes = this.writer.commit()
    this.tell({ news: "committed", bytes })
    // Some of the space that was freed, so that no step takes long.
    this.writer.reclaim()
  }

  private flush(): void {
    const error = this.attempt()
    if (error !== undefined) throw error
  }

  /** Returns why it failed. */
  private attempt(): Error | undefined {
    try {
      this.commit()
      this.hasFailed = false
      return undefined
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      this.hasFailed = true
      if (isDamaged(error)) this.giveUp(error)
      else {
        this.tell({ news: "failed", ...failureOf(error) })
        this.timer = setTimeout(() => void this.attempt(), retryAfter)
      }
      return error
    }
  }

  private async retain(limits: ThreadData["retention"]): Promise<Retained> {
    let records = 0
    let bytes = 0
    let hasDeleted = false
    const pause = () => new Promise<void>((resolve) => setImmediate(resolve))
    try {
      for (;;) {
        const deleted = this.writer.retainSome(limits)
        if (deleted === undefined || this.isClosed) break
        records += deleted.records
        bytes += deleted.bytes
        hasDeleted = true
        this.writer.reclaim()
        await pause()
      }
      this.writer.tidy()
      while (!this.isClosed && this.writer.reclaim()) await pause()
      if (!this.isClosed && hasDeleted) this.writer.checkpoint()
    } catch (error) {
      if (isDamaged(error)) this.giveUp(error)
      throw error
    }
    return { records, bytes }
  }

  private giveUp(error: unknown): void {
    this.tell({ news: "broken", ...failureOf(error) })
    this.end()
  }

  private close(): void {
    try {
      this.commit()
      this.writer.checkpoint()
    } finally {
      this.end()
    }
  }

  private end(): void {
    if (this.isClosed) return
    this.isClosed = true
    clearTimeout(this.timer)
    clearInterval(this.tidying)
    this.open.connection.close()
    this.open.lock.close()
    // The answer to the call that ends it goes out first.
    setImmediate(() => this.port.close())
  }
}

/** Opens the file, and writes what it is sent. */
export const runWriteThread = (port: MessagePort, data: ThreadData): void => {
  let thread: WriteThread
  try {
    const open = openFile(data.file, data.isDamaged)
    thread = new WriteThread(port, open, data)
    port.postMessage({ news: "opened", notice: open.notice } satisfies WriterNews)
  } catch (error) {
    port.postMessage({ news: "broken", ...failureOf(error) } satisfies WriterNews)
    port.close()
    return
  }
  port.on("message", (message: WriterMessage) => thread.receive(message))
}
