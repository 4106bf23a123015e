/**
 * Makes the calls of the old functions, in turn through this package and with the docker command, and reports the milliseconds
 * and the CPU milliseconds of each call, including the processes that it started.
 */
import { configure } from "@dockwire/compat"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { uniqueName } from "../engine/testContainer.js"
import { type CallSequence, type CompatCall, sequences } from "./compatCalls.js"
import { quantile } from "./statistics.js"
import { cpuMillis } from "./stopwatch.js"

const [endpoint = "", composeFile = "", tools = "{}", fast = "1", slow = "1", rounds = "1"] = process.argv.slice(2)

/** Where the docker command and its plugins are. */
const environment: Readonly<Record<string, string>> = JSON.parse(tools)
Object.assign(process.env, environment)
configure({ endpoint })

const run = promisify(execFile)
const options = { env: { ...environment, DOCKER_HOST: endpoint }, maxBuffer: 1 << 28 }

const variants = ["compat", "docker"] as const
type Variant = (typeof variants)[number]

interface Figures {
  readonly p50: Array<number>
  readonly cpu: Array<number>
}

interface Taken {
  readonly millis: Array<number>
  readonly cpu: Array<number>
}

/** Whether a function has returned what it returns of a success. */
const isSuccess = (value: unknown): boolean =>
  value === "up" || (Array.isArray(value) && (value[0] === true || typeof value[0] === "object"))

const call = async (one: CompatCall, variant: Variant, name: string): Promise<void> => {
  if (variant === "docker") return void (await run("docker", one.docker(name), options))
  const value = await one.compat(name)
  if (!isSuccess(value)) throw new Error(`${one.title} returned ${JSON.stringify(value)}`)
}

const pass = async (sequence: CallSequence, variant: Variant, taken: ReadonlyMap<CompatCall, Taken>): Promise<void> => {
  const name = sequence.isCompose === true ? composeFile : uniqueName("bench")
  try {
    await sequence.open?.(endpoint, name)
    for (const one of sequence.calls) {
      const [cpu, started] = [cpuMillis(), performance.now()]
      await call(one, variant, name)
      taken.get(one)?.millis.push(performance.now() - started)
      taken.get(one)?.cpu.push(cpuMillis() - cpu)
    }
  } finally {
    await sequence.close?.(endpoint, name)
  }
}

const measure = async (sequence: CallSequence, result: Record<string, Record<Variant, Figures>>) => {
  for (const { title } of sequence.calls) {
    result[title] = { compat: { p50: [], cpu: [] }, docker: { p50: [], cpu: [] } }
  }
  // Warms up the code, as in a program that makes many calls, and finds the command.
  for (const variant of variants) await pass(sequence, variant, new Map())
  const count = Number(sequence.isSlow === true ? slow : fast)
  for (let round = 0; round < Number(rounds); round++) {
    // Each variant starts a round in turn.
    for (let place = 0; place < variants.length; place++) {
      const variant = variants[(round + place) % variants.length] ?? "compat"
      const taken = new Map(sequence.calls.map((one) => [one, { millis: [], cpu: [] }]))
      for (let index = 0; index < count; index++) await pass(sequence, variant, taken)
      for (const [{ title }, { cpu, millis }] of taken) {
        result[title]?.[variant].p50.push(quantile(millis, 0.5))
        result[title]?.[variant].cpu.push(cpu.reduce((sum, value) => sum + value, 0) / count)
      }
    }
  }
}

const result = {}
for (const sequence of sequences) await measure(sequence, result)
process.stdout.write(`${JSON.stringify(result)}\n`)
// Connections that are kept alive would keep the process running.
process.exit(0)
