import { once } from "node:events"
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { RegistryAccess, type RegistryAccessOptions } from "./registryAccess.js"
import type { RegistryAnswer, RegistryPart } from "./registryAnswers.js"
import type { RegistryContent, RegistryImage } from "./registryImage.js"
import { type RegistryPath, RegistryStore } from "./registryStore.js"

/** What a front does instead of responding as a registry should. */
export type RegistryFault =
  | ({ readonly kind: "answer" } & RegistryAnswer)
  /** Sends nothing; of a blob, only its first bytes. */
  | { readonly kind: "silent"; readonly on: "manifest" | "blob" | "upload"; readonly after?: number }
  /** Closes the connection without an answer. */
  | { readonly kind: "hangUp"; readonly on: RegistryPart }
  /** Does everything that much later, also the check of a token, for the first request. */
  | { readonly kind: "delay"; readonly on: RegistryPart; readonly milliseconds: number }
  /**
   * Breaks the connection after that many bytes of a blob; of every larger one unless `times` says how often. With `isLast`, it
   * sends nothing of a blob from then on.
   */
  | { readonly kind: "cut"; readonly after: number; readonly times?: number; readonly isLast?: true }
  /** Sends other bytes of the same length for blobs of at least this size. */
  | { readonly kind: "wrongContent"; readonly atLeast?: number }
  /** Sends blobs at this rate. */
  | { readonly kind: "throttle"; readonly bytesPerSecond: number }

/** A request that a front has received. */
export interface FrontRequest {
  readonly method: string
  readonly path: string
  /** What the request is for; `undefined` for `/v2/` and unknown paths. */
  readonly part: RegistryPart | undefined
  readonly repository: string | undefined
  readonly authorization: string | undefined
  readonly range: string | undefined
  /** What was posted to the token endpoint. */
  readonly form: string
}

/** How a front is made. */
export interface RegistryFrontOptions {
  /** The registry behind it, as `host:port`. Without one, the front is a registry in memory. */
  readonly upstream?: string
  readonly access?: RegistryAccessOptions
  /** A port of the loopback; a free one unless given. */
  readonly port?: number
}

/** An HTTP server that behaves as a registry on this machine's loopback, and misbehaves where it is told to. */
export interface RegistryFront {
  /** What comes before the repository in the name of an image: `127.0.0.1:port`. */
  readonly host: string
  readonly port: number
  /** Every request so far. */
  readonly requests: ReadonlyArray<FrontRequest>
  /** How many responses about a repository it is sending. An engine that gives up on a silent one may leave it open. */
  readonly openResponses: (repository: string) => number
  /** Sets the faults of a repository, or of all that have none of their own. Without faults it works again. */
  readonly break: (repository: string | undefined, ...faults: ReadonlyArray<RegistryFault>) => void
  /** Puts an image into the registry in memory. */
  readonly add: (repository: string, tag: string, image: RegistryImage | RegistryContent) => void
  /** Breaks every connection and refuses new ones until `resume`. */
  readonly pause: () => Promise<void>
  readonly resume: () => Promise<void>
  readonly stop: () => Promise<void>
}

const route = /^\/v2\/(.+)\/(manifests|blobs)\/([^?]+)/

const pathOf = (path: string): RegistryPath | undefined => {
  const [, repository, kind, reference] = route.exec(path) ?? []
  return repository === undefined || reference === undefined
    ? undefined
    : { repository, kind: kind === "blobs" ? kind : "manifests", reference }
}

const partOf = (path: string): RegistryPart | undefined => {
  if (/^\/token(\?|$)/.test(path)) return "token"
  const found = pathOf(path)
  if (found === undefined) return undefined
  return found.kind === "manifests" ? "manifest" : found.reference.startsWith("uploads") ? "upload" : "blob"
}

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of message) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** Waits until more can be written, or nothing any more. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done)
      resolve()
    }
    response.on("drain", done).on("close", done)
  })

