import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { startKillableEngine } from "../engine/killableEngine.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"
import { startTestContainer, type TestContainer, uniqueName } from "../engine/testContainer.js"
import { followed } from "../core/logs/followed.js"
import { faultsOverHttp, readOverHttp } from "./keptOverHttp.js"
import { countKept, countText, countUnequal, isRight, readKept } from "./keptTimeline.js"
import { makeRandom } from "./random.js"
import type { Stress } from "./Stress.js"

/** What each of the two containers of the name prints. */
const linesEach = 50_000
/** How often the server is killed while each of them prints. */
const killsEach = 5

/** Prints `line 1` to `line <count>`, so many at a time. */
const printing = (count: number, burst: number, pause: string) =>
  `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo line $i; [ $((i % ${burst})) = 0 ] && ${pause}; done; true`

const lastNumber = async (container: TestContainer): Promise<number> =>
  Number((await container.output(1)).trim().split(" ")[1] ?? 0)

/** Waits until a server that reads the store would find the line, by letting it read for some time after the last one was written. */
const untilWritten = async (container: TestContainer, count: number): Promise<void> => {
  const deadline = Date.now() + 600_000
  while ((await lastNumber(container).catch(() => 0)) < count) {
    if (Date.now() > deadline) throw new Error(`The container has not written ${count} lines in ten minutes.`)
    await sleep(200)
  }
  await sleep(3_000)
}

/** Kills the server and the engine while a container writes, and removes it and makes another one under its name. */
export const kept: Stress = {
  name: "kept",
  title: "what a server keeps of 100,000 lines while it, the engine and the container are killed",
  run: async ({ print, rounds, seed }) => {
    const random = makeRandom(seed)
    let isAllRight = true
    for (let round = 1; round <= rounds; round++) {
      const engine = await startKillableEngine({ liveRestore: true, name: "kept" })
      const dataDir = await mkdtemp(join(tmpdir(), "dockwire-kept-"))
      const start = () => startServer({ endpoint: engine.endpoint, dataDir, keepsLogs: true })
      let server: ServerProcess = await start()
      const name = uniqueName("kept")
      const written: Array<{ readonly id: string; readonly last: number }> = []
      try {
        for (let generation = 0; generation < 2; generation++) {
          const cmd = ["sh", "-c", `${printing(linesEach, 20, "usleep 18000")}; sleep 1000000`]
          const container = await startTestContainer({ endpoint: engine.endpoint, name, cmd })
          const engineDiesAfter = Math.floor(random() * killsEach)
          for (let kill = 0; kill < killsEach; kill++) {
            await sleep(1_000 + random() * 5_000)
            await server.stop("SIGKILL")
            if (kill === engineDiesAfter) {
              await engine.kill()
              await sleep(random() * 1_000)
              await engine.start()
            }
            await sleep(random() * 2_000)
            server = await start()
          }
          await untilWritten(container, linesEach)
          written.push({ id: container.id, last: linesEach })
          await container.remove()
        }
        await sleep(2_000)
        const shown = await readOverHttp(server, name, "line")
        await server.stop()
        const items = await readKept(dataDir, name)
        const faults = faultsOverHttp(shown, items)
        for (const fault of faults) print(`  FAULT: ${fault}`)
        if (faults.length > 0) isAllRight = false
        else print(`kept, round ${round}: download, search and ${shown.rooms.size} rooms show the same`)
        for (const { id, last } of written) {
          const count = countKept(items, id, last)
          print(`kept, round ${round}, container ${id.slice(0, 12)}: ${countText(count)}`)
          isAllRight = isRight(count) && isAllRight
        }
      } finally {
        await server.stop("SIGKILL").catch(() => {})
        await engine.dispose()
        await rm(dataDir, { recursive: true, force: true })
      }
    }
    return isAllRight
  }
}

/** Bursts into logs that rotate, of which even the engine has only the end. */
export const keptBursts: Stress = {
  name: "kept-bursts",
  title: "what a server keeps of bursts into a log of two files of a megabyte",
  run: async ({ endpoint, print, rounds }) => {
    let isAllRight = true
    for (let round = 1; round <= rounds; round++) {
      const dataDir = await mkdtemp(join(tmpdir(), "dockwire-kept-"))
      const name = uniqueName("kept")
      const server = await startServer({ endpoint, dataDir, flags: ["--keep-logs", name] })
      const last = 100_000
      const container = await startTestContainer({
        endpoint,
        name,
        cmd: ["sh", "-c", `${printing(last, 20_000, "sleep 1")}; sleep 1000000`],
        logConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "2" } }
      })
      // It may miss other lines than the server, but must say so too.
      const follow = followed(endpoint, container.id)
      try {
        await untilWritten(container, last)
        await server.stop()
        const items = await readKept(dataDir, name)
        const count = countKept(items, container.id, last)
        const beside = countKept(follow.elements, container.id, last)
        const unequal = countUnequal(items, follow.elements)
        print(`kept-bursts, round ${round}: ${countText(count)}`)
        print(`kept-bursts, round ${round}, a follow beside it: ${countText(beside)}; ${unequal} lines of both differ`)
        isAllRight = isRight(count) && isRight(beside) && unequal === 0 && count.lines > 0 && isAllRight
      } finally {
        await follow.stop()
        await server.stop("SIGKILL").catch(() => {})
        await container.remove()
        await rm(dataDir, { recursive: true, force: true })
      }
    }
    return isAllRight
  }
}
