import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { atMost, type BenchContext, type Row } from "./Benchmark.js"
import { childValue, numbersAt, propertyAt } from "./childProcess.js"
import { dockerCli } from "./dockerCli.js"
import { ratios } from "./statistics.js"

/** Calls that are made in every way, and how often. */
export interface CallMeasure {
  /** What `callsChild.ts` knows it by. */
  readonly kind: "list" | "inspect" | "exec"
  /** The same in words, for each way. */
  readonly names: { readonly dockwire: string; readonly dockerode: string; readonly cli: string }
  /** The containers that are asked for, one after the other. */
  readonly ids: ReadonlyArray<string>
  readonly rounds: number
  /** A round's calls through this package and through dockerode. */
  readonly calls: number
  /** A round's calls of the command, which takes longer. */
  readonly cliCalls: number
}

/** What a call takes in every way, and how the package stands to the others: at most a tenth behind dockerode is the goal. */
export const callRows = async ({ engine }: BenchContext, measure: CallMeasure): Promise<ReadonlyArray<Row>> => {
  const { calls, cliCalls, ids, kind, names, rounds } = measure
  const docker = dockerCli()
  const folder = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  try {
    const file = join(folder, "ids")
    await writeFile(file, ids.join("\n"))
    const counts = [calls, cliCalls, rounds].map(String)
    const value = await childValue("callsChild.ts", [kind, engine.endpoint, docker ?? "", file, ...counts])
    const others = docker === undefined ? (["dockerode"] as const) : (["dockerode", "cli"] as const)
    const ways = ["dockwire", ...others] as const
    const figures = (way: keyof typeof names, what: "p50" | "cpu") => numbersAt(propertyAt(value, way), what)
    const against = (other: "dockerode" | "cli", what: "p50" | "cpu"): Row => ({
      name: `${names.dockwire} against ${names[other]}: ${what === "p50" ? "p50" : "CPU"}`,
      unit: "x",
      values: ratios(figures("dockwire", what), figures(other, what)),
      goal: atMost(other === "dockerode" ? 1.1 : 1)
    })
    return [
      ...ways.flatMap((way): ReadonlyArray<Row> => {
        const note = `${rounds} times ${way === "cli" ? cliCalls : calls} calls`
        return [
          { name: `${names[way]}: p50`, unit: "ms", values: figures(way, "p50"), note },
          {
            name: `${names[way]}: CPU a call`,
            unit: "ms",
            values: figures(way, "cpu"),
            ...(way === "cli" ? { note: "the command's and that of who starts it" } : {})
          }
        ]
      }),
      ...(docker === undefined
        ? [{ name: names.cli, unit: "ms", values: [], note: "there is no docker command here" }]
        : []),
      ...others.flatMap((other) => [against(other, "p50"), against(other, "cpu")])
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}
