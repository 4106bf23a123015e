import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ComposeFailed } from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"
import type { ComposeSteps, OpenProject } from "../door/composeDoor.js"
import { asComposeFailed, toComposeFailed } from "../failure/asComposeFailed.js"
import type { ComposeError } from "../failure/composeFailure.js"
import { eventLine } from "../progress/composeEvent.js"
import type { WaitStep } from "../wait/projectJudge.js"
import { openProjectWait } from "../wait/projectWait.js"
import type { ComposeUpOptions } from "./composeOptions.js"

/** Compose's own words. */
const words: Readonly<Record<WaitStep["status"], string>> = {
  waiting: "Waiting",
  running: "Running",
  healthy: "Healthy",
  exited: "Exited",
  restarting: "Restarting",
  unhealthy: "Unhealthy"
}

/** As compose reports what it does itself: a line, and progress. */
const stepsOf = ({ exitCode, name, status }: WaitStep): ReadonlyArray<OperationStep<never>> => {
  const id = `container ${name}`
  const resource = {
    kind: "container",
    name,
    ...(exitCode === undefined ? {} : { detail: `code ${exitCode}` })
  } as const
  return [
    { _tag: "Line", stream: "system", text: eventLine(resource, words[status]), item: id },
    { _tag: "Progress", id, status: words[status], resource }
  ]
}

/** Why a project is not ready, as a reason of compose. */
const reasons = {
  NotStarted: "Failed",
  Exited: "Exited",
  Unhealthy: "Unhealthy",
  Removed: "Failed",
  TimedOut: "TimedOut"
} as const

/** Begins to wait for the services that `up` starts. The steps that this gives say how far they have come since. */
export const upWait =
  ({ services = [], wait }: Pick<ComposeUpOptions, "services" | "wait">) =>
  ({ docker, name: project, redactor }: OpenProject): Effect.Effect<ComposeSteps<never>, ComposeError, Scope.Scope> =>
    openProjectWait(docker, project, {
      ...(typeof wait === "object" ? wait : {}),
      services: services.length === 0 ? undefined : services
    }).pipe(
      asComposeFailed(project),
      Effect.map((ready) =>
        ready.pipe(
          Stream.mapConcat(stepsOf),
          Stream.mapError((error) => {
            if (error._tag !== "ProjectNotReady") return toComposeFailed(project)(error)
            const { detail, exitCode, lastLines, reason, service } = error
            const code = exitCode === undefined ? {} : { exitCode }
            const shown = lastLines.map((line) => redactor.text(line))
            return new ComposeFailed({ reason: reasons[reason], project, service, ...code, lastLines: shown, detail })
          })
        )
      )
    )