class Front {
  readonly requests: Array<FrontRequest> = []
  readonly faults = new Map<string | undefined, ReadonlyArray<RegistryFault>>()
  readonly store = new RegistryStore()
  /** How often these faults have occurred. */
  readonly times = new Map<RegistryFault, number>()
  readonly #upstream: string | undefined
  readonly #access: RegistryAccess | undefined

  constructor(upstream: string | undefined, access: RegistryAccess | undefined) {
    this.#upstream = upstream
    this.#access = access
  }

  async handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = message.url ?? ""
    const part = partOf(path)
    const registryPath = pathOf(path)
    const repository = registryPath?.repository
    const form = part === "token" && message.method === "POST" ? (await bodyOf(message)).toString() : ""
    const { authorization, range } = message.headers
    this.requests.push({ method: message.method ?? "", path, part, repository, authorization, range, form })
    const faults = this.faults.get(repository) ?? this.faults.get(undefined) ?? []
    const answer = faults.find(
      (fault) =>
        fault.kind === "answer" &&
        (fault.atLeast === undefined || this.store.sizeOf(registryPath) >= fault.atLeast) &&
        (fault.on.includes("all") ? part !== "token" : part !== undefined && fault.on.includes(part))
    )
    if (part === "token") {
      if (answer?.kind === "answer") this.#answer(message, response, answer)
      else this.#giveToken(path, authorization, form, response)
      return
    }
    const delay = faults.find((fault) => fault.kind === "delay" && fault.on === part && !this.times.has(fault))
    if (delay?.kind === "delay") {
      this.times.set(delay, 1)
      await sleep(delay.milliseconds)
    }
    const isRead = message.method === "GET" || message.method === "HEAD"
    const scope = repository === undefined ? "" : `repository:${repository}:${isRead ? "pull" : "pull,push"}`
    const challenge =
      // Docker Hub demands a token of everyone, also for `/v2/`.
      this.#access?.challenge(authorization, scope, isRead)
    if (challenge !== undefined) {
      const body = JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] })
      const headers = { "Content-Type": "application/json", "WWW-Authenticate": challenge.header }
      this.#answer(message, response, { on: [], status: 401, headers, body })
    } else if (answer?.kind === "answer") this.#answer(message, response, answer)
    else if (faults.some((fault) => fault.kind === "hangUp" && fault.on === part)) message.socket.destroy()
    else if (part !== "blob" && faults.some((fault) => fault.kind === "silent" && fault.on === part)) {
      message.resume()
    } else if (this.#upstream !== undefined) await this.#forward(message, response, part, faults)
    else {
      await this.store.handle(message, response, registryPath, (response, body) =>
        this.#send(response, [body], body.length, faults)
      )
    }
  }

  #answer(message: IncomingMessage, response: ServerResponse, { body, headers, status }: RegistryAnswer): void {
    message.resume()
    response.writeHead(status, { ...headers, "Docker-Distribution-Api-Version": "registry/2.0" })
    response.end(message.method === "HEAD" ? undefined : body)
  }

  #giveToken(path: string, authorization: string | undefined, form: string, response: ServerResponse): void {
    const query = new URLSearchParams(form === "" ? path.slice(path.indexOf("?") + 1) : form)
    const token = this.#access?.token(authorization, query)
    response.writeHead(token === undefined ? 401 : 200, { "Content-Type": "application/json" })
    response.end(
      JSON.stringify(
        token === undefined
          ? { details: "incorrect username or password" }
          : { token, access_token: token, expires_in: 300, issued_at: new Date().toISOString() }
      )
    )
  }

  #forward(
    message: IncomingMessage,
    response: ServerResponse,
    part: RegistryPart | undefined,
    faults: ReadonlyArray<RegistryFault>
  ): Promise<void> {
    return new Promise((resolve) => {
      const { authorization: _, ...headers } = message.headers
      const sent = httpRequest(`http://${this.#upstream}${message.url}`, { method: message.method, headers })
      sent.on("error", () => {
        response.destroy()
        resolve()
      })
      response.on("close", () => sent.destroy())
      sent.on("response", (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        const length = Number(answer.headers["content-length"] ?? 0)
        const isContent = part === "blob" && message.method === "GET"
        void this.#send(response, answer, length, isContent ? faults : []).then(resolve, resolve)
      })
      message.pipe(sent)
    })
  }

  /** Sends a body with the faults that a blob can have. */
  async #send(
    response: ServerResponse,
    body: AsyncIterable<Buffer> | Iterable<Buffer>,
    length: number,
    faults: ReadonlyArray<RegistryFault>
  ): Promise<void> {
    const limit = this.#limit(length, faults)
    const rate = faults.find((fault) => fault.kind === "throttle")?.bytesPerSecond
    const isWrong = faults.some((fault) => fault.kind === "wrongContent" && length >= (fault.atLeast ?? 0))
    let sent = 0
    for await (const chunk of body) {
      const part = rate === undefined ? chunk.length : Math.max(1, Math.round(rate / 20))
      for (let at = 0; at < chunk.length; at += part) {
        const piece = Buffer.from(chunk.subarray(at, Math.min(at + part, at + limit.bytes - sent)))
        sent += piece.length
        // The last byte differs, so that the error shows only once all of the content is there.
        if (isWrong && sent === length) piece[piece.length - 1] = (piece.at(-1) ?? 0) ^ 0xff
        if (!response.write(piece)) await drained(response)
        if (response.destroyed) return
        if (sent >= limit.bytes) {
          if (limit.isCut === true) response.socket?.destroySoon()
          return
        }
        if (rate !== undefined) await sleep(50)
      }
    }
    response.end()
  }

  #limit(length: number, faults: ReadonlyArray<RegistryFault>): { readonly bytes: number; readonly isCut?: boolean } {
    for (const fault of faults) {
      if (fault.kind === "silent" && fault.on === "blob" && length > (fault.after ?? 0)) {
        return { bytes: fault.after ?? 0 }
      }
      if (fault.kind !== "cut" || length <= fault.after) continue
      const cuts = this.times.get(fault) ?? 0
      if (cuts >= (fault.times ?? Infinity)) continue
      this.times.set(fault, cuts + 1)
      return { bytes: cuts > 0 && fault.isLast === true ? 0 : fault.after, isCut: true }
    }
    return { bytes: Infinity }
  }
}

