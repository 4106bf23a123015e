import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { jsonAt } from "../engine/engineRequest.js"
import { freePort } from "../engine/freePort.js"
import { createTestContainer } from "../engine/testContainer.js"
import {
  cutAgainAndAgain,
  type LossyClient,
  type LossyRequest,
  openLossyClients
} from "../server/lossy/lossyClients.js"
import { makeRandom } from "./random.js"
import type { Stress, StressContext } from "./Stress.js"

const clientCount = 50
const cutCount = 1_000
const lineCount = 100_000
/** How long the clients have for the rest, in milliseconds. */
const patience = 180_000
const token = "cuts-of-the-stress-test"

const child = fileURLToPath(new URL("cutServerChild.ts", import.meta.url))

/** A server that can be killed and started again at its address. */
class CutServer {
  private process: ChildProcess | undefined
  private exited: Promise<unknown> = Promise.resolve()
  private answers: AsyncIterator<string> | undefined

  constructor(
    private readonly endpoint: string,
    private readonly dataDir: string,
    private readonly port: number
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const args = ["--import", "tsx", child, this.dataDir, String(this.port), this.endpoint, token]
    const started = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] })
    this.process = started
    this.exited = new Promise((resolve) => started.once("exit", resolve))
    this.answers = createInterface({ input: started.stdout })[Symbol.asyncIterator]()
    await this.answer()
  }

  /** Starts the operation, and returns its room. */
  async operate(): Promise<string> {
    this.process?.stdin?.write(`${lineCount}\n`)
    return String(jsonAt(await this.answer(), "room"))
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.process?.kill(signal)
    await this.exited
  }

  private async answer(): Promise<unknown> {
    const next = await this.answers?.next()
    if (next === undefined || next.done === true) throw new Error("The server exited.")
    const parsed: unknown = JSON.parse(next.value)
    return parsed
  }
}

interface Scenario {
  readonly name: string
  readonly of: "container" | "operation"
  /** How the server ends when half of the cuts are done, to be started again. */
  readonly restart?: "SIGTERM" | "SIGKILL"
}

const scenarios: ReadonlyArray<Scenario> = [
  { name: "a container", of: "container" },
  { name: "a container, whose server is killed and started again", of: "container", restart: "SIGKILL" },
  { name: "an operation", of: "operation" },
  { name: "an operation, whose server is stopped and started again", of: "operation", restart: "SIGTERM" },
  { name: "an operation, whose server is killed and started again", of: "operation", restart: "SIGKILL" }
]

const isWhole = ({ of, restart }: Scenario, { check }: Pick<LossyClient, "check">): boolean =>
  check.last === lineCount || (of === "operation" && restart !== undefined && check.ends.length > 0)

/** What is wrong with what a client has received. */
const wrongWith = (scenario: Scenario, { check, name }: LossyClient): ReadonlyArray<string> => {
  const { ends, gaps, missing, wrong } = check
  const end = scenario.restart === undefined ? "completed" : "interrupted"
  const hasLost = scenario.of === "operation" && scenario.restart === "SIGKILL"
  return [
    ...wrong,
    ...(isWhole(scenario, { check }) ? [] : [`it has ${check.last} of ${lineCount}`]),
    ...(missing > 0 || (gaps > 0 && !hasLost) ? [`${gaps} gaps, ${missing} are missing`] : []),
    ...(scenario.of === "container" || ends.join() === end ? [] : [`it has ended with ${ends.join() || "nothing"}`])
  ].map((text) => `${name}: ${text}`)
}

const script = `i=0; while [ $i -lt ${lineCount} ]; do i=$((i+1)); echo number $i; [ $((i % 100)) = 0 ] && usleep 30000; done; sleep 600`

const play = async (scenario: Scenario, { endpoint, print, seed }: StressContext): Promise<boolean> => {
  const random = makeRandom(seed)
  const dataDir = await mkdtemp(join(tmpdir(), "dockwire-cuts-"))
  const server = new CutServer(endpoint, dataDir, await freePort())
  await server.start()
  const container = await createTestContainer({ endpoint, cmd: ["sh", "-c", script], hostConfig: { Init: true } })
  let clients: ReadonlyArray<LossyClient> = []
  try {
    const isContainer = scenario.of === "container"
    const room = isContainer ? `container_logs_${container.id}` : await server.operate()
    const subscribe: LossyRequest["subscribe"] = isContainer
      ? { event: "stream_container_logs", data: { container_id: container.id, tail: 0 } }
      : { event: "join", data: { room } }
    clients = await openLossyClients(clientCount, { url: server.url, token, room, subscribe })
    if (isContainer) await container.start()
    const furthest = () => clients.reduce((most, { check }) => Math.max(most, check.last), 0)
    /** All cuts are made while lines go by; of an operation that has ended, nothing more goes by. */
    const cut = (half: 0 | 1, isEnded: boolean) =>
      cutAgainAndAgain(clients, {
        cuts: cutCount / 2,
        pause: 5,
        random,
        ...(isEnded
          ? {}
          : { isDue: (done) => furthest() >= (half * cutCount * 0.5 + done) * (lineCount / cutCount) * 0.95 })
      })
    await cut(0, false)
    const half = furthest()
    if (scenario.restart !== undefined) {
      await server.stop(scenario.restart)
      await server.start()
    }
    await cut(1, !isContainer && scenario.restart !== undefined)
    const atLastCut = furthest()
    for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
      if (clients.every((client) => isWhole(scenario, client))) break
    }
    // Whatever comes too much.
    await sleep(1_000)
    const wrong = clients.flatMap((client) => wrongWith(scenario, client))
    const lasts = clients.map(({ check }) => check.last)
    print(
      `${scenario.name}: ${clients.length} clients, ${cutCount} cuts, the middle one at line ${half}, the last one at line ${atLastCut}; each has lines 1 to ${Math.min(...lasts)} at least, ${Math.max(...lasts)} at most: ${wrong.length === 0 ? "right" : "WRONG"}`
    )
    for (const text of wrong.slice(0, 20)) print(`  ${text}`)
    return wrong.length === 0
  } finally {
    for (const client of clients) await client.close()
    await server.stop("SIGKILL")
    await container.remove()
    await rm(dataDir, { recursive: true, force: true })
  }
}

const stressOf = (name: string, of: Scenario["of"]): Stress => ({
  name,
  title: `${cutCount} cuts of ${clientCount} clients that resume, by the wire and by the client, while ${lineCount} lines of ${of === "container" ? "a container" : "an operation"} go by`,
  run: async (context) => {
    let isRight = true
    for (let round = 0; round < context.rounds; round++) {
      for (const scenario of scenarios) if (scenario.of === of) isRight = (await play(scenario, context)) && isRight
    }
    return isRight
  }
})

export const containerCuts = stressOf("containercuts", "container")
export const operationCuts = stressOf("operationcuts", "operation")
