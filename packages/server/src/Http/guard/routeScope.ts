/** What each route needs: that of the API's endpoints is declared there, that of all others here. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as Option from "effect/Option"
import * as Context from "effect/Context"
import { Api } from "../../Api/Api.js"
import { RequiredScope, type Scope } from "../../Api/RequiredScope.js"

/** What a route needs, as in `RequiredScope`. */
export type RouteScope = Scope | "none" | "open"

const everyMethod = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const

/** The routes that are not endpoints of the API. */
export const otherRoutes: Readonly<Record<string, RouteScope>> = {
  "GET /": "open",
  "GET /client.js": "open",
  "GET /dockwire.js": "open",
  "GET /assets/*": "open",
  "GET /healthz": "open",
  "GET /readyz": "open",
  "GET /openapi.json": "open",
  "GET /docs": "open",
  "GET /docs/start.js": "open",
  "GET /docs/swagger-ui.js": "open",
  "GET /docs/swagger-ui.css": "open",
  "GET /metrics": "read",
  // A browser does not show why a handshake failed, so this is checked after it: see `socket/messageScopes.ts`.
  "GET /ws": "open",
  // What does not exist. Below /api, nobody learns without a credential what does.
  ...Object.fromEntries(everyMethod.map((method) => [`${method} /api/*`, "none"] as const)),
  ...Object.fromEntries(everyMethod.map((method) => [`${method} *`, "open"] as const))
}

const endpoints = (): ReadonlyMap<string, RouteScope> => {
  const found = new Map<string, RouteScope>()
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, mergedAnnotations }) => {
      const scope = Context.getOption(mergedAnnotations, RequiredScope)
      if (Option.isSome(scope)) found.set(`${endpoint.method} ${endpoint.path}`, scope.value)
    }
  })
  return found
}

let found: ReadonlyMap<string, RouteScope> | undefined

/** What every route needs, by `<method> <path>` as the router knows it. */
export const routeScopes = (): ReadonlyMap<string, RouteScope> =>
  (found ??= new Map<string, RouteScope>([...endpoints(), ...Object.entries(otherRoutes)]))
