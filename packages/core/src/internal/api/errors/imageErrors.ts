import * as Schema from "effect/Schema"
import { causeSentence } from "./errorModels.js"

/**
 * What went wrong between the engine and a registry: it wants credentials or rejects those that were sent (`Unauthorized`),
 * forbids access (`Denied`), limits the rate (`RateLimited`), cannot be reached (`Unreachable`), sent nothing for too long
 * (`Stalled`), or sent an error or wrong content (`Broken`); the image that it sent is for another platform
 * (`PlatformMismatch`); or the credentials for it cannot be read (`CredentialsUnavailable`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const RegistryFailure = Schema.Literal(
  "Unauthorized",
  "Denied",
  "RateLimited",
  "Unreachable",
  "Stalled",
  "Broken",
  "PlatformMismatch",
  "CredentialsUnavailable"
)

/**
 * @since 0.1.0
 * @category models
 */
export type RegistryFailure = typeof RegistryFailure.Type

const sentence = ({ credentials, reason }: Pick<RegistryError, "credentials" | "reason">): string => {
  switch (reason) {
    case "Unauthorized":
      return credentials === "none"
        ? 'the registry requires credentials, and none were found. Run "docker login", or provide them with RegistryAuth.'
        : `the registry rejected the credentials from ${credentials}. Log in again.`
    case "Denied":
      return credentials === "none"
        ? "access denied without credentials. Check the name, and log in if the repository is private."
        : `access denied with the credentials from ${credentials}. Check the name, and that this account may access the repository.`
    case "RateLimited":
      return credentials === "none"
        ? "the registry's rate limit is exceeded. Log in for a higher limit, or try again later."
        : "the registry's rate limit is exceeded. Try again later."
    case "Unreachable":
      return "the engine cannot reach the registry. Check the name, and the engine's network, DNS and proxy."
    case "Stalled":
      return "the registry stopped sending. Try again, or raise the stall timeout."
    case "Broken":
      return "the registry responded with an error or with broken content. Try again, or check the registry."
    case "PlatformMismatch":
      return "the image is not available for the requested platform. Choose another platform or image."
    case "CredentialsUnavailable":
      return `the credentials from ${credentials} cannot be read. Fix or remove that configuration.`
  }
}

/**
 * The engine could not get an image from a registry or send one to it.
 *
 * @since 0.1.0
 * @category errors
 */
export class RegistryError extends Schema.TaggedError<RegistryError>("@dockwire/core/RegistryError")("RegistryError", {
  /** The registry's host and port, such as `docker.io` or `localhost:5000`. */
  registry: Schema.String,
  /** The image reference, as it was passed or as a Dockerfile names it. Missing if no image was requested. */
  image: Schema.optional(Schema.String),
  reason: RegistryFailure,
  /** Where the credentials that were sent come from, such as the path of a configuration file; `none` without any. */
  credentials: Schema.String,
  /** The message of the engine or the registry. */
  detail: Schema.String
}) {
  override get message(): string {
    const subject = this.image === undefined ? "" : ` (image "${this.image}")`
    return `Registry "${this.registry}"${subject}: ${sentence(this)} (${this.detail})`
  }
}

/**
 * The engine has no image with this name or id, or, for a pull or a build, the registry has none.
 *
 * @since 0.1.0
 * @category errors
 */
export class ImageNotFound extends Schema.TaggedError<ImageNotFound>("@dockwire/core/ImageNotFound")("ImageNotFound", {
  /** The image reference or id, as it was passed or as a Dockerfile names it. */
  image: Schema.String,
  /** The registry that does not have it; missing if the engine does not have it. */
  registry: Schema.optional(Schema.String),
  /** The message of the engine. */
  detail: Schema.String,
  /** Why it could not be pulled, where that was asked for. */
  cause: Schema.optional(RegistryError)
}) {
  override get message(): string {
    if (this.cause !== undefined)
      return `Image "${this.image}" not found: it could not be pulled. ${this.cause.message}`
    return this.registry === undefined
      ? `Image "${this.image}" not found on the engine. Pull or build it first. ${causeSentence(this.detail)}`
      : `Image "${this.image}" not found in registry "${this.registry}". Check its name and tag. ${causeSentence(this.detail)}`
  }
}

/**
 * A build failed: one of its steps did, or the Dockerfile or the context is invalid.
 *
 * @since 0.1.0
 * @category errors
 */
export class BuildFailed extends Schema.TaggedError<BuildFailed>("@dockwire/core/BuildFailed")("BuildFailed", {
  /** The step that failed, such as `[build 2/3] RUN make`. Missing if the build failed before its first step. */
  step: Schema.optional(Schema.String),
  /** The stage of the step, if it has a name. */
  stage: Schema.optional(Schema.String),
  /** The exit code of the command, if the step runs one. */
  exitCode: Schema.optional(Schema.Number),
  /** The last lines that the step printed. */
  lastLines: Schema.Array(Schema.String),
  /** Whether the builder dropped output of the step, so that `lastLines` may lack the cause. */
  clipped: Schema.Boolean,
  /** The builder's message. */
  detail: Schema.String
}) {
  override get message(): string {
    return [
      this.step === undefined ? `Build failed: ${this.detail}` : `Build failed at "${this.step}": ${this.detail}`,
      ...(this.lastLines.length === 0
        ? []
        : [this.clipped ? "Last lines (the builder dropped some of the output):" : "Last lines:", ...this.lastLines])
    ].join("\n")
  }
}
