import { isOperationEnded } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { layerEmbedded } from "../../packages/server/src/operations/libsql/embeddedDatabase.js"
import { Operations } from "../../packages/server/src/operations/Operations.js"
import { OperationStore } from "../../packages/server/src/operations/OperationStore.js"
import { type HistoryItem, OperationHistory } from "../../packages/server/src/rooms/OperationHistory.js"
import { writeProject } from "../core/compose/projectFiles.js"
import { composeEnvironment, obtainCompose } from "../engine/composeEditions.js"
import { type RegistryFront, startRegistryFront } from "../engine/registryFront.js"
import { registryImage } from "../engine/registryImage.js"
import { sweepRun } from "../engine/sweep.js"
import { testProjectName, testRunId } from "../engine/testRun.js"
import { makeRandom } from "./random.js"
import type { Stress } from "./Stress.js"

/** What a server runs when it is killed, and how often. */
const kinds = { up: 10, pull: 10, numbers: 5 } as const

/** How much may be lost, in milliseconds. */
const atRisk = 100
/** When it is killed: so many milliseconds after its first line at most. */
const lastMoment = 2_000

const child = fileURLToPath(new URL("killedServerChild.ts", import.meta.url))

interface Killed {
  readonly logId: string
  /** The numbers of the lines that were recorded long enough before. */
  readonly safe: ReadonlyArray<number>
}

/** Starts the operation and kills its server, so many milliseconds after its first line. */
const killOne = async (args: ReadonlyArray<string>, after: number): Promise<Killed> => {
  const server = spawn(process.execPath, ["--import", "tsx", child, ...args], { stdio: ["ignore", "pipe", "inherit"] })
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()))
  const lines: Array<{ readonly seq: number; readonly at: number }> = []
  let logId = ""
  let killedAt: number | undefined
  for await (const line of createInterface({ input: server.stdout })) {
    const [first = "", second = ""] = line.split(" ")
    if (first === "log_id") logId = second
    else lines.push({ seq: Number(first), at: Number(second) })
    if (killedAt !== undefined || logId === "" || lines.length === 0) continue
    killedAt = Number.POSITIVE_INFINITY
    void sleep(after).then(() => {
      killedAt = Date.now()
      server.kill("SIGKILL")
    })
  }
  await exited
  const before = (killedAt ?? 0) - atRisk
  return { logId, safe: lines.filter(({ at }) => at < before).map(({ seq }) => seq) }
}

/** The programs that belong to the operation, or work in the folder of its project. */
const leftPrograms = async (logId: string, folder: string): Promise<ReadonlyArray<string>> => {
  const found = await Promise.all(
    (await readdir("/proc")).map(async (name) => {
      const read = (file: string) => readFile(`/proc/${name}/${file}`, "utf8").catch(() => "")
      const [environment, command] = await Promise.all([read("environ"), read("cmdline")])
      const isLeft = environment.includes(`dockwire.log-id=${logId}`) || command.includes(folder)
      return isLeft ? [command.replaceAll("\0", " ").trim()] : []
    })
  )
  return found.flat()
}

