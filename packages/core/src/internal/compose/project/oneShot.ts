import type { ComposeLabels } from "./composeLabels.js"
import type { InspectedContainer } from "./inspectedContainer.js"

/** What the services of a project expect of each other. */
export interface Expectations {
  /** Services that others wait for to end with 0. */
  readonly toComplete: ReadonlySet<string>
  /** Services that others wait for to become healthy. */
  readonly toBeHealthy: ReadonlySet<string>
}

/** Reads what services expect of each other from the labels of their containers. */
export const expectations = (all: ReadonlyArray<ComposeLabels>): Expectations => {
  const waitedFor = (wanted: string): ReadonlySet<string> =>
    new Set(
      all.flatMap(({ dependsOn = [] }) =>
        dependsOn.flatMap(({ condition, service }) => (condition === wanted ? [service] : []))
      )
    )
  return { toComplete: waitedFor("service_completed_successfully"), toBeHealthy: waitedFor("service_healthy") }
}

type Ended = Pick<InspectedContainer, "service" | "restartPolicy" | "publishesPorts">

/** Whether a container that ended with 0 has done all that it was made for. A service that serves something has not. */
export const isDone = ({ publishesPorts, restartPolicy, service }: Ended, expected: Expectations): boolean =>
  expected.toComplete.has(service) ||
  (/^(no|on-failure)?$/.test(restartPolicy) && !publishesPorts && !expected.toBeHealthy.has(service))
