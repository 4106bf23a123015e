import { Archive, Containers, Exec, Volumes } from "@dockwire/core"
import { Chunk, Effect, Stream } from "effect"
import { expect } from "vitest"
import { tarball, tarNames } from "../../core/containers/tarball.js"
import type { Bench } from "../bench.js"
import { type Cell, failsWith, type Rows } from "../cell.js"

const missing = "dockwire-nobody"

const on = <A, E>(use: (archive: Effect.Effect.Success<typeof Archive>) => Effect.Effect<A, E>) =>
  Effect.flatMap(Archive, use)

const tar = (...entries: Parameters<typeof tarball>[0]) => Stream.make(Uint8Array.from(tarball(entries)))

const tarOf = (id: string, path: string) =>
  on((archive) =>
    Effect.map(Stream.runCollect(archive.get(id, path)), (pieces) => Buffer.concat(Chunk.toReadonlyArray(pieces)))
  )

/** A container with files of every kind, which has never run. */
const filled = (bench: Bench, more?: Parameters<Bench["created"]>[1]) =>
  Effect.gen(function* () {
    const made = yield* bench.created(["sleep", "300"], more)
    const entries = tar(
      { name: "w/", kind: "directory", mode: 0o755 },
      { name: "w/file", content: "hi\n", mode: 0o4751, uid: 7, gid: 8 },
      { name: "w/deep/g", content: "deep\n" },
      { name: "w/link", kind: "symlink", linkName: "file" },
      { name: "w/hard", kind: "link", linkName: "w/file", mode: 0o4711, uid: 9, gid: 9 },
      { name: "w/dangling", kind: "symlink", linkName: "/nope" },
      { name: "w/folder", kind: "symlink", linkName: "/w/deep" },
      { name: "w/loop", kind: "symlink", linkName: "loop" }
    )
    yield* on((archive) => archive.put(made.id, "/", entries))
    return made
  })

type Use = (id: string, path: string) => Effect.Effect<unknown, unknown, Archive>

const noContainer =
  (use: Use): Cell =>
  (bench) =>
    Effect.gen(function* () {
      yield* failsWith(use(missing, "/tmp"), "ContainerNotFound", {
        containerId: missing,
        detail: `No such container: ${missing}`
      })
      const { id } = yield* bench.created(["true"])
      yield* failsWith(use(id, "/no/such"), "FileNotFound", {
        containerId: id,
        path: "/no/such",
        detail: `Could not find the file /no/such in container ${id}`
      })
    })

const badPath =
  (use: Use): Cell =>
  (bench) =>
    Effect.gen(function* () {
      const { id } = yield* filled(bench)
      for (const path of ["", "/a\0b"])
        yield* failsWith(use(id, path), "InvalidRequest", { field: "path", value: path })
      yield* failsWith(use("a b", "/tmp"), "ContainerNotFound", { containerId: "a b" })
      yield* failsWith(use(id, "/w/file/x"), "FileNotFound", { detail: "lstat /w/file/x: not a directory" })
      yield* failsWith(use(id, "/w/file/"), "FileNotFound", { detail: "lstat /w/file/: not a directory" })
      yield* failsWith(use(id, "/w/loop"), "EngineError", {
        status: 500,
        detail: "evalSymlinksInScope: too many links in /w/loop"
      })
      yield* failsWith(use(id, "/w/loop/x"), "EngineError", {
        status: 500,
        detail: "lstat /w/loop/x: too many levels of symbolic links"
      })
    })

const inAnyState = (use: Use): Cell =>
  function (bench) {
    return Effect.gen(function* () {
      const containers = yield* Containers
      const { id } = yield* filled(bench)
      const inState = use(id, "/w/file")
      const created = yield* inState
      yield* containers.start(id)
      expect(yield* inState).toEqual(created)
      yield* containers.pause(id)
      expect(yield* inState).toEqual(created)
      yield* containers.unpause(id)
      yield* containers.kill(id)
      yield* containers.wait(id)
      expect(yield* inState).toEqual(created)
    })
  }

/** The cells of reading. */
const reading = (use: Use) => ({
  call: () => use(missing, "/tmp"),
  missing: noContainer(use),
  conflict: inAnyState(use),
  "bad input": badPath(use)
})

const stat: Use = (id, path) => on((archive) => archive.stat(id, path))
const read = (id: string, path: string) => on((archive) => archive.readFile(id, path))
const readString: Use = (id, path) => on((archive) => archive.readFileString(id, path))

const notOverFolder = (bench: Bench) =>
  Effect.gen(function* () {
    const { id } = yield* filled(bench)
    const over = (path: string, fresh: string, old: string) => ({
      field: "path",
      value: "/w",
      detail: `cannot overwrite ${old} "${path}" with ${fresh} "/w"`
    })
    const put = (...entries: Parameters<typeof tarball>[0]) =>
      on((archive) => archive.put(id, "/w", tar(...entries), { noOverwriteDirNonDir: true }))
    yield* failsWith(
      put({ name: "deep", content: "x" }),
      "InvalidRequest",
      over("/w/deep", "non-directory", "directory")
    )
    yield* failsWith(
      put({ name: "file/", kind: "directory" }),
      "InvalidRequest",
      over("/w/file", "directory", "non-directory")
    )
    yield* on((archive) => archive.put(id, "/w", tar({ name: "deep", content: "x" })))
    expect(yield* on((archive) => archive.readFileString(id, "/w/deep"))).toBe("x")
  })

