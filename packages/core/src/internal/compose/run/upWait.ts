import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ComposeFailed } from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"
import { asComposeFailed, toComposeFailed } from "../failure/asComposeFailed.js"
import type { ComposeError } from "../failure/composeFailure.js"
import type { WaitStep } from "../wait/projectJudge.js"
import { openProjectWait } from "../wait/projectWait.js"
import type { ComposeSteps } from "./composeOperation.js"
import type { ComposeWaitOptions } from "./composeOptions.js"
import type { PreparedProject } from "./preparedProject.js"

/** Compose's own words. */
const words: Readonly<Record<WaitStep["status"], string>> = {
  waiting: "Waiting",
  running: "Running",
  healthy: "Healthy",
  exited: "Exited",
  restarting: "Restarting",
  unhealthy: "Unhealthy"
}

const progress = ({ exitCode, name, status }: WaitStep): OperationStep<never> => ({
  _tag: "Progress",
  id: `container ${name}`,
  status: words[status],
  resource: { kind: "container", name, ...(exitCode === undefined ? {} : { detail: `code ${exitCode}` }) }
})

/** Why a project is not ready, as a reason of compose. */
const reasons = {
  NotStarted: "Failed",
  Exited: "Exited",
  Unhealthy: "Unhealthy",
  Removed: "Failed",
  TimedOut: "TimedOut"
} as const

/** Begins to wait for a project. The steps that this gives say how far its containers have come since `up`. */
export const upWait =
  (options: ComposeWaitOptions) =>
  ({ house, name: project }: PreparedProject): Effect.Effect<ComposeSteps<never>, ComposeError, Scope.Scope> =>
    openProjectWait(house.docker, project, options).pipe(
      asComposeFailed(project),
      Effect.map((ready) =>
        ready.pipe(
          Stream.map(progress),
          Stream.mapError((error) => {
            if (error._tag !== "ProjectNotReady") return toComposeFailed(project)(error)
            const { detail, exitCode, lastLines, reason, service } = error
            const code = exitCode === undefined ? {} : { exitCode }
            return new ComposeFailed({ reason: reasons[reason], project, service, ...code, lastLines, detail })
          })
        )
      )
    )
