import { readdir, stat } from "node:fs/promises"
import { basename, dirname } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { LogDecoder } from "../../../packages/core/src/internal/logs/logDecoder.js"
import { type LogFiles, logFiles } from "../../../packages/core/src/internal/logs/logRotation.js"
import { recordIdentity } from "../../../packages/core/src/internal/logs/recordIdentity.js"
import { FileRoom } from "../../../packages/core/src/internal/watch/follow/fileRoom.js"
import { engineCall, jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer } from "../../engine/testContainer.js"
import { records, stamp } from "./engineLog.js"
import { randomness } from "./randomness.js"

const files = (size: number): LogFiles => ({ size, maxFiles: 3 })

const line = (n: number, text: string) => records(stamp(n), text)[0] ?? Buffer.alloc(0)

const add = (room: FileRoom, lines: ReadonlyArray<Buffer>) => {
  for (const bytes of lines) room.add("stdout", bytes, 0, bytes.length)
}

const roomFrom = (config: LogFiles, lines: ReadonlyArray<Buffer>) => {
  const room = new FileRoom(config)
  room.begin()
  add(room, lines)
  return room
}

const identity = (bytes: Buffer | undefined) =>
  bytes === undefined ? -1 : recordIdentity("stdout", bytes, 0, bytes.length)

/** Lines of which each takes as many bytes: 39 of JSON, a time of 30, "x" and \\n. */
const size = 39 + 30 + 1 + 2
const equal = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => line((from + index) * 10 + 1, "x"))

describe("the room in a log's file", () => {
  it("is there until the records reach the size at which the engine replaces the file, once the log has confirmed it", () => {
    const lines = equal(1, 45)
    const room = new FileRoom(files(10 * size))
    room.begin()
    const isSameFile = lines.map((bytes, index) => {
      add(room, [bytes])
      // The log begins as it did, and then with the second file.
      if (index === 12) room.check(identity(lines[0]))
      if (index === 23) room.check(identity(lines[10]))
      return room.isSameFile
    })
    expect(isSameFile.slice(0, 23).some((isSame) => isSame)).toBe(false)
    expect(isSameFile.flatMap((isSame, index) => (isSame ? [] : [index + 1])).slice(23)).toEqual([30, 40])
    room.forget()
    expect(room.isSameFile).toBe(false)
    add(room, equal(46, 46))
    expect(room.isSameFile).toBe(false)
  })

  it("is never relied on where the log begins otherwise than expected", () => {
    const lines = equal(1, 30)
    const room = roomFrom(files(10 * size), lines)
    room.check(identity(lines[11]))
    expect(room.isUseful).toBe(false)
    room.check(identity(lines[10]))
    expect(room.isSameFile).toBe(false)
    room.begin()
    add(room, lines)
    room.check(identity(lines[10]))
    expect(room.isSameFile).toBe(false)
  })

  it("is unknown until it is learned, and then includes what was added meanwhile", () => {
    const config = files(1000)
    const lines = Array.from({ length: 40 }, (_, index) => line(index + 1, "text ".repeat(index % 7)))
    const whole = roomFrom(config, lines)
    const later = new FileRoom(config)
    later.note()
    add(later, lines.slice(15))
    expect(later.isKnown).toBe(false)
    later.learn(roomFrom(config, lines.slice(0, 15)))
    expect(later.sizes).toEqual(whole.sizes)
    expect(later.isKnown).toBe(true)
    // Not if records may have been missed since then.
    later.note()
    later.forget()
    later.learn(whole)
    expect(later.isKnown).toBe(false)
  })

  it("is never more than there is, whatever is uncertain", () => {
    const random = randomness("file room")
    let confirmed = 0
    for (let round = 0; round < 25; round++) {
      const config = files(random.between(200, 12_000))
      const room = new FileRoom(config)
      room.begin()
      let fill = 0
      for (let n = 1; n <= 400; n++) {
        const odd = ["\t\t\t", "<p>", 'é"\\', "\u001b[31mred", "\ufffd", "\u2028", "“”"] as const
        const text = random.between(0, 9) === 0 ? random.pick(odd) : "x"
        const bytes = line(n * 7 + 100_000_001, text.repeat(random.between(0, 9)))
        // An engine that writes \t, and a replacement character as it is or escaped.
        const isEscaped = random.between(0, 1) === 1
        const json = JSON.stringify({
          log: bytes.toString("utf8", 31),
          stream: "stdout",
          time: bytes.toString("utf8", 0, 30).replace(/0+Z/, "Z")
        })
        const stored = json
          .replaceAll(/[<>&]/g, "\\u003c")
          .replaceAll("\u2028", "\\u2028")
          .replaceAll("\ufffd", isEscaped ? "\\ufffd" : "\ufffd")
        const isReplaced = fill >= config.size
        const wasSameFile = room.isSameFile
        if (isReplaced) fill = 0
        fill += Buffer.byteLength(stored) + 1
        room.add("stdout", bytes, 0, bytes.length)
        if (isReplaced) room.check(identity(bytes))
        expect(isReplaced && wasSameFile && n > 1, `round ${round}, record ${n}, seed ${random.seed}`).toBe(false)
        expect(
          room.sizes?.some(({ least, most }) => least <= fill && fill <= most),
          `round ${round}, record ${n}, seed ${random.seed}`
        ).toBe(true)
        expect(room.isUseful, `seed ${random.seed}`).toBe(true)
      }
      if (room.isConfirmed) confirmed++
    }
    expect(confirmed).toBeGreaterThan(5)
  })
})

