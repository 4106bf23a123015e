import { Operation } from "@dockwire/core"
import { MemoryEngine, ProgramStep } from "@dockwire/core/MemoryEngine"
import { Operations, Server, type ServerWithDockerOptions } from "@dockwire/server"
import { createClient } from "@libsql/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { eventually } from "../core/eventually.js"
import { startServer } from "../engine/serverProcess.js"
import { makeSmallDisk, type SmallDisk } from "../engine/smallDisk.js"
import { LogStore } from "../../packages/server/src/store/LogStore.js"
import { storeProgram } from "./store/storeProgram.js"
import { connectWire, isEvent, poll } from "./wireClient.js"

const database = (folder: string): string => join(folder, "operations.db")

/** A database as a later version would leave it. */
const makeNewer = async (folder: string): Promise<void> => {
  const client = createClient({ url: `file:${database(folder)}` })
  await client.execute("CREATE TABLE effect_sql_migrations (migration_id INTEGER PRIMARY KEY, created_at, name)")
  await client.execute("INSERT INTO effect_sql_migrations VALUES (99, '2100-01-01', 'later')")
  client.close()
}

interface Fault {
  readonly name: string
  /** Of the disk when it is mounted. */
  readonly options: string
  readonly damage?: (disk: SmallDisk) => Promise<unknown>
  readonly says: RegExp
  readonly readiness: string
  /** Why the token is not kept. */
  readonly noToken?: string
  readonly repair?: (disk: SmallDisk) => Promise<unknown>
}

const notKept = "operations are not kept"
const notShown = "earlier operations are not shown"
const readOnly = /^\S+ is read-only, so that operations are not kept\. Let the server write to it\. Live logs go on\.$/

const faults: ReadonlyArray<Fault> = [
  {
    name: "full when it starts for the first time",
    options: "size=4k",
    damage: ({ folder }) => writeFile(join(folder, "other"), "x".repeat(4_096)),
    says: /^The disk of \S+ is full, so that operations are not kept\. Free some space\. Live logs go on\.$/,
    readiness: notKept,
    noToken: "the disk is full",
    repair: ({ remount }) => remount("size=64m")
  },
  {
    name: "read-only when it starts for the first time",
    options: "size=64m,ro",
    says: readOnly,
    readiness: notKept,
    noToken: "the file system is read-only",
    repair: ({ remount }) => remount("rw")
  },
  {
    name: "read-only with a token in it",
    options: "size=64m",
    damage: async ({ folder, remount }) => {
      await writeFile(join(folder, "token"), "a-token-of-sixteen-or-more", { mode: 0o600 })
      await remount("ro")
    },
    says: readOnly,
    readiness: notKept,
    repair: ({ remount }) => remount("rw")
  },
  {
    name: "there, with a database that is damaged",
    options: "size=64m",
    damage: ({ folder }) => writeFile(database(folder), "This is no database. ".repeat(1_000)),
    says: /^\S+ is damaged\. It is now \S+operations\.db\.damaged-\S+, and a new history has begun\.$/,
    readiness: notShown
  },
  {
    name: "there, with a database of a later version",
    options: "size=64m",
    damage: ({ folder }) => makeNewer(folder),
    says: /^\S+ was made by a later version of Dockwire\. It is now \S+, and a new history has begun\.$/,
    readiness: notShown
  }
]

const engine = MemoryEngine.layer({
  programs: [{ image: "clock", run: () => Stream.concat(Stream.make(ProgramStep.line("tick")), Stream.never) }],
  containers: [{ name: "clock", image: "clock" }]
})

