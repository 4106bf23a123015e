import { randomBytes } from "node:crypto"

const encoder = new TextEncoder()

/** Encodes text as UTF-8. */
export const inputBytes = (input: Uint8Array | string): Uint8Array =>
  typeof input === "string" ? encoder.encode(input) : input

/**
 * A key sequence that nobody types, for use as detach keys. With its default keys, ctrl-p ctrl-q, the engine holds back
 * every ctrl-p that is sent to a terminal, and detaches if ctrl-q follows. Detach keys cannot be turned off.
 */
export const unusedDetachKeys = (): string =>
  ["ctrl-@", ...Array.from(randomBytes(12), (byte) => String.fromCharCode(97 + (byte % 26)))].join(",")
