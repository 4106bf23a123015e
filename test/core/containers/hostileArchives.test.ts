import { Archive, Docker, Exec, MemoryEngine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../../engine/testContainer.js"
import { runWith } from "../runWith.js"
import { paxContent, tarball, type TarEntry } from "./tarball.js"

const evil = { name: "../evil", content: "evil" }
const pax = (records: Readonly<Record<string, string>>): TarEntry => ({
  name: "PaxHeaders/x",
  typeFlag: "x",
  content: paxContent(records)
})
const globalPax = (records: Readonly<Record<string, string>>): TarEntry => ({ ...pax(records), typeFlag: "g" })
const longName = (typeFlag: "L" | "K", name: string): TarEntry => ({
  name: "././@LongLink",
  typeFlag,
  content: `${name}\0`
})
const symlink = (name: string, linkName: string): TarEntry => ({ name, kind: "symlink", linkName })
const link = (name: string, linkName: string): TarEntry => ({ name, kind: "link", linkName })
const directory = (name: string): TarEntry => ({ name, kind: "directory", mode: 0o755 })
/** An archive as the content of an entry of which some readers say that it has none. */
const hidden = { content: tarball([evil]), size: 1024 }
const through = "the path of the entry leads out of the target directory through a link"

/** Archives that put `evil` outside of their folder for one reader or another, and why they are refused. */
const hostile: ReadonlyArray<readonly [what: string, detail: string, entries: ReadonlyArray<TarEntry>]> = [
  ...(["symlink", "link", "directory"] as const).map(
    (kind) =>
      [
        `a ${kind} with content, which hides an entry`,
        `an entry of type ${kind} has content`,
        [{ name: "a", kind, linkName: "b", ...hidden }]
      ] as const
  ),
  [
    "a pipe with content, which hides an entry",
    "an entry of type fifo has content",
    [{ name: "a", typeFlag: "6", ...hidden }]
  ],
  [
    "a symbolic link whose length is in an extended header",
    "an entry of type symlink has content",
    [pax({ size: "1024" }), { ...symlink("a", "b"), content: tarball([evil]), size: 0 }]
  ],
  [
    "a global path",
    "a global header sets the path of every entry",
    [globalPax({ path: "../evil" }), { name: "a", content: "evil" }]
  ],
  [
    "a global link target",
    "a global header sets the linkpath of every entry",
    [globalPax({ linkpath: "/" }), symlink("a", "b"), { name: "a/evil", content: "evil" }]
  ],
  [
    "a global length",
    "a global header sets the size of every entry",
    [globalPax({ size: "1024" }), { name: "a", content: tarball([evil]), size: 0 }]
  ],
  [
    "a path in both formats",
    "an entry has a long name in the GNU format and another one in the POSIX format",
    [longName("L", "a"), pax({ path: "../evil" }), { name: "a", content: "evil" }]
  ],
  [
    "a link target in both formats",
    "an entry has a long name in the GNU format and another one in the POSIX format",
    [pax({ linkpath: "b" }), longName("K", "/"), symlink("a", "b"), { name: "a/evil", content: "evil" }]
  ],
  [
    "two paths in the POSIX format",
    "an entry has two extended headers of one type",
    [pax({ path: "../evil" }), pax({ comment: "hi" }), { name: "a", content: "evil" }]
  ],
  [
    "two paths in the GNU format",
    "an entry has two extended headers of one type",
    [longName("L", "../evil"), longName("L", "a"), { name: "a", content: "evil" }]
  ],
  [
    "a global header between an entry and its path",
    "a global header is between an entry and its extended header",
    [pax({ path: "../evil" }), globalPax({ comment: "hi" }), { name: "a", content: "evil" }]
  ],
  [
    "a path in an extended header",
    'the path of the entry contains ".."',
    [pax({ path: "../evil" }), { name: "a", content: "evil" }]
  ],
  [
    "a path in a GNU header",
    'the path of the entry contains ".."',
    [longName("L", "../evil"), { name: "a", content: "evil" }]
  ],
  [
    "the name of a sparse file",
    "sparse files (tar --sparse) are not supported",
    [
      pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "../evil" }),
      { name: "a", content: "evil" }
    ]
  ],
  [
    "a path with a null character",
    "a name contains a null character",
    [pax({ path: "../evil\0a" }), { name: "a", content: "evil" }]
  ],
  [
    "a malformed extended header",
    "an extended header is malformed",
    [{ name: "x", typeFlag: "x", content: "99 path=a\n" }, evil]
  ],
  [
    "an archive after the end of another",
    "the archive continues after its end. Archives cannot be concatenated",
    [{ name: "a", content: "a" }, { name: "", typeFlag: "\0", content: "", size: 0 }, evil]
  ],
  [
    "a link that a directory takes the place of: the engine replaces it",
    "the path of the entry is that of an earlier symbolic link in the archive",
    [
      directory("d"),
      directory("d/e"),
      symlink("l", "d/e"),
      directory("l"),
      symlink("l/k", "../.."),
      { ...evil, name: "l/k/evil" }
    ]
  ],
  [
    "a directory with a link in it that another entry takes the place of",
    "the entry replaces a directory that an earlier entry of the archive is in",
    [
      directory("d"),
      symlink("d/l", "e/f"),
      { name: "d", content: "" },
      directory("d"),
      symlink("d/l/k", "../../.."),
      { ...evil, name: "d/l/k/evil" }
    ]
  ],
  [
    "a hard link to a link that leads out",
    through,
    [symlink("a", "/"), directory("d"), link("d/h", "a"), { ...evil, name: "d/h/evil" }]
  ]
]

