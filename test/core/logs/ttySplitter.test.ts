import { expect, it } from "vitest"
import type { RunBoundary } from "../../../packages/core/src/internal/logs/ttySplitter.js"
import { cutAtRandom, decode, records, stamp } from "./engineLog.js"
import { type Randomness, randomness } from "./randomness.js"

const tty = (bytes: Buffer) => decode([bytes], { tty: true })

/** What an engine with these records answers: whether a record ends in front of the timestamp. */
const engineWith =
  (log: ReadonlyArray<Buffer>) =>
  ({ record, to }: RunBoundary): boolean => {
    const index = log.findIndex((bytes) => bytes.equals(record))
    return index !== -1 && log[index + 1]?.subarray(0, to.length).toString() === to
  }
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
  const all = [...records(stamp(1), "prompt> ", ""), ...records(stamp(2), "second run", "\r\n")]
  const texts = (isBoundary: (question: RunBoundary) => boolean) =>
    decode([Buffer.concat(all)], { tty: true, isBoundary }).lines.map((line) => line.text)
  expect(texts(engineWith(all))).toEqual(["prompt> ", "second run"])
  // The same bytes, printed by one run.
  expect(texts(() => false)).toEqual([`prompt> ${stamp(2)} second run`])
})

it("asks only about a timestamp that may begin a run", () => {
  const asked = (lastRunStart: string | undefined, ...lines: ReadonlyArray<readonly [at: number, text: string]>) => {
    const questions: Array<string> = []
    const bytes = log(...lines.map(([at, text]) => records(stamp(at), text, "\r\n")))
    const isBoundary = ({ to }: RunBoundary) => {
      questions.push(to)
      return false
    }
    const decoded = decode([bytes], { tty: true, lastRunStart, isBoundary })
    expect(decoded.lines.map((line) => line.text)).toEqual(lines.map(([, text]) => text))
    return questions
  }
  const future = "2030-01-01T00:00:00.000000000Z"
  const line = `next run at ${future} with 3 retries`
  // Earlier than its own record, not a date, or without what the engine puts behind it.
  expect(asked(undefined, [5, `${stamp(4)} ${stamp(5)} 2030-13-01T00:00:00.000000000Z ${future}`])).toEqual([])
  // A later record is earlier than it.
  expect(asked(undefined, [5, line], [6, "next"])).toEqual([])
  // It is in the last run.
  expect(asked(stamp(5), [5, line])).toEqual([])
  expect(asked(stamp(6), [5, line])).toEqual([future])
  expect(asked(undefined, [5, `${stamp(6)} ${stamp(8)} text`], [7, "next"])).toEqual([stamp(6)])
})

it("tells an error of the engine from the program's output", () => {
  const bytes = log(
    records(stamp(1), "Error grabbing logs: not really", "\r\n"),
    [Buffer.from("Error grabbing logs: unexpected EOF\n")],
    records(stamp(2), "behind", "\r\n")
  )
  const { engineErrors, lines } = tty(bytes)
  expect(lines.map((line) => line.text)).toEqual(["Error grabbing logs: not really", "behind"])
  expect(engineErrors).toEqual(["Error grabbing logs: unexpected EOF"])
})

interface Run {
  readonly lines: ReadonlyArray<{ readonly timestamp: string; readonly text: string }>
  readonly records: ReadonlyArray<Buffer>
}

/** Runs whose output is full of timestamps: past, future, those of records and of runs. Some end within a line. */
const randomRuns = (random: Randomness): ReadonlyArray<Run> => {
  let at = 100
  return Array.from({ length: random.between(1, 5) }, () => {
    at += random.between(1, 50)
    const lines: Array<Run["lines"][number]> = []
    const all: Array<Buffer> = []
    const count = random.between(0, 6)
    for (let n = 1; n <= count; n++) {
      at += random.between(1, 20)
      const word = () =>
        random.pick([
          "text",
          "x".repeat(random.pick([1, 31, 16_320, 16_384, 20_000])),
          stamp(at),
          `${stamp(Math.max(0, at + random.between(-60, 60)))} `,
          "2030-01-01T00:00:00.000000000Z ",
          "2001-01-01T00:00:00.000000000Z "
        ])
      const text = Array.from({ length: random.between(1, 4) }, word).join(random.pick(["", " "]))
      const isCut = n === count && random.between(0, 2) > 0
      lines.push({ timestamp: stamp(at), text })
      all.push(...records(stamp(at), text, isCut ? "" : "\r\n"))
    }
    return { lines, records: all }
  })
}

it("gives exactly the lines that were printed, and the same ones when a further run has started", () => {
  const random = randomness("tty timestamps")
  for (let round = 0; round < 150; round++) {
    const runs = randomRuns(random)
    for (let count = 1; count <= runs.length; count++) {
      const present = runs.slice(0, count)
      const all = present.flatMap((run) => run.records)
      const printed = present.flatMap((run) => run.lines)
      const start = runs[count - 1]?.lines[0]?.timestamp
      for (const lastRunStart of [undefined, start]) {
        const options = { tty: true, lastRunStart, isBoundary: engineWith(all) }
        const chunks = cutAtRandom(Buffer.concat(all), random, random.pick([500, 5000, 100_000]))
        const lines = decode(chunks, options).lines.map(({ text, timestamp }) => ({ timestamp, text }))
        expect(lines, `round ${round}, ${count} runs, seed ${random.seed}`).toEqual(printed)
      }
    }
  }
})

it("joins a long line after a run that ended without a newline", () => {
  const random = randomness("tty runs")
  const text = "y".repeat(50_000)
  for (const length of [3, 10_000, 16_330, 16_352, 16_353, 16_360, 16_383, 16_384]) {
    const first = "p".repeat(length)
    const all = [
      ...records(stamp(1), first, ""),
      ...records(stamp(2), text, "\r\n"),
      ...records(stamp(3), "behind", "\r\n")
    ]
    const bytes = Buffer.concat(all)
    for (const chunks of [[bytes], cutAtRandom(bytes, random, 400)]) {
      const { lines } = decode(chunks, { tty: true, isBoundary: engineWith(all) })
      expect(
        lines.map((line) => `${line.timestamp} ${line.text[0]} ${line.text.length}`),
        `a first run of ${length}, seed ${random.seed}`
      ).toEqual([`${stamp(1)} p ${length}`, `${stamp(2)} y 50000`, `${stamp(3)} b 6`])
    }
  }
})
