import { Effect, FastCheck } from "effect"
import { execFile } from "node:child_process"
import { describe, expect, it } from "vitest"
import * as check from "../../../packages/core/src/internal/compose/yaml/yamlCheck.js"
import { findYamlPosition, findYamlProblem } from "../../../packages/core/src/internal/compose/yaml/yamlProblem.js"
import { describeEngine, testCompose } from "../../engine/realEngine.js"
import { hostileTexts, invalidTexts, validTexts } from "./composeTexts.js"

const problemOf = (text: string) => Effect.runPromise(findYamlProblem(text))
const positionOf = (text: string, ...path: ReadonlyArray<string | number>) =>
  Effect.runPromise(findYamlPosition(text, path))

describe("the check of a compose file's YAML", () => {
  it.for(Object.entries(validTexts))("finds no problem in %s", async ([, text]) => {
    expect(await problemOf(text)).toBeUndefined()
  })

  it.for(Object.entries(invalidTexts))("finds the place of %s", async ([, { code, column, line, text }]) => {
    expect(await problemOf(text)).toEqual({ code, line, column, detail: expect.stringMatching(/./) })
  })

  it.for(Object.entries(hostileTexts))("rejects %s in a short time", async ([, [text, code]]) => {
    await problemOf("a: 1\n")
    const before = process.cpuUsage()
    expect(await problemOf(text)).toMatchObject({ code })
    const { system, user } = process.cpuUsage(before)
    expect((system + user) / 1000).toBeLessThan(3000)
  })

  it("finds something or nothing in any text, and never throws", () => {
    const word = FastCheck.constantFrom(
      "a",
      "b",
      "c",
      "  ",
      "\n",
      "\n  ",
      ": ",
      "- ",
      "&a ",
      "*a",
      "{",
      "}",
      "[",
      "]",
      ",",
      '"',
      "'",
      "|",
      "? ",
      "---\n",
      "!x ",
      "#",
      "\t",
      "é",
      "%"
    )
    const text = FastCheck.oneof(
      FastCheck.array(word, { maxLength: 60 }).map((words) => words.join("")),
      FastCheck.string({ unit: "binary" })
    )
    FastCheck.assert(
      FastCheck.property(text, (any) => {
        const problem = check.findYamlProblem(any)
        if (problem === undefined) return
        const lines = any.split("\n")
        expect(problem.line).toBeGreaterThan(0)
        expect(problem.line).toBeLessThanOrEqual(lines.length)
        expect(problem.column).toBeGreaterThan(0)
        expect(problem.column).toBeLessThanOrEqual((lines[problem.line - 1]?.length ?? 0) + 2)
      }),
      { numRuns: 100 }
    )
  })
})

describe("the position of a setting", () => {
  const text = `x-a: &a
  ports:
    - 80:80
services:
  web:
    image: x
    ports:
      - 80:80
      - 81:81
  db:
    <<: *a
    x-b: *a
---
services:
  web:
    labels: {a: b}
`

  it("is that of its key or item, or of the last part of its path that exists", async () => {
    expect(await positionOf(text, "services", "web", "image")).toEqual({ line: 6, column: 5 })
    expect(await positionOf(text, "services", "web", "ports", 1)).toEqual({ line: 9, column: 9 })
    expect(await positionOf(text, "services", "web", "ports", "1")).toEqual({ line: 9, column: 9 })
    expect(await positionOf(text, "services", "web", "labels", "a")).toEqual({ line: 16, column: 14 })
    expect(await positionOf(text, "services", "db", "x-b", "ports", 0)).toEqual({ line: 3, column: 7 })
    expect(await positionOf(text, "services", "db", "x-c", "d")).toEqual({ line: 10, column: 3 })
    expect(await positionOf(text, "volumes")).toBeUndefined()
    expect(await positionOf(text)).toBeUndefined()
  })

  it("is unknown in a text with a problem", async () => {
    expect(await positionOf("services: {}\nservices: {}\n", "services")).toBeUndefined()
  })
})

describeEngine("compose itself", () => {
  /** Whether compose accepts a text as a file. */
  const accepts = (text: string): Promise<boolean> =>
    new Promise((resolve, reject) => {
      const [program = "", ...args] = testCompose() ?? []
      const options = ["-p", "dockwire-yaml", "-f", "-", "config", "--quiet", "--no-interpolate"]
      const child = execFile(program, [...args, ...options], (error) => {
        if (error !== null && typeof error.code === "string") reject(error)
        else resolve(error === null)
      })
      child.stdin?.on("error", () => {})
      child.stdin?.end(text)
    })

  it("accepts and rejects the same texts", async () => {
    const rows = [
      ...Object.entries(validTexts).map(([name, text]) => ({ name, text, valid: true })),
      ...Object.entries(invalidTexts).map(([name, { text }]) => ({ name, text, valid: false }))
    ]
    const inTurn = Effect.forEach(
      rows,
      ({ name, text }) =>
        Effect.map(
          Effect.promise(() => accepts(text)),
          (valid) => ({ name, valid })
        ),
      { concurrency: 4 }
    )
    expect(await Effect.runPromise(inTurn)).toEqual(rows.map(({ name, valid }) => ({ name, valid })))
  })
})
