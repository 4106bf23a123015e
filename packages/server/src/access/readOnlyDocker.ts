/** The door to the engine of a server that only reads. It holds also against a mistake anywhere else in the server. */
import { Docker, type DockerRequest, type DockerShape } from "@dockwire/core/Docker"
import { EngineError } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Waiting for a container to stop changes nothing, but is a POST. */
const waitPath = /^\/containers\/[^/]+\/wait$/

/** Attaching over a WebSocket is a GET, but writes to the container. */
const attachPath = /\/attach\/ws$/

const isReading = ({ method, path }: DockerRequest): boolean =>
  method === "GET" || method === "HEAD" ? !attachPath.test(path) : method === "POST" && waitPath.test(path)

const why = "Dockwire only reads (--read-only), so it did not send this request to the engine."

const refusal = ({ method, path }: DockerRequest) =>
  new EngineError({
    request: `${method} ${path}`,
    status: 403,
    detail: why
  })

const onlyReading = (docker: DockerShape): DockerShape => ({
  ...docker,
  onlyReads: "Dockwire only reads (--read-only), so it did not run compose.",
  json: (request) => (isReading(request) ? docker.json(request) : Effect.fail(refusal(request))),
  stream: (request) => (isReading(request) ? docker.stream(request) : Effect.fail(refusal(request))),
  // An upgraded connection can be written to.
  hijack: (request) => Effect.fail(refusal(request))
})

/** Lets only those requests through that read. All others fail with `EngineError`, status 403, and commands of compose with `ComposeFailed`. */
export const readOnlyDocker: Layer.Layer<Docker, never, Docker> = Layer.effect(Docker, Effect.map(Docker, onlyReading))
