import { describe, expect, test } from "vitest"
import type { Color } from "../../packages/server/src/web/log/Color.js"
import { parseColor, readable } from "../../packages/server/src/web/log/Color.js"
import { parseRuns, plainText } from "../../packages/server/src/web/log/LogText.js"
import { routeTo, selectedContainer } from "../../packages/server/src/web/Route.js"
import type { Row } from "../../packages/server/src/web/log/Rows.js"
import { occurrences, Rows } from "../../packages/server/src/web/log/Rows.js"

const esc = "\u001b"

const line = (id: number, text: string): Row => ({
  kind: "line",
  id,
  time: "2025-01-01T00:00:00Z",
  stream: "stdout",
  text
})
const note = (id: number): Row => ({ kind: "note", id, time: "2025-01-01T00:00:00Z", tone: "mark", text: "Started" })

describe("the text of a line", () => {
  test("is shown unchanged if it contains nothing special", () => {
    const plain = `<img src=x onerror="alert(1)"> & \t naïve 日本語 👩‍🚀`
    expect(plainText(plain)).toBe(plain)
    expect(parseRuns(plain)).toEqual([{ text: plain, decorations: [] }])
  })

  test("supports 16, 256 and 24-bit colors, and splits into runs of one style", () => {
    const text = `a${esc}[1mb${esc}[3;31mc${esc}[22md${esc}[0me${esc}[38;5;208mf${esc}[48;2;1;2;3mg${esc}[7mh`
    expect(parseRuns(text)).toEqual([
      { text: "a", decorations: [] },
      { text: "b", decorations: ["bold"] },
      { text: "c", color: [187, 0, 0], decorations: ["bold", "italic"] },
      { text: "d", color: [187, 0, 0], decorations: ["italic"] },
      { text: "e", decorations: [] },
      { text: "f", color: [255, 135, 0], decorations: [] },
      { text: "g", color: [255, 135, 0], background: [1, 2, 3], decorations: [] },
      { text: "h", color: [255, 135, 0], background: [1, 2, 3], decorations: ["reverse"] }
    ])
    expect(plainText(text)).toBe("abcdefgh")
  })

  test.each([
    ["a link", `${esc}]8;;javascript:alert(1)\u0007click${esc}]8;;\u0007`, "click"],
    ["the clipboard", `${esc}]52;c;aGk=${esc}\\x`, "x"],
    ["a title", `a${esc}]0;title\u0007b`, "ab"],
    ["a device string", `a${esc}Pq#0${esc}\\b`, "ab"],
    ["the cursor", `a${esc}[2K${esc}[1;5Hb${esc}[?25lc${esc}7d`, "abcd"],
    ["colors with colons", `a${esc}[38:2::1:2:3mb`, "ab"],
    ["a sequence that never ends", `a${esc}]0;title and more`, "a0;title and more"],
    ["half a sequence", `a${esc}[3`, "a"],
    ["eight-bit controls", "a\u009b31mb\u009dc\u0085d", "a31mbcd"],
    ["turned text", "a\u202eb\u2066c\u200fd\u061ce", "abcde"],
    ["line breaks of other kinds", "a\u2028b\u000bc\nd", "abcd"],
    ["zero and bell", "a\u0000b\u0007c\u007fd", "abcd"],
    ["a carriage return within", "10%\r100%\r", "10%\u21b5100%"]
  ])("does not show %s", (_, text, shown) => {
    expect(plainText(text)).toBe(shown)
    expect(
      parseRuns(text)
        .map((run) => run.text)
        .join("")
    ).toBe(shown)
  })

  test("loses nothing if its style changes constantly, and is parsed fast", () => {
    const text = `${esc}[31ma${esc}[0mb`.repeat(100_000)
    const begun = performance.now()
    expect(
      parseRuns(text)
        .map((run) => run.text)
        .join("")
    ).toBe("ab".repeat(100_000))
    expect(parseRuns(text).length).toBeLessThan(1000)
    for (const evil of [`${esc}]`, `${esc}P`, `${esc}[`, `${esc}[1`, "\r", `${esc}[1;`, `${esc} `]) {
      plainText(evil.repeat(500_000))
    }
    expect(performance.now() - begun).toBeLessThan(3000)
  })
})

