import type { ContextEntry } from "../context/contextEntry.js"
import { ProtoWriter } from "../protobuf/protoWriter.js"
import { grpcFrame } from "./grpcServer.js"

/** The types of `moby.filesync.v1` packets: what there is, a request, content, the end, an error. */
export const packetType = { stat: 0, request: 1, data: 2, end: 3, error: 4 } as const

// The bits of Go's io/fs.FileMode.
const goTypes: Readonly<Record<ContextEntry["kind"], number>> = {
  file: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  "block-device": 2 ** 26,
  "character-device": 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
  // The engine would ask for its content and not get it. The docker command also sends an empty file.
  socket: 0
}

const goMode = ({ kind, mode }: ContextEntry): number =>
  (mode & 0o777) +
  goTypes[kind] +
  ((mode & 0o4000) === 0 ? 0 : 2 ** 23) +
  ((mode & 0o2000) === 0 ? 0 : 2 ** 22) +
  ((mode & 0o1000) === 0 ? 0 : 2 ** 20)

const emptyHead = Buffer.alloc(5)

/** Packets one after the other in one buffer, each as a gRPC message. The buffer is used again after `clear`. */
export class Packets {
  readonly #writer = new ProtoWriter()
  readonly #stat = new ProtoWriter()

  /** Valid until the next change. */
  get bytes(): Buffer {
    return this.#writer.bytes
  }

  get length(): number {
    return this.bytes.length
  }

  clear(): void {
    this.#writer.clear()
  }

  /** Describes an entry. All belong to root, as in every build context. */
  stat(entry: ContextEntry): void {
    this.#stat.clear()
    this.#stat.text(1, entry.path).integer(2, goMode(entry)).integer(5, entry.size).integer(6, entry.modified)
    this.#stat.text(7, entry.linkTarget).integer(8, entry.deviceMajor).integer(9, entry.deviceMinor)
    this.#message(() => this.#writer.nested(2, this.#stat.bytes))
  }

  /** Ends the description of the entries. */
  lastStat(): void {
    this.#message(() => {})
  }

  /** A part of a file. Returns the room for its bytes, valid until the next change. */
  data(id: number, length: number): Buffer {
    return this.#message(() => this.#writer.integer(1, packetType.data).integer(3, id).head(4, length).room(length))
  }

  /** Ends the content of a file. */
  lastData(id: number): void {
    this.#message(() => this.#writer.integer(1, packetType.data).integer(3, id))
  }

  #message<A>(write: () => A): A {
    const start = this.length
    this.#writer.room(emptyHead.length).set(emptyHead)
    const result = write()
    const bytes = this.bytes
    bytes.writeUInt32BE(bytes.length - start - emptyHead.length, start + 1)
    return result
  }
}

export const endPacket = (): Buffer => grpcFrame(new ProtoWriter().integer(1, packetType.end).bytes)

export const errorPacket = (message: string): Buffer =>
  grpcFrame(new ProtoWriter().integer(1, packetType.error).text(4, message).bytes)
