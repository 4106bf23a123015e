import { fileURLToPath } from "node:url"
import { configDefaults, defineConfig } from "vitest/config"
import { LongestFirst } from "./test/longestFirst.js"
import { isWhole } from "./test/whole/isWhole.js"

const packages = fileURLToPath(new URL("./packages/", import.meta.url))

export default defineConfig({
  resolve: {
    // Tests load the sources: they need no build, and stack traces point to the code.
    alias: [
      { find: /^@dockwire\/(core|server|compat)$/, replacement: `${packages}$1/src/index.ts` },
      { find: /^@dockwire\/core\/(\w+)$/, replacement: `${packages}core/src/$1.ts` },
      { find: /^@dockwire\/server\/api$/, replacement: `${packages}server/src/ApiClient.ts` },
      { find: /^@dockwire\/server\/client$/, replacement: `${packages}server/src/client/index.ts` },
      { find: /^@dockwire\/server\/Hub$/, replacement: `${packages}server/src/rooms/Hub.ts` },
      { find: /^@dockwire\/server\/(Server|Wire)$/, replacement: `${packages}server/src/$1.ts` }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    // Making a small Debian and installing Docker on it takes minutes: `npm run test:whole` does.
    exclude: [...configDefaults.exclude, ...(isWhole ? [] : ["test/core/system/install.test.ts"])],
    sequence: { sequencer: LongestFirst },
    globalSetup: ["./test/globalSetup.ts"],
    reporters: ["default", "./test/reporter.ts"],
    // Loading Effect for each file again would take a third of the time. Each test undoes what it does to its process.
    isolate: false,
    pool: "forks",
    // Most tests wait for an engine, so that two cores serve three. With fewer at least than at most, the pool ends a worker
    // that has a file to run, and the run with it.
    minWorkers: 3,
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
