import { InvalidRequest } from "../../../DockerError.js"
import { bytesField, integerField, protoFields } from "../protobuf/protoFields.js"
import { FileSender, type WantedFile } from "./fileSender.js"
import { type GrpcCall, GrpcFailure, grpcStatus } from "./grpcServer.js"
import type { SentFolder } from "./sentFolder.js"
import { endPacket, errorPacket, Packets, packetType } from "./packets.js"

/**
 * Answers a call of `moby.filesync.v1.FileSync/DiffCopy`: tells the engine what there is, and sends the content of what it
 * asks for, which is only what it lacks. The engine cannot name a file: it gives the number of one that it was told of.
 */
export class DiffCopy {
  readonly #call: GrpcCall
  readonly #folder: SentFolder
  readonly #sender: FileSender
  /** The files that can still be asked for, by number. */
  readonly #files = new Map<number, WantedFile>()
  #fail: (error: unknown) => void = () => {}
  readonly #failed = new Promise<never>((_, reject) => (this.#fail = reject))

  constructor(call: GrpcCall, folder: SentFolder) {
    this.#call = call
    this.#folder = folder
    this.#sender = new FileSender(call, folder.open, (error) => this.#fail(error))
  }

  /** Resolves when the engine has what it wants. Rejects with `InvalidRequest` if the folder cannot be sent. */
  async run(): Promise<void> {
    try {
      this.#sendStats().catch(this.#fail)
      await Promise.race([this.#answer(), this.#failed])
    } catch (error) {
      if (error instanceof InvalidRequest) await this.#call.send(errorPacket(error.message)).catch(() => {})
      throw error
    } finally {
      this.#folder.stop()
      this.#sender.stop()
    }
  }

  async #sendStats(): Promise<void> {
    const packets = new Packets()
    let id = 0
    for await (const batch of this.#folder.batches) {
      for (const entry of batch) {
        const { kind, path, size } = entry
        if (kind === "file" || kind === "socket") this.#files.set(id, { id, path, size })
        packets.stat(entry)
        id++
      }
      await this.#call.send(packets.bytes)
      packets.clear()
    }
    packets.lastStat()
    await this.#call.send(packets.bytes)
  }

  async #answer(): Promise<void> {
    for await (const message of this.#call.messages()) {
      const fields = protoFields(message)
      const type = integerField(fields, 1)
      if (type === packetType.request) this.#request(integerField(fields, 3))
      else if (type === packetType.error)
        throw new GrpcFailure(grpcStatus.unknown, bytesField(fields, 4).toString("utf8"))
      else if (type === packetType.end) return this.#call.send(endPacket())
    }
    throw new GrpcFailure(grpcStatus.unavailable, "the engine has cancelled the transfer")
  }

  #request(id: number): void {
    const file = this.#files.get(id)
    if (file === undefined) throw new GrpcFailure(grpcStatus.failedPrecondition, `no file has the number ${id}`)
    // Each is asked for once.
    this.#files.delete(id)
    this.#sender.add(file)
  }
}
