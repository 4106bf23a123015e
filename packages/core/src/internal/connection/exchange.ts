import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import type * as Runtime from "effect/Runtime"
import { IncomingMessage } from "node:http"
import { Duplex, type Readable } from "node:stream"
import { inspect } from "node:util"
import type { DockerRequest } from "../../Docker.js"
import { type DockerFailure, EngineUnavailable } from "../../DockerError.js"
import { engineError } from "./response.js"
import { streamReadable } from "./streamReadable.js"
import { engineUnavailable } from "./unavailable.js"

/** A request as it is sent. */
export interface DialRequest {
  readonly method: DockerRequest["method"]
  readonly path: string
  readonly query: Readonly<Record<string, string | number | boolean | ReadonlyArray<string>>>
  readonly headers: Readonly<Record<string, string | Array<string>>>
  /** Sent with its length if it is a buffer, and in chunks if it is a stream. */
  readonly body: Buffer | Readable | undefined
  /** Whether to ask the engine to upgrade the connection. */
  readonly upgrade: boolean
  /** Closes the connection. */
  readonly signal: AbortSignal
}

/**
 * Sends a request. Calls back with the response, whatever its status, or with the socket of an upgraded connection. May
 * throw if the request cannot be written.
 */
export type Dial = (request: DialRequest, callback: (error: Error | null, answer: unknown) => void) => void

/** How requests get to an engine. */
export interface EngineConnection {
  /** The endpoint as a URL. */
  readonly endpoint: string
  readonly dial: Dial
  /** For requests that have no timeout of their own. */
  readonly requestTimeout: Duration.Duration
  /** Runs the streams that are uploaded. */
  readonly runtime: Runtime.Runtime<never>
}

/** Receives the outcome of an exchange. `onFailure` may still be called after a response, until the exchange is settled. */
export interface ExchangeHandlers {
  readonly onResponse: (response: IncomingMessage) => void
  readonly onFailure: (error: DockerFailure) => void
  /** Asks for an upgrade of the connection, and receives its socket. */
  readonly onUpgrade?: (socket: Duplex) => void
}

/** The longest delay of a Node timer. A longer one would fire at once. */
const maxTimerMillis = 2 ** 31 - 1

type AbortListener = Parameters<AbortSignal["addEventListener"]>[1]

const ignoreError = (): void => {}

/**
 * A signal to close a connection, for the listeners that Node's requests and sockets add. Node's own signal takes several times as
 * long to create, and docker-modem formats it for its debug log with every request, even if debugging is off.
 */
class CloseSignal implements AbortSignal {
  aborted = false
  readonly reason = undefined
  onabort: AbortSignal["onabort"] = null
  readonly #listeners = new Set<AbortListener>()

  abort(): void {
    if (this.aborted) return
    this.aborted = true
    this.dispatchEvent(new Event("abort"))
  }

  addEventListener(_type: string, listener: AbortListener): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: string, listener: AbortListener): void {
    this.#listeners.delete(listener)
  }

  dispatchEvent(event: Event): boolean {
    for (const listener of this.#listeners) {
      if (typeof listener === "function") listener(event)
      else listener.handleEvent(event)
    }
    return true
  }

  throwIfAborted(): void {
    if (this.aborted) throw new Error("the request was closed")
  }

  [inspect.custom](): string {
    return "AbortSignal"
  }
}

const jsonBuffer = (body: unknown): Buffer | undefined =>
  body === undefined ? undefined : Buffer.from(JSON.stringify(body))

/** One request to the engine, from its first byte until the response has been read: its timeout, its upload, its abort. */
export class Exchange {
  readonly #connection: EngineConnection
  readonly #request: DockerRequest
  readonly #handlers: ExchangeHandlers
  readonly #signal = new CloseSignal()
  readonly #timeout: Duration.Duration
  readonly #upload: Readable | undefined
  readonly #startedAt: number
  #timer: NodeJS.Timeout | undefined
  #socket: Duplex | undefined
  #isSettled = false
  #response: IncomingMessage | undefined

