import type { LogStream } from "../../LogEvent.js"

/** The content type of a stream of frames, which carries stdout and stderr. */
export const multiplexedStream = "application/vnd.docker.multiplexed-stream"

/** The content type of a stream without frames, as containers with a TTY have it. */
export const rawStream = "application/vnd.docker.raw-stream"

/** Encodes a frame of a multiplexed stream: stream type, length and payload. */
export const encodeFrame = (stream: LogStream, payload: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(8 + payload.length)
  bytes[0] = stream === "stdout" ? 1 : 2
  bytes.writeUInt32BE(payload.length, 4)
  bytes.set(payload, 8)
  return bytes
}