test("colors are readable on any background, and unchanged if they already are", () => {
  const shine = (color: Color): number => {
    const [red = 0, green = 0, blue = 0] = color.map((part) => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const steps = [0, 51, 102, 128, 153, 204, 255]
  const all = steps.flatMap((red) => steps.flatMap((green) => steps.map((blue) => [red, green, blue] as const)))
  const grounds: ReadonlyArray<Color> = [
    [255, 255, 255],
    [13, 18, 21],
    [187, 0, 0],
    [119, 119, 119]
  ]
  for (const ground of grounds) {
    for (const color of all) {
      const seen = [shine(readable(color, ground)), shine(ground)]
      expect((Math.max(...seen) + 0.05) / (Math.min(...seen) + 0.05)).toBeGreaterThan(4.4)
    }
  }
  expect(readable([187, 0, 0], [255, 255, 255])).toEqual([187, 0, 0])
  expect(parseColor("rgb(1, 2, 3)")).toEqual([1, 2, 3])
})

describe("rows", () => {
  test("the oldest are dropped when there are too many rows or characters", () => {
    const rows = new Rows({ rows: 3, characters: 10_000 })
    expect(rows.push([line(1, "a"), line(2, "b"), note(3)])).toEqual([])
    expect(rows.push([line(4, "c")]).map((row) => row.id)).toEqual([1])
    expect([rows.length, rows.lines, rows.matches, rows.dropped]).toEqual([3, 2, 2, 1])
    rows.push([line(5, "x".repeat(9900))])
    expect(rows.at(0)?.id).toBe(5)
    // The last row is always kept, however long it is.
    rows.push([line(6, "x".repeat(20_000))])
    expect([rows.length, rows.at(0)?.id, rows.dropped]).toEqual([1, 6, 4])
  })

  test("a filter ignores colors, and is case-sensitive only if it has capitals", () => {
    const rows = new Rows({ rows: 4, characters: 10_000 })
    rows.push([line(1, `${esc}[31mErr${esc}[0mor one`), line(2, "fine"), note(3)])
    rows.setFilter("error")
    expect([rows.length, rows.matches, rows.lines]).toEqual([2, 1, 2])
    rows.setFilter("ERROR")
    expect(rows.matches).toBe(0)
    rows.setFilter("Error")
    rows.push([line(4, "Error two"), line(5, "fine too"), line(6, "error three")])
    expect([rows.length, rows.matches, rows.lines, rows.dropped]).toEqual([2, 1, 3, 2])
    expect([rows.at(0)?.id, rows.at(1)?.id]).toEqual([3, 4])
    rows.setFilter("")
    expect([rows.length, rows.matches]).toEqual([4, 3])
  })

  test("keep only the last rows of a long log", () => {
    const rows = new Rows({ rows: 1000, characters: 1_000_000 })
    for (let id = 1; id <= 50_000; id++) rows.push([line(id, `line ${id}`)])
    expect([rows.length, rows.at(0)?.id, rows.at(999)?.id, rows.at(1000)]).toEqual([1000, 49_001, 50_000, undefined])
  })

  test("finds the occurrences of a filter", () => {
    expect(occurrences("Abcabc", "bc")).toEqual([
      [1, 3],
      [4, 6]
    ])
    expect(occurrences("Abc abc", "abc")).toHaveLength(2)
    expect(occurrences("Abc abc", "Abc")).toHaveLength(1)
    expect(occurrences("abc", "")).toEqual([])
  })
})

test("an address can name any container", () => {
  for (const name of ["web", "a b/c", "ü#?"]) expect(selectedContainer(routeTo(name))).toBe(name)
  for (const hash of ["", "#/", "#/containers/", "#/containers/%", "#other"])
    expect(selectedContainer(hash)).toBeUndefined()
})
