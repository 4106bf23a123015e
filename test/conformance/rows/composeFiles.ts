import { ComposeFiles } from "@dockwire/core"
import { Effect } from "effect"
import { expect } from "vitest"
import { startFileServer } from "../../core/composeFiles/fileServer.js"
import type { Bench } from "../bench.js"
import { failsWith, type Row, type Rows } from "../cell.js"

type FilesShape = Effect.Effect.Success<typeof ComposeFiles>

const on = <A, E, R>(use: (files: FilesShape) => Effect.Effect<A, E, R>) => Effect.flatMap(ComposeFiles, use)

const first = "services: { web: { image: busybox } }\n"
const second = "services: { web: { image: busybox, command: ls } }\n"

/** A server that has a compose file, of which the next one is something else. */
const served = (texts: ReadonlyArray<string> = [first]) =>
  Effect.gen(function* () {
    let count = 0
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => startFileServer((_, response) => response.end(texts[Math.min(count++, texts.length - 1)]))),
      (server) => Effect.promise(() => server.close())
    )
    return `${server.url}/compose.yaml`
  })

/** Downloads a file to a project of its own. */
const downloaded = (bench: Bench, texts?: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const [name, url] = [bench.name("files"), yield* served(texts)]
    yield* on((files) => files.download(url, name))
    return { name, url }
  })

const closed = "http://127.0.0.1:1/compose.yaml"
const noEngine = "no engine is asked"

const row = (cells: Pick<Row, "call" | "success" | "missing" | "bad input"> & Partial<Row>): Row => ({
  isSlow: true,
  conflict: "changes of a project wait for each other: see the tests of compose files",
  "engine gone": noEngine,
  interrupted: noEngine,
  ...cells
})

const unusable = (reason: string) => ["ComposeFileUnusable", { reason }] as const

/** The cells of `ComposeFiles`. */
export const composeFilesRows: Rows = {
  download: row({
    call: (bench) => downloaded(bench),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* downloaded(bench)
        expect(yield* on((files) => files.read(name))).toBe(first)
      }),
    missing: (bench) =>
      failsWith(
        on((files) => files.download(closed, bench.name("files"))),
        "DownloadFailed"
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { name, url } = yield* downloaded(bench)
        yield* failsWith(
          on((files) => files.download(url, name)),
          ...unusable("Exists")
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const name = bench.name("files")
        yield* failsWith(
          on((files) => files.download("ftp://example.com/", name)),
          "InvalidRequest"
        )
        const url = yield* served(["- no mapping"])
        yield* failsWith(
          on((files) => files.download(url, name)),
          "ComposeFileInvalid"
        )
      })
  }),
  check: row({
    call: () => on((files) => files.check("web", closed)),
    success: (bench) =>
      Effect.gen(function* () {
        const { name, url } = yield* downloaded(bench, [first, second])
        const { changed, diff } = yield* on((files) => files.check(name, url))
        expect(changed).toBe(true)
        expect(diff).toContain("+services: { web: { image: busybox, command: ls } }")
        expect(yield* on((files) => files.read(name))).toBe(first)
      }),
    missing: (bench) =>
      failsWith(
        on((files) => files.check(bench.name("files"), closed)),
        ...unusable("NotFound")
      ),
    "bad input": () =>
      failsWith(
        on((files) => files.check("../web", closed)),
        "InvalidRequest"
      )
  }),
  update: row({
    call: () => on((files) => files.update("web", closed)),
    success: (bench) =>
      Effect.gen(function* () {
        const { name, url } = yield* downloaded(bench, [first, second])
        const { backup, changed } = yield* on((files) => files.update(name, url))
        expect({ backup, changed }).toEqual({ backup: expect.stringMatching(/\.bak$/), changed: true })
        expect(yield* on((files) => files.read(name))).toBe(second)
        expect((yield* on((files) => files.update(name, url))).changed).toBe(false)
      }),
    missing: (bench) =>
      failsWith(
        on((files) => files.update(bench.name("files"), closed)),
        ...unusable("NotFound")
      ),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { name, url } = yield* downloaded(bench, [first, "- no mapping"])
        yield* failsWith(
          on((files) => files.update(name, url)),
          "ComposeFileInvalid"
        )
        expect(yield* on((files) => files.read(name))).toBe(first)
      })
  }),
  read: row({
    call: () => on((files) => files.read("web")),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* downloaded(bench)
        expect(yield* on((files) => files.read(name))).toBe(first)
      }),
    missing: (bench) =>
      failsWith(
        on((files) => files.read(bench.name("files"))),
        ...unusable("NotFound")
      ),
    "bad input": () =>
      failsWith(
        on((files) => files.read("../web")),
        "InvalidRequest"
      )
  }),
  list: row({
    call: () => on((files) => files.list()),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* downloaded(bench)
        const found = yield* on((files) => files.list())
        expect(found).toMatchObject([{ name, size: first.length }])
      }),
    missing: () =>
      Effect.map(
        on((files) => files.list()),
        (found) => expect(found).toEqual([])
      ),
    "bad input": "it takes no input"
  }),
  remove: row({
    call: () => on((files) => files.remove("web")),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* downloaded(bench)
        yield* on((files) => files.remove(name))
        expect(yield* on((files) => files.list())).toEqual([])
      }),
    missing: (bench) =>
      failsWith(
        on((files) => files.remove(bench.name("files"))),
        ...unusable("NotFound")
      ),
    "bad input": () =>
      failsWith(
        on((files) => files.remove("../web")),
        "InvalidRequest"
      )
  })
}