it("the files of a log are known unless their records have unknown sizes", () => {
  const type = { Type: "json-file" }
  expect(logFiles({ ...type, Config: { "max-size": "10m" } })).toEqual({ size: 10_000_000, maxFiles: 1 })
  const options = { "max-size": "1.5k", "max-file": "3", compress: "false" }
  expect(logFiles({ ...type, Config: options })).toEqual({ size: 1500, maxFiles: 3 })
  for (const unknown of [
    { ...type, Config: {} },
    { ...type, Config: { "max-size": "-1" } },
    { ...type, Config: { "max-size": "10m", labels: "app" } },
    { ...type, Config: { "max-size": "10m", "max-file": "3", compress: "true" } },
    { Type: "local", Config: { "max-size": "10m" } },
    { Type: "k8s-file", Config: { "max-size": "10m" } }
  ]) {
    expect(logFiles(unknown), JSON.stringify(unknown)).toBeUndefined()
  }
})

/** Lines with all that is written otherwise than it is read, some longer than a record, on both streams. */
const program = `
  i=0; while [ $i -lt 256 ]; do printf "byte \\\\$(printf %03o $i) in a line\\n"; i=$((i+1)); done
  printf 'tab\\there, <b>bold</b> & "quoted" \\\\ \\033[31mred\\033[0m \\342\\200\\250 \\360\\237\\220\\263 \\303\\251\\n' >&2
  awk 'BEGIN { for (n = 1; n <= 400; n++) { s = "line " n; for (i = 0; i < n % 50; i++) s = s " more"; print s
    if (n % 40 == 0) { for (i = 0; i < 4000; i++) s = s " long "; print s > "/dev/stderr" } } }'
  echo; printf 'no end'`

describeEngine("the sizes of records in the engine's files", () => {
  it.each([false, true])("are known, with a TTY: %s", async (tty) => {
    const { endpoint } = testEngine()
    // One file after another, none of which is deleted.
    const logConfig = { Type: "json-file", Config: { "max-size": "50k", "max-file": "100" } }
    const container = await startTestContainer({ endpoint, cmd: ["sh", "-c", program], tty, logConfig })
    onTestFinished(container.remove)
    await container.wait()
    const path = String(jsonAt(await container.inspect(), "LogPath"))
    const { body } = await engineCall(
      endpoint,
      "GET",
      `/containers/${container.id}/logs?stdout=1&stderr=1&timestamps=1`
    )
    const room = new FileRoom(logFiles(logConfig))
    room.begin()
    const decoder = new LogDecoder(tty, false, {
      record: (stream, _timestamp, bytes, start, end) => {
        room.add(stream, bytes, start, end)
        return -1
      },
      line: () => {},
      engineError: (message) => expect.fail(message),
      malformed: (detail) => expect.fail(detail)
    })
    decoder.push(body)
    decoder.end()
    expect(room.isKnown).toBe(true)
    expect(room.rotations).toBeGreaterThan(3)
    // An engine on another machine has its files there.
    const file = await stat(path).catch(() => undefined)
    if (file === undefined) return
    const rotated = (await readdir(dirname(path))).filter((name) => name.startsWith(`${basename(path)}.`))
    expect(room.rotations).toBeGreaterThanOrEqual(rotated.length)
    expect(room.sizes?.some(({ least, most }) => least <= file.size && file.size <= most)).toBe(true)
  })
})
