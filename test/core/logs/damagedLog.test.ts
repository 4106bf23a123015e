import type { FollowElement } from "@dockwire/core"
import { access, appendFile, open, readFile, truncate } from "node:fs/promises"
import { expect, it, onTestFinished, type TestContext } from "vitest"
import { jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../../engine/testContainer.js"
import { followed } from "./followed.js"

/** Numbers its lines, fifty a second. */
const counting = "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.02; done"

const started = async (script: string): Promise<TestContainer> => {
  const { endpoint } = testEngine()
  const container = await startTestContainer({
    endpoint,
    cmd: ["sh", "-c", script],
    logConfig: { Type: "json-file", Config: {} }
  })
  onTestFinished(container.remove)
  return container
}

const follow = (container: TestContainer, speed = 1) => {
  const log = followed(testEngine().endpoint, container.id, {}, speed)
  onTestFinished(log.stop)
  return log
}

/** The file of the container's log. Skips the test if the engine is on another machine. */
const logFile = async (container: TestContainer, context: TestContext): Promise<string> => {
  const path = String(jsonAt(await container.inspect(), "LogPath"))
  await access(path).catch(() => context.skip(`the log file ${path} can't be reached from here`))
  return path
}

const numbers = (elements: ReadonlyArray<FollowElement>) =>
  elements.flatMap((element) => (element._tag === "LogLine" ? [Number(element.text.slice(5))] : []))
const marks = (elements: ReadonlyArray<FollowElement>) =>
  elements.flatMap((element) => (element._tag === "LogMark" ? [element.mark] : []))

/** Checks that lines are in order, each once, and that each hole has a gap mark which names the lines around it. */
const expectMarkedHoles = (elements: ReadonlyArray<FollowElement>) => {
  let previous: { readonly number: number; readonly timestamp: string } | undefined
  let gap: { readonly from: string; readonly to: string } | undefined
  for (const element of elements) {
    if (element._tag === "LogMark") {
      if (element.mark === "gap") gap = element
      continue
    }
    const number = Number(element.text.slice(5))
    if (previous !== undefined) {
      expect(number, element.text).toBeGreaterThan(previous.number)
      if (number > previous.number + 1) {
        expect(gap, element.text).toMatchObject({ from: previous.timestamp, to: element.timestamp })
      }
    }
    previous = { number, timestamp: element.timestamp }
    gap = undefined
  }
}

const lineCount = (elements: ReadonlyArray<FollowElement>) => numbers(elements).length

describeEngine("a follow of a log that something else than the engine writes to", () => {
  it("continues where the log was truncated in place, with a mark, and is not mute afterwards", async (context) => {
    const container = await started(counting)
    const path = await logFile(container, context)
    const log = follow(container, 15)
    await log.until((elements) => lineCount(elements) > 20)
    await truncate(path, 0)
    const before = numbers(log.elements).at(-1) ?? 0
    await log.until((elements) => (numbers(elements).at(-1) ?? 0) > before + 100)
    const again = lineCount(log.elements)
    await log.until((elements) => lineCount(elements) > again + 50)
    expectMarkedHoles(log.elements)
    // All lines are there but those that were written before the log was truncated and had not been delivered.
    expect(marks(log.elements).filter((mark) => mark !== "gap")).toEqual([])
    const given = numbers(log.elements)
    expect((given.at(-1) ?? 0) - given.length).toBeLessThan(20)
  })

  it.for([
    ["NUL bytes", Buffer.alloc(300)],
    ["half a record", Buffer.from('{"log":"half a rec')]
  ] as const)("steps over %s that are appended while it follows, with a mark", async ([, bytes], context) => {
    const container = await started(counting)
    const path = await logFile(container, context)
    const log = follow(container)
    await log.until((elements) => lineCount(elements) > 20)
    await appendFile(path, bytes)
    const before = numbers(log.elements).at(-1) ?? 0
    await log.until((elements) => (numbers(elements).at(-1) ?? 0) > before + 100)
    expectMarkedHoles(log.elements)
    const given = numbers(log.elements)
    expect((given.at(-1) ?? 0) - given.length).toBeLessThan(10)
    expect(new Set(marks(log.elements))).toEqual(new Set(["engine_error", "gap"]))
    expect(marks(log.elements).length).toBeLessThanOrEqual(4)
  })

  it("steps over NUL bytes in the middle of a log, and delivers all that can be read on both sides", async (context) => {
    const container = await started("for n in $(seq 1 300); do echo line $n; done")
    await container.wait()
    const path = await logFile(container, context)
    const records = (await readFile(path, "utf8")).split("\n")
    const damaged = 250
    const position = Buffer.byteLength(`${records.slice(0, damaged - 1).join("\n")}\n`)
    const file = await open(path, "r+")
    await file.write(Buffer.alloc(Buffer.byteLength(records[damaged - 1] ?? "")), 0, undefined, position)
    await file.close()
    const log = follow(container)
    await log.until((elements) => marks(elements).includes("stopped"))
    expect(numbers(log.elements)).toEqual(
      Array.from({ length: 300 }, (_, index) => index + 1).filter((n) => n !== damaged)
    )
    expect(marks(log.elements)).toEqual(["engine_error", "gap", "stopped"])
    expect(log.elements.find((element) => element._tag === "LogMark" && element.mark === "gap")).toMatchObject({
      reason: "the engine can't read this part of the log"
    })
    expectMarkedHoles(log.elements)
  })
})
