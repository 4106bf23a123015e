import * as Schema from "effect/Schema"

/**
 * Why the compose command failed: it is not installed (`NotInstalled`); a file of the project is missing (`FileNotFound`) or
 * invalid (`FileInvalid`), or its name is; a variable that the file requires is not set (`VariableMissing`); the project has no such service
 * (`ServiceNotFound`); a service did not start because another one did not become healthy or failed
 * (`DependencyUnhealthy`); a service is unhealthy (`Unhealthy`), its container has ended (`Exited`), or it was not ready in
 * time (`TimedOut`); an image could not be built (`BuildFailed`); another container has the name of one of the project
 * (`NameConflict`); an external network or volume is missing (`ExternalMissing`); another operation works on the project
 * (`Busy`); anything else (`Failed`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeFailure = Schema.Literal(
  "NotInstalled",
  "FileNotFound",
  "FileInvalid",
  "VariableMissing",
  "ServiceNotFound",
  "DependencyUnhealthy",
  "Unhealthy",
  "Exited",
  "TimedOut",
  "BuildFailed",
  "NameConflict",
  "ExternalMissing",
  "Busy",
  "Failed"
)

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeFailure = typeof ComposeFailure.Type

const quoted = (name: string | undefined, otherwise: string): string => (name === undefined ? otherwise : `"${name}"`)

const sentence = (error: ComposeFailed): string => {
  const service = error.service === undefined ? "a service" : `service "${error.service}"`
  const code = error.exitCode === undefined ? "" : ` with code ${error.exitCode}`
  switch (error.reason) {
    case "NotInstalled":
      return "Docker Compose is not installed, or cannot run. Install it: https://docs.docker.com/compose/install/"
    case "FileNotFound":
      return `the file ${quoted(error.file, "of the project")} does not exist or cannot be read. Check its path.`
    case "FileInvalid": {
      if (error.file === undefined) return "a file of the project, or its name, is invalid. Correct it."
      const line = error.line === undefined ? "" : `, line ${error.line}`
      const column = error.column === undefined ? "" : `, column ${error.column}`
      return `the file "${error.file}"${line}${column} is invalid. Correct it.`
    }
    case "VariableMissing":
      return `the variable ${quoted(error.variable, "that the file requires")} is not set. Set it in the project's env, or in its .env file.`
    case "ServiceNotFound":
      return `there is no service ${quoted(error.service, "of this name")}. Check the name.`
    case "DependencyUnhealthy":
      return `${service}, on which others depend, failed or is unhealthy. Check its logs and its health check.`
    case "Unhealthy":
      return `${service} is unhealthy. Check its logs and its health check.`
    case "Exited":
      return `${service} ended${code}. Check its logs.`
    case "TimedOut":
      return `${service} was not ready in time. Check its logs, or wait for longer.`
    case "BuildFailed":
      return `the image of ${service} could not be built. Correct its Dockerfile or its context.`
    case "NameConflict":
      return `the container name of ${service} is already in use. Remove or rename the container that has it.`
    case "ExternalMissing":
      return "an external network or volume does not exist. Create it first."
    case "Busy":
      return "another operation works on the project. Try again when it has finished."
    case "Failed":
      return `the compose command failed${code}.`
  }
}

/**
 * An operation on a compose project failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class ComposeFailed extends Schema.TaggedError<ComposeFailed>("@dockwire/core/ComposeFailed")("ComposeFailed", {
  reason: ComposeFailure,
  /** The name of the project; its path if it has no name yet. */
  project: Schema.String,
  /** The service at fault, if it is known. */
  service: Schema.optional(Schema.String),
  /** The variable that is missing. */
  variable: Schema.optional(Schema.String),
  /** The file at fault, if it is known. */
  file: Schema.optional(Schema.String),
  /** Where in the file, from 1. */
  line: Schema.optional(Schema.Number),
  column: Schema.optional(Schema.Number),
  /** The exit code of the service or the build step that failed. If the reason is `Failed`, that of the compose command. */
  exitCode: Schema.optional(Schema.Number),
  /** The last lines that the compose command printed, besides progress. */
  lastLines: Schema.Array(Schema.String),
  /** What the compose command said. */
  detail: Schema.String
}) {
  override get message(): string {
    return `Compose project "${this.project}": ${sentence(this)} (${this.detail})`
  }
}