  /** `startedAt`, by `performance.now()`, is when the timeout began, if that was before this attempt. */
  constructor(
    connection: EngineConnection,
    request: DockerRequest,
    handlers: ExchangeHandlers,
    startedAt = performance.now()
  ) {
    this.#connection = connection
    this.#request = request
    this.#handlers = handlers
    this.#startedAt = startedAt
    this.#timeout = Duration.decode(request.timeout ?? connection.requestTimeout)
    if (request.upload === undefined) return
    const { method, path } = request
    // An upload takes as long as its content does, but the engine must accept it.
    this.#upload = streamReadable(request.upload, connection.runtime, {
      onWaiting: () => this.#startTimer(`${method} ${path}: the engine accepted nothing of the upload`),
      onRead: () => clearTimeout(this.#timer)
    })
  }

  /** Sends the request. */
  send(): void {
    const { method, path } = this.#request
    const detail = `no response to ${method} ${path}`
    if (this.#upload === undefined) this.#startTimer(detail, performance.now() - this.#startedAt)
    else this.#upload.once("end", () => this.#startTimer(detail))
    try {
      this.#connection.dial(this.#dialRequest(), (error, answer) => this.#receive(error, answer))
    } catch (error) {
      // The query or the body cannot be serialized.
      this.close()
      this.#handlers.onFailure(engineError(this.#request, 400, `request not sent: ${String(error)}`))
    }
  }

  /** Stops the timeout, as what was waited for has arrived. */
  settle(): void {
    this.#isSettled = true
    clearTimeout(this.#timer)
  }

  /** Closes the connection, unless the response has been read to its end. */
  close(): void {
    this.settle()
    this.#upload?.destroy()
    // Aborting creates an error and costs the connection, which a response that has been read leaves to the next request.
    if (this.#response?.readableEnded !== true) this.#signal.abort()
    this.#socket?.destroy()
  }

  #dialRequest(): DialRequest {
    const { body, method, path, query = {} } = this.#request
    const upgrade = this.#handlers.onUpgrade !== undefined
    const given: Record<string, string | number | boolean | ReadonlyArray<string>> = {}
    for (const [name, value] of Object.entries(query)) if (value !== undefined) given[name] = value
    return {
      method,
      path,
      query: given,
      headers: this.#headers(),
      // An upgrade without a body would be sent in chunks, and Podman passes the last chunk to the container as input.
      body: this.#upload ?? jsonBuffer(body) ?? (upgrade ? Buffer.alloc(0) : undefined),
      upgrade,
      signal: this.#signal
    }
  }

  #headers(): Record<string, string | Array<string>> {
    const { body, headers = {} } = this.#request
    const sent: Record<string, string | Array<string>> =
      this.#upload === undefined && body !== undefined ? { "Content-Type": "application/json" } : {}
    let isSecret = false
    for (const [name, value] of Object.entries(headers)) {
      sent[name] = typeof value === "string" ? value : Redacted.isRedacted(value) ? Redacted.value(value) : [...value]
      isSecret ||= Redacted.isRedacted(value)
    }
    // docker-modem prints them in its debug log.
    if (isSecret) Object.defineProperty(sent, inspect.custom, { value: () => "<redacted>" })
    return sent
  }

  /** Starts the timeout. `detail` says what has not happened when it is over. */
  #startTimer(detail: string, elapsedMillis = 0): void {
    clearTimeout(this.#timer)
    if (this.#isSettled || !Duration.isFinite(this.#timeout)) return
    this.#timer = setTimeout(
      () => {
        this.#handlers.onFailure(
          new EngineUnavailable({
            endpoint: this.#connection.endpoint,
            reason: "TimedOut",
            detail: `${detail} within ${Duration.format(this.#timeout)}`
          })
        )
        this.close()
      },
      Math.max(0, Math.min(Duration.toMillis(this.#timeout) - elapsedMillis, maxTimerMillis))
    )
  }

  /** An engine may refuse an upload before it has read all of it. The connection can't be used again then. */
  #closeWithUpload(upload: Readable, response: IncomingMessage): void {
    response.once("end", () => {
      if (upload.readableEnded) return
      this.#signal.abort()
      this.close()
    })
  }

  #receive(error: Error | null, answer: unknown): void {
    const { onFailure, onResponse, onUpgrade } = this.#handlers
    if (answer instanceof IncomingMessage) {
      this.#response = answer
      if (this.#upload !== undefined) this.#closeWithUpload(this.#upload, answer)
      answer.on("error", ignoreError)
      onResponse(answer)
    } else if (answer instanceof Duplex && onUpgrade !== undefined) {
      this.#socket = answer
      answer.on("error", ignoreError)
      onUpgrade(answer)
    } else {
      this.close()
      onFailure(engineUnavailable(this.#connection.endpoint, error ?? undefined))
    }
  }
}
