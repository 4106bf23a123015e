import {
  BuildFailed,
  type EngineError,
  type ImageNotFound,
  InvalidRequest,
  type RegistryError
} from "../../DockerError.js"
import type { FoundCredentials } from "../../RegistryAuth.js"
import { baseImageOf } from "./baseImage.js"
import type { BuildSpec } from "./buildSpec.js"
import { registryFailure, type RegistryTask } from "../registry/registryFailure.js"
import type { BuildOutput } from "./output/buildOutput.js"
import { exitCodeOf } from "./output/exitCode.js"
import type { Redactor } from "./output/redactor.js"

/** What is known besides the response. */
export interface FailureContext {
  readonly redactor: Redactor
  /** The images that the Dockerfile names, if that is known. */
  readonly images: ReadonlySet<string>
  /** The credentials that were given to the engine, by registry. */
  readonly credentials: ReadonlyMap<string, FoundCredentials>
  readonly spec: BuildSpec
}

/** A build that failed before its first step. */
const failedEarly = (detail: string) => new BuildFailed({ lastLines: [], clipped: false, detail })

/** The image that a step gets, or that an error is about, with its registry and the credentials for that. */
const imageTask = (
  step: string | undefined,
  detail: string,
  { credentials, images, redactor }: FailureContext
): RegistryTask | undefined => {
  const base = baseImageOf(step, detail, images)
  if (base === undefined) return undefined
  const { registry } = base.reference
  return { image: redactor.text(base.image), registry, credentials: credentials.get(registry)?.source ?? "none" }
}

/** What the builder waits for, if that is nothing but an image. */
export const fetchTask = ({ fetching }: BuildOutput, context: FailureContext): RegistryTask | undefined =>
  fetching === undefined ? undefined : imageTask(fetching.name, "", context)

/** The failure that the response to `POST /build` tells of. */
export const buildFailure = (
  { error, failedStep }: BuildOutput,
  context: FailureContext
): BuildFailed | ImageNotFound | RegistryError => {
  if (error === undefined) {
    return failedEarly("the engine ended its response without an image and without an error. Build again")
  }
  const { redactor } = context
  const detail = redactor.text(error.detail)
  const exitCode = exitCodeOf(error)
  const task = exitCode === undefined ? imageTask(failedStep?.name, error.detail, context) : undefined
  const failure = task === undefined ? undefined : registryFailure(task, detail)
  if (failure !== undefined) return failure
  const stage = failedStep?.place.stage
  return new BuildFailed({
    ...(failedStep === undefined ? {} : { step: failedStep.safeName }),
    ...(stage === undefined ? {} : { stage: redactor.text(stage) }),
    ...(exitCode === undefined ? {} : { exitCode }),
    lastLines: [...(failedStep?.lastLines ?? [])],
    clipped: failedStep?.clipped ?? false,
    detail
  })
}

/** What engines say of parameters that they refuse. Podman says nothing of a platform. */
const refusals = (
  spec: BuildSpec
): ReadonlyArray<readonly [words: RegExp, field: string, value: string | undefined]> => [
  [/platform|^$/i, "platform", spec.platform],
  [/network mode/i, "network", spec.network],
  [/invalid host|extra.?host|add-host/i, "extraHosts", spec.extraHosts?.join(", ")]
]

/** An error status. The classic builder reads the Dockerfile before it responds, and refuses a broken one with a 400. */
export const refusal = (
  { detail, status }: EngineError,
  { redactor, spec }: FailureContext
): BuildFailed | InvalidRequest => {
  const words = redactor.text(detail)
  const explained = words === "" ? `status ${status} without a message` : words
  const refused = refusals(spec).find(([text, , value]) => value !== undefined && text.test(words))
  if (refused !== undefined) {
    return new InvalidRequest({ field: refused[1], value: redactor.text(refused[2] ?? ""), detail: explained })
  }
  return status !== 400 || /dockerfile|build target|target stage/i.test(words)
    ? failedEarly(explained)
    : new InvalidRequest({ field: "build specification", value: "", detail: explained })
}
