/** A router that takes only routes whose scope is declared, so that none is forgotten. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { routeScopes } from "./routeScope.js"

const declared = (router: HttpLayerRouter.HttpRouter): HttpLayerRouter.HttpRouter => {
  const scopes = routeScopes()
  const check = (method: string, path: string) =>
    scopes.has(`${method} ${path}`)
      ? Effect.void
      : Effect.dieMessage(`The route ${method} ${path} declares no scope. Add it to Http/guard/routeScope.ts.`)
  return HttpLayerRouter.HttpRouter.of({
    ...router,
    add: (method, path, handler, options) =>
      Effect.zipRight(check(method, path), router.add(method, path, handler, options)),
    addAll: (routes) =>
      Effect.zipRight(
        Effect.forEach(routes, ({ method, path }) => check(method, path), { discard: true }),
        router.addAll(routes)
      )
  })
}

/** Dies when a route is added whose scope is not declared. */
export const declaredRouter: Layer.Layer<HttpLayerRouter.HttpRouter, never, HttpLayerRouter.HttpRouter> = Layer.effect(
  HttpLayerRouter.HttpRouter,
  Effect.map(HttpLayerRouter.HttpRouter, declared)
)
