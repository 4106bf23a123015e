import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { rootCertificates } from "node:tls"
import type { DockerShape } from "../../../Docker.js"
import { EngineUnavailable } from "../../../DockerError.js"
import { type Endpoint, parseEndpoint } from "../../connection/endpoint.js"
import { privateFolder, writePrivately } from "./privateFolder.js"

type Environment = Readonly<Record<string, string>>

/** The address in the form that the docker command takes. */
const hostOf = (endpoint: Endpoint): string =>
  endpoint._tag === "Tcp" ? `tcp://${endpoint.host}:${endpoint.port}` : endpoint.url

/**
 * The variables with which the docker command connects to the engine behind `Docker`, and to no other. Fails with a text if the
 * certificates cannot be written for it.
 */
export const engineConnection = (
  docker: DockerShape
): Effect.Effect<Environment, EngineUnavailable | string, Scope.Scope> =>
  Effect.gen(function* () {
    const endpoint = yield* Effect.mapError(
      parseEndpoint(docker.endpoint, docker.tls),
      () =>
        new EngineUnavailable({
          endpoint: docker.endpoint,
          reason: "NotFound",
          detail: "the compose command cannot connect to this kind of endpoint"
        })
    )
    const host = { DOCKER_HOST: hostOf(endpoint) }
    const tls = endpoint._tag === "Tcp" ? endpoint.tls : undefined
    if (tls === undefined) return host
    const folder = yield* privateFolder
    const files: ReadonlyArray<readonly [name: string, text: string | undefined]> = [
      // The command does not know the system's authorities.
      ["ca.pem", tls.ca ?? rootCertificates.join("\n")],
      ["cert.pem", tls.cert],
      ["key.pem", tls.key === undefined ? undefined : Redacted.value(tls.key)]
    ]
    yield* writePrivately(async () => {
      for (const [name, text] of files) {
        if (text !== undefined) await writeFile(join(folder, name), text, { mode: 0o600 })
      }
    })
    // Any value of this variable makes the command verify.
    return {
      ...host,
      DOCKER_CERT_PATH: folder,
      ...(tls.verify === false ? { DOCKER_TLS: "1" } : { DOCKER_TLS_VERIFY: "1" })
    }
  })