/** Starts a front before a registry, or one that serves images itself. */
export const startRegistryFront = async (options: RegistryFrontOptions = {}): Promise<RegistryFront> => {
  const sockets = new Set<Socket>()
  const open = new Set<IncomingMessage>()
  const state: { front?: Front } = {}
  const server = createServer((message, response) => {
    open.add(message)
    response.on("error", () => {})
    response.on("close", () => open.delete(message))
    state.front?.handle(message, response).catch(() => response.destroy())
  })
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  // Engines try TLS first.
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")
  })
  const listen = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1")
    await once(server, "listening")
    const address = server.address()
    if (address === null || typeof address === "string") throw new Error("The server does not listen on a port.")
    return address.port
  }
  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, "close")
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  const port = await listen(options.port ?? 0)
  const host = `127.0.0.1:${port}`
  const access = options.access === undefined ? undefined : new RegistryAccess(options.access, host)
  const front = new Front(options.upstream, access)
  state.front = front
  return {
    host,
    port,
    requests: front.requests,
    openResponses: (repository) => [...open].filter(({ url }) => url?.includes(`/${repository}/`)).length,
    break: (repository, ...faults) => {
      if (faults.length === 0) front.faults.delete(repository)
      else front.faults.set(repository, faults)
    },
    add: (repository, tag, image) => front.store.add(repository, tag, image),
    pause: close,
    resume: async () => void (await listen(port)),
    stop: close
  }
}