/** The cells of `Archive`. */
export const archiveRows: Rows = {
  stat: {
    ...reading(stat),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench)
        const at = (path: string) => on((archive) => archive.stat(id, path))
        const modified = "2023-11-14T22:13:20Z"
        expect(yield* at("/w/file")).toEqual({ name: "file", kind: "file", size: 3, mode: 0o4711, modified })
        expect(yield* at("/w")).toMatchObject({ name: "w", kind: "directory", size: 4096, mode: 0o755 })
        expect(yield* at("/w/link")).toEqual({
          name: "link",
          kind: "symlink",
          size: 4,
          mode: 0o777,
          modified: expect.any(String),
          linkTarget: "/w/file"
        })
        expect(yield* at("/w/dangling")).toMatchObject({ kind: "symlink", linkTarget: "/nope" })
        expect(yield* at("/w/folder/")).toMatchObject({ name: "folder", kind: "directory" })
        expect(yield* at("/w/folder/g")).toMatchObject({ name: "g", kind: "file", size: 5 })
        expect(yield* at("/w/.")).toMatchObject({ name: ".", kind: "directory" })
        expect(yield* at("tmp")).toMatchObject({ name: "tmp", kind: "directory", mode: 0o1777 })
        expect(yield* at("/")).toMatchObject({ name: "/", kind: "directory" })
        expect(yield* at("/w/../../w/hard")).toMatchObject({ name: "hard", kind: "file", size: 3 })
      })
  },
  get: {
    ...reading(tarOf),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench)
        const names = (path: string) => Effect.map(tarOf(id, path), tarNames)
        expect(yield* names("/w")).toEqual([
          ["w/", 0],
          ["w/dangling", 0],
          ["w/deep/", 0],
          ["w/deep/g", 5],
          ["w/file", 3],
          ["w/folder", 0],
          ["w/hard", 0],
          ["w/link", 0],
          ["w/loop", 0]
        ])
        expect(yield* names("/w/file")).toEqual([["file", 3]])
        expect(yield* names("/w/link")).toEqual([["link", 0]])
        expect(yield* names("/w/folder/")).toEqual([
          ["folder/", 0],
          ["folder/g", 5]
        ])
        expect(yield* names("/w/deep/.")).toEqual([
          ["./", 0],
          ["./g", 5]
        ])
        expect((yield* names("/")).map(([name]) => name)).toEqual(expect.arrayContaining(["./", "./w/file", "./tmp/"]))
        // What came out goes in, as it was.
        const other = yield* bench.created(["true"])
        const whole = yield* tarOf(id, "/w")
        yield* on((archive) => archive.put(other.id, "/tmp", Stream.make(Uint8Array.from(whole))))
        // But that the kernel takes set-user-id from a file that gets a second name with an owner.
        expect(yield* on((archive) => archive.stat(other.id, "/tmp/w/file"))).toEqual({
          ...(yield* on((archive) => archive.stat(id, "/w/file"))),
          mode: bench.expected("the mode of a hard-linked file", 0o711)
        })
      })
  },
  readFile: {
    ...reading(read),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench)
        const bytes = (path: string) => Effect.map(read(id, path), (content) => [...content])
        const text = [104, 105, 10]
        expect(yield* bytes("/w/file")).toEqual(text)
        expect(yield* bytes("/w/link")).toEqual(text)
        expect(yield* bytes("/w/hard")).toEqual(text)
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench)
        yield* failsWith(read(id, ""), "InvalidRequest", { field: "path" })
        yield* failsWith(read(id, "/w"), "InvalidRequest", { detail: "must be a file, but is a directory" })
        yield* failsWith(
          on((archive) => archive.readFile(id, "/w/file", { maxBytes: 2 })),
          "InvalidRequest",
          { detail: "the file has 3 bytes, and the limit is 2. Read it with Archive.get" }
        )
        yield* failsWith(read(id, "/w/dangling"), "FileNotFound", { path: "/w/dangling" })
      })
  },
  readFileString: {
    ...reading(readString),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench)
        expect(yield* readString(id, "/w/link")).toBe("hi\n")
        yield* on((archive) => archive.writeFile(id, "/w/text", "grüße €"))
        expect(yield* readString(id, "/w/text")).toBe("grüße €")
      })
  },
  put: {
    call: () => on((archive) => archive.put(missing, "/tmp", tar())),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench, { config: { Volumes: { "/data": {} } } })
        const put = (path: string, ...entries: Parameters<typeof tarball>[0]) =>
          on((archive) => archive.put(id, path, tar(...entries)))
        // Through links, over what was there, and into a volume.
        yield* put("/w/folder", { name: "through", content: "a" })
        yield* put("/w", { name: "link", content: "no link any more" }, { name: "new/in/it", content: "b" })
        yield* put("/data", { name: "kept", content: "c" })
        for (const [path, content] of [
          ["/w/deep/through", "a"],
          ["/w/link", "no link any more"],
          ["/w/file", "hi\n"],
          ["/w/new/in/it", "b"],
          ["/data/kept", "c"]
        ] as const) {
          expect(yield* on((archive) => archive.readFileString(id, path))).toBe(content)
        }
        const changes = yield* Effect.flatMap(Containers, (containers) => containers.changes(id))
        expect(changes.map(({ path }) => path)).toEqual(expect.arrayContaining(["/w", "/w/new/in/it", "/w/link"]))
        expect(changes.map(({ path }) => path)).not.toContain("/data/kept")
        yield* (yield* Containers).start(id)
        expect(yield* Effect.flatMap(Exec, (exec) => exec.run(id, ["cat", "/w/file", "/w/deep/through"]))).toEqual({
          exitCode: 0,
          stdout: "hi\na",
          stderr: ""
        })
      }),
    missing: noContainer((id, path) => on((archive) => archive.put(id, path, tar()))),
    conflict: notOverFolder,
    "bad input": (bench) =>
      Effect.gen(function* () {
        const volume = yield* (yield* Volumes).scoped({ labels: bench.labels })
        const { id } = yield* filled(bench, { binds: [`${volume.name}:/ro:ro`] })
        const refused = (path: string, detail: string, ...entries: Parameters<typeof tarball>[0]) =>
          failsWith(
            on((archive) => archive.put(id, path, tar(...entries))),
            "InvalidRequest",
            { field: "path", value: path, detail }
          )
        yield* refused("", "must not be empty or contain a null character")
        yield* refused("/w/file", "extraction point is not a directory")
        yield* refused("/ro", "mounted volume is marked read-only", { name: "a", content: "b" })
        yield* refused(
          "/w",
          "open /w/file/x: not a directory",
          { name: "file", content: "" },
          { name: "file/x", content: "b" }
        )
        const sealed = yield* bench.created(["true"], { hostConfig: { ReadonlyRootfs: true } })
        yield* failsWith(
          on((archive) => archive.put(sealed.id, "/tmp", tar())),
          "InvalidRequest",
          { detail: "container rootfs is marked read-only" }
        )
        yield* failsWith(
          on((archive) => archive.put(id, "/w", Stream.make(new TextEncoder().encode("garbage".repeat(300))))),
          "InvalidRequest",
          { field: "tar" }
        )
        yield* failsWith(
          on((archive) => archive.put(id, "/w", tar({ name: "../out", content: "evil" }))),
          "InvalidRequest",
          { field: "tar", value: "../out" }
        )
        yield* failsWith(
          on((archive) => archive.put(id, "/w/loop", tar())),
          "EngineError",
          { status: 500, detail: "EvalSymlinks: too many links" }
        )
      })
  },
  writeFile: {
    call: () => on((archive) => archive.writeFile(missing, "/tmp/x", "")),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench)
        const archive = yield* Archive
        yield* archive.writeFile(id, "/w/new", "text", { mode: 0o600 })
        expect(yield* archive.stat(id, "/w/new")).toMatchObject({ kind: "file", size: 4, mode: 0o600 })
        // In the place of a link, not of what it leads to.
        yield* archive.writeFile(id, "/w/link", Uint8Array.of(1, 2))
        expect(yield* archive.stat(id, "/w/link")).toMatchObject({ kind: "file", size: 2, mode: 0o644 })
        expect(yield* archive.readFileString(id, "/w/file")).toBe("hi\n")
      }),
    missing: (bench) =>
      Effect.gen(function* () {
        yield* failsWith(
          on((archive) => archive.writeFile(missing, "/tmp/x", "")),
          "ContainerNotFound",
          { containerId: missing }
        )
        const { id } = yield* bench.created(["true"])
        yield* failsWith(
          on((archive) => archive.writeFile(id, "/no/such/x", "")),
          "FileNotFound",
          { detail: `Could not find the file /no/such/ in container ${id}` }
        )
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench)
        yield* failsWith(
          on((archive) => archive.writeFile(id, "/w/deep", "")),
          "InvalidRequest",
          { detail: 'cannot overwrite directory "/w/deep" with non-directory "/w"' }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* filled(bench)
        for (const path of ["", "/w/", "/w/..", "."]) {
          yield* failsWith(
            on((archive) => archive.writeFile(id, path, "")),
            "InvalidRequest",
            { field: "path", value: path, detail: "must be the path of a file" }
          )
        }
        yield* failsWith(
          on((archive) => archive.writeFile(id, "/w/file/x", "")),
          bench.expected("a path below a file", "FileNotFound"),
          { detail: "lstat /w/file/: not a directory" }
        )
      })
  }
}
