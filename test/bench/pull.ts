import { execFile, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { dockerCli } from "../engine/dockerCli.js"
import { engineCall } from "../engine/engineRequest.js"
import { startTestRegistry } from "../engine/testRegistry.js"
import { uniqueName } from "../engine/testContainer.js"
import { atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { childValue, numberAt } from "./childProcess.js"
import { ratios } from "./statistics.js"

const run = promisify(execFile)

const megabyte = 1_000_000

/** Imports an image with a file of this size that cannot be compressed, and pushes it. */
const pushImage = async (endpoint: string, reference: string, size: number): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  const data = await open(join(folder, "data"), "w")
  for (let left = size; left > 0; left -= megabyte) await data.write(randomBytes(Math.min(left, megabyte)))
  await data.close()
  const archive = spawn("tar", ["-C", folder, "-cf", "-", "data"], { stdio: ["ignore", "pipe", "inherit"] }).stdout
  const [repository, tag = ""] = [reference.slice(0, reference.lastIndexOf(":")), reference.split(":").at(-1)]
  const query = new URLSearchParams({ fromSrc: "-", repo: repository, tag })
  await engineCall(endpoint, "POST", `/images/create?${query}`, archive, { timeout: 120_000 })
  await rm(folder, { recursive: true })
  const pushed = await engineCall(endpoint, "POST", `/images/${repository}/push?tag=${tag}`, undefined, {
    timeout: 120_000,
    headers: { "X-Registry-Auth": Buffer.from("{}").toString("base64url") }
  })
  if (pushed.text.includes("errorDetail")) throw new Error(`Pushing ${reference} failed: ${pushed.text.slice(-500)}`)
}

const measure = async ({ engine, progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const { endpoint } = engine
  const docker = dockerCli()
  const rounds = quick ? 2 : 7
  const size = (quick ? 20 : 200) * megabyte
  const registry = await startTestRegistry()
  const reference = `${registry.host}/${uniqueName("pull")}:1`
  const forget = () => engineCall(endpoint, "DELETE", `/images/${reference}?force=1`)
  const seconds = { dockwire: new Array<number>(), docker: new Array<number>() }
  const cpu = new Array<number>()
  try {
    progress(`pull: pushing an image of ${size / megabyte} MB`)
    await pushImage(endpoint, reference, size)
    await forget()
    const turns = {
      dockwire: async () => {
        const value = await childValue("pullChild.ts", [endpoint, reference])
        cpu.push(numberAt(value, "cpuSeconds") * 1000)
        return numberAt(value, "seconds")
      },
      docker: async () => {
        const started = performance.now()
        await run(docker ?? "docker", ["-H", endpoint, "pull", reference])
        return (performance.now() - started) / 1000
      }
    }
    const variants = docker === undefined ? (["dockwire"] as const) : (["dockwire", "docker"] as const)
    for (let round = 0; round < rounds; round++) {
      for (let place = 0; place < variants.length; place++) {
        const variant = variants[(round + place) % variants.length] ?? "dockwire"
        progress(`pull: round ${round + 1} of ${rounds}, ${variant}`)
        seconds[variant].push(await turns[variant]())
        await forget()
      }
    }
  } finally {
    await registry.stop()
  }
  const pulls = `${size / megabyte} MB`
  return [
    { name: "Images.pull", unit: "s", values: seconds.dockwire, note: pulls },
    { name: "Images.pull: CPU", unit: "ms", values: cpu },
    { name: "docker pull", unit: "s", values: seconds.docker, note: docker === undefined ? "not installed" : pulls },
    {
      name: "Images.pull against docker pull",
      unit: "x",
      values: ratios(seconds.dockwire, seconds.docker),
      goal: atMost(1.05)
    }
  ]
}

/** Pulling an image, against the docker command. */
export const pull: Benchmark = {
  name: "pull",
  title: "Pulling an image from a registry on this machine",
  run: measure
}
