import type { LogStream } from "../../LogEvent.js"

/** The content type of a stream of frames, which carries stdout and stderr. */
export const multiplexedStream = "application/vnd.docker.multiplexed-stream"

/** The content type of a stream without frames, as containers with a TTY have it. */
export const rawStream = "application/vnd.docker.raw-stream"

/** What a frame carries: the output of a program, or an error of the engine. */
const types = { stdout: 1, stderr: 2, error: 3 }

/** Encodes a frame of a multiplexed stream: stream type, length and payload. */
export const encodeFrame = (type: LogStream | "error", payload: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(8 + payload.length)
  bytes[0] = types[type]
  bytes.writeUInt32BE(payload.length, 4)
  bytes.set(payload, 8)
  return bytes
}
