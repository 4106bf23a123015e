import { expect, it } from "vitest"
import { cutAtRandom, decode, records, stamp } from "./engineLog.js"
import { randomness } from "./randomness.js"

const tty = (bytes: Buffer) => decode([bytes], { tty: true })
const log = (...lines: ReadonlyArray<ReadonlyArray<Buffer>>) => Buffer.concat(lines.flat())

it("finds lines, whatever their text looks like", () => {
  const bytes = log(
    records(stamp(1), '{"a":1}', "\r\n"),
    records(stamp(2), "42", "\r\n"),
    records(stamp(3), "", "\r\n"),
    records(stamp(4), "crlf of the program's own", "\r\r\n"),
    records(stamp(5), "progress 1%\rprogress 2%", "\r\n"),
    records(stamp(6), `it prints ${stamp(5)} itself`, "\r\n"),
    records(stamp(7), "no end", "")
  )
  const texts = ['{"a":1}', "42", "", "crlf of the program's own", "progress 1%\rprogress 2%"].concat([
    `it prints ${stamp(5)} itself`,
    "no end"
  ])
  expect(tty(bytes).lines).toEqual(
    texts.map((text, index) => ({ stream: "stdout", timestamp: stamp(index + 1), text }))
  )
  for (let at = 0; at <= bytes.length; at++) {
    expect(decode([bytes.subarray(0, at), bytes.subarray(at)], { tty: true }), `cut at ${at}`).toEqual(tty(bytes))
  }
})

it("joins the pieces of a long line, wherever chunks begin and end", () => {
  const random = randomness("tty")
  for (const length of [16_382, 16_383, 16_384, 16_385, 32_766, 32_767, 32_768, 40_000, 100_000]) {
    const text = "x".repeat(length)
    const bytes = log(
      records(stamp(1), "before", "\r\n"),
      records(stamp(2), text, "\r\n"),
      records(stamp(3), "behind", "\r\n")
    )
    for (const longest of [100, 20_000, 200_000]) {
      const { lines } = decode(cutAtRandom(bytes, random, longest), { tty: true })
      expect(
        lines.map((line) => (line.text.length > 99 ? line.text.length : line.text)),
        `${length} characters, seed ${random.seed}`
      ).toEqual(["before", length > 99 ? length : text, "behind"])
    }
  }
})

it("begins a new line where a new run begins in the middle of one", () => {
  const bytes = log(records(stamp(1), "prompt> ", ""), records(stamp(2), "second run", "\r\n"))
  expect(tty(bytes).lines.map((line) => line.text)).toEqual(["prompt> ", "second run"])
})

it("joins a long line after a run that ended without a newline", () => {
  const random = randomness("tty runs")
  const text = "y".repeat(50_000)
  for (const length of [3, 10_000, 16_330, 16_352, 16_353, 16_360, 16_383, 16_384]) {
    const first = "p".repeat(length)
    const bytes = log(
      records(stamp(1), first, ""),
      records(stamp(2), text, "\r\n"),
      records(stamp(3), "behind", "\r\n")
    )
    for (const chunks of [[bytes], cutAtRandom(bytes, random, 400)]) {
      const { lines } = decode(chunks, { tty: true })
      expect(
        lines.map((line) => `${line.timestamp} ${line.text[0]} ${line.text.length}`),
        `a first run of ${length}, seed ${random.seed}`
      ).toEqual([`${stamp(1)} p ${length}`, `${stamp(2)} y 50000`, `${stamp(3)} b 6`])
    }
  }
})
