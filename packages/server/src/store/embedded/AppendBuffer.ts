/** Batches on their way to the thread that writes: bounded, and sent a few at a time. */
import * as Effect from "effect/Effect"
import type { ColumnBatch } from "../thread/messages.js"
import { sizeOf } from "./columnBatch.js"

/** How much may wait to be stored, in bytes. */
const maxBytes = 16 * 1024 * 1024
/** Batches are sent together after this time, in milliseconds, or when there is so much. */
const sendAfter = 20
const sendBytes = 512 * 1024
/** How long an append waits for room. */
const patience = "40 millis"

interface SizedBatch {
  readonly batch: ColumnBatch
  readonly size: number
}

export class AppendBuffer {
  private queue: Array<SizedBatch> = []
  private queuedBytes = 0
  private bytes = 0
  private timer: NodeJS.Timeout | undefined
  private readonly waiting = new Set<() => void>()

  constructor(private readonly send: (batches: ReadonlyArray<SizedBatch>) => void) {}

  /** Whether there is room, or will be in a moment. */
  readonly hasRoom: Effect.Effect<boolean> = Effect.suspend(() => {
    if (this.bytes < maxBytes) return Effect.succeed(true)
    return Effect.async<boolean>((resume) => {
      const check = () => {
        if (this.bytes >= maxBytes) return
        this.waiting.delete(check)
        resume(Effect.succeed(true))
      }
      this.waiting.add(check)
      return Effect.sync(() => this.waiting.delete(check))
    }).pipe(Effect.timeoutTo({ duration: patience, onSuccess: () => true, onTimeout: () => false }))
  })

  add(batch: ColumnBatch): void {
    const size = sizeOf(batch)
    this.queue.push({ batch, size })
    this.queuedBytes += size
    this.bytes += size
    if (this.queuedBytes >= sendBytes) this.sendNow()
    else this.timer ??= setTimeout(() => this.sendNow(), sendAfter)
  }

  sendNow(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.queue.length === 0) return
    const { queue } = this
    this.queue = []
    this.queuedBytes = 0
    this.send(queue)
  }

  /** So many bytes are stored. */
  stored(bytes: number): void {
    this.bytes -= bytes
    for (const check of this.waiting) check()
  }

  /** Forgets everything. */
  clear(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.queue = []
    this.queuedBytes = 0
    this.stored(this.bytes)
  }
}
