import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { InvalidRequest } from "../../DockerError.js"
import { configFolder, configPath, readConfigFile, variable } from "./configFile.js"
import type { TlsOptions } from "./endpoint.js"
import { goField, isJsonObject } from "./goJson.js"

/** The engine that the docker CLI would use. */
export interface FoundEndpoint {
  /** `undefined` if none is configured. */
  readonly endpoint: string | undefined
  readonly tls: TlsOptions | undefined
  /** Whether the environment or the configuration selects an engine, even if it is the default one. */
  readonly configured: boolean
  /** Why the configuration could not be read. The docker CLI warns of it, and continues without the configuration. */
  readonly warning?: string
}

const DockerEndpoint = Schema.Struct({
  host: Schema.optional(Schema.String),
  skipTlsVerify: Schema.optional(Schema.Boolean)
})

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")

/** Reads a file, or returns `undefined` if it does not exist. */
const readOptional = (field: string, path: string): Effect.Effect<string | undefined, InvalidRequest> =>
  Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: (error) => error }).pipe(
    Effect.catchAll((error) =>
      isMissing(error)
        ? Effect.succeed(undefined)
        : Effect.fail(
            new InvalidRequest({ field, value: path, detail: `the file could not be read: ${String(error)}` })
          )
    )
  )

/** Reads the certificates in a folder. */
const readCertificates = (field: string, folder: string, verify: boolean): Effect.Effect<TlsOptions, InvalidRequest> =>
  Effect.gen(function* () {
    const ca = yield* readOptional(field, join(folder, "ca.pem"))
    const cert = yield* readOptional(field, join(folder, "cert.pem"))
    const key = yield* readOptional(field, join(folder, "key.pem"))
    if ((cert === undefined) !== (key === undefined)) {
      const detail =
        cert === undefined
          ? "the folder contains key.pem but not cert.pem"
          : "the folder contains cert.pem but not key.pem"
      return yield* new InvalidRequest({ field, value: folder, detail })
    }
    return {
      verify,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key: Redacted.make(key) })
    }
  })

const variables = Config.all({
  host: variable("DOCKER_HOST"),
  context: variable("DOCKER_CONTEXT"),
  folder: configFolder,
  certPath: variable("DOCKER_CERT_PATH"),
  tls: variable("DOCKER_TLS"),
  tlsVerify: variable("DOCKER_TLS_VERIFY")
})

/** The endpoint in the metadata of a context. Throws if there is none. */
const parseContext = (text: string): typeof DockerEndpoint.Type => {
  const context: unknown = JSON.parse(text)
  const endpoints = isJsonObject(context) ? goField(context, "Endpoints") : undefined
  // Contexts have endpoints for other programs, whose names are exact.
  const docker: unknown = isJsonObject(endpoints) ? Reflect.get(endpoints, "docker") : undefined
  if (!isJsonObject(docker)) throw new Error("there is no docker endpoint")
  return Schema.decodeUnknownSync(DockerEndpoint)({
    host: goField(docker, "Host"),
    skipTlsVerify: goField(docker, "SkipTLSVerify")
  })
}

/** Reads a context from the CLI's context store. */
const readContext = (folder: string, name: string): Effect.Effect<Omit<FoundEndpoint, "configured">, InvalidRequest> =>
  Effect.gen(function* () {
    const field = "Docker context"
    const digest = createHash("sha256").update(name).digest("hex")
    const path = join(folder, "contexts", "meta", digest, "meta.json")
    const text = yield* readOptional(field, path)
    if (text === undefined) {
      const detail = `${join(folder, "contexts")} has no context of this name. Run "docker context ls" to list the contexts`
      return yield* new InvalidRequest({ field, value: name, detail })
    }
    const { host, skipTlsVerify } = yield* Effect.try({
      try: () => parseContext(text),
      catch: () =>
        new InvalidRequest({
          field,
          value: name,
          detail: `${path} is not valid. Recreate the context with "docker context create", or set DOCKER_HOST`
        })
    })
    const tlsFolder = join(folder, "contexts", "tls", digest, "docker")
    const tls = yield* readCertificates(field, tlsFolder, skipTlsVerify !== true)
    const secured = tls.ca !== undefined || tls.cert !== undefined || skipTlsVerify === true
    return { endpoint: host === "" ? undefined : host, tls: secured ? tls : undefined }
  })

/** The name of the context that is selected in the CLI's configuration, or why that cannot be read. */
interface CurrentContext {
  readonly name: string | undefined
  readonly warning?: string
}

/** Reads the selected context from the CLI's configuration. A configuration that is broken selects none. */
const readCurrentContext = (path: string): Effect.Effect<CurrentContext> =>
  readConfigFile(path).pipe(
    Effect.flatMap((config) => {
      const name = config === undefined ? undefined : goField(config, "currentContext")
      return name === undefined || typeof name === "string"
        ? Effect.succeed<CurrentContext>({ name })
        : Effect.fail("currentContext is not a string")
    }),
    Effect.catchAll((reason) => {
      const warning = `The Docker configuration ${path} is ignored, as it cannot be read: ${reason}. Fix or remove it, or set DOCKER_HOST`
      return Effect.as(Effect.logWarning(warning), { name: undefined, warning })
    })
  )

/**
 * Finds the engine that the docker CLI would use: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY`, `DOCKER_TLS` and
 * `DOCKER_CERT_PATH`), else the context in `DOCKER_CONTEXT` or the CLI's configuration, else none.
 */
export const findEndpoint: Effect.Effect<FoundEndpoint, InvalidRequest | ConfigError> = Effect.gen(function* () {
  const { certPath, context, folder, host, tls, tlsVerify } = yield* variables
  if (host !== undefined) {
    const secured = tls !== undefined || tlsVerify !== undefined
    return {
      configured: true,
      endpoint: host,
      tls: secured
        ? yield* readCertificates("DOCKER_CERT_PATH", certPath ?? folder, tlsVerify !== undefined)
        : undefined
    }
  }
  const { name, warning } =
    context === undefined ? yield* readCurrentContext(configPath(folder)) : { name: context, warning: undefined }
  if (name !== undefined && name !== "" && name !== "default") {
    return { configured: true, ...(yield* readContext(folder, name)) }
  }
  // A configuration that cannot be read may have selected an engine.
  const configured = [context, certPath, tls, tlsVerify, warning].some((value) => value !== undefined)
  return { configured, endpoint: undefined, tls: undefined, ...(warning === undefined ? {} : { warning }) }
})
