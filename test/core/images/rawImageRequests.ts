import type { Docker } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { engineRequest } from "../../engine/engineRequest.js"

/** A response as it came: its status, and its body as JSON values, one for each line. */
export interface RawResponse {
  readonly status: number
  readonly lines: ReadonlyArray<unknown>
  readonly bytes: Uint8Array
}

/** How to send a request. */
export interface RawOptions {
  readonly body?: Uint8Array | object
  readonly auth?: string
}

/** Sends a request whose path has a query, such as `/images/json?all=1`. */
export type SendRaw = (method: "GET" | "POST" | "DELETE", path: string, options?: RawOptions) => Promise<RawResponse>

const parseLines = (bytes: Uint8Array): ReadonlyArray<unknown> =>
  new TextDecoder()
    .decode(bytes)
    .split(/\r?\n/)
    .flatMap((line): ReadonlyArray<unknown> => {
      try {
        return line === "" ? [] : [JSON.parse(line)]
      } catch {
        return ["not JSON"]
      }
    })

/** Sends requests to a real engine. */
export const toEngine =
  (endpoint: string): SendRaw =>
  async (method, path, { auth, body } = {}) => {
    const headers = auth === undefined ? {} : { "X-Registry-Auth": auth }
    const answer = await engineRequest(endpoint, method, path, body, { headers, timeout: 120_000 })
    return { status: answer.status, lines: parseLines(answer.body), bytes: answer.body }
  }

/** Sends requests to the engine behind `Docker`. */
export const toDocker =
  (docker: typeof Docker.Service): SendRaw =>
  (method, path, { auth, body } = {}) => {
    const url = new URL(path, "http://engine")
    const query = Object.fromEntries(
      [...url.searchParams.keys()].map((key) => [key, url.searchParams.getAll(key)] as const)
    )
    const request = {
      method,
      path: url.pathname,
      query,
      ...(auth === undefined ? {} : { headers: { "X-Registry-Auth": Redacted.make(auth) } }),
      ...(body instanceof Uint8Array ? { upload: Stream.make(body) } : body === undefined ? {} : { body })
    }
    return docker.stream(request).pipe(
      Effect.flatMap(({ body, status }) =>
        Effect.map(Stream.runCollect(body), (chunks): RawResponse => {
          const bytes = Buffer.concat(Chunk.toReadonlyArray(chunks))
          return { status, lines: parseLines(bytes), bytes }
        })
      ),
      Effect.catchTag("EngineError", ({ detail, status }) =>
        Effect.succeed({ status, lines: [{ message: detail }], bytes: new Uint8Array() })
      ),
      Effect.scoped,
      Effect.runPromise
    )
  }
