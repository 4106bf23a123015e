import type { EngineEvent } from "@dockwire/core"
import { describe, expect, it } from "vitest"
import type { LogSubject } from "../../../packages/core/src/internal/logs/logRequest.js"
import { never, runChanges } from "../../../packages/core/src/internal/watch/follow/runHistory.js"

const second = (n: number) => `2026-01-01T00:00:${String(n).padStart(2, "0")}.000000000Z`
const start = BigInt(Date.parse(second(0))) * 1_000_000n

const event = (action: string, at: number, attributes: Record<string, string> = {}): EngineEvent => ({
  type: "container",
  action,
  id: "c",
  attributes,
  timeNano: start + BigInt(at) * 1_000_000_000n
})
const died = (at: number, exitCode: number) => event("die", at, { exitCode: String(exitCode) })

/** A container by when its present run started and the run before ended, in seconds. */
const subject = (startedAt: number, finishedAt?: number): LogSubject => ({
  id: "c",
  tty: false,
  running: true,
  startedAt: second(startedAt),
  finishedAt: finishedAt === undefined ? never : second(finishedAt),
  exitCode: 0,
  rotationSize: undefined,
  files: undefined
})

const run = (startedAt: number) => ({ startedAt: second(startedAt), ended: false })

describe("run changes", () => {
  it("have one element for each die and start; the last is to the present run", () => {
    // The start event follows the start by a second.
    const events = [died(4, 7), event("start", 5), died(8, 0), event("start", 10)]
    expect(runChanges(events, run(1), subject(9, 8))).toEqual([
      { stoppedAt: second(4), exitCode: 7, outputEndedAt: second(4), startedAt: second(5) },
      { stoppedAt: second(8), exitCode: 0, outputEndedAt: second(8), startedAt: second(9) }
    ])
  })

  it("do not include the start of the known run", () => {
    const events = [event("start", 1), died(4, 1), event("start", 6)]
    expect(runChanges(events, run(1), subject(6))).toEqual([
      { stoppedAt: second(4), exitCode: 1, outputEndedAt: second(4), startedAt: second(6) }
    ])
  })

  it("include the first start of a container that had never run", () => {
    expect(runChanges([event("start", 3)], { startedAt: never, ended: true }, subject(3))).toEqual([
      { stoppedAt: undefined, exitCode: undefined, outputEndedAt: undefined, startedAt: second(3) }
    ])
  })

  it("come from the container's state if the engine has no events", () => {
    const unknown = { exitCode: undefined, outputEndedAt: undefined, startedAt: second(9) }
    expect(runChanges([], run(1), subject(9, 8))).toEqual([{ stoppedAt: second(8), ...unknown }])
    // This end is of an earlier run.
    expect(runChanges([], run(5), subject(9, 4))).toEqual([{ stoppedAt: undefined, ...unknown }])
    // A die event without the start after it.
    expect(runChanges([died(7, 2)], run(1), subject(9, 8))).toEqual([
      { stoppedAt: second(7), exitCode: 2, outputEndedAt: second(7), startedAt: second(9) }
    ])
  })
})
