import { Cause, Duration, Effect, Exit, Fiber } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type EngineName, onMemory, onReal } from "./bench.js"
import { type Cell, type Column, columns, type Row, unavailable } from "./cell.js"
import { table } from "./table.js"

/** Nothing answers: the method says so, at once. */
const gone =
  ({ call }: Row): Cell =>
  (bench) =>
    Effect.zipRight(bench.gone, unavailable(Effect.scoped(call(bench))))

/** Interrupted while its request is under way, the method is over in less than a second. */
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
    columns.map((column) => ({ method: `${service}.${method}`, column, cell: cellOf(row, column) }))
  )
)

const outcomes = new Map<string, string>()

const run = (engine: EngineName) => {
  for (const { cell, column, method } of cells) {
    const key = `${engine} ${method} ${column}`
    if (typeof cell === "string") {
      outcomes.set(key, "-")
      continue
    }
    const test = async () => {
      outcomes.set(key, "FAILED")
      const gated = column === "engine gone" || column === "interrupted"
      const program = engine === "memory" ? onMemory(cell) : onReal(testEngine().endpoint, gated)(cell)
      const exit = await Effect.runPromiseExit(program)
      if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
      outcomes.set(key, "ok")
    }
    it.concurrent(`${method}: ${column}`, test, 20_000)
  }
}

describe("the engine in memory", () => run("memory"))

describeEngine("a real engine", () => run("real"))

describe("the table", () => {
  it("has a row for every method, and in each cell a test or why there is none", async () => {
    for (const [name, { rows, service }] of Object.entries(table)) {
      const shape = await Effect.runPromise(onMemory(() => service))
      const wanted = Object.keys(shape).filter((key) => key !== "endpoint")
      expect(Object.keys(rows).sort(), name).toEqual(wanted.sort())
    }
    for (const { cell, column, method } of cells) {
      if (typeof cell === "string") expect(cell.length, `${method}: ${column}`).toBeGreaterThan(10)
      else expect(cell, `${method}: ${column}`).toBeTypeOf("function")
    }
  })
})

afterAll(() => {
  const lines = Object.entries(table).flatMap(([service, { rows }]) =>
    Object.keys(rows).map((method) => {
      const name = `${service}.${method}`
      const shown = columns.map((column) => {
        const [real = "", memory = ""] = ["real", "memory"].map((engine) => outcomes.get(`${engine} ${name} ${column}`))
        return (memory === "-" ? "-" : `${memory}/${real === "" ? "none" : real}`).padEnd(12)
      })
      return `${name.padEnd(24)} ${shown.join(" ")}`
    })
  )
  const head = `${"memory/real".padEnd(24)} ${columns.map((column) => column.padEnd(12)).join(" ")}`
  console.log([head, ...lines].join("\n"))
})
