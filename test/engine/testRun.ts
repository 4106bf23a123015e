import { isAlive, ownIdentity, pidSpace } from "./processIdentity.js"

/** The label that everything carries that a test makes; its value is the run's id. */
export const testLabel = "dockwire.test"

const projectPrefix = "dockwire-test-"
const variable = "DOCKWIRE_TEST_RUN"

/** An id for a run that lives as long as this process: it tells whether the run is still alive. */
export const newTestRunId = (): string => {
  const { pid, startTime } = ownIdentity()
  return `${pidSpace()}-${pid}-${startTime}`
}

/** The id of this run, the same in the runner and in its workers (they inherit it in their environment). */
export const testRunId = (): string => {
  const inherited = process.env[variable]
  if (inherited !== undefined && inherited !== "") return inherited
  const id = newTestRunId()
  process.env[variable] = id
  return id
}

/** The labels for whatever a test makes, with `more` beside them. */
export const testLabels = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ...more,
  [testLabel]: testRunId()
})

/**
 * A compose project name of this run. What compose makes carries compose's own project label, so it is swept by that
 * and needs no other.
 */
export const testProjectName = (name: string): string => `${projectPrefix}${testRunId()}-${name.toLowerCase()}`

/** The run that made a thing with these labels, `undefined` when no test did. */
export const runOf = (labels: Readonly<Record<string, unknown>>): string | undefined => {
  const direct = labels[testLabel]
  if (typeof direct === "string") return direct
  const project = labels["com.docker.compose.project"]
  if (typeof project !== "string" || !project.startsWith(projectPrefix)) return undefined
  return /^[0-9a-f]{6}-\d+-\d+/.exec(project.slice(projectPrefix.length))?.[0]
}

const foreignRunLimit = 6 * 60 * 60 * 1000

/**
 * Whether the run is over. Of a run on another machine (a shared remote engine) only the age tells: it is taken for
 * dead six hours after it made the thing in question. `madeAt` is in milliseconds since the epoch.
 */
export const isDeadRun = (runId: string, madeAt: number): boolean => {
  const parts = /^([0-9a-f]{6})-(\d+)-(\d+)$/.exec(runId)
  if (parts === null || parts[1] !== pidSpace()) return Date.now() - madeAt > foreignRunLimit
  return !isAlive({ pid: Number(parts[2]), startTime: parts[3] ?? "" })
}
