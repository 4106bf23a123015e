import { expect, it } from "vitest"
import { pauseAfterRead } from "../../../packages/core/src/internal/watch/follow/verifiedFollow.js"

const read = { millis: 5, records: 1, failures: 0, fileBytes: 10_000_000 }

it.each([
  ["of a few lines is short", {}, 100],
  ["that took long is five times as long", { millis: 70 }, 350],
  ["is at most half a second", { millis: 5_000 }, 500],
  ["of many lines is longer", { records: 70 }, 210],
  ["of very many lines is bounded", { records: 100_000 }, 300],
  ["of many lines is short if the files are soon replaced", { records: 70, fileBytes: 20_000 }, 100],
  ["of many lines is short if the size of the files is unknown", { records: 70, fileBytes: 0 }, 100],
  ["that failed is longer with each failure", { failures: 2 }, 400],
  ["that failed often is at most half a second", { failures: 2_000 }, 500]
] as const)("the pause after a read %s", (_what, changes, millis) => {
  expect(pauseAfterRead({ ...read, ...changes })).toBe(millis)
})
