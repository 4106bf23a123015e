import type { FollowElement } from "@dockwire/core"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { DeliveryTracker } from "../../../packages/core/src/internal/logs/deliveryTracker.js"
import { FollowOutput } from "../../../packages/core/src/internal/watch/follow/followOutput.js"
import { stamp } from "./engineLog.js"
import { shown } from "./followed.js"

const containerId = "c".repeat(64)

const collecting = (streams?: ReadonlyArray<"stdout" | "stderr">) => {
  const batches: Array<ReadonlyArray<FollowElement>> = []
  const output = new FollowOutput(new DeliveryTracker(containerId, undefined), streams, (batch) =>
    Effect.sync(() => void batches.push(batch))
  )
  return { batches, output, shown: () => batches.map((batch) => batch.map(shown)) }
}

describe("the output of a follow", () => {
  it("hands over what was added since the last flush, and no empty batches", () => {
    const { output, shown } = collecting()
    output.line("stdout", stamp(1), "one", undefined, [])
    output.line("stderr", stamp(2), "two", undefined, [])
    Effect.runSync(output.flush)
    Effect.runSync(output.flush)
    output.stopped(stamp(3), 4)
    output.removed(stamp(5))
    Effect.runSync(output.flush)
    expect(shown()).toEqual([
      ["one", "! two"],
      ["<stopped 4>", "<removed>"]
    ])
    expect(output.batches).toBe(2)
  })

  it("omits the other stream, and parts of a line that were delivered before", () => {
    const { output, shown } = collecting(["stdout"])
    output.line("stdout", stamp(1), "a", { index: 1, last: false }, [])
    output.line("stderr", stamp(1), "no", undefined, [])
    output.line("stdout", stamp(1), "a", { index: 1, last: false }, [])
    output.line("stdout", stamp(1), "b", { index: 2, last: true }, [])
    Effect.runSync(output.flush)
    expect(shown()).toEqual([["a [1]", "b [2 last]"]])
  })

  it("reports an error again only after a line or another error", () => {
    const { output, shown } = collecting()
    const fail = (message: string) => Effect.runSync(output.engineError(message))
    for (const message of ["broken", "broken", "worse", "broken"]) fail(message)
    output.line("stdout", stamp(1), "a", undefined, [])
    fail("broken")
    Effect.runSync(output.flush)
    expect(shown()).toEqual([
      ["<engine_error broken>", "<engine_error worse>", "<engine_error broken>", "a", "<engine_error broken>"]
    ])
  })
})
