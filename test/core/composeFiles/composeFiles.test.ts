import { ComposeFiles } from "@dockwire/core"
import { Effect, FastCheck } from "effect"
import { chmod, chown, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises"
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { makeTestCertificates } from "../../engine/testCertificates.js"
import { failureWith, runWith } from "../runWith.js"
import { type FileServer, startFileServer } from "./fileServer.js"
import { filesIn, snapshot, temporaryFolder, writeFileAt } from "./projectsFolder.js"

const first = "services:\n  web:\n    image: one\n    # a comment\n"
const second = "services:\n  web:\n    image: two\n    # a comment\n"

describe("ComposeFiles", () => {
  /** What the server sends. */
  let content = first
  let headers: Readonly<Record<string, string>> = {}
  let server: FileServer
  let folder = ""

  beforeAll(async () => {
    server = await startFileServer((request, response) => {
      const etag = headers["ETag"]
      const since = headers["Last-Modified"]
      const isKnown =
        (etag !== undefined && request.headers["if-none-match"] === etag) ||
        (since !== undefined && request.headers["if-modified-since"] === since)
      if (isKnown) response.writeHead(304, headers).end()
      else response.writeHead(200, headers).end(content)
    })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    content = first
    headers = {}
    folder = join(await temporaryFolder(), "projects")
  })

  const run = <A, E>(use: (files: Effect.Effect.Success<typeof ComposeFiles>) => Effect.Effect<A, E>) =>
    runWith(filesIn(folder), Effect.flatMap(ComposeFiles, use))
  const failure = async <A, E>(use: (files: Effect.Effect.Success<typeof ComposeFiles>) => Effect.Effect<A, E>) => {
    const found = await failureWith(filesIn(folder), Effect.flatMap(ComposeFiles, use))
    return { ...found }
  }
  const file = (name = "web/compose.yaml") => join(folder, name)
  const text = (name?: string) => readFile(file(name), "utf8")

  it("downloads, checks, updates, reads, lists and removes files", async () => {
    const path = file()
    expect(await run((files) => Effect.succeed(files.folder))).toBe(folder)
    expect(await run((files) => files.list())).toEqual([])
    const downloaded = await run((files) => files.download(server.url, "web"))
    expect(downloaded).toMatchObject({ path, changed: true, validation: { _tag: "YamlOnly" } })
    expect(downloaded.validation).toMatchObject({ detail: expect.stringContaining("docker-compose") })
    expect(downloaded.diff).toContain("+    image: one\n")
    expect(await text()).toBe(first)
    expect(await run((files) => files.check("web", server.url))).toEqual({ path, changed: false, diff: "" })
    expect(await run((files) => files.update("web", server.url))).toEqual({ path, changed: false, diff: "" })
    content = second
    const diff = `--- ${path}\n+++ ${server.url}/\n@@ -1,4 +1,4 @@\n services:\n   web:\n-    image: one\n+    image: two\n     # a comment\n`
    expect(await run((files) => files.check("web", server.url))).toEqual({ path, changed: true, diff })
    expect(await text()).toBe(first)
    const updated = await run((files) => files.update({ path }, server.url))
    expect(updated).toMatchObject({ path, changed: true, diff, backup: `${path}.bak` })
    expect(await text()).toBe(second)
    expect(await text("web/compose.yaml.bak")).toBe(first)
    expect(await run((files) => files.read("web"))).toBe(second)
    const [listed] = await run((files) => files.list())
    expect(listed).toMatchObject({ name: "web", path, size: second.length })
    expect(Date.now() - Date.parse(listed?.modified ?? "")).toBeLessThan(60_000)
    await writeFile(file("web/.env"), "A=b\n")
    await run((files) => files.remove("web"))
    expect(Object.keys(await snapshot(folder))).toEqual(["web", "web/.env"])
    expect(await failure((files) => files.remove("web"))).toMatchObject({ reason: "NotFound" })
    expect(await run((files) => files.list())).toEqual([])
  })

  it("finds the file that compose would take, and makes new ones with the given name", async () => {
    await writeFileAt(file("old/docker-compose.yml"), first)
    await writeFileAt(file("both/docker-compose.yml"), second)
    await writeFileAt(file("both/compose.yml"), first)
    await writeFileAt(file("none/readme"), "")
    expect((await run((files) => files.list())).map(({ path }) => path)).toEqual([
      file("both/compose.yml"),
      file("old/docker-compose.yml")
    ])
    const layer = filesIn(folder, { fileName: "docker-compose.yml" })
    const made = await runWith(
      layer,
      Effect.flatMap(ComposeFiles, (files) => files.download(server.url, "new"))
    )
    expect(made.path).toBe(file("new/docker-compose.yml"))
  })

  it("does not overwrite a file that exists, unless it is told to", async () => {
    await writeFileAt(file(), first)
    content = second
    const before = await snapshot(folder)
    const error = await failure((files) => files.download(server.url, "web"))
    expect(error).toMatchObject({ _tag: "ComposeFileUnusable", reason: "Exists", path: file() })
    expect(await snapshot(folder)).toEqual(before)
    await run((files) => files.download(server.url, "web", { replace: true }))
    expect([await text(), await text("web/compose.yaml.bak")]).toEqual([second, first])
  })

  it("keeps the mode and the owner of a file", async () => {
    await writeFileAt(file(), first, 0o600)
    const isRoot = process.getuid?.() === 0
    if (isRoot) await chown(file(), 1234, 1235)
    content = second
    await run((files) => files.update("web", server.url))
    const { gid, mode, uid } = await stat(file())
    expect(mode & 0o7777).toBe(0o600)
    if (isRoot) expect([uid, gid]).toEqual([1234, 1235])
  })

  it.for([
    ["a strong ETag", { ETag: '"a"' }, true],
    ["an old Last-Modified", { "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT" }, true],
    ["a weak ETag", { ETag: 'W/"a"' }, false],
    ["a Last-Modified of now", { "Last-Modified": new Date().toUTCString() }, false]
  ] as const)("lets a server with %s save the transfer", async ([, sent, saves]) => {
    headers = sent
    await run((files) => files.download(`${server.url}/a`, "web"))
    const asked = async (url: string) => {
      const before = server.requests.length
      expect(await run((files) => files.check("web", url))).toMatchObject({ changed: false })
      const [request] = server.requests.slice(before)
      return request?.headers["if-none-match"] !== undefined || request?.headers["if-modified-since"] !== undefined
    }
    expect(await asked(`${server.url}/a`)).toBe(saves)
    // What is known of one URL says nothing of another.
    expect(await asked(`${server.url}/b`)).toBe(false)
    // Nor of a file that was changed since.
    await writeFile(file(), second)
    expect(await run((files) => files.check("web", `${server.url}/b`))).toMatchObject({ changed: true })
  })

  it.for(["", "{", "[]", '{"url":1}', '{"url":"a","content":"b","source":"c","etag":"\\r\\nX: y"}', "\0"])(
    "ignores a damaged record of the last download: %j",
    async (record) => {
      headers = { ETag: '"a"' }
      await run((files) => files.download(server.url, "web"))
      await writeFile(file("web/.compose.yaml.download.json"), record)
      content = second
      expect(await run((files) => files.update("web", server.url))).toMatchObject({ changed: true })
      expect(await text()).toBe(second)
    }
  )

  it("writes no secret of a URL to the disk", async () => {
    headers = { ETag: '"a"' }
    const url = `http://ann:secret@127.0.0.1:${server.port}/?token=secret`
    await run((files) => files.download(url, "web"))
    expect(Object.keys(await snapshot(folder))).toContain("web/.compose.yaml.download.json")
    expect(JSON.stringify(await snapshot(folder))).not.toContain("secret")
  })

  it("refuses every name that is not one of a folder, and asks no server for it", async () => {
    const before = server.requests.length
    const allowed = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
    const names = FastCheck.oneof(
      FastCheck.constantFrom(
        "",
        ".",
        "..",
        "../web",
        "a/b",
        "a\\b",
        "/etc",
        "-a",
        "_a",
        ".a",
        "a b",
        "é",
        "a\n",
        "a\0",
        "a".repeat(201)
      ),
      FastCheck.string().filter((name) => !allowed.test(name))
    )
    await FastCheck.assert(
      FastCheck.asyncProperty(names, async (name) => {
        for (const attempt of [
          await failure((files) => files.download(server.url, name)),
          await failure((files) => files.remove(name)),
          await failure((files) => files.read(name))
        ])
          expect(attempt).toMatchObject({ _tag: "InvalidRequest", field: "name" })
      }),
      { numRuns: 20 }
    )
    expect(server.requests).toHaveLength(before)
    for (const name of ["a", "0", "A.b-c_d", "a..b", "a".repeat(200)]) {
      expect(await run((files) => files.download(server.url, name))).toMatchObject({ changed: true })
    }
  })

  /** What can be wrong on this machine: how it is made, and the error of an update. */
  const localFaults: Readonly<Record<string, readonly [make: () => Promise<unknown>, error: object]>> = {
    "no folder": [() => Promise.resolve(), { reason: "NotFound" }],
    "no file": [() => writeFileAt(file("web/readme"), ""), { reason: "NotFound" }],
    "a folder in its place": [() => mkdir(file(), { recursive: true }), { reason: "NotAFile" }],
    "a file in place of the project": [() => writeFileAt(file("web"), ""), { reason: "NotAFile" }],
    "a pipe in its place": [
      async () => {
        await mkdir(file("web"), { recursive: true })
        execFileSync("mkfifo", [file()])
      },
      { reason: "NotAFile" }
    ],
    "a folder in place of the backup": [
      async () => {
        await writeFileAt(file(), first)
        await mkdir(file("web/compose.yaml.bak"))
      },
      { reason: "NotAFile" }
    ],
    "a link to a file outside": [
      async () => {
        await writeFileAt(join(folder, "../outside.yaml"), first)
        await mkdir(file("web"), { recursive: true })
        await symlink("../../outside.yaml", file())
      },
      { reason: "OutsideFolder" }
    ],
    "a link to a folder outside": [
      async () => {
        await writeFileAt(join(folder, "../outside/compose.yaml"), first)
        await mkdir(folder)
        await symlink("../outside", file("web"))
      },
      { reason: "OutsideFolder" }
    ],
    "a link to nothing": [
      async () => {
        await mkdir(file("web"), { recursive: true })
        await symlink("nothing", file())
      },
      { reason: "NotFound" }
    ],
    "a link to itself": [
      async () => {
        await mkdir(file("web"), { recursive: true })
        await symlink("compose.yaml", file())
      },
      { reason: "Failed" }
    ],
    "a file that is too large": [
      () => writeFileAt(file(), Buffer.alloc(1024 * 1024 + 1, "#")),
      { _tag: "ComposeFileInvalid", reason: "TooLarge" }
    ]
  }

  it.for(Object.keys(localFaults))("has a typed error for %s, and changes nothing", async (name) => {
    const [make, error] = localFaults[name] ?? [() => Promise.resolve(), {}]
    await make()
    content = second
    const before = await snapshot(join(folder, ".."))
    const expected = { _tag: "ComposeFileUnusable", ...error }
    expect(await failure((files) => files.update("web", server.url))).toMatchObject(expected)
    expect(
      await failure((files) => files.update({ path: file() }, server.url).pipe(Effect.zipRight(files.read("web"))))
    ).toMatchObject(/outside/.test(name) ? { _tag: "ComposeFileUnusable" } : expected)
    if (!/outside/.test(name)) expect(await snapshot(join(folder, ".."))).toEqual(before)
  })

  it("has a typed error where this user may not write, and changes nothing", async () => {
    await writeFileAt(file(), first)
    content = second
    await chmod(file("web"), 0o555)
    await chmod(join(folder, ".."), 0o755)
    const before = await snapshot(folder)
    const { geteuid, seteuid } = process
    const isRoot = geteuid?.() === 0
    if (isRoot) seteuid?.(65534)
    try {
      const expected = { _tag: "ComposeFileUnusable", reason: "PermissionDenied" }
      expect(await failure((files) => files.update("web", server.url))).toMatchObject(expected)
    } finally {
      if (isRoot) seteuid?.(0)
      await chmod(file("web"), 0o755)
    }
    await chmod(file("web"), 0o555)
    expect(await snapshot(folder)).toEqual(before)
    await chmod(file("web"), 0o755)
  })

  it("updates a file that is not text, and one behind a link inside the folder", async () => {
    await writeFileAt(file("shared/compose.yaml"), Buffer.from([0xff, 0xfe]))
    await mkdir(file("web"))
    await symlink("../shared/compose.yaml", file())
    expect(await failure((files) => files.read("web"))).toMatchObject({ reason: "NotUtf8" })
    const updated = await run((files) => files.update("web", server.url))
    expect(updated).toMatchObject({ path: file(), backup: file("shared/compose.yaml.bak") })
    expect(await text("shared/compose.yaml")).toBe(first)
    expect(await readFile(file("shared/compose.yaml.bak"))).toEqual(Buffer.from([0xff, 0xfe]))
  })

  it("makes changes of one project one after the other: of two downloads, one finds the other's file", async () => {
    const outcomes = await run((files) =>
      Effect.forEach([1, 2, 3], () => Effect.either(files.download(server.url, "web")), { concurrency: "unbounded" })
    )
    expect(outcomes.map(({ _tag }) => _tag).toSorted()).toEqual(["Left", "Left", "Right"])
    let count = 0
    const counting = await startFileServer((_, response) =>
      response.end(`services: { web: { image: "${count++}" } }\n`)
    )
    try {
      await run((files) =>
        Effect.forEach([1, 2, 3, 4, 5], () => files.update("web", counting.url), { concurrency: "unbounded" })
      )
      expect(await text()).toContain('"4"')
      expect(await text("web/compose.yaml.bak")).toContain('"3"')
      expect(Object.keys(await snapshot(folder))).toEqual(["web", "web/compose.yaml", "web/compose.yaml.bak"])
    } finally {
      await counting.close()
    }
  })

  it("never shows half a file to who reads it meanwhile", async () => {
    const large = (name: string) => `x-a: ${name.repeat(100_000)}\nservices: { web: { image: ${name} } }\n`
    await writeFileAt(file(), large("a"))
    const updates = run((files) =>
      Effect.forEach(["b", "c", "d", "e"], (name) =>
        Effect.suspend(() => {
          content = large(name)
          return files.update("web", server.url)
        })
      )
    )
    let isDone = false
    void updates.finally(() => (isDone = true))
    const seen = new Set<string>()
    while (!isDone) seen.add(await text())
    await updates
    for (const found of seen) expect(found).toBe(large(found[5] ?? ""))
  })

  it("shows the whole of two files that have little in common", async () => {
    const lines = (word: string) =>
      Array.from({ length: 4000 }, (_, index) => `  ${word}${(index * 7919) % 4001}: {}\n`).join("")
    await writeFileAt(file(), `services:\n${lines("a")}`)
    content = `services:\n${lines("b")}`
    const { diff } = await run((files) => files.check("web", server.url))
    const count = (mark: string) =>
      diff.split("\n").filter((line) => line.startsWith(mark) && !/^(---|\+\+\+) /.test(line)).length
    expect(count("-")).toBeGreaterThanOrEqual(4000)
    expect(count("+")).toBeGreaterThanOrEqual(4000)
  })

  it("takes files from a server whose authority it was told to trust", async () => {
    const { ca, server: certificate } = await makeTestCertificates()
    const secure = await startFileServer((_, response) => response.end(first), certificate)
    try {
      const layer = filesIn(folder, { ca })
      for (const url of [secure.url, secure.url.replace("127.0.0.1", "localhost")]) {
        const download = Effect.flatMap(ComposeFiles, (files) => files.download(url, "web", { replace: true }))
        expect((await runWith(layer, download)).path).toBe(file())
      }
    } finally {
      await secure.close()
    }
  })
})
