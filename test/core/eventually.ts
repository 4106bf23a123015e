import { expect } from "vitest"

/** `expect.poll` with time enough for a machine that has much to do. */
export const eventually = (get: () => unknown): ReturnType<typeof expect.poll> =>
  expect.poll(get, { timeout: 30_000, interval: 20 })
