import * as Effect from "effect/Effect"
import { type ContainerNotFound, type EngineError, InvalidRequest, NetworkNotFound } from "../../DockerError.js"
import { containerNotFound } from "../api/errors/errorRules.js"
import { encodePathSegment } from "../api/names.js"

/** The path of a network endpoint. Fails without a request if the id cannot be a path segment. */
export const networkPath = (id: string, suffix = ""): Effect.Effect<string, NetworkNotFound> => {
  const segment = encodePathSegment(id)
  return segment === undefined
    ? Effect.fail(
        new NetworkNotFound({
          network: id,
          detail: "request not sent: this name cannot be part of a path; use the id of the network instead"
        })
      )
    : Effect.succeed(`/networks/${segment}${suffix}`)
}

/** Rule for every method that operates on one network. */
export const networkNotFound = (id: string, error: EngineError): NetworkNotFound | undefined =>
  error.status === 404 && /network (.* )?not found|no such network|unable to find network/i.test(error.detail)
    ? new NetworkNotFound({ network: id, detail: error.detail })
    : undefined

/** Rule for connecting a container to a network and disconnecting it. */
export const connectionError = (
  id: string,
  container: string,
  error: EngineError
): NetworkNotFound | ContainerNotFound | InvalidRequest | undefined =>
  networkNotFound(id, error) ??
  containerNotFound(container, error) ??
  (/already exists in network|is not connected|already connected|host network|private \(none\)/.test(error.detail)
    ? new InvalidRequest({ field: "container", value: container, detail: error.detail })
    : error.status === 400 || /not belong to any|not in any subnet/.test(error.detail)
      ? new InvalidRequest({ field: "connection", value: container, detail: error.detail })
      : undefined)
