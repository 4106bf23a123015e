/** The frames of one payload, for as long as it is referenced: the same bytes are often written to many connections. */
const frames = new WeakMap<Buffer, Buffer>()

/** A whole text frame of the WebSocket protocol, without a mask. */
const encode = (payload: Buffer): Buffer => {
  const { length } = payload
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(size + length)
  frame[0] = 0x81
  if (size === 2) frame[1] = length
  else if (size === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.set(payload, size)
  return frame
}

/** The payload as a text frame in one piece, which takes the system half as long to write as header and payload apart. */
export const textFrame = (payload: Buffer): Buffer => {
  const known = frames.get(payload)
  if (known !== undefined) return known
  const frame = encode(payload)
  frames.set(payload, frame)
  return frame
}
