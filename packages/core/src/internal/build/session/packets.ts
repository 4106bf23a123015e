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

const writer = new ProtoWriter()
const inner = new ProtoWriter()

/** A gRPC message with what was written. */
const framed = (): Buffer => {
  const frame = grpcFrame(writer.bytes)
  writer.clear()
  return frame
}

/** Describes an entry. All belong to root, as in every build context. */
export const statPacket = (entry: ContextEntry): Buffer => {
  inner.clear()
  inner.text(1, entry.path).integer(2, goMode(entry)).integer(5, entry.size).integer(6, entry.modified)
  inner.text(7, entry.linkTarget).integer(8, entry.deviceMajor).integer(9, entry.deviceMinor)
  writer.nested(2, inner.bytes)
  return framed()
}

/** Ends the description of the entries. */
export const lastStatPacket = (): Buffer => framed()

/** Ends the content of a file. */
export const lastDataPacket = (id: number): Buffer => {
  writer.integer(1, packetType.data).integer(3, id)
  return framed()
}

/** What stands before a part of a file of this length, so that the part can be read into its place behind it. */
export const dataPacketHead = (id: number, length: number): Buffer => {
  writer.integer(1, packetType.data).integer(3, id).head(4, length)
  const frame = framed()
  frame.writeUInt32BE(frame.length - 5 + length, 1)
  return frame
}

export const endPacket = (): Buffer => {
  writer.integer(1, packetType.end)
  return framed()
}

export const errorPacket = (message: string): Buffer => {
  writer.integer(1, packetType.error).text(4, message)
  return framed()
}
