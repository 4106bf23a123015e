import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { LogMatcher } from "../../../packages/server/src/search/LogMatcher.js"
import { queryProblem, type QueryConditions } from "../../../packages/server/src/search/QueryConditions.js"
import { roundsOf } from "../../whole/isWhole.js"
import { pick, randomOf, sampleLines } from "./sampleLines.js"

const seed = Number(process.env["DOCKWIRE_TEST_SEED"] ?? Date.now() % 2 ** 31)
const random = randomOf(seed)
const lines = sampleLines(random, 800)

let folder = ""
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-grep-"))
  await writeFile(join(folder, "lines"), `${lines.join("\n")}\n`)
})
afterAll(() => rm(folder, { recursive: true }))

/** The numbers of the lines that grep prints. */
const grep = (...options: ReadonlyArray<string>): Promise<ReadonlyArray<number>> =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, LC_ALL: "C.UTF-8" }
    execFile(
      "grep",
      ["-n", ...options, join(folder, "lines")],
      { env, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        // It ends with 1 if it finds nothing.
        if (error !== null && error.code !== 1) reject(new Error(`grep ${options.join(" ")}: ${stderr}`))
        else resolve(stdout.split("\n").flatMap((line) => (line === "" ? [] : [Number.parseInt(line, 10)])))
      }
    )
  })

/** ASCII letters in lower case, as an index of lines has them. */
const folded = (line: string) => line.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

/** The numbers of the lines that match, after a check of what the matcher says about them. */
const found = (query: QueryConditions): ReadonlyArray<number> => {
  expect(queryProblem(query)).toBeUndefined()
  const { hits, isExact, literals, matchesText } = LogMatcher.make(query)
  const numbers = lines.flatMap((line, index) => (matchesText(line) ? [index + 1] : []))
  for (const number of numbers) {
    const line = lines[number - 1] ?? ""
    const text = isExact ? line : folded(line)
    if (literals.length > 0 && !literals.some((literal) => text.includes(literal)))
      throw new Error(`${JSON.stringify(query)} matches without ${literals.join(" or ")}: ${line}`)
    if (query.text !== undefined && hits(line).length === 0) throw new Error(`${query.text} has no hit in ${line}`)
  }
  return numbers
}

/** A part of a line, with other letters in upper and lower case if wanted. */
const literal = (mixed: boolean): string => {
  const letters = Array.from(pick(random, lines))
  const start = Math.floor(random() * letters.length)
  const part = letters.slice(start, start + 1 + Math.floor(random() * 8)).join("")
  const text = part.trim() === "" ? "a" : part
  return mixed ? text.replace(/./gu, (letter) => (random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase())) : text
}

const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")

/** An expression that means the same to grep and to RE2. */
const expression = (depth: number): string => {
  const atom = (): string =>
    pick(random, [
      () =>
        quoted(
          literal(false)
            .slice(0, 3)
            .replace(/[\uD800-\uDFFF]/g, "")
        ) || "e",
      () => quoted(literal(false)),
      () => ".",
      () => "[0-9]",
      () => "[a-z]",
      () => "[^a-z ]",
      () => "[[:space:]]",
      () => "[A-Za-z0-9_]",
      () => (depth > 0 ? `(${expression(depth - 1)})` : "o"),
      () => (depth > 0 ? `(${expression(depth - 1)}|${expression(depth - 1)})` : "r")
    ])()
  const part = (): string => {
    const one = atom()
    const isOne = /^(\[.*\]|\(.*\)|\\?.)$/su.test(one)
    return isOne && random() < 0.4 ? `${one}${pick(random, ["*", "+", "?", "{2}", "{1,3}", "{2,}"])}` : one
  }
  const parts = Array.from({ length: 1 + Math.floor(random() * 4) }, part).join("")
  return parts
}

/** Anchors stand outside of groups: grep 3.8 misses matches of a repeated group with an anchor in it. */
const anchored = (depth: number): string =>
  `${random() < 0.1 ? "^" : ""}${expression(depth)}${random() < 0.1 ? "$" : ""}`

describe(`LogMatcher and grep, seed ${seed} (DOCKWIRE_TEST_SEED)`, () => {
  const rounds = roundsOf({ quick: 40, whole: 1000 })

  const agree = async (cases: ReadonlyArray<readonly [query: QueryConditions, options: ReadonlyArray<string>]>) => {
    let matched = 0
    for (const [query, options] of cases) {
      const expected = await grep(...options)
      matched += expected.length
      const actual = found(query)
      const differing = [
        ...actual.filter((number) => !expected.includes(number)),
        ...expected.filter((number) => !actual.includes(number))
      ]
      const name = `${JSON.stringify(query)} and grep ${options.join(" ")}`
      expect(
        differing.slice(0, 3).map((number) => lines[number - 1]),
        name
      ).toEqual([])
    }
    expect(matched).toBeGreaterThan(0)
  }
  const times = <A>(make: () => A): ReadonlyArray<A> => Array.from({ length: rounds }, make)

  it("find the same lines by a literal text", () =>
    agree(
      times(() => {
        const text = literal(false)
        return [{ text, caseSensitive: true }, ["-F", "-e", text]] as const
      })
    ))

  it("find the same lines by a literal text in any case", () =>
    agree(
      times(() => {
        const text = literal(true)
        return [{ text }, ["-Fi", "-e", text]] as const
      })
    ))

  it("find the same lines by an expression, and all others by excluding it", () =>
    agree(
      times(() => {
        const regex = anchored(2)
        return random() < 0.8
          ? ([{ regex }, ["-E", "-e", regex]] as const)
          : ([{ exclude: [{ regex }] }, ["-vE", "-e", regex]] as const)
      })
    ))

  it("find the same lines by an expression in any case", () =>
    agree(
      times(() => {
        const regex = anchored(1)
        return [{ regex: `(?i)${regex}` }, ["-Ei", "-e", regex]] as const
      })
    ))
})
