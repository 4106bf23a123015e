import type { OpenContextFile } from "../context/contextFile.js"
import type { GrpcCall } from "./grpcServer.js"
import { dataPacketHead, lastDataPacket } from "./packets.js"

/** How many files are read at the same time. */
const parallel = 8
/** The longest part of a file in one message. */
const pieceLength = 64 * 1024

/** A file that the engine has asked for. */
export interface WantedFile {
  readonly id: number
  readonly path: string
  readonly size: number
}

/** Sends files in the order in which they were asked for, several at the same time, and no faster than the engine reads. */
export class FileSender {
  readonly #call: GrpcCall
  readonly #open: (path: string) => Promise<OpenContextFile>
  readonly #onFailure: (error: unknown) => void
  /** From `#next` on. What is before is empty. */
  #queue: Array<WantedFile> = []
  #next = 0
  #running = 0

  constructor(call: GrpcCall, open: (path: string) => Promise<OpenContextFile>, onFailure: (error: unknown) => void) {
    this.#call = call
    this.#open = open
    this.#onFailure = onFailure
  }

  add(file: WantedFile): void {
    this.#queue.push(file)
    if (this.#running < parallel) this.#work().catch(this.#onFailure)
  }

  /** Sends nothing more. */
  stop(): void {
    this.#queue = []
    this.#next = 0
  }

  async #work(): Promise<void> {
    this.#running++
    for (let file = this.#queue[this.#next]; file !== undefined; file = this.#queue[this.#next]) {
      this.#next++
      if (this.#next === this.#queue.length) this.stop()
      await this.#send(file)
    }
    this.#running--
  }

  async #send({ id, path, size }: WantedFile): Promise<void> {
    const end = lastDataPacket(id)
    if (size === 0) return this.#call.send(end)
    const file = await this.#open(path)
    try {
      for (let sent = 0; sent < size;) {
        const length = Math.min(size - sent, pieceLength)
        sent += length
        await this.#sendPiece(file, id, length, sent === size ? end : undefined)
      }
    } finally {
      await file.close()
    }
  }

  /** Sends a part of a file, and with the last one its end: each write to the connection costs more than such a message. */
  async #sendPiece(file: OpenContextFile, id: number, length: number, end: Buffer | undefined): Promise<void> {
    const head = dataPacketHead(id, length)
    const bytes = Buffer.allocUnsafe(head.length + length + (end?.length ?? 0))
    bytes.set(head)
    if (end !== undefined) bytes.set(end, head.length + length)
    await file.fill(bytes, head.length, head.length + length)
    await this.#call.send(bytes)
  }
}
