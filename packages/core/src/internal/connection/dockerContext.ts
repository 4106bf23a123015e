import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { InvalidRequest } from "../../DockerError.js"
import type { TlsOptions } from "./endpoint.js"

/** Which engine is meant, as the docker command finds it. */
export interface FoundEndpoint {
  /** `undefined` where nothing names one. */
  readonly endpoint: string | undefined
  readonly tls: TlsOptions | undefined
  /** Whether anything was said of the engine, if only that it is the default one. */
  readonly configured: boolean
}

const ConfigFile = Schema.parseJson(Schema.Struct({ currentContext: Schema.optional(Schema.String) }))
const ContextFile = Schema.parseJson(
  Schema.Struct({
    Endpoints: Schema.Struct({
      docker: Schema.Struct({ Host: Schema.optional(Schema.String), SkipTLSVerify: Schema.optional(Schema.Boolean) })
    })
  })
)

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")

/** The text of a file; `undefined` where there is none. */
const optionalText = (field: string, path: string): Effect.Effect<string | undefined, InvalidRequest> =>
  Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: (error) => error }).pipe(
    Effect.catchAll((error) =>
      isMissing(error)
        ? Effect.succeed(undefined)
        : Effect.fail(new InvalidRequest({ field, value: path, detail: `it can't be read: ${String(error)}` }))
    )
  )

const certificates = (field: string, folder: string, verify: boolean): Effect.Effect<TlsOptions, InvalidRequest> =>
  Effect.gen(function* () {
    const ca = yield* optionalText(field, join(folder, "ca.pem"))
    const cert = yield* optionalText(field, join(folder, "cert.pem"))
    const key = yield* optionalText(field, join(folder, "key.pem"))
    if ((cert === undefined) !== (key === undefined)) {
      const detail = `${cert === undefined ? "key.pem is there without cert.pem" : "cert.pem is there without key.pem"}`
      return yield* new InvalidRequest({ field, value: folder, detail })
    }
    return {
      verify,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key: Redacted.make(key) })
    }
  })

const setting = (name: string) =>
  Config.string(name).pipe(
    Config.option,
    Config.map((value) => Option.getOrUndefined(Option.filter(value, (text) => text.trim() !== ""))?.trim())
  )

const settings = Config.all({
  host: setting("DOCKER_HOST"),
  context: setting("DOCKER_CONTEXT"),
  config: setting("DOCKER_CONFIG"),
  certPath: setting("DOCKER_CERT_PATH"),
  tls: setting("DOCKER_TLS"),
  tlsVerify: setting("DOCKER_TLS_VERIFY")
})

const fromContext = (folder: string, name: string): Effect.Effect<Omit<FoundEndpoint, "configured">, InvalidRequest> =>
  Effect.gen(function* () {
    const field = "Docker context"
    const digest = createHash("sha256").update(name).digest("hex")
    const path = join(folder, "contexts", "meta", digest, "meta.json")
    const text = yield* optionalText(field, path)
    if (text === undefined) {
      const detail = `there is none of this name in ${join(folder, "contexts")}; "docker context ls" shows which there are`
      return yield* new InvalidRequest({ field, value: name, detail })
    }
    const { docker } = (yield* Effect.mapError(
      Schema.decodeUnknown(ContextFile)(text),
      () =>
        new InvalidRequest({
          field,
          value: name,
          detail: `${path} is not understood: make the context anew, or set DOCKER_HOST`
        })
    )).Endpoints
    const tlsFolder = join(folder, "contexts", "tls", digest, "docker")
    const tls = yield* certificates(field, tlsFolder, docker.SkipTLSVerify !== true)
    const secured = tls.ca !== undefined || tls.cert !== undefined || docker.SkipTLSVerify === true
    return { endpoint: docker.Host, tls: secured ? tls : undefined }
  })

/**
 * The engine that the docker command would use: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY`, `DOCKER_TLS` and `DOCKER_CERT_PATH`),
 * else the context that `DOCKER_CONTEXT` or the command's configuration names, else none.
 */
export const findEndpoint: Effect.Effect<FoundEndpoint, InvalidRequest | ConfigError> = Effect.gen(function* () {
  const { certPath, config, context, host, tls, tlsVerify } = yield* settings
  const folder = config ?? join(homedir(), ".docker")
  if (host !== undefined) {
    const secured = tls !== undefined || tlsVerify !== undefined
    return {
      configured: true,
      endpoint: host,
      tls: secured ? yield* certificates("DOCKER_CERT_PATH", certPath ?? folder, tlsVerify !== undefined) : undefined
    }
  }
  const path = join(folder, "config.json")
  const text = context === undefined ? yield* optionalText("Docker configuration", path) : undefined
  const current =
    text === undefined
      ? context
      : (yield* Effect.mapError(
          Schema.decodeUnknown(ConfigFile)(text),
          () =>
            new InvalidRequest({
              field: "Docker configuration",
              value: path,
              detail: "it is not JSON as docker writes it: put it right, move it away, or set DOCKER_HOST"
            })
        )).currentContext
  if (current !== undefined && current !== "" && current !== "default") {
    return { configured: true, ...(yield* fromContext(folder, current)) }
  }
  const configured = [context, certPath, tls, tlsVerify].some((value) => value !== undefined)
  return { configured, endpoint: undefined, tls: undefined }
})
