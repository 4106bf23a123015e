import { engineRequest, jsonAt } from "./engineRequest.js"
import { isDeadRun, runOf } from "./testRun.js"

/** How many things a sweep removed. */
export interface SweepCount {
  readonly containers: number
  readonly networks: number
  readonly volumes: number
  readonly images: number
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const textAt = (value: unknown, key: string): string => {
  const found = jsonAt(value, key)
  return typeof found === "string" ? found : ""
}

/** Engines give the time of making as seconds or as a date; a thing without one counts as just made. */
const madeAtOf = (item: unknown): number => {
  const made = jsonAt(item, "Created") ?? jsonAt(item, "CreatedAt")
  if (typeof made === "number") return made * 1000
  const parsed = typeof made === "string" ? Date.parse(made) : Number.NaN
  return Number.isNaN(parsed) ? Date.now() : parsed
}

const sweepWhere = async (
  endpoint: string,
  isMeant: (runId: string, madeAt: number) => boolean
): Promise<SweepCount> => {
  const removeAll = async (list: string, key: string | undefined, idKey: string, path: (id: string) => string) => {
    const answer = await engineRequest(endpoint, "GET", list)
    if (answer.status !== 200) return 0
    const items: unknown = key === undefined ? answer.json : jsonAt(answer.json, key)
    if (!Array.isArray(items)) return 0
    const meant = items.filter((item: unknown) => {
      const labels = jsonAt(item, "Labels")
      const run = isRecord(labels) ? runOf(labels) : undefined
      return run !== undefined && isMeant(run, madeAtOf(item))
    })
    // 409: its removal goes on already. What is not removed now is removed by the next sweep.
    const answers = await Promise.all(
      meant.map((item: unknown) => engineRequest(endpoint, "DELETE", path(encodeURIComponent(textAt(item, idKey)))))
    )
    return answers.filter((removal) => removal.status < 300).length
  }
  // Containers first: they hold on to the others.
  const containers = await removeAll("/containers/json?all=1", undefined, "Id", (id) => `/containers/${id}?force=1&v=1`)
  const [networks, volumes, images] = await Promise.all([
    removeAll("/networks", undefined, "Id", (id) => `/networks/${id}`),
    removeAll("/volumes", "Volumes", "Name", (name) => `/volumes/${name}?force=1`),
    removeAll("/images/json", undefined, "Id", (id) => `/images/${id}?force=1`)
  ])
  return { containers, networks, volumes, images }
}

/** Removes every container, network, volume and image that carries the label of this run. */
export const sweepRun = (endpoint: string, runId: string): Promise<SweepCount> =>
  sweepWhere(endpoint, (run) => run === runId)

/** Removes what runs left behind that are over (killed, crashed). Runs that still live keep what is theirs. */
export const sweepDeadRuns = (endpoint: string): Promise<SweepCount> => sweepWhere(endpoint, isDeadRun)
