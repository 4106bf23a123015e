import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { readOrCreateToken } from "../../packages/server/src/access/TokenFile.js"
import { repositoryRoot } from "../packages/repositoryRoot.js"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-token-"))
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true, force: true })
})

const start = (dataDir: string): Promise<string> =>
  Effect.runPromise(Effect.map(readOrCreateToken(dataDir), ({ token }) => Redacted.value(token)))

/** The token in the file, which is a complete one that only its owner can read. */
const inFile = async (dataDir: string): Promise<string> => {
  const token = (await readFile(join(dataDir, "token"), "utf8")).trim()
  expect(Buffer.from(token, "base64url")).toHaveLength(32)
  expect((await stat(join(dataDir, "token"))).mode & 0o777).toBe(0o600)
  return token
}

/** Starts ten times at once. All get the same token, which is the one in the file. */
const expectOneToken = async (dataDir: string): Promise<string> => {
  const tokens = await Promise.all(Array.from({ length: 10 }, () => start(dataDir)))
  const token = await inFile(dataDir)
  expect(new Set(tokens)).toEqual(new Set([token]))
  return token
}

const module = pathToFileURL(join(repositoryRoot, "packages/server/dist/access/TokenFile.js")).href
/** Creates the token in each directory that it reads from its input. */
const script = `
  const { createInterface } = await import("node:readline")
  const { readOrCreateToken } = await import(${JSON.stringify(module)})
  const Effect = await import("effect/Effect")
  const Redacted = await import("effect/Redacted")
  console.log("ready")
  for await (const dataDir of createInterface({ input: process.stdin })) {
    const { token } = await Effect.runPromise(readOrCreateToken(dataDir))
    console.log(Redacted.value(token))
  }
`

/** Starts this many processes. Returns what lets all of them start in a directory at once. */
const startProcesses = async (count: number) => {
  const children = Array.from({ length: count }, () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: repositoryRoot,
      stdio: ["pipe", "pipe", "inherit"]
    })
    let output = ""
    child.stdout.on("data", (data: Buffer) => (output += data.toString("utf8")))
    return { child, lines: () => output.split("\n").slice(0, -1), ended: once(child, "close") }
  })
  const linesOfAll = async (index: number): Promise<ReadonlyArray<string>> => {
    await vi.waitFor(() => expect(children.every(({ lines }) => lines().length > index)).toBe(true), {
      timeout: 30_000
    })
    return children.map(({ lines }) => lines()[index] ?? "")
  }
  let asked = 0
  await linesOfAll(0)
  return {
    startAll: (dataDir: string) => {
      for (const { child } of children) child.stdin.write(`${dataDir}\n`)
      return linesOfAll(++asked)
    },
    end: () => {
      for (const { child } of children) child.stdin.end()
      return Promise.all(children.map(({ ended }) => ended))
    }
  }
}

describe("the token of servers that start for the first time", () => {
  it("is the same for all that start at once in one process, and the one in the file", async () => {
    for (let round = 0; round < 10; round++) {
      const dataDir = join(folder, String(round))
      await expectOneToken(dataDir)
      expect(await readdir(dataDir)).toEqual(["token"])
    }
  })

  it("is the same for ten processes that start at once, whatever is in the file", async () => {
    const processes = await startProcesses(10)
    for (const [index, text] of [undefined, "", "Zm9vYmFy", undefined, "\n"].entries()) {
      const dataDir = join(folder, String(index))
      await mkdir(dataDir)
      if (text !== undefined) await writeFile(join(dataDir, "token"), text)
      const tokens = await processes.startAll(dataDir)
      expect([text, new Set(tokens)]).toEqual([text, new Set([await inFile(dataDir)])])
    }
    await processes.end()
  })

  it.each([
    ["empty", ""],
    ["blank", "\n"],
    ["half-written", "Zm9vYmFy"]
  ])("replaces a file that is %s, once", async (_, text) => {
    for (let round = 0; round < 5; round++) {
      await writeFile(join(folder, "token"), text, { mode: 0o644 })
      const token = await expectOneToken(folder)
      expect(await start(folder)).toBe(token)
    }
    // What is left beside the token is removed by a later start.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 120_000 })
    await start(folder)
    expect(await readdir(folder)).toEqual(["token"])
  })

  it("keeps a token that is there, with or without a newline", async () => {
    for (const text of ["a-token-of-sixteen-or-more\n", "a-token-of-sixteen-or-more"]) {
      await writeFile(join(folder, "token"), text)
      expect(await start(folder)).toBe("a-token-of-sixteen-or-more")
    }
  })
})
