import type { LogStream } from "../../LogEvent.js"

/** A frame of the engine's multiplexed streams. */
export const frame = (stream: LogStream, payload: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(8 + payload.length)
  bytes[0] = stream === "stdout" ? 1 : 2
  bytes.writeUInt32BE(payload.length, 4)
  bytes.set(payload, 8)
  return bytes
}

/** The content type of frames. */
export const multiplexed = "application/vnd.docker.multiplexed-stream"

/** The content type of what comes as a terminal shows it. */
export const raw = "application/vnd.docker.raw-stream"
