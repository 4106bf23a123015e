import { Cause, Duration, Effect, Exit, Fiber } from "effect"
import { writeFile } from "node:fs/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { describeEngine, describeKillableEngine } from "../engine/realEngine.js"
import { onMemory, onReal } from "./bench.js"
import { type Cell, type Column, columns, failsWith, type Row } from "./cell.js"
import { Expected, expectationsOf, unsupportedReason, retriesOn } from "./differences.js"
import { type EngineName, engineNames, isEngineName } from "./engineName.js"
import { matrixText } from "./matrixText.js"
import { type EngineOutcomes, type Outcome, type EngineDifference, settings, type TableRun } from "./outcomes.js"
import { type RealEngine, startRealEngine } from "./realEngines.js"
import { table } from "./table.js"

/** The method fails at once if the engine is gone. */
const gone =
  ({ call }: Row): Cell =>
  (bench) =>
    Effect.zipRight(
      bench.gone,
      failsWith(Effect.scoped(call(bench)), "EngineUnavailable", { reason: bench.goneReason })
    )

/** The method ends within a second if it is interrupted during its request. */
const interrupted =
  ({ call }: Row): Cell =>
  (bench) =>
    Effect.gen(function* () {
      yield* bench.stall
      const fiber = yield* Effect.fork(Effect.scoped(call(bench)))
      yield* bench.held
      const [took] = yield* Effect.timed(Fiber.interrupt(fiber))
      expect(Duration.toMillis(took)).toBeLessThan(1000)
    })

const cellOf = (row: Row, column: Column): Cell =>
  column === "engine gone"
    ? (row[column] ?? gone(row))
    : column === "interrupted"
      ? (row[column] ?? interrupted(row))
      : row[column]

const cells = Object.entries(table).flatMap(([service, { rows }]) =>
  Object.entries(rows).flatMap(([method, row]) =>
    columns.map((column) => ({
      method: `${service}.${method}`,
      column,
      cell: cellOf(row, column),
      isSlow: row.isSlow ?? false
    }))
  )
)

/** Whether this is part of `npm test`, where every second counts. */
const isBrief = process.env[settings.engines] === undefined
const wanted = (process.env[settings.engines] ?? "memory,usual").split(",")
const unknown = wanted.filter((name) => !isEngineName(name))
if (unknown.length > 0)
  throw new Error(`Unknown engine: ${unknown.join(", ")}. Known engines: ${engineNames.join(", ")}.`)

const results: Array<EngineOutcomes> = []

/** Runs the table. The engine is known only once the tests run. */
const run = (engineName: EngineName, real: () => RealEngine | undefined) => {
  const outcomes: Record<string, Partial<Record<Column, Outcome>>> = {}
  const differences: Array<EngineDifference> = []
  const tests: Array<{
    readonly column: Column
    readonly name: string
    readonly isSlow: boolean
    readonly test: () => Promise<void>
  }> = []
  const record = (method: string, column: Column, outcome: Outcome) => {
    ;(outcomes[method] ??= {})[column] = outcome
  }
  // Keeps the order of the table, whatever the order in which the tests finish.
  for (const { method } of cells) outcomes[method] = {}
  for (const { cell, column, isSlow, method } of cells) {
    if (typeof cell === "string") {
      record(method, column, "-")
      continue
    }
    if (isSlow && isBrief && engineName !== "memory") {
      record(method, column, "left")
      continue
    }
    const test = async () => {
      const engine = real()
      const expectations = expectationsOf(engine?.edition ?? "memory")
      const reason = unsupportedReason(expectations.edition, method, column)
      if (reason !== undefined) {
        differences.push({ method, what: "not supported", why: reason })
        return record(method, column, "unsupported")
      }
      record(method, column, "FAILED")
      const gated = column === "engine gone" || column === "interrupted"
      const program = engine === undefined ? onMemory(cell) : onReal(engine, gated)(cell)
      const exit = await Effect.runPromiseExit(Effect.provideService(program, Expected, expectations))
      if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
      const differed = expectations.differed()
      for (const { what, why } of differed) differences.push({ method, what, why })
      record(method, column, differed.length > 0 ? "differs" : "ok")
    }
    tests.push({ column, name: `${method}: ${column}`, isSlow, test })
  }
  const options = (isSlow: boolean) => ({ timeout: isSlow ? 120_000 : 30_000, retry: retriesOn(engineName) })
  for (const { column, isSlow, name, test } of tests) {
    if (column !== "interrupted") it.concurrent(name, options(isSlow), test)
  }
  // These measure time, so nothing else may run.
  for (const { column, isSlow, name, test } of tests) {
    if (column === "interrupted") it.sequential(name, options(isSlow), test)
  }
  afterAll(() => {
    results.push({ engine: engineName, version: real()?.version ?? "in memory", cells: outcomes, differences })
  })
}

const runReal = (engine: Exclude<EngineName, "memory">) => {
  let real: RealEngine | undefined
  beforeAll(async () => {
    real = await startRealEngine(engine)
  }, 300_000)
  afterAll(() => real?.stop())
  run(engine, () => {
    if (real === undefined) throw new Error("The engine is not ready.")
    return real
  })
}

for (const name of wanted.filter(isEngineName)) {
  if (name === "memory") describe("the engine in memory", () => run("memory", () => undefined))
  else if (name === "usual") describeEngine("the usual engine", () => runReal("usual"))
  else if (name === "ssh") describeEngine("the usual engine over ssh", () => runReal("ssh"))
  else if (name === "tls") describeKillableEngine("an engine over TLS", () => runReal("tls"))
  else describeKillableEngine(name, () => runReal(name))
}

describe("the table", () => {
  it("has a row for every method, and in each cell a test or the reason why there is none", async () => {
    for (const [name, { rows, service }] of Object.entries(table)) {
      const shape = await Effect.runPromise(onMemory(() => service))
      const wanted = Object.keys(shape).filter((key) => key !== "endpoint" && key !== "folder")
      expect(Object.keys(rows).sort(), name).toEqual(wanted.sort())
    }
    for (const { cell, column, method } of cells) {
      if (typeof cell === "string") expect(cell.length, `${method}: ${column}`).toBeGreaterThan(10)
      else expect(cell, `${method}: ${column}`).toBeTypeOf("function")
    }
  })
})

afterAll(async () => {
  console.log(matrixText(results))
  const file = process.env[settings.outcomes]
  const result: TableRun = { node: process.versions.node, engines: results }
  if (file !== undefined) await writeFile(file, JSON.stringify(result))
})
