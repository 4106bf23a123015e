import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../../DockerError.js"
import type { ContainerSpec } from "./containerSpec.js"
import { describeField } from "./encodeContainer.js"
import { mergeProperties } from "./mergeProperties.js"

/**
 * The spec of a container that is run once: it is removed by its scope and not by the engine, which would take the exit code
 * with it, and its input ends with ours.
 */
export const runSpec = (spec: ContainerSpec, hasInput: boolean): Effect.Effect<ContainerSpec, InvalidRequest> => {
  const restart = describeField(spec, "restart")
  return restart === "" || restart === "no"
    ? Effect.succeed({
        ...spec,
        ...(hasInput ? { config: mergeProperties(spec.config ?? {}, { OpenStdin: true, StdinOnce: true }) } : {}),
        hostConfig: mergeProperties(spec.hostConfig ?? {}, { AutoRemove: false })
      })
    : Effect.fail(
        new InvalidRequest({
          field: "restart",
          value: restart,
          detail: "a container that is run to its exit cannot have a restart policy"
        })
      )
}
