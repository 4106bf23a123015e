/**
 * Reads and starts a project that runs already, in turn through this package and with the docker command, and reports the
 * milliseconds and the CPU milliseconds of each call, including the processes that it started.
 */
import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { stopwatch } from "./stopwatch.js"

const [endpoint = "", directory = "", tools = "{}", calls = "1", rounds = "1"] = process.argv.slice(2)

/** Where the docker command and its plugins are. */
const environment: Readonly<Record<string, string>> = JSON.parse(tools)

const run = promisify(execFile)
const command = async (...args: ReadonlyArray<string>): Promise<string> => {
  const options = { cwd: directory, env: { ...environment, DOCKER_HOST: endpoint } }
  return (await run("docker", ["compose", ...args], options)).stdout
}

/** A call in every variant. Each returns how many containers it has found. */
const variantsOf = (compose: Compose["Type"]) => ({
  up: Effect.map(Operation.run(compose.up(directory)), ({ containers }) => containers.length),
  upCli: Effect.promise(() => command("up", "--detach").then(() => 10)),
  ps: Effect.map(compose.ps(directory), (containers) => containers.length),
  status: Effect.map(compose.status(directory), ({ status }) => (status === "up" ? 10 : 0)),
  psCli: Effect.promise(() => command("ps").then((table) => table.trim().split("\n").length - 1))
})

type Variant = keyof ReturnType<typeof variantsOf>
const names: ReadonlyArray<Variant> = ["up", "upCli", "ps", "status", "psCli"]

const program = Effect.gen(function* () {
  const variants = variantsOf(yield* Compose)
  const turn = (variant: Variant, count: number) =>
    Effect.gen(function* () {
      const watch = stopwatch(count)
      for (let index = 0; index < count; index++) {
        const found = yield* variants[variant]
        watch.next()
        if (found !== 10) return yield* Effect.dieMessage(`${variant} found ${found} of 10 containers.`)
      }
      return watch.read()
    })
  // Warms up the code, as in a program that makes many calls, and finds the command.
  for (const variant of names) yield* turn(variant, Number(calls))
  const result = Object.fromEntries(names.map((name) => [name, { p50: new Array<number>(), cpu: new Array<number>() }]))
  for (let round = 0; round < Number(rounds); round++) {
    // Each variant starts a round in turn.
    for (let place = 0; place < names.length; place++) {
      const variant = names[(round + place) % names.length] ?? "up"
      const { cpu, p50 } = yield* turn(variant, Number(calls))
      result[variant]?.p50.push(p50)
      result[variant]?.cpu.push(cpu)
    }
  }
  return result
})

const live = Layer.merge(
  Compose.layerWith({ environment }).pipe(Layer.provide([Docker.layer({ endpoint }), RegistryAuth.layer()])),
  LogSink.layerNone
)
process.stdout.write(`${JSON.stringify(await Effect.runPromise(Effect.provide(program, live)))}\n`)
// Connections that are kept alive would keep the process running.
process.exit(0)
