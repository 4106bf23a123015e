import * as Cause from "effect/Cause"
import * as Option from "effect/Option"
import type { DockerError } from "@dockwire/core/DockerError"
import type { SetupFailed } from "../runtime.js"
import type { InvalidArgument } from "./arguments.js"
import { defectText } from "./defectText.js"

/** What a function can fail with. */
export type Failure = DockerError | InvalidArgument

/** What the docker command prints of the engine's message. */
export const daemonText = (message: string): string => `Error response from daemon: ${message}`

/** The text of a failure: the engine's message as the docker command prints it, or a sentence of its own. */
export const failureText = (error: Failure | SetupFailed): string => {
  switch (error._tag) {
    case "ContainerNotFound":
      return daemonText(
        /no such container/i.test(error.detail) ? error.detail : `No such container: ${error.containerId}`
      )
    case "InvalidArgument":
    case "SetupFailed":
    case "EngineUnavailable":
    case "BuildFailed":
    case "ComposeFailed":
    case "ComposeFileInvalid":
    case "ComposeFileUnusable":
    case "DownloadFailed":
    case "InstallFailed":
    case "WaitFailed":
      return error.message
    default:
      return error.detail.startsWith("request not sent") ? error.message : daemonText(error.detail)
  }
}

/** The failure that a cause is about, unless it is a defect or an interruption. */
export const failureOf = <E>(cause: Cause.Cause<E>): E | undefined => Option.getOrUndefined(Cause.failureOption(cause))

/** The text of a failure, or of a defect, which only a broken argument or program can cause. */
export const causeText = (cause: Cause.Cause<Failure | SetupFailed>): string => {
  const error = failureOf(cause)
  if (error !== undefined) return failureText(error)
  return Cause.isInterruptedOnly(cause) ? "the operation was interrupted" : defectText(Cause.squash(cause))
}
