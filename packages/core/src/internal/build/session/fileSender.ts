import type { OpenContextFile } from "../context/contextFile.js"
import { LoopTurn } from "../context/loopTurn.js"
import type { GrpcCall } from "./grpcServer.js"
import { Packets } from "./packets.js"

/** How many files are read at the same time, if that may take a while. */
const parallel = 8
/** How much is collected before it is sent. It is also the longest part of a file in one message. */
const maxLength = 64 * 1024
/** What a packet has beside the content of a file, and the packet that ends the file, at most. */
const overhead = 64

/** A file that the engine has asked for. */
export interface WantedFile {
  readonly id: number
  readonly path: string
  readonly size: number
}

/** Sends files in the order in which they were asked for, several at the same time, and no faster than the engine reads. */
export class FileSender {
  readonly #call: Pick<GrpcCall, "send">
  readonly #open: (path: string) => Promise<OpenContextFile> | OpenContextFile
  readonly #onFailure: (error: unknown) => void
  readonly #turn = new LoopTurn()
  /** From `#next` on. What is before is empty. */
  #queue: Array<WantedFile> = []
  #next = 0
  #running = 0
  #isStarting = false
  /** To be used again. */
  readonly #idle: Array<Packets> = []

  constructor(
    call: Pick<GrpcCall, "send">,
    open: (path: string) => Promise<OpenContextFile> | OpenContextFile,
    onFailure: (error: unknown) => void
  ) {
    this.#call = call
    this.#open = open
    this.#onFailure = onFailure
  }

  add(file: WantedFile): void {
    this.#queue.push(file)
    if (this.#isStarting || this.#running === parallel) return
    this.#isStarting = true
    // Requests arrive together, and small files are sent together.
    setImmediate(() => {
      this.#isStarting = false
      this.#turn.begin()
      while (this.#next < this.#queue.length && this.#running < parallel) this.#work().catch(this.#onFailure)
    })
  }

  /** Sends nothing more. */
  stop(): void {
    this.#queue = []
    this.#next = 0
  }

  #take(): WantedFile | undefined {
    const file = this.#queue[this.#next]
    this.#next++
    if (this.#next >= this.#queue.length) this.stop()
    return file
  }

  async #work(): Promise<void> {
    this.#running++
    const packets = this.#idle.pop() ?? new Packets()
    for (let file = this.#take(); file !== undefined; file = this.#take()) {
      if (packets.length > 0 && packets.length + file.size + overhead > maxLength) await this.#flush(packets)
      await this.#send(file, packets)
      if (this.#turn.isOver) {
        await this.#flush(packets)
        await this.#turn.next()
      }
    }
    await this.#flush(packets)
    this.#idle.push(packets)
    this.#running--
  }

  async #flush(packets: Packets): Promise<void> {
    if (packets.length === 0) return
    await this.#call.send(packets.bytes)
    packets.clear()
  }

  async #send({ id, path, size }: WantedFile, packets: Packets): Promise<void> {
    if (size > 0) {
      const opened = this.#open(path)
      const file = opened instanceof Promise ? await opened : opened
      try {
        for (let sent = 0; sent < size;) {
          if (packets.length + overhead >= maxLength) await this.#flush(packets)
          const room = packets.data(id, Math.min(size - sent, maxLength - packets.length - overhead))
          const filled = file.fill(room)
          if (filled !== undefined) await filled
          sent += room.length
        }
      } finally {
        await file.close()
      }
    }
    packets.lastData(id)
  }
}
