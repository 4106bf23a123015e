import { describe, expect, it } from "vitest"
import { LiveVerifier } from "../../../packages/core/src/internal/logs/liveVerifier.js"
import { rotationSize } from "../../../packages/core/src/internal/logs/logRotation.js"
import { stamp } from "./engineLog.js"

/** A file of this size takes at least 1,000 nanoseconds to write. */
const fileBytes = 4_000

/** A verifier after a read that returned these records. A record is identified by its number. */
const afterRead = (records: ReadonlyArray<number>, verifier = new LiveVerifier(fileBytes)) => {
  verifier.beginRead()
  for (const n of records) verifier.read("stdout", stamp(n), n)
  verifier.endRead(true, false)
  return verifier
}

const judge = (verifier: LiveVerifier, ...records: ReadonlyArray<number>) =>
  records.map((n) => verifier.judge("stdout", stamp(n), n))

describe("the verifier of a live stream", () => {
  it("delivers a record only if no file can have been written since the one in front of it", () => {
    const verifier = afterRead([])
    expect(judge(verifier, 100)).toEqual(["hold"])
    afterRead([100], verifier)
    expect(judge(verifier, 1_099, 2_098)).toEqual(["deliver", "deliver"])
    expect(verifier.isUnverified).toBe(true)
    expect(verifier.isReadNeeded).toBe(false)
    expect(judge(verifier, 3_098, 3_099)).toEqual(["hold", "hold"])
    expect(verifier.isReadNeeded).toBe(true)
  })

  it("does not deliver a record again that the engine sends again", () => {
    const verifier = afterRead([])
    expect(judge(verifier, 100)).toEqual(["hold"])
    afterRead([100], verifier)
    expect(judge(verifier, 100)).toEqual(["hold"])
    afterRead([100, 200], verifier)
    expect(judge(verifier, 200, 300, 300)).toEqual(["drop", "deliver", "hold"])
    // Pieces of one line may be equal.
    const piece = 20_000 * 2 ** 32
    afterRead([300], verifier)
    for (const _ of [1, 2]) expect(verifier.judge("stdout", stamp(400), piece)).toBe("deliver")
  })

  it("counts nanoseconds across seconds", () => {
    const at = (verifier: LiveVerifier, timestamp: string, n: number) => verifier.judge("stdout", timestamp, n)
    for (const [next, verdict] of [
      ["2026-11-22T09:18:00.000000400Z", "deliver"],
      ["2026-11-22T09:18:00.000000401Z", "hold"],
      ["2026-11-22T09:18:01.999999900Z", "hold"]
    ] as const) {
      const verifier = new LiveVerifier(fileBytes)
      verifier.beginRead()
      verifier.read("stdout", "2026-11-22T09:17:59.999999401Z", 0)
      verifier.endRead(true, false)
      at(verifier, "2026-11-22T09:17:59.999999401Z", 1)
      verifier.beginRead()
      verifier.read("stdout", "2026-11-22T09:17:59.999999401Z", 1)
      verifier.endRead(true, false)
      expect(at(verifier, next, 2), next).toBe(verdict)
    }
  })

  it("drops what a read has delivered, and holds what lies between", () => {
    const verifier = afterRead([])
    judge(verifier, 10)
    // The live stream left out 20 and 30, and has yet to send 40 and 50.
    afterRead([10, 20, 30, 40, 50], verifier)
    expect(judge(verifier, 40, 50, 60)).toEqual(["drop", "drop", "deliver"])

    afterRead([60, 70, 80], verifier)
    expect(judge(verifier, 65)).toEqual(["hold"])
  })

  it("holds everything where the size of the files is unknown, and where the streams alternate", () => {
    const unknown = new LiveVerifier(0)
    judge(unknown, 1)
    afterRead([1], unknown)
    expect(judge(unknown, 2)).toEqual(["hold"])

    const verifier = afterRead([])
    judge(verifier, 1)
    afterRead([1], verifier)
    expect(verifier.judge("stderr", stamp(2), 2)).toBe("hold")
  })

  it("holds records after a read that failed, or that ended within a line", () => {
    const verifier = afterRead([])
    judge(verifier, 1)
    verifier.beginRead()
    verifier.read("stdout", stamp(1), 1)
    verifier.endRead(true, true)
    expect(verifier.isReadNeeded).toBe(false)
    expect(judge(verifier, 2)).toEqual(["hold"])
    verifier.beginRead()
    verifier.endRead(false, false)
    expect(verifier.isReadNeeded).toBe(true)
  })
})

describe("the size at which a log rotates", () => {
  it.each([
    [{}, undefined],
    [{ Type: "json-file", Config: null }, undefined],
    [{ Type: "json-file", Config: { "max-file": "3" } }, undefined],
    [{ Type: "json-file", Config: { "max-size": "-1" } }, undefined],
    [{ Type: "json-file", Config: { "max-size": "20k" } }, 20_000],
    [{ Type: "json-file", Config: { "max-size": "1.5m" } }, 1_500_000],
    [{ Type: "json-file", Config: { "max-size": "a size of the future" } }, 0],
    [{ Type: "local", Config: {} }, 20_000_000],
    [{ Type: "local", Config: { "max-size": "1g" } }, 1_000_000_000],
    [{ Type: "syslog", Config: {} }, 20_000_000],
    [{ Type: "journald", Config: {} }, undefined],
    [{ Type: "k8s-file", Config: null }, undefined],
    [{ Type: "k8s-file", Config: { "max-size": "1m" } }, 0]
  ])("of %j is %s", (config, size) => {
    expect(rotationSize(config)).toBe(size)
  })
})
