import * as core from "@dockwire/core"
import { Context, Effect, Layer, Schema } from "effect"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { repositoryRoot } from "../packages/repositoryRoot.js"
import { onMemory } from "./bench.js"
import { table } from "./table.js"

const bench = "test/conformance/bench.ts"
const compose = "test/core/compose/compose.test.ts"
const config = "test/core/connection/dockerConfig.test.ts"
const login = "test/core/registry/login.test.ts"
const sinks = "test/core/operations/engineToSink.test.ts"
const readme = "packages/core/README.md"

/** Public members that have no row in the table, each with the file that uses it on a real engine. */
const elsewhere: Readonly<Record<string, string>> = {
  "Archive.layer": bench,
  "Compose.layer": compose,
  "Compose.layerWith": bench,
  "Containers.layer": bench,
  "Docker.configured": config,
  "Docker.layer": bench,
  "Docker.layerConfig": config,
  "Events.layer": bench,
  "Exec.layer": bench,
  "Host.layer": bench,
  "Images.layer": bench,
  "LogPosition.parse": sinks,
  "LogSink.buffered": sinks,
  "LogSink.drain": sinks,
  "LogSink.flush": sinks,
  "LogSink.isolated": sinks,
  "LogSink.layerConsole": readme,
  "LogSink.layerConsoleWith": sinks,
  "LogSink.layerNone": sinks,
  "LogSink.layerTest": sinks,
  "LogSink.merge": sinks,
  "LogSink.offer": sinks,
  "LogSinkRecorder.events": sinks,
  "LogSinkRecorder.waitFor": sinks,
  "Logs.layer": bench,
  "Networks.layer": bench,
  "Operation.line": sinks,
  "Operation.result": sinks,
  "Operation.run": sinks,
  "Operation.start": sinks,
  "RegistryAuth.layer": bench,
  "RegistryAuth.layerConfig": login,
  "RegistryAuth.layerConfigWith": login,
  "RegistryAuth.login": login,
  "Stats.layer": bench,
  "System.layer": bench,
  "Volumes.layer": bench,
  isOperationEnded: sinks
}

/** Public members that use no engine, each with the file that tests it. */
const withoutEngine: Readonly<Record<string, string>> = {
  "ComposeFiles.layer": "test/core/composeFiles/projectsFolder.ts",
  canonicalReference: "test/core/registry/imageReference.test.ts",
  levelOf: "test/core/logs/logLevel.test.ts"
}

/** The tests of the engine and of compose in memory, which use each of their members. */
const ofMemory = [
  "test/conformance/memoryEngine.test.ts",
  "test/core/logs/verifiedFollow.test.ts",
  "test/core/memoryCompose/memoryCompose.test.ts",
  "test/core/memoryCompose/memoryProject.ts"
]

const ownKeys = (value: object): ReadonlyArray<string> => {
  const builtIn = new Set(["key", "length", "name", "prototype", "stack"])
  return Object.getOwnPropertyNames(value).filter((key) => !builtIn.has(key) && !key.startsWith("_"))
}

/** The services that are not in the table. */
const untabled = Effect.all({
  LogSink: core.LogSink,
  LogSinkRecorder: core.LogSinkRecorder,
  MemoryCompose: core.MemoryCompose,
  MemoryEngine: core.MemoryEngine
}).pipe(
  Effect.provide(Layer.provide(core.MemoryCompose.layer({ projects: {} }), core.RegistryAuth.layer())),
  Effect.provide(Layer.merge(core.LogSink.layerTest, core.MemoryEngine.layer())),
  Effect.scoped
)

/** All public functions and methods of core, without errors and schemas, which use no engine. */
const offered = Effect.gen(function* () {
  const others: Readonly<Record<string, object>> = yield* untabled
  return Object.entries(core).flatMap(([name, value]): ReadonlyArray<string> => {
    if (Schema.isSchema(value) || Array.isArray(value)) return []
    const parts = ownKeys(value)
    if (Context.isTag(value)) {
      const methods = name in table ? [] : Object.keys(others[name] ?? { "a service that this test doesn't know": 0 })
      return [...parts, ...methods].map((part) => `${name}.${part}`)
    }
    return parts.length === 0 ? [name] : parts.map((part) => `${name}.${part}`)
  })
})

const text = (file: string) => readFile(join(repositoryRoot, file), "utf8")

/** Whether the file uses the member: by its full name, or a method by its name after a dot or in braces. */
const names = (content: string, what: string): boolean => {
  const [owner = "", part = ""] = what.split(".")
  const isMethod =
    /^(Compose|ComposeFiles|LogSink|LogSinkRecorder|MemoryCompose|MemoryEngine)$/.test(owner) &&
    !(part in Object(Reflect.get(core, owner)))
  const form = isMethod ? `(\\.|[{,] )${part}\\b` : `\\b${what.replaceAll(".", "\\.")}\\b`
  return new RegExp(form).test(content)
}

const runsOnEngine = (content: string): boolean =>
  /\b(describeEngine|describeKillableEngine|itEngine)\(|\bonReal =|^```ts run$/m.test(content)

describe("the public functions and methods of core", () => {
  it("are all used on a real engine: by a cell of the table, or by a test that is named here", async () => {
    const all = await Effect.runPromise(offered)
    const memory = all.filter((what) => /^(ComposeStep|MemoryCompose|MemoryEngine|ProgramStep)\./.test(what))
    expect(memory.length).toBeGreaterThan(10)
    const named = { ...elsewhere, ...withoutEngine }
    expect(all.filter((what) => !memory.includes(what)).toSorted()).toEqual(Object.keys(named).toSorted())
    for (const [what, file] of Object.entries(withoutEngine)) {
      expect(names(await text(file), what), `${what} in ${file}`).toBe(true)
    }
    for (const [what, file] of Object.entries(elsewhere)) {
      const content = await text(file)
      expect(names(content, what), `${what} in ${file}`).toBe(true)
      expect(runsOnEngine(content), file).toBe(true)
    }
    const content = (await Promise.all(ofMemory.map(text))).join("\n")
    for (const what of memory) expect(names(content, what), what).toBe(true)
  })

  it("have a success cell for each method, and a table entry for each service", async () => {
    const tags = Object.entries(core).flatMap(([name, value]) => (Context.isTag(value) ? [name] : []))
    const others = Object.keys(await Effect.runPromise(untabled))
    expect([...Object.keys(table), ...others].toSorted()).toEqual(tags.toSorted())
    for (const [name, { rows, service }] of Object.entries(table)) {
      const shape = await Effect.runPromise(onMemory(() => service))
      for (const method of Object.keys(shape).filter(
        (key) => key !== "endpoint" && key !== "folder" && key !== "given"
      )) {
        expect(rows[method]?.success, `${name}.${method}`).toBeTypeOf("function")
      }
    }
  })
})
