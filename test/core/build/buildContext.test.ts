import { InvalidRequest } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import fs from "node:fs"
import { rm } from "node:fs/promises"
import { syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import { afterEach, describe, expect, it, vi } from "vitest"
import { openBuildContext } from "../../../packages/core/src/internal/build/context/buildContext.js"
import { contextTar } from "../../../packages/core/src/internal/build/context/contextTar.js"
import { tarLines } from "./builtFiles.js"
import { contextFiles, type ContextFiles, type TestFile } from "./contextFiles.js"

/** The folders that an effect reads, in order. */
const foldersReadBy = async (use: () => Promise<unknown>): Promise<ReadonlyArray<string>> => {
  const folders: Array<string> = []
  const spies = [vi.spyOn(fs, "readdirSync"), vi.spyOn(fs.promises, "readdir")]
  syncBuiltinESMExports()
  try {
    await use()
    for (const spy of spies) folders.push(...spy.mock.calls.map(([folder]) => String(folder)))
  } finally {
    for (const spy of spies) spy.mockRestore()
    syncBuiltinESMExports()
  }
  return folders.sort()
}

const disposals: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose()
})
const folderOf = async (files: Readonly<Record<string, TestFile>>): Promise<ContextFiles> => {
  const made = await contextFiles(files)
  disposals.push(made.remove)
  return made
}
type Source = Parameters<typeof openBuildContext>[0]
const errorOf = (source: Source): Promise<InvalidRequest> => Effect.runPromise(Effect.flip(openBuildContext(source)))
const tarOf = (source: Source) => Effect.runPromise(Effect.map(openBuildContext(source), contextTar))
const pathsOf = async (source: Source): Promise<ReadonlyArray<string>> =>
  (await tarLines((await tarOf(source)).tar)).map((line) => line.split(" ")[2] ?? "")

describe("a build context", () => {
  it("that cannot be used is an invalid request, with its path", async () => {
    const { path } = await folderOf({
      file: "",
      "bad/.dockerignore": "a\n[",
      "bad/Dockerfile": "",
      "own/Dockerfile": "",
      "own/Dockerfile.dockerignore": "!",
      "sub/folder": { special: "folder" },
      "sub/pipe": { special: "fifo" }
    })
    const cases: ReadonlyArray<readonly [Source, field: string, value: string, words: string]> = [
      [{ folder: join(path, "missing") }, "context", join(path, "missing"), "no such directory"],
      [{ folder: join(path, "file") }, "context", join(path, "file"), "not a directory"],
      [{ folder: path }, "dockerfile", join(path, "Dockerfile"), "no such file"],
      [{ folder: path, dockerfile: { path: "x/y" } }, "dockerfile", join(path, "x/y"), "no such file"],
      [{ folder: path, dockerfile: { path: "sub/folder" } }, "dockerfile", join(path, "sub/folder"), "not a file"],
      [{ folder: path, dockerfile: { path: "sub/pipe" } }, "dockerfile", join(path, "sub/pipe"), "not a file"],
      [{ folder: join(path, "bad") }, "context", join(path, "bad/.dockerignore"), '"["'],
      [{ folder: join(path, "own") }, "context", join(path, "own/Dockerfile.dockerignore"), '"!"']
    ]
    for (const [source, field, value, words] of cases) {
      const error = await errorOf(source)
      expect(error).toBeInstanceOf(InvalidRequest)
      expect(error).toMatchObject({ field, value, detail: expect.stringContaining(words) })
    }
  })

  it("is read only where something can be taken", async () => {
    const { path } = await folderOf({
      Dockerfile: "",
      ".dockerignore": "node_modules\nout/*\n!out/kept/*.js\n**/cache\ndeep\n!deep/a/*/x\n",
      "node_modules/a/b": "",
      "out/other/a": "",
      "out/kept/a.js": "",
      "src/cache/a": "",
      "src/a/cache/b": "",
      "deep/a/b/x": "",
      "deep/b/b/x": ""
    })
    let paths: ReadonlyArray<string> = []
    const folders = await foldersReadBy(async () => {
      paths = await pathsOf({ folder: path })
    })
    expect(paths).toEqual(
      [".dockerignore", "Dockerfile", "deep", "deep/a", "deep/a/b", "deep/a/b/x"].concat([
        "out",
        "out/kept",
        "out/kept/a.js",
        "src",
        "src/a"
      ])
    )
    const below = folders.map((folder) => folder.slice(path.length + 1))
    expect(below).toEqual(["", "deep", "deep/a", "deep/a/b", "out", "out/kept", "src", "src/a"])
  })

  it("always has its Dockerfile and ignore file in an archive", async () => {
    const { path } = await folderOf({
      Dockerfile: "FROM a",
      ".dockerignore": "*",
      "sub/Dockerfile": "FROM b",
      file: "x"
    })
    expect(await pathsOf({ folder: path })).toEqual(["Dockerfile", ".dockerignore"])
    const below = await tarOf({ folder: path, dockerfile: { path: "sub/Dockerfile" } })
    expect(below.dockerfile).toBe("sub/Dockerfile")
    expect(await pathsOf({ folder: path, dockerfile: { path: "sub/Dockerfile" } })).toEqual([
      "sub/Dockerfile",
      ".dockerignore"
    ])
    expect(await pathsOf({ folder: undefined, dockerfile: { text: "FROM a" } })).toEqual([
      expect.stringMatching(/^\.dockerfile\.[0-9a-f]{20}$/),
      ".dockerignore"
    ])
  })

  it("with a name that is not UTF-8 is an invalid request, unless that is ignored", async () => {
    const { add, path } = await folderOf({ Dockerfile: "" })
    execFileSync("sh", ["-c", "touch \"$1/$(printf 'caf\\351')\"", "sh", path])
    const { tar } = await tarOf({ folder: path })
    const error = await Effect.runPromise(Effect.flip(Stream.runDrain(tar)))
    expect(error).toMatchObject({ field: "context", detail: expect.stringContaining("UTF-8") })
    await add({ ".dockerignore": "caf*\n" })
    expect(await pathsOf({ folder: path })).toEqual([".dockerignore", "Dockerfile"])
  })

  it("whose file vanishes while it is packed is an invalid request", async () => {
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index + 10}`, "x".repeat(60_000)]))
    const { path } = await folderOf({ Dockerfile: "", ...files })
    const { tar } = await tarOf({ folder: path })
    const removing = Stream.tap(tar, () => Effect.promise(() => rm(join(path, "f59"), { force: true })))
    const error = await Effect.runPromise(Effect.flip(Stream.runDrain(removing)))
    expect(error).toMatchObject({ _tag: "InvalidRequest", field: "context", value: join(path, "f59") })
  })
})
