/** The server that a command asks, and in which words its requests fail. */
import type { Endpoint, StreamElements } from "../../Api/json/ApiTypes.js"
import { type CallOptions, type CallResult, makeApiCaller } from "../../client/api/ApiCaller.js"
import type { KnownEndpoint } from "../../client/api/endpoints.js"
import { CommandFailure } from "./CommandFailure.js"
import type { ServerAddress } from "./findServer.js"

/** The server refused a request. `error` is what it answered. */
export class RequestRefused extends CommandFailure {
  readonly error: { readonly _tag: string; readonly message: string }

  constructor(error: RequestRefused["error"], message: string) {
    super(message)
    this.error = error
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "the host name can't be resolved",
  EAI_AGAIN: "the host name can't be resolved",
  ETIMEDOUT: "there was no answer in time",
  UND_ERR_CONNECT_TIMEOUT: "there was no answer in time",
  ECONNRESET: "the connection was closed",
  UND_ERR_SOCKET: "the connection was closed"
}

/** Why `fetch` failed. */
const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  return reasons[code] ?? (cause instanceof Error && cause.message !== "" ? cause.message : code)
}

/** How long the server may take to answer, in milliseconds. */
const timeout = 30_000

/** Asks one server. What fails is a `CommandFailure`. */
export class RemoteServer {
  /** Without a user name and password. */
  readonly url: string
  readonly #api
  #reason = ""

  constructor({ token, url }: ServerAddress) {
    const base = new URL(url)
    // A user name and password are for a proxy, which needs `Authorization` for them. `fetch` takes none in an address.
    const credentials = `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`
    const proxy = credentials === ":" ? undefined : `Basic ${Buffer.from(credentials, "utf8").toString("base64")}`
    base.username = ""
    base.password = ""
    if (!base.pathname.endsWith("/")) base.pathname += "/"
    this.url = base.href.replace(/\/$/, "")
    this.#api = makeApiCaller({
      url: base.href,
      token,
      fetch: async (input, init) => {
        try {
          const headers = new Headers(init?.headers)
          if (proxy !== undefined) headers.set("authorization", proxy)
          return await fetch(input, { ...init, headers, redirect: "manual" })
        } catch (error) {
          this.#reason = reasonOf(error)
          throw error
        }
      }
    })
  }

  /** Sends a request and reads the answer to its end. */
  async call<Name extends KnownEndpoint>(
    name: Name,
    request: Endpoint<Name>["request"],
    options: CallOptions = {}
  ): Promise<Endpoint<Name>["success"]> {
    return this.#valueOf(await this.#api.call(name, request, { timeout, ...options }))
  }

  /** Sends a request and reads JSON lines as they come. `missing` is what is lost when they end early. */
  async *lines<Name extends KnownEndpoint & keyof StreamElements>(
    name: Name,
    request: Endpoint<Name>["request"],
    missing: string
  ): AsyncGenerator<ReadonlyArray<StreamElements[Name]>, void> {
    const batches = this.#valueOf(await this.#api.lines(name, request, { timeout }))
    try {
      yield* batches
    } catch {
      throw new CommandFailure(`The connection to ${this.url} was lost, and ${missing} is missing. Try again.`)
    }
  }

  /** What answers there is no Dockwire server, or one with another idea of a request. */
  unexpected(): CommandFailure {
    return new CommandFailure(
      `What answers at ${this.url} is not a Dockwire server, or one of another version. Check the address in --server or DOCKWIRE_SERVER, and use the same version here and there.`
    )
  }

  #valueOf<A>(result: CallResult<A, { readonly _tag: string; readonly message: string }>): A {
    if (result.ok) return result.value
    const { error, status } = result
    if (status === 0) {
      const why = error._tag === "TimedOut" ? `there was no answer in ${timeout / 1000} s` : this.#reason
      throw new CommandFailure(
        `Can't reach the server at ${this.url}: ${why}. Check that it runs ("dockwire serve"), and the address in --server or DOCKWIRE_SERVER.`
      )
    }
    if (error._tag === "NotAllowed") {
      const message = `The server at ${this.url} does not accept this token. Set DOCKWIRE_TOKEN to its token, or to one that "dockwire token create" made there.`
      throw new RequestRefused(error, message)
    }
    if (error._tag === "NotFound") {
      throw new RequestRefused(
        error,
        `The server at ${this.url} is older than this command and cannot do this. Update the server.`
      )
    }
    if (error._tag !== "UnexpectedResponse") throw new RequestRefused(error, error.message)
    if (status < 400 || status === 404) throw this.unexpected()
    throw new CommandFailure(
      `${this.url} responded with HTTP ${status}: ${error.message} Check the address, and the proxy if there is one.`
    )
  }
}
