import type { Endpoint, StreamElements } from "../../Api/json/ApiTypes.js"
import { type ApiFailure, requestFailure, unexpectedResponse } from "./ApiFailure.js"
import { endpoints, type KnownEndpoint } from "./endpoints.js"
import { readJsonLines } from "./readJsonLines.js"
import { addressOf, type RequestParts } from "./requestOf.js"

/** How to send a request. */
export interface CallOptions {
  /** Cancels the request, and the reading of its answer. */
  readonly signal?: AbortSignal
  /** How long the server may take to answer, in milliseconds. Default: 20,000. */
  readonly timeout?: number
  /** Of an endpoint that starts an operation: repeated with the same key, the request starts nothing twice. */
  readonly idempotencyKey?: string
}

/** An error of an endpoint, or why there is no answer. Both have a `_tag` and a `message`. */
export type CallError<Name extends KnownEndpoint> = Endpoint<Name>["error"] | ApiFailure

/** The outcome of a request. `status` is that of the response, 0 if there was none. */
export type CallResult<A, E> =
  | { readonly ok: true; readonly value: A }
  | { readonly ok: false; readonly status: number; readonly error: E | ApiFailure }

/** An endpoint that streams JSON lines. */
type StreamingEndpoint = KnownEndpoint & keyof StreamElements

/** The HTTP API without Effect. Nothing here rejects: failures are values. */
export interface ApiCaller {
  /** Sends a request and reads the answer to its end. */
  call<Name extends KnownEndpoint>(
    name: Name,
    request: Endpoint<Name>["request"],
    options?: CallOptions
  ): Promise<CallResult<Endpoint<Name>["success"], Endpoint<Name>["error"]>>
  /** Sends a request and reads JSON lines as they come. The timeout ends with the first of them; a lost connection rejects. */
  lines<Name extends StreamingEndpoint>(
    name: Name,
    request: Endpoint<Name>["request"],
    options?: CallOptions
  ): Promise<CallResult<AsyncIterable<ReadonlyArray<StreamElements[Name]>>, Endpoint<Name>["error"]>>
  /** Gives up all requests that wait for an answer: nothing gets through. */
  abortAll(): void
}

/** Where the API is, and as whom to ask. */
export interface ApiCallerOptions {
  /** The server's address, with the folder that it is mounted in. */
  readonly url: string
  /** Pages that the server has served need none: their cookie authenticates them. */
  readonly token?: string
  /** In place of the platform's. */
  readonly fetch?: typeof globalThis.fetch
}

const defaultTimeout = 20_000

// The server that sent the page sends the answers too, so their shapes are those that the page was compiled with.
const isExpected = <A>(value: unknown): value is A => value !== undefined

const isTagged = <E>(body: unknown): body is E =>
  typeof body === "object" && body !== null && typeof Reflect.get(body, "_tag") === "string"

/** What makes a request end early. */
interface Ending {
  readonly controller: AbortController
  readonly hasTimedOut: () => boolean
  /** The answer has come: no more timeout. */
  readonly answered: () => void
  readonly done: () => void
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Makes a client of the HTTP API. */
export const makeApiCaller = ({ fetch = globalThis.fetch, token, url }: ApiCallerOptions): ApiCaller => {
  const inFlight = new Set<AbortController>()

  const begin = ({ signal, timeout = defaultTimeout }: CallOptions): Ending => {
    const controller = new AbortController()
    let timedOut = false
    const expire = (): void => {
      timedOut = true
      controller.abort()
    }
    const timer = setTimeout(expire, timeout)
    const abort = (): void => controller.abort()
    if (signal?.aborted === true) abort()
    signal?.addEventListener("abort", abort)
    inFlight.add(controller)
    const answered = (): void => {
      clearTimeout(timer)
      inFlight.delete(controller)
    }
    return {
      controller,
      hasTimedOut: () => timedOut,
      answered,
      done: () => {
        answered()
        signal?.removeEventListener("abort", abort)
      }
    }
  }

  const send = (name: KnownEndpoint, request: RequestParts, options: CallOptions, ending: Ending, accept: string) => {
    const [method, path] = endpoints[name]
    const { body } = request
    return fetch(new URL(addressOf(path, request), url), {
      method,
      signal: ending.controller.signal,
      headers: {
        accept,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { "x-dockwire-token": token }),
        ...(options.idempotencyKey === undefined ? {} : { "idempotency-key": options.idempotencyKey })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  }

  const failed = ({ controller, hasTimedOut }: Ending, options: CallOptions) => {
    // `abortAll` means that the server does not answer.
    const isCancelled = options.signal?.aborted === true
    const error = requestFailure(hasTimedOut() || (controller.signal.aborted && !isCancelled), isCancelled)
    return { ok: false, status: 0, error } as const
  }

  const refused = async <E>(response: Response) => {
    const body = parse(await response.text())
    const error = isTagged<E>(body) ? body : unexpectedResponse(response.status, body)
    return { ok: false, status: response.status, error } as const
  }

  const call = async <Name extends KnownEndpoint>(
    name: Name,
    request: Endpoint<Name>["request"],
    options: CallOptions = {}
  ): Promise<CallResult<Endpoint<Name>["success"], Endpoint<Name>["error"]>> => {
    const ending = begin(options)
    try {
      const response = await send(name, request, options, ending, "application/json, text/plain")
      if (!response.ok) return await refused<Endpoint<Name>["error"]>(response)
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.startsWith("application/json") === true
      const value = isJson ? parse(text) : text === "" ? null : text
      if (isExpected<Endpoint<Name>["success"]>(value)) return { ok: true, value }
      return { ok: false, status: response.status, error: unexpectedResponse(response.status, undefined) }
    } catch {
      return failed(ending, options)
    } finally {
      ending.done()
    }
  }

  const lines = async <Name extends StreamingEndpoint>(
    name: Name,
    request: Endpoint<Name>["request"],
    options: CallOptions = {}
  ): Promise<CallResult<AsyncIterable<ReadonlyArray<StreamElements[Name]>>, Endpoint<Name>["error"]>> => {
    const ending = begin(options)
    try {
      const response = await send(name, request, options, ending, "application/x-ndjson")
      ending.answered()
      if (!response.ok) return await refused<Endpoint<Name>["error"]>(response)
      const body = response.body ?? new Blob([]).stream()
      return { ok: true, value: readJsonLines(body, isExpected<StreamElements[Name]>) }
    } catch {
      return failed(ending, options)
    }
  }

  return { call, lines, abortAll: () => inFlight.forEach((controller) => controller.abort()) }
}