const start = async (dataDir: string, settings: Partial<ServerWithDockerOptions> = {}) => {
  const options = {
    host: "127.0.0.1",
    port: 0,
    dataDir,
    insecure: false,
    keepLogs: false as const,
    publicOrigins: [],
    ...settings
  }
  const scope = await Effect.runPromise(Scope.make())
  const layer = Layer.provide(Server.layerWithDocker(options), engine)
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  return {
    server: Context.get(context, Server),
    operations: Context.get(context, Operations),
    logs: Context.get(context, LogStore),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

const steps = Stream.make(Operation.line("one"), Operation.line("two"), Operation.result(1))

const withFault = async ({ damage, noToken, options, readiness, repair, says }: Fault): Promise<void> => {
  const disk = await makeSmallDisk(options)
  try {
    await damage?.(disk)
    const { close, operations, server } = await start(disk.folder)
    try {
      const token = Redacted.value(server.token)
      const reason = async () => (await Effect.runPromise(server.historyStatus)).reason
      // `expect.poll` finds no test while several run at once.
      await poll(`the reason ${says}`, async () => says.test((await reason()) ?? ""), 30_000)
      const kept = await readFile(join(disk.folder, "token"), "utf8").catch(() => "")
      expect([kept.trim() === token, server.tokenNotice]).toEqual(
        noToken === undefined ? [true, undefined] : [false, expect.stringContaining(` (${noToken}), so this link `)]
      )
      const readyz = async () => (await (await fetch(`${server.url}/readyz`)).text()).trim()
      await poll(`ready (${readiness})`, async () => (await readyz()) === `ready (${readiness})`, 30_000)

      const viewer = await connectWire(server.url, { token })
      expect((await viewer.waitFor(isEvent("status"))).data.msg).toBe(await reason())
      viewer.send({ event: "stream_container_logs", data: { container_id: "clock" } })
      await viewer.waitFor(isEvent("docker_log", ({ data }) => data.lines[0]?.[2] === "tick"))
      /** Runs an operation, and looks at it as a viewer and as who asks for it. */
      const operate = async () => {
        const request = { operation: { kind: "test", target: {}, steps }, targets: [] }
        const { logId, room } = await Effect.runPromise(operations.start(request))
        viewer.send({ event: "join", data: { room } })
        const end = await viewer.waitFor(isEvent("docker_log_complete", (message) => message.room === room))
        const { lines, status } = await Effect.runPromise(operations.get(logId))
        expect([end.data.status, viewer.lines(room), status, lines]).toEqual([
          "completed",
          ["one", "two"],
          "completed",
          2
        ])
      }
      await operate()
      if (repair !== undefined) {
        await repair(disk)
        await viewer.waitFor(isEvent("status", ({ data }) => data.msg === "Operations are kept again."))
        expect(await readyz()).toBe("ready")
        await operate()
      }
      await viewer.close()
    } finally {
      await close()
    }
  } finally {
    await disk.remove()
  }
}

/** What is wrong with the file of the kept logs, and what is said of it. */
const logFaults: ReadonlyArray<Omit<Fault, "noToken">> = [
  {
    name: "full",
    options: "size=4k",
    damage: ({ folder }) => writeFile(join(folder, "other"), "x".repeat(4_096)),
    says: /^The disk of \S+ is full, so that container logs are not kept\. Free some space\. Live logs go on\.$/,
    readiness: "container logs are not kept",
    repair: ({ remount }) => remount("size=64m")
  },
  {
    name: "read-only",
    options: "size=64m,ro",
    says: /^\S+ is read-only, so that container logs are not kept\. Let the server write to it\. Live logs go on\.$/,
    readiness: "container logs are not kept",
    repair: ({ remount }) => remount("rw")
  },
  {
    name: "damaged",
    options: "size=64m",
    damage: ({ folder }) => writeFile(join(folder, "logs.db"), "This is no database. ".repeat(1_000)),
    says: /^\S+logs\.db is damaged\. It is now \S+logs\.db\.damaged-\S+, and container logs are kept in a new file\.$/,
    readiness: "earlier container logs are not shown"
  },
  {
    name: "that of a later version",
    options: "size=64m",
    damage: async ({ folder }) => {
      const client = createClient({ url: `file:${join(folder, "logs.db")}` })
      await client.execute("CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL)")
      await client.execute("INSERT INTO settings VALUES ('version', 99)")
      client.close()
    },
    says: /^\S+logs\.db was made by a later version of Dockwire\. It is now \S+, and container logs are kept in a new file\.$/,
    readiness: "earlier container logs are not shown"
  }
]

const withLogFault = async ({ damage, options, readiness, repair, says }: Omit<Fault, "noToken">): Promise<void> => {
  const disk = await makeSmallDisk(options)
  try {
    await damage?.(disk)
    const keepLogs = { age: 1e12, bytes: 1e9, sourceBytes: 1e9 }
    const { close, logs, server } = await start(disk.folder, {
      keepLogs,
      history: false,
      token: Redacted.make("a-token-of-sixteen-or-more"),
      logStoreProgram: await storeProgram()
    })
    try {
      const problem = async () => (await Effect.runPromise(server.keptLogsProblem)) ?? ""
      await poll(`the reason ${says}`, async () => says.test(await problem()), 30_000)
      const readyz = async () => (await (await fetch(`${server.url}/readyz`)).text()).trim()
      expect(await readyz()).toBe(`ready (${notKept}, ${readiness})`)
      const viewer = await connectWire(server.url, { token: Redacted.value(server.token) })
      const reason = await problem()
      await viewer.waitFor(isEvent("status", ({ data }) => data.msg === reason))
      viewer.send({ event: "stream_container_logs", data: { container_id: "clock" } })
      await viewer.waitFor(isEvent("docker_log", ({ data }) => data.lines[0]?.[2] === "tick"))
      if (repair !== undefined) {
        await repair(disk)
        await viewer.waitFor(isEvent("status", ({ data }) => data.msg === "Container logs are kept again."))
        expect(await readyz()).toBe(`ready (${notKept})`)
      }
      const kept = Effect.map(logs.sources, (sources) => sources.map(({ name, records }) => `${name} ${records > 0}`))
      await poll("the line is kept", async () => (await Effect.runPromise(kept)).join() === "clock true", 30_000)
      await viewer.close()
    } finally {
      await close()
    }
  } finally {
    await disk.remove()
  }
}

describe("a server whose file of container logs is", () => {
  it.concurrent.each(logFaults)("$name", (fault) => withLogFault(fault))
})

describe("a server whose data directory is", () => {
  it.concurrent.each(faults)("$name", (fault) => withFault(fault))

  it("read-only says so on the terminal, once for the token and once for the history", async () => {
    const disk = await makeSmallDisk("size=64m,ro")
    onTestFinished(disk.remove)
    const server = await startServer({ dataDir: disk.folder, flags: ["--engine", "memory"] })
    const warnings = () =>
      server
        .said()
        .split("\n")
        .filter((line) => line.startsWith("Warning: "))
    await eventually(warnings).toEqual([
      expect.stringContaining(
        `The token cannot be kept in ${disk.folder} (the file system is read-only), so this link`
      ),
      expect.stringContaining(`${disk.folder} is read-only, so that operations are not kept.`)
    ])
    await server.stop()
  })
})