const archiveOf = (entries: ReadonlyArray<TarEntry>): Uint8Array => {
  const bytes = tarball(entries)
  // An entry without a name stands for the end of an archive.
  for (let at = 0; at < bytes.length; at += 512) {
    if (bytes[at] === 0 && bytes[at + 257] !== 0) bytes.fill(0, at, at + 512)
  }
  return Uint8Array.from(bytes)
}

const put = (id: string, path: string, entries: ReadonlyArray<TarEntry>) =>
  Effect.flatMap(Archive, (archive) => archive.put(id, path, Stream.make(archiveOf(entries))))

/** Archives that lead out through what is in the container already, with the entry that is refused. */
const twoSteps = [
  ["a/evil", "a link", [{ name: "a/evil", content: "evil" }]],
  ["a/new/evil", "a link, above a new directory", [{ name: "a/new/evil", content: "evil" }]],
  ["in/out/evil", "a link in a directory", [{ name: "in/out/evil", content: "evil" }]],
  ["h", "a hard link to a file outside", [link("h", "a/passwd")]],
  ["h/evil", "a hard link to a link", [link("h", "a"), { name: "h/evil", content: "evil" }]],
  ["k/evil", "a link of the archive to a link", [symlink("k", "in/out"), { name: "k/evil", content: "evil" }]],
  ["first/../a/evil", "no more than a path", [{ name: "first/../a/evil", content: "evil" }]]
] as const

/** What holds for a container with a folder `/w` and links in it: `a` and `in/out` lead to `/etc`, `here` to `in`. */
const links = [directory("in"), symlink("a", "/etc"), symlink("in/out", "/etc"), symlink("here", "in")]

const refusesTwoSteps = (id: string) =>
  Effect.gen(function* () {
    for (const [entry, what, entries] of twoSteps) {
      const error = yield* Effect.flip(put(id, "/w", entries))
      expect([what, error]).toMatchObject([what, { _tag: "InvalidRequest", field: "tar", value: entry }])
    }
    // A link that stays in the folder may be used, and a directory takes the place of any link.
    yield* put(id, "/w", [{ name: "here/kept", content: "kept" }])
    yield* put(id, "/w", [directory("a"), { name: "a/mine", content: "mine" }])
    // The folder itself may be reached through links.
    yield* put(id, "/w/here", [{ name: "new/f", content: "f" }])
    yield* put(id, "/", [{ name: "w/here/g", content: "g" }])
    const archive = yield* Archive
    const read = (path: string) => archive.readFileString(id, path)
    expect(yield* Effect.all([read("/w/in/kept"), read("/w/a/mine"), read("/w/in/new/f"), read("/w/in/g")])).toEqual([
      "kept",
      "mine",
      "f",
      "g"
    ])
  })

describeEngine("an archive that would be extracted outside of its folder", () => {
  let container: TestContainer
  const services = () =>
    Layer.merge(Archive.layer, Exec.layer).pipe(Layer.provideMerge(Docker.layer({ endpoint: testEngine().endpoint })))
  const run = <A, E>(program: Effect.Effect<A, E, Archive | Exec>) => runWith(services(), program)
  const shell = (script: string) =>
    run(Effect.flatMap(Exec, (exec) => exec.run(container.id, ["sh", "-c", script]))).then(({ stdout }) => stdout)
  const evils = () => shell("find / -xdev -name 'evil*'; ls -l /etc")

  beforeAll(async () => {
    container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "1000"] })
    await shell("mkdir -p /w/t /etc && echo root > /etc/passwd")
  })
  afterAll(() => container?.remove())

  it("is refused for what readers understand in different ways", async () => {
    const before = await evils()
    const errors = await run(
      Effect.forEach(hostile, ([what, , entries]) =>
        Effect.map(Effect.flip(put(container.id, "/w/t", entries)), (error) => [what, error] as const)
      )
    )
    expect(errors).toMatchObject(
      hostile.map(([what, detail]) => [what, { _tag: "InvalidRequest", field: "tar", detail }])
    )
    expect(await evils()).toBe(before)
  })

  it("is refused where it leads through a link that is there already", async () => {
    const before = await evils()
    await run(Effect.zipRight(put(container.id, "/w", links), refusesTwoSteps(container.id)))
    expect(await evils()).toBe(before)
  })
})

describe("an archive for the engine in memory", () => {
  const services = Archive.layer.pipe(
    Layer.provideMerge(MemoryEngine.layer({ containers: [{ name: "web", image: "nginx" }] }))
  )

  it("is refused as for a real one", async () => {
    const program = Effect.gen(function* () {
      yield* put("web", "/", [
        directory("w"),
        directory("w/t"),
        directory("etc"),
        { name: "etc/passwd", content: "root" }
      ])
      for (const [what, detail, entries] of hostile) {
        const error = yield* Effect.flip(put("web", "/w/t", entries))
        expect([what, error]).toMatchObject([what, { _tag: "InvalidRequest", field: "tar", detail }])
      }
      yield* put("web", "/w", links)
      yield* refusesTwoSteps("web")
    })
    await runWith(services, program)
  })
})
