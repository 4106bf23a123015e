import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http"
import { Readable } from "node:stream"

/** What an engine answered: any status, the body whole. */
export interface EngineAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Buffer
  readonly text: string
  /** The body parsed as JSON; `undefined` when it is empty. */
  readonly json: unknown
}

/** `timeout` is in milliseconds (30 000 unless told) and counts silence on the socket, not the whole request. */
export interface EngineRequestOptions {
  readonly timeout?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Where an endpoint leads: `unix:///path`, a bare absolute path, `tcp://host:port` or `http://host:port`. */
export const connectionOf = (
  endpoint: string
): { readonly socketPath: string } | { readonly host: string; readonly port: number } => {
  if (endpoint.startsWith("/")) return { socketPath: endpoint }
  const url = new URL(endpoint)
  switch (url.protocol) {
    case "unix:":
      return { socketPath: decodeURIComponent(url.pathname) }
    case "tcp:":
    case "http:":
      return { host: url.hostname, port: url.port === "" ? 2375 : Number(url.port) }
    default:
      throw new Error(`Unsupported endpoint: ${endpoint}. The test harness supports unix://, tcp:// and http://.`)
  }
}

/**
 * One plain HTTP request to an engine, on node:http alone, so that a test can use it to check what the product said.
 * Any status is an answer; it rejects only when no whole answer came. A `Readable` or `Uint8Array` body is sent as a tar
 * stream, any other one as JSON. The path is sent as it is (`/containers/json?all=1`).
 */
export const engineRequest = (
  endpoint: string,
  method: string,
  path: string,
  body?: unknown,
  options: EngineRequestOptions = {}
): Promise<EngineAnswer> =>
  new Promise((resolve, reject) => {
    const binary = body instanceof Readable || body instanceof Uint8Array
    const type = body === undefined ? {} : { "Content-Type": binary ? "application/x-tar" : "application/json" }
    const request: RequestOptions = {
      ...connectionOf(endpoint),
      method,
      path,
      agent: false,
      headers: { Host: "docker", ...type, ...options.headers }
    }
    const sent = httpRequest(request, (response: IncomingMessage) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () => {
        const whole = Buffer.concat(chunks)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          get text() {
            return whole.toString("utf8")
          },
          get json(): unknown {
            return whole.length === 0 ? undefined : JSON.parse(whole.toString("utf8"))
          }
        })
      })
    })
    const timeout = options.timeout ?? 30_000
    sent.setTimeout(timeout, () => sent.destroy(new Error(`${method} ${path}: no response within ${timeout} ms`)))
    sent.on("error", reject)
    if (body instanceof Readable) {
      body.on("error", (error) => sent.destroy(error))
      body.pipe(sent)
    } else if (body === undefined) sent.end()
    else sent.end(body instanceof Uint8Array ? body : JSON.stringify(body))
  })

/** As `engineRequest`, but a status of 400 and above rejects with the engine's own words. */
export const engineCall = async (
  endpoint: string,
  method: string,
  path: string,
  body?: unknown,
  options: EngineRequestOptions = {}
): Promise<EngineAnswer> => {
  const answer = await engineRequest(endpoint, method, path, body, options)
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.trim()}`)
  return answer
}

/** The value at a path inside parsed JSON, `undefined` where the path leads nowhere: `jsonAt(x, "State", "Running")`. */
export const jsonAt = (value: unknown, ...path: ReadonlyArray<string | number>): unknown => {
  let here: unknown = value
  for (const key of path) {
    if (typeof here !== "object" || here === null) return undefined
    here = Reflect.get(here, key)
  }
  return here
}

/** Whether an engine answers at this endpoint now. */
export const answersPing = async (endpoint: string, timeout = 5_000): Promise<boolean> => {
  try {
    return (await engineRequest(endpoint, "GET", "/_ping", undefined, { timeout })).status === 200
  } catch {
    return false
  }
}
