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
import type { Stress } from "./Stress.js"

const kills = 20
/** How much may be lost, in milliseconds. */
const atRisk = 100

const child = fileURLToPath(new URL("killedServerChild.ts", import.meta.url))

interface Killed {
  readonly logId: string
  /** The last number that was recorded long enough before. */
  readonly safe: number
}

/** Starts the operation and kills its server, at a random moment after its first line. */
const killOne = async (dataDir: string): Promise<Killed> => {
  const server = spawn(process.execPath, ["--import", "tsx", child, dataDir], { stdio: ["ignore", "pipe", "inherit"] })
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()))
  const numbers: Array<{ readonly number: number; readonly at: number }> = []
  let logId = ""
  let killedAt = 0
  for await (const line of createInterface({ input: server.stdout })) {
    const [word, first = "", at] = line.split(" ")
    if (word === "log_id") logId = first
    else numbers.push({ number: Number(first), at: Number(at) })
    if (killedAt > 0 || logId === "" || numbers.length === 0) continue
    killedAt = Number.POSITIVE_INFINITY
    void sleep(Math.random() * 1_500).then(() => {
      killedAt = Date.now()
      server.kill("SIGKILL")
    })
  }
  await exited
  return { logId, safe: numbers.findLast(({ at }) => at < killedAt - atRisk)?.number ?? 0 }
}

/** How many programs of the operation are left. */
const leftPrograms = async (logId: string): Promise<number> => {
  const environments = await Promise.all(
    (await readdir("/proc")).map((name) => readFile(`/proc/${name}/environ`, "utf8").catch(() => ""))
  )
  return environments.filter((text) => text.includes(`dockwire.log-id=${logId}`)).length
}

/** What the next server finds. Returns what is wrong with it. */
const check = (dataDir: string, { logId, safe }: Killed): Promise<ReadonlyArray<string>> => {
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
    const numbers = events.flatMap((event) =>
      event._tag === "OperationLine" && event.text.startsWith("number ") ? [Number(event.text.slice(7))] : []
    )
    const left = yield* Effect.promise(() => leftPrograms(logId))
    const last = numbers.at(-1) ?? 0
    return [
      ...(store.status().reason === undefined ? [] : [`the database: ${store.status().reason}`]),
      ...(found.status === "interrupted" ? [] : [`it is ${found.status}`]),
      ...(events.filter(isOperationEnded).length === 1 ? [] : ["it has not one end"]),
      ...(numbers.every((number, index) => number === index + 1) ? [] : ["its lines are not whole"]),
      ...(last >= safe ? [] : [`lines ${last + 1} to ${safe} are lost`]),
      ...(left === 0 ? [] : [`${left} programs are left`])
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

export const killserver: Stress = {
  name: "killserver",
  title: `a server killed ${kills} times in mid-operation: what the next one finds`,
  run: async ({ print, rounds }) => {
    let isRight = true
    for (let round = 0; round < rounds; round++) {
      const dataDir = await mkdtemp(join(tmpdir(), "dockwire-killed-"))
      try {
        for (let kill = 1; kill <= kills; kill++) {
          const killed = await killOne(dataDir)
          const wrong = await check(dataDir, killed)
          isRight &&= wrong.length === 0
          print(
            `kill ${kill}: ${killed.safe} lines had to be there: ${wrong.length === 0 ? "right" : wrong.join(", ")}`
          )
        }
      } finally {
        await rm(dataDir, { recursive: true, force: true })
      }
    }
    return isRight
  }
}
