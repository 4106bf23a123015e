import type { ComposeOptions } from "@dockwire/core/Compose"
import { LogSink } from "@dockwire/core/LogSink"
import { Hub, type HubOptions, type KeptLogs, Server } from "@dockwire/server"
import { LogStore, type LogStoreShape } from "../../packages/server/src/store/LogStore.js"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Context from "effect/Context"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Options of `startInProcess`. */
export interface InProcessOptions {
  /** The engine's endpoint. */
  readonly endpoint: string
  /** The address to listen on. Default: `127.0.0.1`. */
  readonly host?: string
  readonly token?: string
  readonly port?: number
  readonly hub?: Partial<HubOptions>
  readonly linger?: number
  readonly pingInterval?: number
  readonly heartbeatInterval?: number
  readonly publicOrigins?: ReadonlyArray<string>
  readonly tokensFile?: string
  readonly readOnly?: boolean
  readonly enableExec?: boolean
  readonly stacksDirs?: ReadonlyArray<string>
  readonly stacksAnyAddress?: boolean
  readonly compose?: ComposeOptions
  /** Which container logs are kept, by threads that run `program`. Default: none. */
  readonly keepLogs?: KeptLogs & { readonly program: URL }
  /** The server's own files, which are kept when it stops. Default: a folder that is removed then. */
  readonly dataDir?: string
}

/** A server that runs in this process. */
export interface InProcessServer {
  readonly url: string
  readonly port: number
  readonly token: string
  /** How many connections the server has. */
  readonly viewers: () => number
  /** Publishes events to a room. */
  readonly publish: Context.Tag.Service<typeof Hub>["publish"]
  /** Publishes log events to the rooms that they belong to. */
  readonly sink: Context.Tag.Service<typeof LogSink>
  /** The container logs that it keeps. */
  readonly logs: LogStoreShape
  readonly stop: () => Promise<void>
}

/** Starts a server in this process, by default on a free port. */
export const startInProcess = async (options: InProcessOptions): Promise<InProcessServer> => {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "dockwire-server-")))
  const layer = Server.layer({
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    dockerHost: options.endpoint,
    dataDir,
    insecure: false,
    keepLogs: options.keepLogs ?? false,
    ...(options.keepLogs === undefined ? {} : { logStoreProgram: options.keepLogs.program }),
    publicOrigins: options.publicOrigins ?? [],
    readOnly: options.readOnly ?? false,
    enableExec: options.enableExec ?? false,
    ...(options.stacksDirs === undefined ? {} : { stacksDirs: options.stacksDirs }),
    ...(options.stacksAnyAddress === undefined ? {} : { stacksAnyAddress: options.stacksAnyAddress }),
    ...(options.compose === undefined ? {} : { compose: options.compose }),
    ...(options.tokensFile === undefined ? {} : { tokensFile: options.tokensFile }),
    ...(options.token === undefined ? {} : { token: Redacted.make(options.token) }),
    ...(options.hub === undefined ? {} : { hub: options.hub }),
    ...(options.linger === undefined ? {} : { linger: options.linger }),
    ...(options.pingInterval === undefined ? {} : { pingInterval: options.pingInterval }),
    ...(options.heartbeatInterval === undefined ? {} : { heartbeatInterval: options.heartbeatInterval })
  })
  const scope = await Effect.runPromise(Scope.make())
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const server = Context.get(context, Server)
  const hub = Context.get(context, Hub)
  return {
    url: server.url,
    port: server.port,
    token: Redacted.value(server.token),
    viewers: hub.viewerCount,
    publish: hub.publish,
    sink: Context.get(context, LogSink),
    logs: Context.get(context, LogStore),
    stop: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    }
  }
}
