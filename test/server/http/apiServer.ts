import { type InProcessOptions, type InProcessServer, startInProcess } from "../inProcessServer.js"

/** What a request has beside its method and its path. */
export interface ApiRequest {
  readonly accept?: string
  /** Sent as JSON unless it is a text or bytes, which have the given content type. */
  readonly body?: unknown
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** A response that has been read to its end. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The JSON that the text is, or the JSON of each of its lines. */
  readonly json: unknown
}

/** A server with requests of its own. */
export interface ApiServer extends InProcessServer {
  readonly open: (method: string, path: string, request?: ApiRequest) => Promise<Response>
  readonly ask: (method: string, path: string, request?: ApiRequest) => Promise<ApiAnswer>
}

const parse = (text: string, type: string): unknown => {
  if (type.startsWith("application/json")) return text === "" ? undefined : JSON.parse(text)
  if (!type.startsWith("application/x-ndjson")) return undefined
  return text.split("\n").flatMap((line): ReadonlyArray<unknown> => (line === "" ? [] : [JSON.parse(line)]))
}

const encoded = (body: unknown): string | Uint8Array<ArrayBuffer> =>
  typeof body === "string" ? body : body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body)

/** Starts a server, and asks it with its token. */
export const startApi = async (options: InProcessOptions): Promise<ApiServer> => {
  const server = await startInProcess(options)
  const open: ApiServer["open"] = (method, path, request = {}) =>
    fetch(`${server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${server.token}`,
        ...(request.accept === undefined ? {} : { accept: request.accept }),
        ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
        ...request.headers
      },
      ...(request.body === undefined ? {} : { body: encoded(request.body) }),
      ...(request.signal === undefined ? {} : { signal: request.signal })
    })
  return {
    ...server,
    open,
    ask: async (method, path, request) => {
      const response = await open(method, path, request)
      const text = await response.text()
      const { headers, status } = response
      return { status, headers, text, json: parse(text, headers.get("content-type") ?? "") }
    }
  }
}

/** A response that is read line by line. */
export interface LineReader {
  /** All lines so far. */
  readonly lines: ReadonlyArray<string>
  /** Resolves when the response has ended. Rejects if it was cut. */
  readonly ended: Promise<void>
  /** Leaves. */
  readonly cancel: () => Promise<void>
}

/** Starts to read a response. */
export const readLines = (response: Response): LineReader => {
  const lines: Array<string> = []
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  const ended = (async () => {
    while (reader !== undefined) {
      const { done, value = "" } = await reader.read()
      if (done) break
      const parts = (rest + value).split("\n")
      rest = parts.pop() ?? ""
      for (const part of parts) lines.push(part)
    }
  })()
  ended.catch(() => {})
  return { lines, ended, cancel: async () => reader?.cancel() }
}
