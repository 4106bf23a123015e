import type { Reporter, TestModule, TestSuite, Vitest } from "vitest/node"

/** Prints, below everything else, how many tests ran against a real engine and what came of all of them. */
export default class EngineReporter implements Reporter {
  #isWatching = false

  onInit(vitest: Vitest): void {
    this.#isWatching = vitest.config.watch
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>, end: string): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, engine: 0 }
    const reasons = new Map<string, number>()
    const failedOnItsOwn = (suite: TestModule | TestSuite) => {
      if (suite.errors().length > 0) count.failed += 1
    }
    for (const module of modules) {
      // A file that cannot be loaded, or a suite whose hook fails, has no failing test that would be counted.
      failedOnItsOwn(module)
      for (const suite of module.children.allSuites()) failedOnItsOwn(suite)
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === "passed") count.passed += 1
        else if (state === "failed") count.failed += 1
        else count.skipped += 1
        if (test.meta().realEngine === true && state !== "skipped") count.engine += 1
        const reason = /\[skipped: (.*?)\](?: > |$)/.exec(test.fullName)?.[1]
        if (state === "skipped" && reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      }
    }
    // What broke before any test ran, the setup above all, counts as a failure too.
    if (end === "failed" && count.failed === 0) count.failed = 1
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ""
    const lines = [
      ...[...reasons].map(([reason, tests]) => `${tests} tests skipped: ${reason}`),
      `${count.engine} tests ran against a real engine`,
      `${count.passed} passed, ${count.failed} failed${skipped}`
    ]
    const print = () => console.log(lines.join("\n"))
    // The default reporter and the teardown print after this hook: the last line comes when all of them are through.
    if (this.#isWatching) print()
    else process.once("exit", print)
  }
}
