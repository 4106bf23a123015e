import * as Either from "effect/Either"
import { chmod, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { hashOf, parseTokens } from "../../packages/server/src/access/tokens/tokensFile.js"
import { token } from "../../packages/server/src/command/token.js"
import { startInProcess } from "./inProcessServer.js"

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-token-command-"))
})
beforeEach(() => {
  const record = (stream: "out" | "err") => (text: string | Uint8Array) => {
    written[stream] += String(text)
    return true
  }
  vi.spyOn(process.stdout, "write").mockImplementation(record("out"))
  vi.spyOn(process.stderr, "write").mockImplementation(record("err"))
  file = join(folder, Math.random().toString(36).slice(2), "tokens")
})
afterEach(() => {
  vi.restoreAllMocks()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const written = { out: "", err: "" }

const run = async (...args: ReadonlyArray<string>) => {
  written.out = ""
  written.err = ""
  const code = await token([...args, "--tokens-file", file])
  return { code, ...written }
}

const hash = "0".repeat(64)

describe("dockwire token", () => {
  it("creates a token that is printed once, lists and revokes it", async () => {
    const created = await run("create", "ci", "--scope", "operate", "--scope", "read", "--expires", "30d")
    expect(created).toMatchObject({ code: 0, out: expect.stringMatching(/^dockwire_[\w-]{43}\n$/) })
    const text = await readFile(file, "utf8")
    expect(text).toMatch(
      new RegExp(`^ci sha256:${hashOf(created.out.trim())} read,operate \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\n$`)
    )
    expect(created.err).toContain(text.trim())
    expect(text + created.err).not.toContain(created.out.trim())
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const expires = Date.parse(text.trim().split(" ")[3] ?? "")
    expect(Math.abs(expires - Date.now() - 30 * 86_400_000)).toBeLessThan(60_000)
    await run("create", "grafana", "--scope", "read")
    expect((await run("list")).out).toMatch(
      /^NAME +SCOPES +EXPIRES\nci +read,operate +\d{4}-\S+Z\ngrafana +read +never\n$/
    )
    expect(await run("create", "ci", "--scope", "read")).toMatchObject({
      code: 1,
      out: "",
      err: `There is a token named "ci" in ${file}. Choose another name, or revoke that one first.\n`
    })
    expect((await run("revoke", "ci")).code).toBe(0)
    expect(await readFile(file, "utf8")).toMatch(/^grafana \S+ read\n$/)
    expect(await run("revoke", "ci")).toMatchObject({ code: 1, err: `There is no token named "ci" in ${file}.\n` })
  })

  it("keeps what else is in the file, its mode, and what other commands write at the same time", async () => {
    await run("create", "first", "--scope", "read")
    const first = await readFile(file, "utf8")
    await writeFile(file, `# Ours\n\n${first.trim()}`)
    await chmod(file, 0o640)
    // What a killed command left.
    await writeFile(`${file}.lock`, "")
    await utimes(`${file}.lock`, new Date(0), new Date(0))
    const names = ["a", "b", "c", "d"]
    const codes = await Promise.all(
      names.map((name) => token(["create", name, "--scope", "exec", "--tokens-file", file]))
    )
    expect(codes).toEqual([0, 0, 0, 0])
    await run("revoke", "b")
    const text = await readFile(file, "utf8")
    expect(text.startsWith(`# Ours\n\n${first}`)).toBe(true)
    const entries = Either.getOrThrow(parseTokens(text))
    expect(entries.map(({ name }) => name).toSorted()).toEqual(["a", "c", "d", "first"])
    expect((await stat(file)).mode & 0o777).toBe(0o640)
  })

  it.each<readonly [ReadonlyArray<string>, string]>([
    [["create", "ci"], "A token needs a scope. Pass --scope with one of read, operate, exec; it can be repeated."],
    [["create", "ci", "--scope", "write"], '"write" is not a scope.'],
    [["create", "ci", "--scope", "read", "--expires", "soon"], 'Invalid --expires "soon". Write a number and a unit'],
    [["create", "operator", "--scope", "read"], 'The name "operator" stands for the server\'s own token.'],
    [["create", "a b", "--scope", "read"], '"a b" is not the name of a token.'],
    [["create"], "Pass create NAME, list or revoke NAME."],
    [["destroy", "ci"], "Pass create NAME, list or revoke NAME."],
    [["list", "--all"], "--all"]
  ])("%j is wrong, and says what to write", async (args, message) => {
    const { code, err, out } = await run(...args)
    expect([code, out]).toEqual([2, ""])
    expect(err).toContain(message)
    expect(err).toContain("Usage: dockwire token")
  })
})

describe("the tokens file", () => {
  it.each<readonly [string, string]>([
    ["ci", "Line 1: A line is a name, sha256:<hash>, scopes with commas"],
    [`# Ours\nci sha256:${hash} read more 2 3`, "Line 2: A line is a name"],
    [`\nci md5:${hash} read`, 'Line 2: The hash of "ci" is not "sha256:" and 64 hexadecimal digits.'],
    [`ci sha256:${hash} read,write`, 'Line 1: "write" is not a scope. Write one or more of read, operate, exec'],
    [`ci sha256:${hash} read tomorrow`, 'Line 1: "tomorrow" is not a time of expiry. Write one such as'],
    [`ci sha256:${hash} read 2027-13-01`, 'Line 1: "2027-13-01" is not a time of expiry.'],
    [`operator sha256:${hash} read`, 'Line 1: The name "operator" stands for'],
    [`a sha256:${hash} read\nb sha256:${hash} exec`, 'Line 2: "b" has the hash of another token.'],
    [`a sha256:${hash} read\na sha256:${"1".repeat(64)} exec`, 'Line 2: There is another token named "a".']
  ])("%j is malformed, and is told which line is and what to write", async (text, problem) => {
    expect(parseTokens(text)).toMatchObject({ _tag: "Left", left: expect.stringContaining(problem) })
    file = join(folder, "malformed")
    await writeFile(file, text)
    expect(await run("list")).toMatchObject({
      code: 1,
      err: expect.stringContaining(`${file} is not valid. ${problem}`)
    })
  })

  it("keeps the server from starting if it is malformed", async () => {
    const path = join(folder, "malformed-start")
    await writeFile(path, "\nci")
    const started = startInProcess({ endpoint: "unix:///nonexistent/docker.sock", tokensFile: path })
    await expect(started).rejects.toThrow(`The tokens file ${path} cannot be used. Line 2: A line is a name`)
  })

  it("has to exist if it is set", async () => {
    const path = join(folder, "none")
    const started = startInProcess({ endpoint: "unix:///nonexistent/docker.sock", tokensFile: path })
    await expect(started).rejects.toThrow(
      `There is no tokens file ${path}. Create it with "dockwire token create NAME --scope read --tokens-file ${path}", or start Dockwire without --tokens-file.`
    )
  })
})
