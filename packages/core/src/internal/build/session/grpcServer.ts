import { performServerHandshake, type ServerHttp2Stream } from "node:http2"
import type { Duplex } from "node:stream"

/** The codes of gRPC that are used here. */
export const grpcStatus = {
  unknown: 2,
  notFound: 5,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14
} as const

/** Ends a call with a status other than 0. */
export class GrpcFailure extends Error {
  constructor(
    readonly code: number,
    message: string
  ) {
    super(message)
  }
}

const maxMessageLength = 4 * 1024 * 1024

/** A message with its head. */
export const grpcFrame = (message: Uint8Array): Buffer => {
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

/** A call of the client. */
export class GrpcCall {
  readonly #stream: ServerHttp2Stream
  readonly #headers: ReadonlyArray<string>

  constructor(stream: ServerHttp2Stream, headers: ReadonlyArray<string>) {
    this.#stream = stream
    this.#headers = headers
  }

  /** The values of a header, each as it was sent: joined, those with a comma could not be told apart. */
  header(name: string): ReadonlyArray<string> {
    return this.#headers.filter((_, index) => index % 2 === 1 && this.#headers[index - 1] === name)
  }

  /** The messages of the client. */
  async *messages(): AsyncGenerator<Buffer, void> {
    let rest: Buffer = Buffer.alloc(0)
    for await (const chunk of this.#stream.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) continue
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let start = 0
      while (bytes.length - start >= 5) {
        const end = start + 5 + bytes.readUInt32BE(start + 1)
        if (bytes[start] !== 0) throw new GrpcFailure(grpcStatus.unimplemented, "compression is not supported")
        if (end - start > maxMessageLength) throw new GrpcFailure(grpcStatus.unknown, "the message is too long")
        if (end > bytes.length) break
        yield bytes.subarray(start + 5, end)
        start = end
      }
      rest = bytes.subarray(start)
    }
  }

  /** Sends messages with their heads. Resolves when they are on their way, and the buffer can be used again. */
  send(frames: Uint8Array): Promise<void> {
    this.#respond()
    const cancelled = () => new GrpcFailure(grpcStatus.unavailable, "the call was cancelled")
    return new Promise((resolve, reject) => {
      if (this.#stream.destroyed) reject(cancelled())
      else this.#stream.write(frames, (error) => (error ? reject(cancelled()) : resolve()))
    })
  }

  /** Ends the call. */
  end(failure?: GrpcFailure): void {
    if (this.#stream.destroyed || this.#stream.closed) return
    const { code = 0, message = "" } = failure ?? {}
    const status = { "grpc-status": String(code), "grpc-message": encodeURIComponent(message) }
    this.#stream.on("wantTrailers", () => this.#stream.sendTrailers(status))
    this.#respond()
    this.#stream.end()
  }

  #respond(): void {
    if (this.#stream.headersSent || this.#stream.destroyed) return
    this.#stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
  }
}

/** Answers a call. What it rejects with ends the call. */
export type GrpcMethod = (call: GrpcCall) => Promise<void>

/** Serves gRPC on a connection. `onClosed` is called once. Returns what closes it. */
export const serveGrpc = (
  socket: Duplex,
  methods: ReadonlyMap<string, GrpcMethod>,
  onClosed: (error: Error | undefined) => void
): (() => void) => {
  const session = performServerHandshake(socket)
  session.on("error", () => {})
  session.once("close", () => onClosed(socket.errored ?? undefined))
  session.on(
    "stream",
    (stream: ServerHttp2Stream, headers: { ":path"?: string }, _flags: number, raw: Array<string>) => {
      stream.on("error", () => {})
      const call = new GrpcCall(stream, raw)
      const method = methods.get(headers[":path"] ?? "")
      const answer = method?.(call) ?? Promise.reject(new GrpcFailure(grpcStatus.unimplemented, "unknown method"))
      answer.then(
        () => call.end(),
        (error) => call.end(error instanceof GrpcFailure ? error : new GrpcFailure(grpcStatus.unknown, String(error)))
      )
    }
  )
  return () => session.destroy()
}
