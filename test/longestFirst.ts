import { existsSync } from "node:fs"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Test files that take longer than others of their size. */
const long = [
  "packages/packing",
  "conformance/conformance",
  "core/compose/failures",
  "core/compose/compose",
  // A fresh machine is still fetching what it needs.
  "core/system/install",
  "core/build/ignorePatterns",
  "server/demoPage",
  "server/browser",
  "server/browserOperations",
  "server/demo",
  "server/command",
  "packages/examples",
  "packages/subpaths",
  "core/logs/logsFollowCuts",
  "core/containers/scopedContainers",
  "core/connection/engineDeath",
  "core/composeProject/projectState",
  "core/composeProject/composeReads",
  "core/connection/dockerSsh",
  "core/compose/credentials",
  "core/registry/newestCli",
  "core/build/buildSession",
  "core/build/contextTar",
  "core/build/killedEngine",
  "packages/progressExamples",
  "server/demoEngine",
  "server/engine",
  "server/hubHeap",
  "server/clientRestart"
]

for (const name of long) {
  if (!existsSync(new URL(`${name}.test.ts`, import.meta.url))) {
    throw new Error(`There is no test/${name}.test.ts. Correct the list in test/longestFirst.ts.`)
  }
}

/**
 * Starts with the files that take long, so that no worker is left with one of them while the others have nothing to do. Where
 * nothing is known from an earlier run, the sequencer of vitest goes by the size of the files alone.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const isLong = ({ moduleId }: TestSpecification) => long.some((name) => moduleId.endsWith(`/test/${name}.test.ts`))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
