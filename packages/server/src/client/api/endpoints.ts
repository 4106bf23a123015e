import type { Endpoint, EndpointName } from "../../Api/json/ApiTypes.js"

type Endpoints = { readonly [Name in EndpointName]?: readonly [method: Endpoint<Name>["method"], path: string] }

/** The endpoints that the client knows. Paths are relative to the server's address. */
export const endpoints = {
  "containers.list": ["GET", "api/containers"],
  "containers.inspect": ["GET", "api/containers/:id"],
  "containers.start": ["POST", "api/containers/:id/start"],
  "containers.stop": ["POST", "api/containers/:id/stop"],
  "containers.restart": ["POST", "api/containers/:id/restart"],
  "containers.remove": ["DELETE", "api/containers/:id"],
  "containers.logs": ["GET", "api/containers/:id/logs"],
  "containers.stats": ["GET", "api/containers/:id/stats"],
  "images.list": ["GET", "api/images"],
  "images.pull": ["POST", "api/images/pull"],
  "images.remove": ["DELETE", "api/images/:id"],
  "logs.sources": ["GET", "api/logs/sources"],
  "logs.read": ["GET", "api/logs"],
  "logs.histogram": ["GET", "api/logs/histogram"],
  "operations.list": ["GET", "api/operations"],
  "operations.get": ["GET", "api/operations/:id"],
  "operations.lines": ["GET", "api/operations/:id/lines"],
  "operations.cancel": ["POST", "api/operations/:id/cancel"],
  "session.describe": ["GET", "api/session"],
  "session.open": ["POST", "api/session"],
  "session.close": ["DELETE", "api/session"],
  "stacks.list": ["GET", "api/stacks"],
  "stacks.add": ["POST", "api/stacks"],
  "stacks.get": ["GET", "api/stacks/:name"],
  "stacks.check": ["GET", "api/stacks/:name/check"],
  "stacks.update": ["POST", "api/stacks/:name/update"],
  "stacks.up": ["POST", "api/stacks/:name/up"],
  "stacks.down": ["POST", "api/stacks/:name/down"],
  "stacks.stop": ["POST", "api/stacks/:name/stop"],
  "stacks.start": ["POST", "api/stacks/:name/start"],
  "stacks.restart": ["POST", "api/stacks/:name/restart"],
  "stacks.pull": ["POST", "api/stacks/:name/pull"],
  "stacks.remove": ["DELETE", "api/stacks/:name"]
} as const satisfies Endpoints

/** The name of an endpoint that the client knows. */
export type KnownEndpoint = keyof typeof endpoints
