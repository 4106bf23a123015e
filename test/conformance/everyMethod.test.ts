import * as core from "@dockwire/core"
import { Context, Effect, Layer, Schema } from "effect"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { repositoryRoot } from "../packages/repositoryRoot.js"
import { onMemory } from "./bench.js"
import { table } from "./table.js"

const bench = "test/conformance/bench.ts"
const config = "test/core/connection/dockerConfig.test.ts"
const sinks = "test/core/operations/engineToSink.test.ts"
const readme = "packages/core/README.md"

/** What is public and no method of the table, and the file that does it on a real engine. */
const elsewhere: Readonly<Record<string, string>> = {
  "Archive.layer": bench,
  "Containers.layer": bench,
  "Docker.configured": config,
  "Docker.layer": bench,
  "Docker.layerConfig": config,
  "Events.layer": bench,
  "Exec.layer": bench,
  "Host.layer": bench,
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
  "Stats.layer": bench,
  "System.layer": bench,
  "Volumes.layer": bench,
  isOperationEnded: sinks
}

/** What is not for a real engine: the engine in memory, each part of which is in its own test. */
const ofMemory = "test/conformance/memoryEngine.test.ts"

const ownKeys = (value: object): ReadonlyArray<string> => {
  const made = new Set(["key", "length", "name", "prototype", "stack"])
  return Object.getOwnPropertyNames(value).filter((key) => !made.has(key) && !key.startsWith("_"))
}

/** The tags of services that are not in the table, with what they give. */
const untabled = Effect.all({
  LogSink: core.LogSink,
  LogSinkRecorder: core.LogSinkRecorder,
  MemoryEngine: core.MemoryEngine
}).pipe(Effect.provide(Layer.merge(core.LogSink.layerTest, core.MemoryEngine.layer())), Effect.scoped)

/** All that core offers to be called, but errors and schemas, which ask no engine. */
const offered = Effect.gen(function* () {
  const others: Readonly<Record<string, object>> = yield* untabled
  return Object.entries(core).flatMap(([name, value]): ReadonlyArray<string> => {
    if (Schema.isSchema(value)) return []
    const parts = ownKeys(value)
    if (Context.isTag(value)) {
      const methods = name in table ? [] : Object.keys(others[name] ?? { "a service that this test doesn't know": 0 })
      return [...parts, ...methods].map((part) => `${name}.${part}`)
    }
    return parts.length === 0 ? [name] : parts.map((part) => `${name}.${part}`)
  })
})

const text = (file: string) => readFile(join(repositoryRoot, file), "utf8")

/** Whether the file speaks of it as a user does: by its whole name, or where it is a method by that after a dot or in braces. */
const names = (content: string, what: string): boolean => {
  const [owner = "", part = ""] = what.split(".")
  const isMethod = /^(LogSink|LogSinkRecorder|MemoryEngine)$/.test(owner) && !(part in Object(Reflect.get(core, owner)))
  const form = isMethod ? `(\\.|[{,] )${part}\\b` : `\\b${what.replaceAll(".", "\\.")}\\b`
  return new RegExp(form).test(content)
}

const runsOnEngine = (content: string): boolean =>
  /\b(describeEngine|describeKillableEngine|itEngine)\(|\bonReal =|^```ts run$/m.test(content)

describe("all that core offers", () => {
  it("is done on a real engine: by a cell of the table, or by a test that is named here", async () => {
    const all = await Effect.runPromise(offered)
    const memory = all.filter((what) => /^(MemoryEngine|ProgramStep)\./.test(what))
    expect(memory.length).toBeGreaterThan(10)
    expect(all.filter((what) => !memory.includes(what)).toSorted()).toEqual(Object.keys(elsewhere).toSorted())
    for (const [what, file] of Object.entries(elsewhere)) {
      const content = await text(file)
      expect(names(content, what), `${what} in ${file}`).toBe(true)
      expect(runsOnEngine(content), file).toBe(true)
    }
    const content = await text(ofMemory)
    for (const what of memory) expect(names(content, what), `${what} in ${ofMemory}`).toBe(true)
  })

  it("has in the table a cell that runs for each method's success, and the table has all services", async () => {
    const tags = Object.entries(core).flatMap(([name, value]) => (Context.isTag(value) ? [name] : []))
    const others = Object.keys(await Effect.runPromise(untabled))
    expect([...Object.keys(table), ...others].toSorted()).toEqual(tags.toSorted())
    for (const [name, { rows, service }] of Object.entries(table)) {
      const shape = await Effect.runPromise(onMemory(() => service))
      for (const method of Object.keys(shape).filter((key) => key !== "endpoint")) {
        expect(rows[method]?.success, `${name}.${method}`).toBeTypeOf("function")
      }
    }
  })
})
