/** The document at `/openapi.json`: that of the API, and what each endpoint needs. */
import * as OpenApi from "@effect/platform/OpenApi"
import { Api } from "../Api/Api.js"
import { type RouteScope, routeScopes } from "./guard/routeScope.js"

const securitySchemes: Record<string, OpenApi.OpenAPISecurityScheme> = {
  bearer: { type: "http", scheme: "bearer", description: "A token" },
  token: {
    type: "apiKey",
    in: "header",
    name: "X-Dockwire-Token",
    description: "A token, where a proxy uses the other header"
  },
  session: {
    type: "apiKey",
    in: "cookie",
    name: "dockwire_<port>_<server>",
    description: "Set by POST /api/session, for the pages of this server"
  }
}

const requirements = (scope: RouteScope | undefined) => {
  if (scope === "open") return []
  const scopes = scope === undefined || scope === "none" ? [] : [scope]
  return Object.keys(securitySchemes).map((name) => ({ [name]: scopes }))
}

/** The description of the API. Under `security`, an endpoint has the scope that it needs, in every way to authenticate. */
export const openApiDocument = (): OpenApi.OpenAPISpec => {
  const scopes = routeScopes()
  const spec = OpenApi.fromApi(Api)
  const paths = Object.entries(spec.paths).map(([path, methods]): readonly [string, OpenApi.OpenAPISpecPathItem] => {
    const route = path.replaceAll(/\{(\w+)\}/g, ":$1")
    const described = Object.entries(methods).map(
      ([method, operation]): readonly [string, OpenApi.OpenAPISpecOperation] => {
        const security = requirements(scopes.get(`${method.toUpperCase()} ${route}`))
        return [method, { ...operation, security }]
      }
    )
    return [path, Object.fromEntries(described)]
  })
  return { ...spec, paths: Object.fromEntries(paths), components: { ...spec.components, securitySchemes } }
}
