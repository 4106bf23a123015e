import { levelOf, logLevels } from "@dockwire/core/LogLevel"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

interface LevelLine {
  readonly level: string
  readonly image: string
  readonly text: string
}

const lines = readFileSync(fileURLToPath(new URL("levelLines.txt", import.meta.url)), "utf8")
  .split("\n")
  .flatMap((row): ReadonlyArray<LevelLine> => {
    const [, level = "", image = "", text = ""] = /^(\w+) (\S+) (.*)$/s.exec(row) ?? []
    return level === "" ? [] : [{ level, image, text: text.replaceAll("\\t", "\t").replaceAll("\\e", "\u001b") }]
  })

const shareOf = (rows: ReadonlyArray<LevelLine>): number =>
  rows.filter(({ level, text }) => levelOf(text) === level).length / rows.length

describe("levelOf", () => {
  it("finds the level of 97 % of 500 lines of more than 40 images", () => {
    expect(lines.length).toBeGreaterThanOrEqual(500)
    expect(new Set(lines.map(({ image }) => image)).size).toBeGreaterThan(40)
    expect(lines.filter(({ level }) => !logLevels.some((known) => known === level))).toEqual([])
    expect(shareOf(lines)).toBeGreaterThan(0.97)
    // The rules were made without a look at every third line.
    expect(shareOf(lines.filter((_, index) => index % 3 === 2))).toBeGreaterThan(0.95)
  })

  it("takes failures that did not happen for none", () => {
    const none = ["0 failed", "err=nil", "error_count=0", "no errors", "no ERROR found", "ERROR: 0", "done, 0 ERROR"]
    for (const text of none) expect(levelOf(text), text).toBe("unknown")
    for (const text of none) expect(levelOf(`2026-01-31 12:00:00 INFO ${text}`), text).toBe("info")
  })

  it("ignores colours, and what a stack trace names", () => {
    expect(levelOf("\u001b[31mERROR\u001b[0m no route")).toBe("error")
    for (const text of [
      "\tat app.ERROR.run(ERROR.java:1)",
      '  File "/app/ERROR.py", line 1, in <module>',
      "\t... 12 more"
    ])
      expect(levelOf(text), text).toBe("unknown")
  })

  it("takes little time for a line, however long and odd it is", () => {
    const parts = [
      "a",
      "[",
      " ",
      "(",
      "a.",
      "1 ",
      "- ",
      "0 ERROR",
      '{"',
      '"level" ',
      "PHP ",
      "HTTP/1.1 ",
      "level=",
      "\u001b["
    ]
    for (const part of parts) levelOf(part.repeat(2 ** 10))
    const start = process.cpuUsage()
    for (const part of parts) levelOf(part.repeat(2 ** 20 / part.length))
    const hostile = process.cpuUsage(start).user / 1000 / parts.length
    expect(hostile).toBeLessThan(100)
    const rounds = 20
    const again = process.cpuUsage()
    for (let round = 0; round < rounds; round++) for (const { text } of lines) levelOf(text)
    const micros = process.cpuUsage(again).user / rounds / lines.length
    // 1 to 2 on an idle machine.
    expect(micros).toBeLessThan(20)
  })
})
