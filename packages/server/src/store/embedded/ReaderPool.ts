/** The threads that read: at most two, begun when they are needed, ended when they are not. */
import type { ReadCalls } from "../thread/messages.js"
import type { StoreThread } from "./StoreThread.js"

export type ReaderThread = StoreThread<ReadCalls>

const maxReaders = 2
/** How long a thread without work stays, in milliseconds. */
const idleTime = 10_000

export class Reader {
  uses = 0
  timer: NodeJS.Timeout | undefined

  constructor(readonly thread: ReaderThread) {}
}

export class ReaderPool {
  private readers: Array<Reader> = []

  constructor(private readonly start: () => ReaderThread) {}

  /** The thread with the least to do. */
  acquire(): Reader {
    const idle = this.readers.find(({ uses }) => uses === 0)
    const reader = idle ?? (this.readers.length < maxReaders ? this.add() : this.leastUsed())
    reader.uses++
    clearTimeout(reader.timer)
    return reader
  }

  release(reader: Reader): void {
    reader.uses--
    if (reader.uses > 0 || !this.readers.includes(reader)) return
    reader.timer = setTimeout(() => void this.close(reader), idleTime)
    reader.timer.unref()
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.readers.map((reader) => this.close(reader)))
  }

  private async close(reader: Reader): Promise<void> {
    clearTimeout(reader.timer)
    this.readers = this.readers.filter((other) => other !== reader)
    // Never stopped in the middle: a thread that is ended while it decompresses takes the process with it.
    reader.thread.ask("close", undefined).catch(() => {})
    await reader.thread.exited
  }

  private add(): Reader {
    const reader = new Reader(this.start())
    this.readers.push(reader)
    void reader.thread.exited.then(() => {
      this.readers = this.readers.filter((other) => other !== reader)
    })
    return reader
  }

  private leastUsed(): Reader {
    return this.readers.reduce((least, reader) => (reader.uses < least.uses ? reader : least))
  }
}
