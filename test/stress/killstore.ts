import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { LogStore } from "../../packages/server/src/store/LogStore.js"
import { storeProgram } from "../server/store/storeProgram.js"
import { elementsOf, keepsAll, killedContainers } from "./killedStoreLines.js"
import type { Stress } from "./Stress.js"

const kills = 20
/** How much may be lost, in milliseconds. */
const atRisk = 1_000

const child = fileURLToPath(new URL("killedStoreChild.ts", import.meta.url))

/** Keeps logs and kills the process at a random moment. Returns the numbers that were taken long enough before, by container. */
const killOne = async (dataDir: string, program: URL): Promise<ReadonlyMap<string, number>> => {
  const args = ["--import", "tsx", child, dataDir, program.href]
  const keeper = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  const exited = new Promise<void>((resolve) => keeper.once("exit", () => resolve()))
  const taken: Array<{ readonly containerId: string; readonly number: number; readonly at: number }> = []
  let killedAt = 0
  for await (const line of createInterface({ input: keeper.stdout })) {
    const [containerId = "", number, at] = line.split(" ")
    taken.push({ containerId, number: Number(number), at: Number(at) })
    if (killedAt > 0) continue
    killedAt = Number.POSITIVE_INFINITY
    void sleep(1_000 + Math.random() * 4_000).then(() => {
      killedAt = Date.now()
      keeper.kill("SIGKILL")
    })
  }
  await exited
  return new Map(
    taken.filter(({ at }) => at < killedAt - atRisk).map(({ containerId, number }) => [containerId, number])
  )
}

/** What the next process finds. Returns what is wrong with it. */
const check = (dataDir: string, program: URL, safe: ReadonlyMap<string, number>) =>
  Effect.gen(function* () {
    const store = yield* LogStore
    const wrong: Array<string> = []
    const { available, reason } = store.status()
    if (!available || reason !== undefined) wrong.push(`the store: ${reason ?? "is not available"}`)
    const batches = yield* Stream.runCollect(store.read({ source: "local/killed/web", direction: "forward" }))
    const items = Chunk.toReadonlyArray(batches).flat()
    let total = 0
    for (const containerId of killedContainers) {
      const lines = items.flatMap((item) =>
        item._tag === "StoredLine" && item.containerId === containerId ? [item] : []
      )
      const expected = elementsOf(containerId, 0, lines.length)
      const isEqual = lines.every(
        ({ number, stream, text, timestamp }, index) =>
          number === index + 1 &&
          text === expected[index]?.text &&
          timestamp === expected[index].timestamp &&
          stream === expected[index].stream
      )
      if (!isEqual) wrong.push(`the lines of ${containerId} are not those that were written`)
      const least = safe.get(containerId) ?? 0
      if (lines.length < least) wrong.push(`lines ${lines.length + 1} to ${least} of ${containerId} are lost`)
      const point = Option.getOrUndefined(yield* store.resume(containerId))
      if ((point?.number ?? 0) !== lines.length || Number(point?.position ?? 0) !== lines.length) {
        wrong.push(`${containerId} has ${lines.length} lines and goes on from ${point?.number} (${point?.position})`)
      }
      total += lines.length
    }
    if (items.some(({ _tag }) => _tag === "MissingRecords")) wrong.push("records are missing")
    return { total, wrong }
  }).pipe(Effect.provide(LogStore.layerEmbedded({ dataDir, program, retention: keepsAll })), Effect.runPromise)

export const killstore: Stress = {
  name: "killstore",
  title: `kept logs, killed ${kills} times while they are written: what the next process finds`,
  run: async ({ print, rounds }) => {
    const program = await storeProgram()
    let isRight = true
    for (let round = 0; round < rounds; round++) {
      const dataDir = await mkdtemp(join(tmpdir(), "dockwire-killed-"))
      try {
        for (let kill = 1; kill <= kills; kill++) {
          // All lines are read after each kill, so begin anew before there are too many.
          if (kill % 2 === 1) {
            await rm(dataDir, { recursive: true, force: true })
            await mkdir(dataDir)
          }
          const safe = await killOne(dataDir, program)
          const { total, wrong } = await check(dataDir, program, safe)
          isRight &&= wrong.length === 0
          print(`kill ${kill}: ${total} lines: ${wrong.length === 0 ? "right" : wrong.join(", ")}`)
        }
      } finally {
        await rm(dataDir, { recursive: true, force: true })
      }
    }
    return isRight
  }
}