/** What the next server finds. Returns what is wrong with it. */
const check = (dataDir: string, folder: string, { logId, safe }: Killed): Promise<ReadonlyArray<string>> => {
  const program = Effect.gen(function* () {
    const operations = yield* Operations
    const history = yield* OperationHistory
    const store = yield* OperationStore
    const found = yield* Effect.repeat(Effect.delay(operations.get(logId), "20 millis"), {
      until: ({ ended_at }) => ended_at !== undefined
    }).pipe(Effect.timeout("30 seconds"))
    yield* history.flush
    const batches = yield* Stream.runCollect(history.read(`operation_${logId}`, 0))
    const items: ReadonlyArray<HistoryItem> = Chunk.toReadonlyArray(batches).flat()
    const events = items.flatMap((item) => (item._tag === "Stored" ? [item.event] : []))
    const lines = events.flatMap((event) => (event._tag === "OperationLine" ? [event] : []))
    const kept = new Set(lines.map(({ seq }) => seq))
    const lost = safe.filter((seq) => !kept.has(seq))
    const numbers = lines.flatMap(({ text }) => (text.startsWith("number ") ? [Number(text.slice(7))] : []))
    const left = yield* Effect.promise(() => leftPrograms(logId, folder))
    return [
      ...(store.status().reason === undefined ? [] : [`the database: ${store.status().reason}`]),
      ...(found.status === "interrupted" ? [] : [`it is ${found.status}`]),
      ...(events.filter(isOperationEnded).length === 1 ? [] : ["it has not one end"]),
      ...(kept.size === lines.length ? [] : ["it has lines twice"]),
      ...(numbers.every((number, index) => number === index + 1) ? [] : ["its lines are not whole"]),
      ...(lost.length === 0 ? [] : [`lines ${lost.join(", ")} are lost`]),
      ...(left.length === 0 ? [] : [`still running: ${left.join("; ")}`])
    ]
  })
  const layer = Operations.layer.pipe(
    Layer.provide(OperationStore.layerSink),
    Layer.provideMerge(OperationStore.layerSql()),
    Layer.provide(layerEmbedded(dataDir))
  )
  return Effect.runPromise(
    program.pipe(
      Effect.catchAll((error) => Effect.succeed([error.message])),
      Effect.provide(layer)
    )
  )
}

const healthy = `healthcheck: { test: "true", interval: 300ms, retries: 5 }`
const service = (name: string, after: string | undefined) =>
  `  ${name}: { image: busybox, command: sleep 600, stop_grace_period: 0s, ${healthy}${
    after === undefined ? "" : `, depends_on: { ${after}: { condition: service_healthy } }`
  } }\n`

/** Services that come up one after the other. */
const chain = (name: string) =>
  `name: ${name}\nservices:\n${["one", "two", "three", "four"]
    .map((each, index, all) => service(each, all[index - 1]))
    .join("")}`

/** Two images that take some seconds to arrive. */
const slowImages = (name: string, front: RegistryFront, key: string) => {
  const images = ["a", "b"].map((each) => `killed-${key}-${each}`)
  for (const image of images) {
    front.add(image, "1", registryImage({ layers: [2_000_000, 2_000_000] }))
    front.break(image, { kind: "throttle", bytesPerSecond: 400_000 })
  }
  return `name: ${name}\nservices:\n${images
    .map((image, index) => `  s${index}: { image: "${front.host}/${image}:1" }\n`)
    .join("")}`
}

const killAll = async (
  { endpoint, print, seed }: Parameters<Stress["run"]>[0],
  front: RegistryFront,
  parent: string
): Promise<boolean> => {
  const random = makeRandom(seed)
  const environment = await composeEnvironment(await obtainCompose("2.26"), join(parent, "home"))
  const dataDir = join(parent, "data")
  let isRight = true
  const all = Object.entries(kinds).flatMap(([kind, count]) => Array.from({ length: count }, () => kind))
  for (const [index, kind] of all.entries()) {
    const key = `${process.pid}-${index}`
    const name = testProjectName(`killed-${index}`)
    const text = kind === "up" ? chain(name) : slowImages(name, front, key)
    const folder = await writeProject(parent, `project-${key}`, { "compose.yaml": text })
    const after = Math.round(random() * lastMoment)
    const killed = await killOne([dataDir, kind, folder, endpoint, JSON.stringify(environment)], after)
    const wrong = await check(dataDir, folder, killed)
    isRight &&= wrong.length === 0
    const had = `${killed.safe.length} lines had to be there`
    print(`${kind}, killed after ${after} ms: ${had}: ${wrong.length === 0 ? "right" : wrong.join(", ")}`)
    await sweepRun(endpoint, testRunId())
  }
  return isRight
}

export const killserver: Stress = {
  name: "killserver",
  title: "a server killed at random moments of compose up, compose pull and a shell: what the next one finds",
  run: async (context) => {
    let isRight = true
    for (let round = 0; round < context.rounds; round++) {
      const parent = await mkdtemp(join(tmpdir(), "dockwire-killed-"))
      const front = await startRegistryFront()
      try {
        isRight = (await killAll(context, front, parent)) && isRight
      } finally {
        await front.stop()
        await rm(parent, { recursive: true, force: true })
      }
    }
    return isRight
  }
}
