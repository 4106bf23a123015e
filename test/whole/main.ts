/** Runs each test file whole that has more to test than `npm test` has time for: those that import `isWhole.ts`. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { wholeVariable } from "./isWhole.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

const usage = `Usage: npm run test:whole -- [words]

  Runs the tests of which npm test runs a part: whole tables, and more rounds of what is random.

  words  only the test files whose path has one of these words; default: all`

const tests = (await readdir(join(root, "test"), { recursive: true })).filter((path) => path.endsWith(".test.ts"))
const files: Array<string> = []
for (const path of tests.toSorted()) {
  const text = await readFile(join(root, "test", path), "utf8")
  if (text.includes('/whole/isWhole.js"')) files.push(`test/${path}`)
}

const words = process.argv.slice(2)
const unknown = words.filter((word) => !files.some((path) => path.includes(word)))
if (files.length === 0 || unknown.length > 0) {
  console.error(`${unknown.join(", ")} is in the path of none of these:\n${files.join("\n")}\n\n${usage}`)
  process.exitCode = 2
} else {
  const chosen = files.filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  // Under CI, a test fails that would otherwise be skipped because a part of it is missing.
  const env = { ...process.env, [wholeVariable]: "1", CI: process.env["CI"] ?? "true" }
  const vitest = ["node_modules/vitest/vitest.mjs", "run", ...chosen]
  const child = spawn(process.execPath, vitest, { cwd: root, stdio: "inherit", env })
  await once(child, "close")
  process.exitCode = child.exitCode ?? 1
}
