import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const source = (path: string): string => fileURLToPath(new URL(`./packages/${path}/index.ts`, import.meta.url))

export default defineConfig({
  resolve: {
    // Tests run on the sources, so that they need no build and their stack traces point there.
    alias: [
      { find: /^@dockwire\/core$/, replacement: source("core/src") },
      { find: /^@dockwire\/server\/client$/, replacement: source("server/src/client") },
      { find: /^@dockwire\/server$/, replacement: source("server/src") },
      { find: /^@dockwire\/compat$/, replacement: source("compat/src") }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["./test/globalSetup.ts"],
    reporters: ["default", "./test/reporter.ts"],
    pool: "forks",
    minWorkers: 1,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
