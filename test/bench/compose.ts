import { packagesUnavailable } from "../engine/debianPackages.js"
import type { ComposeEdition } from "../engine/composeEditions.js"
import { atLeast, atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { childValue, numbersAt, propertyAt } from "./childProcess.js"
import { composeLogRows } from "./composeLogs.js"
import { withBenchProject } from "./composeProject.js"
import { ratios } from "./statistics.js"

/** With a mount of a folder, `up` has to know whether the folder exists. */
const settings = `init: true, command: [sleep, "100000"], volumes: ["./data:/data"], environment: { LOG_LEVEL: info }`

const titles = [
  ["up", "Compose.up"],
  ["upCli", "docker compose up -d"],
  ["ps", "Compose.ps"],
  ["status", "Compose.status"],
  ["psCli", "docker compose ps"]
] as const

const callRows = (edition: ComposeEdition, { engine, progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const [calls, rounds] = quick ? [2, 2] : [5, 9]
  progress(`compose ${edition}: starting a project`)
  return withBenchProject(edition, engine.endpoint, settings, async ({ directory, environment }) => {
    progress(`compose ${edition}: ${rounds} rounds`)
    const args = [engine.endpoint, directory, JSON.stringify(environment), String(calls), String(rounds)]
    const value = await childValue("composeChild.ts", args)
    const figures = (variant: string, what: "p50" | "cpu") => numbersAt(propertyAt(value, variant), what)
    const note = `${rounds} times ${calls} calls`
    return [
      ...titles.flatMap(([variant, title]): ReadonlyArray<Row> => [
        { name: `${edition}: ${title}: p50`, unit: "ms", values: figures(variant, "p50"), note },
        { name: `${edition}: ${title}: CPU a call`, unit: "ms", values: figures(variant, "cpu") }
      ]),
      ...(["p50", "cpu"] as const).map((what): Row => ({
        name: `${edition}: Compose.up against docker compose up -d: ${what === "cpu" ? "CPU" : what}`,
        unit: "x",
        values: ratios(figures("up", what), figures("upCli", what)),
        goal: atMost(1.1)
      })),
      ...(["ps", "status"] as const).map((variant): Row => ({
        name: `${edition}: Compose.${variant}: speed against docker compose ps`,
        unit: "x",
        values: ratios(figures("psCli", "p50"), figures(variant, "p50")),
        goal: atLeast(5)
      }))
    ]
  })
}

/** Projects of compose, against the docker command. */
export const compose: Benchmark = {
  name: "compose",
  title: "A project of ten services that run already, one call at a time, and the logs of ten services",
  run: async (context) => {
    const unavailable = await packagesUnavailable()
    if (unavailable !== undefined) {
      return [{ name: "docker compose", unit: "ms", values: [], note: `not available: ${unavailable}` }]
    }
    return [
      ...(await callRows("2.26", context)),
      ...(await callRows("2.40", context)),
      ...(await composeLogRows(context))
    ]
  }
}
