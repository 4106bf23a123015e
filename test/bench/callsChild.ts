/**
 * Makes the same calls in every variant, alternating in one process, and reports the milliseconds and the CPU milliseconds of
 * each, including the processes that it started.
 */
import { Containers, Docker, type DockerError, Exec } from "@dockwire/core"
import Dockerode from "dockerode"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { finished } from "node:stream/promises"
import { Writable } from "node:stream"
import { promisify } from "node:util"
import { connectionOf } from "../engine/engineRequest.js"
import { stopwatch } from "./stopwatch.js"

const [kind = "", endpoint = "", docker = "", file = "", calls = "1", cliCalls = "1", rounds = "1"] =
  process.argv.slice(2)

/** Makes a call and returns a summary of the response. Only the call is measured. */
type Call<A> = (index: number) => A

/** A call in every variant. */
interface Variants {
  /** Runs inside one program, one call after the other. */
  readonly dockwire: Call<Effect.Effect<() => string, DockerError>>
  readonly dockerode: Call<Promise<() => string>>
  readonly cli: Call<Promise<() => string>>
}
type Variant = keyof Variants

const ids: ReadonlyArray<string> = readFileSync(file, "utf8").trim().split("\n")
const idAt = (index: number): string => ids[index % ids.length] ?? ""
const known = new Set(ids)
/** Other processes may use the engine too. */
const ownOf = (found: ReadonlyArray<string>): string => String(found.filter((id) => known.has(id)).length)

const target = connectionOf(endpoint)
const dockerode = new Dockerode(target)
const layer = Layer.merge(Containers.layer, Exec.layer).pipe(Layer.provide(Docker.layer({ endpoint })))

const run = promisify(execFile)
const command = async (...args: ReadonlyArray<string>): Promise<string> =>
  (await run(docker, ["-H", endpoint, ...args], { maxBuffer: 1 << 28 })).stdout

const echoHello = ["echo", "hello"]

/** A target for a demultiplexed stream, which keeps everything. */
const textOf = (pieces: Array<Buffer>): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      pieces.push(chunk)
      done()
    }
  })

const execWithDockerode: Variants["dockerode"] = async (index) => {
  const exec = await dockerode
    .getContainer(idAt(index))
    .exec({ Cmd: echoHello, AttachStdout: true, AttachStderr: true })
  const stream = await exec.start({ hijack: true, stdin: false })
  const output: Array<Buffer> = []
  const errors: Array<Buffer> = []
  dockerode.modem.demuxStream(stream, textOf(output), textOf(errors))
  await finished(stream, { writable: false })
  const { ExitCode } = await exec.inspect()
  const result = { exitCode: ExitCode, stdout: Buffer.concat(output).toString("utf8") }
  const stderr = Buffer.concat(errors).toString("utf8")
  return () => `${result.exitCode} ${result.stdout}${stderr}`
}

const variantsOf = (containers: Containers["Type"], exec: Exec["Type"]): Variants | undefined => {
  switch (kind) {
    case "list":
      return {
        dockwire: () => Effect.map(containers.list({ all: true }), (all) => () => ownOf(all.map(({ id }) => id))),
        dockerode: async () => {
          const all = await dockerode.listContainers({ all: true })
          return () => ownOf(all.map(({ Id }) => Id))
        },
        cli: async () => {
          const lines = (await command("ps", "--all", "--no-trunc", "--format", "json")).trimEnd().split("\n")
          const all = lines.map((line): unknown => JSON.parse(line))
          return () => ownOf(all.map((item) => String(Object(item).ID)))
        }
      }
    case "inspect":
      return {
        dockwire: (index) =>
          Effect.map(
            containers.inspect(idAt(index)),
            ({ id }) =>
              () =>
                String(id === idAt(index))
          ),
        dockerode: async (index) => {
          const { Id } = await dockerode.getContainer(idAt(index)).inspect()
          return () => String(Id === idAt(index))
        },
        cli: async (index) => {
          const answer: unknown = JSON.parse(await command("inspect", "--type", "container", idAt(index)))
          return () => String(Array.isArray(answer) && Object(answer[0]).Id === idAt(index))
        }
      }
    case "exec":
      return {
        dockwire: (index) =>
          Effect.map(
            exec.run(idAt(index), echoHello),
            ({ exitCode, stderr, stdout }) =>
              () =>
                `${exitCode} ${stdout}${stderr}`
          ),
        dockerode: execWithDockerode,
        // docker exits with the exit code of the command, and any code but 0 would throw.
        cli: async (index) => {
          const stdout = await command("exec", idAt(index), ...echoHello)
          return () => `0 ${stdout}`
        }
      }
    default:
      return undefined
  }
}

const turn = async (variants: Variants, variant: Variant, count: number) => {
  const watch = stopwatch(count)
  let answer = () => ""
  if (variant === "dockwire") {
    const calls = Effect.gen(function* () {
      for (let index = 0; index < count; index++) {
        answer = yield* variants.dockwire(index)
        watch.next()
      }
    })
    await Effect.runPromise(calls)
  } else {
    for (let index = 0; index < count; index++) {
      answer = await variants[variant](index)
      watch.next()
    }
  }
  return { ...watch.read(), answer: answer() }
}

const measure = async (variants: Variants) => {
  const names: ReadonlyArray<Variant> = docker === "" ? ["dockwire", "dockerode"] : ["dockwire", "dockerode", "cli"]
  const count = (variant: Variant) => Number(variant === "cli" ? cliCalls : calls)
  const result = {
    dockwire: { p50: new Array<number>(), cpu: new Array<number>() },
    dockerode: { p50: new Array<number>(), cpu: new Array<number>() },
    cli: { p50: new Array<number>(), cpu: new Array<number>() }
  }
  // Warm up the code first, as in a program that makes many calls.
  for (const variant of ["dockwire", "dockerode"] as const) await turn(variants, variant, count(variant))
  for (let round = 0; round < Number(rounds); round++) {
    const answers: Array<string> = []
    // Each variant starts a round in turn, so that the garbage of one is not always collected during the same other one.
    for (let place = 0; place < names.length; place++) {
      const variant = names[(round + place) % names.length] ?? "dockwire"
      const { answer, cpu, p50 } = await turn(variants, variant, count(variant))
      answers.push(answer)
      result[variant].p50.push(p50)
      result[variant].cpu.push(cpu)
    }
    if (new Set(answers).size !== 1)
      throw new Error(`The variants returned different results: ${JSON.stringify(answers)}`)
  }
  return result
}

const program = Effect.gen(function* () {
  const variants = variantsOf(yield* Containers, yield* Exec)
  if (variants === undefined) return yield* Effect.dieMessage(`Unknown call: ${kind}.`)
  return yield* Effect.promise(() => measure(variants))
})

const result = await Effect.runPromise(Effect.provide(program, layer))
process.stdout.write(`${JSON.stringify(result)}\n`)
// Connections that are kept alive would keep the process running.
process.exit(0)
