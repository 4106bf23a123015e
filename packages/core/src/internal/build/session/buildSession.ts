import { createHash, randomUUID } from "node:crypto"
import { basename } from "node:path"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { DockerShape } from "../../../Docker.js"
import {
  type DockerFailure,
  EngineError,
  EngineUnavailable,
  InvalidRequest,
  RegistryError
} from "../../../DockerError.js"
import type { FoundCredentials, RegistryAuthShape } from "../../../RegistryAuth.js"
import type { BuildContext } from "../context/buildContext.js"
import { serveGrpc } from "./grpcServer.js"
import { sessionMethods } from "./sessionMethods.js"

/** What the engine may ask for during a build, and nothing else. */
export interface BuildSessionOptions {
  /** The files, as `openBuildContext` opens them. Without it, the context is uploaded with the build. */
  readonly context?: BuildContext
  /** Asked for each registry once. */
  readonly credentials: RegistryAuthShape["find"]
  /** By id. */
  readonly secrets?: ReadonlyMap<string, Redacted.Redacted<string | Uint8Array>>
  /** The sockets of ssh agents by id. The one that a step uses without naming it is `default`. */
  readonly ssh?: ReadonlyMap<string, string>
}

/** A connection over which the engine asks for what a build needs. */
export interface BuildSession {
  /** For the parameter `session` of `POST /build`. */
  readonly id: string
  /** Fails as soon as the connection is lost. The engine may only notice later, or never. */
  readonly lost: Effect.Effect<never, EngineUnavailable>
  /** Why the engine could not be given what it asked for, if it could not: then this is why the build failed. */
  readonly failure: Effect.Effect<InvalidRequest | RegistryError | undefined>
  /** The credentials that were given out, by registry. */
  readonly credentials: Effect.Effect<ReadonlyMap<string, FoundCredentials>>
}

/** By this key the engine finds the files that it has from earlier builds of the same folder. */
const sharedKey = (folder: string): string => createHash("sha256").update(`dockwire:${folder}`).digest("hex")

const sessionRequest = (id: string, folder: string | undefined, methods: Iterable<string>) =>
  ({
    method: "POST",
    path: "/session",
    headers: {
      Upgrade: "h2c",
      "X-Docker-Expose-Session-Uuid": id,
      "X-Docker-Expose-Session-Name": encodeURIComponent(basename(folder ?? "") || "dockwire"),
      ...(folder === undefined ? {} : { "X-Docker-Expose-Session-Sharedkey": sharedKey(folder) }),
      // Without the names of the methods, the engine would not use all of them.
      "X-Docker-Expose-Session-Grpc-Method": [...methods]
    }
  }) as const

/** Finds the credentials of each registry once, and remembers them. */
const makeCredentials = (find: RegistryAuthShape["find"]) =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime()
    const abort = new AbortController()
    yield* Effect.addFinalizer(() => Effect.sync(() => abort.abort()))
    const known = new Map<string, Promise<Exit.Exit<FoundCredentials | undefined, RegistryError>>>()
    const given = new Map<string, FoundCredentials>()
    const credentials = async (registry: string): Promise<FoundCredentials | undefined> => {
      const asked = known.get(registry) ?? Runtime.runPromiseExit(runtime)(find(registry), { signal: abort.signal })
      known.set(registry, asked)
      const exit = await asked
      if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
      if (exit.value !== undefined) given.set(registry, exit.value)
      return exit.value
    }
    return { credentials, given }
  })

/**
 * Opens a session for a build, until the scope closes. Returns `unsupported` for an engine without BuildKit's sessions, such
 * as Podman. `POST /session`
 *
 * Newer engines offer the same over `/grpc` and, from API 1.53 on, over HTTP/2 on the engine's socket, and call this one
 * deprecated.
 */
export const openBuildSession = (
  docker: DockerShape,
  options: BuildSessionOptions
): Effect.Effect<BuildSession | "unsupported", DockerFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const id = randomUUID()
    const lost = yield* Deferred.make<never, EngineUnavailable>()
    const { credentials, given } = yield* makeCredentials(options.credentials)
    let failure: InvalidRequest | RegistryError | undefined
    const methods = sessionMethods(
      { context: options.context, credentials, secrets: options.secrets ?? new Map(), ssh: options.ssh ?? new Map() },
      (error) => {
        if (error instanceof InvalidRequest || error instanceof RegistryError) failure ??= error
      }
    )
    const request = sessionRequest(id, options.context?.folder, methods.keys())
    const duplex = yield* docker.hijack(request).pipe(
      Effect.catchIf(
        (error) => error instanceof EngineError && error.status === 404,
        () => Effect.succeed(undefined)
      )
    )
    // Only a door that has no connection underneath, such as the engine in memory, has no socket.
    if (duplex?.socket === undefined) return "unsupported"
    const { socket } = duplex
    const onClosed = (error: Error | undefined) => {
      const detail = `the build session was closed${error === undefined ? "" : ` (${error.message})`}`
      Deferred.unsafeDone(lost, new EngineUnavailable({ endpoint: docker.endpoint, reason: "Lost", detail }))
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => serveGrpc(socket, methods, onClosed)),
      (close) => Effect.sync(close)
    )
    return {
      id,
      lost: Deferred.await(lost),
      failure: Effect.sync(() => failure),
      credentials: Effect.sync(() => new Map(given))
    }
  })
