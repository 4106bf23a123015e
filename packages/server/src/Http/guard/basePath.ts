/** The folder of an origin in which a proxy serves the server. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { IncomingMessage, Server } from "node:http"

/**
 * Takes the base path off the address of each request, before anyone looks at it. An address without it is one of a proxy that
 * has taken it off itself, or of this machine.
 */
export const takeOffBasePath = (server: Server, basePath: string): void => {
  if (basePath === "") return
  // What arrives before the routes exist is emitted again.
  const seen = new WeakSet<IncomingMessage>()
  const takeOff = (request: IncomingMessage): void => {
    if (seen.has(request)) return
    seen.add(request)
    if (request.url?.startsWith(`${basePath}/`) === true) request.url = request.url.slice(basePath.length)
  }
  server.on("request", takeOff)
  server.on("upgrade", takeOff)
}

/** Sends a browser that asks for the folder without its last slash to the one with it: addresses on the page are relative. */
export const redirectToFolder =
  (basePath: string) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
    basePath === ""
      ? app
      : Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, url }) =>
          (method === "GET" || method === "HEAD") && url === basePath
            ? Effect.succeed(
                HttpServerResponse.empty({
                  status: 308,
                  headers: { location: `${basePath.slice(basePath.lastIndexOf("/") + 1)}/` }
                })
              )
            : app
        )
