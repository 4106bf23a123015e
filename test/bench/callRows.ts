import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { atMost, type BenchContext, type Row } from "./Benchmark.js"
import { childValue, numbersAt, propertyAt } from "./childProcess.js"
import { dockerCli } from "../engine/dockerCli.js"
import { ratios } from "./statistics.js"

/** A call to measure in every variant, and how often. */
export interface CallMeasure {
  /** Its name in `callsChild.ts`. */
  readonly kind: "list" | "inspect" | "exec"
  /** Its description, for each variant. */
  readonly names: { readonly dockwire: string; readonly dockerode: string; readonly cli: string }
  /** The containers to call it for, in turn. */
  readonly ids: ReadonlyArray<string>
  readonly rounds: number
  /** The calls of a round through this package and through dockerode. */
  readonly calls: number
  /** The calls of a round through the docker command, which takes longer. */
  readonly cliCalls: number
}

/** The time of a call in every variant, and the ratios between them. The goal is at most 10 % more than dockerode. */
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
    const variants = ["dockwire", ...others] as const
    const figures = (variant: keyof typeof names, what: "p50" | "cpu") => numbersAt(propertyAt(value, variant), what)
    const against = (other: "dockerode" | "cli", what: "p50" | "cpu"): Row => ({
      name: `${names.dockwire} against ${names[other]}: ${what === "p50" ? "p50" : "CPU"}`,
      unit: "x",
      values: ratios(figures("dockwire", what), figures(other, what)),
      goal: atMost(other === "dockerode" ? 1.1 : 1)
    })
    return [
      ...variants.flatMap((variant): ReadonlyArray<Row> => {
        const note = `${rounds} times ${variant === "cli" ? cliCalls : calls} calls`
        return [
          { name: `${names[variant]}: p50`, unit: "ms", values: figures(variant, "p50"), note },
          {
            name: `${names[variant]}: CPU a call`,
            unit: "ms",
            values: figures(variant, "cpu"),
            ...(variant === "cli" ? { note: "of the command and of the process that starts it" } : {})
          }
        ]
      }),
      ...(docker === undefined
        ? [{ name: names.cli, unit: "ms", values: [], note: "the docker command is not installed" }]
        : []),
      ...others.flatMap((other) => [against(other, "p50"), against(other, "cpu")])
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}
