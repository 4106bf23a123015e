import { beforeEach, describe, inject, it, type TestContext } from "vitest"
import type { AvailableEngine, UnavailableEngine } from "./ensureEngine.js"
import { killableEngineUnavailable } from "./killableEngine.js"

declare module "vitest" {
  interface ProvidedContext {
    /** The engine of this run, and the run's id. */
    readonly engine: (AvailableEngine | UnavailableEngine) & { readonly runId: string }
  }
  interface TaskMeta {
    /** The test ran against a real engine. */
    realEngine?: boolean
  }
}

/** What `npm test` found or started, with the run's id. */
export type TestEngine = AvailableEngine & { readonly runId: string }

/** The engine of this run. It throws where there is none: call it inside `describeEngine` or `itEngine` only. */
export const testEngine = (): TestEngine => {
  const engine = inject("engine")
  if (!engine.available) throw new Error(engine.reason)
  return engine
}

/** The compose command of this run, for tests inside `describeEngine`; `undefined` where there is no compose. */
export const testCompose = (): ReadonlyArray<string> | undefined => {
  const engine = inject("engine")
  return engine.available ? engine.composeCommand : undefined
}

const counted = (context: TestContext): void => {
  context.task.meta.realEngine = true
}

/**
 * A `describe` whose tests run against the real engine and are counted as such. Where there is no engine all of it is
 * skipped, its hooks too, and the reason stands in its name. Inside, `it` is any `it` (`it.effect` too).
 */
export const describeEngine = (name: string, body: () => void): void => {
  const engine = inject("engine")
  if (!engine.available) {
    describe.skip(`${name} [skipped: ${engine.reason}]`, body)
    return
  }
  describe(name, () => {
    beforeEach(counted)
    body()
  })
}

/** A single test against the real engine; see `describeEngine`. `timeout` is in milliseconds. */
export const itEngine = (name: string, body: (context: TestContext) => unknown, timeout?: number): void => {
  const engine = inject("engine")
  if (!engine.available) {
    it.skip(`${name} [skipped: ${engine.reason}]`, () => {})
    return
  }
  it(
    name,
    async (context) => {
      counted(context)
      await body(context)
    },
    timeout
  )
}

const notKillable = await killableEngineUnavailable()

/** As `describeEngine`, for tests that make a killable engine: they need root on Debian, whatever engine the run has. */
export const describeKillableEngine = (name: string, body: () => void): void => {
  if (notKillable !== undefined) {
    describe.skip(`${name} [skipped: ${notKillable}]`, body)
    return
  }
  describe(name, () => {
    beforeEach(counted)
    body()
  })
}
