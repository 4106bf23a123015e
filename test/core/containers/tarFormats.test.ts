import { Archive, Docker, Exec } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { execFile, spawnSync } from "node:child_process"
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { repackTar } from "../../../packages/core/src/internal/tar/repackTar.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../../engine/testContainer.js"
import { failureWith, runWith } from "../runWith.js"
import { randomness } from "../logs/randomness.js"
import { describeTree, makeTree, type TarFormat } from "./localTree.js"
import { paxContent, tarball } from "./tarball.js"

const run = promisify(execFile)
const isGnu = spawnSync("tar", ["--version"]).stdout?.toString().includes("GNU tar") === true
const maxBuffer = 64 * 1024 * 1024

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-tar-"))
  return () => rm(folder, { recursive: true })
})

/** The archive that `tar` makes of a folder. */
const tarOf = async (path: string, ...options: ReadonlyArray<string>): Promise<Buffer> => {
  const { stdout } = await run("tar", ["-C", path, "-c", ...options, "."], { encoding: "buffer", maxBuffer })
  return stdout
}

/** Extracts an archive with `tar` into a new folder. */
const extracted = async (archive: Uint8Array, name: string): Promise<string> => {
  await mkdir(join(folder, name))
  await writeFile(join(folder, `${name}.tar`), archive)
  await run("tar", ["-C", join(folder, name), "-xpf", join(folder, `${name}.tar`)])
  return join(folder, name)
}

/** A stream of an archive in pieces of this length. */
const pieces = (archive: Uint8Array, length: number) =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(archive.length / length) }, (_, index) =>
      Uint8Array.from(archive.subarray(index * length, (index + 1) * length))
    )
  )

const bytesOf = <E, R>(tar: Stream.Stream<Uint8Array, E, R>) =>
  Effect.map(Stream.runCollect(tar), (chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks)))

const formats: ReadonlyArray<TarFormat> = ["v7", "oldgnu", "gnu", "ustar", "posix"]

/** What GNU tar can write and an engine can't read, or not for sure. */
const features: ReadonlyArray<readonly [option: string, detail: string]> = [
  ["--format=gnu --sparse", "sparse files (tar --sparse) are not supported"],
  ["--format=posix --sparse", "sparse files (tar --sparse) are not supported"],
  ["--format=posix --sparse --sparse-version=0.0", "sparse files (tar --sparse) are not supported"],
  ["--format=gnu --incremental", "incremental dumps (tar --listed-incremental) are not supported"],
  ["--format=gnu --label=backup", "volume labels (tar --label) are not supported"],
  ["--gzip", "the checksum of a header is wrong"]
]

describe.runIf(isGnu)("an archive that is unpacked and packed again", () => {
  it.each(formats)("holds what tar put into it: %s", async (format) => {
    const tree = join(folder, "tree")
    const random = randomness(`tree in ${format}`)
    await mkdir(tree)
    await makeTree(tree, random, format)
    const original = await tarOf(tree, `--format=${format}`)
    for (const length of [original.length, random.between(1, 5000)]) {
      const repacked = await Effect.runPromise(bytesOf(repackTar(pieces(original, length))))
      expect(describeTree(await extracted(repacked, `by-${length}`))).toEqual(describeTree(tree))
      // What is in the canonical form already stays as it is.
      expect((await Effect.runPromise(bytesOf(repackTar(pieces(repacked, 10_000))))).equals(repacked)).toBe(true)
    }
  })

  it("has the devices, owners and attributes of the original", async () => {
    const records = {
      "SCHILY.xattr.user.note": "caf\u00e9",
      uid: "4000000000",
      mtime: "1700000000.5",
      "SCHILY.dev": "7"
    }
    const original = tarball([
      { name: "null", typeFlag: "3" },
      { name: "disk", typeFlag: "4" },
      { name: "contiguous", typeFlag: "7", content: "c" },
      { name: "comment", typeFlag: "g", content: paxContent({ comment: "0123456789abcdef" }) },
      { name: "PaxHeaders/x", typeFlag: "x", content: paxContent(records) },
      { name: "large-owner", content: "a" }
    ])
    const repacked = await Effect.runPromise(bytesOf(repackTar(Stream.make(original))))
    await writeFile(join(folder, "devices.tar"), repacked)
    const { stdout } = await run("tar", [
      "--numeric-owner",
      "--utc",
      "--full-time",
      "-tvf",
      join(folder, "devices.tar")
    ])
    expect(stdout.split("\n").map((line) => line.replaceAll(/ +/g, " "))).toEqual([
      "crw-r--r-- 0/0 0,0 2023-11-14 22:13:20 null",
      "brw-r--r-- 0/0 0,0 2023-11-14 22:13:20 disk",
      "-rw-r--r-- 0/0 1 2023-11-14 22:13:20 contiguous",
      "-rw-r--r-- 4000000000/0 1 2023-11-14 22:13:20.5 large-owner",
      ""
    ])
    const text = repacked.toString("utf8")
    expect(text).toContain("SCHILY.xattr.user.note=caf\u00e9\n")
    expect(text).not.toContain("SCHILY.dev")
  })

  it.each(features)("is refused with the feature that is not supported: tar %s", async (option, detail) => {
    const holes = await open(join(folder, "holes"), "w")
    await holes.write("end", 5_000_000)
    await holes.close()
    const original = await tarOf(folder, ...option.split(" "))
    const error = await Effect.runPromise(Effect.flip(bytesOf(repackTar(Stream.make(original)))))
    expect(error).toMatchObject({ _tag: "InvalidRequest", field: "tar", detail })
  })

  it("is truncated wherever it ends too early", async () => {
    const original = await tarOf(folder, "--format=gnu", "--transform", `s,.*,${"long".repeat(40)}/,`)
    expect(original.length).toBeGreaterThan(2048)
    for (const length of [1, 511, 512, 600, 1024, 1100]) {
      const error = await Effect.runPromise(Effect.flip(bytesOf(repackTar(Stream.make(original.subarray(0, length))))))
      expect([length, error]).toMatchObject([length, { _tag: "InvalidRequest", detail: "the archive is truncated" }])
    }
  })
})

describeEngine("an archive that tar made", () => {
  let container: TestContainer
  const services = () =>
    Layer.merge(Archive.layer, Exec.layer).pipe(Layer.provideMerge(Docker.layer({ endpoint: testEngine().endpoint })))
  const put = (path: string, archive: Uint8Array) =>
    Effect.flatMap(Archive, (service) => service.put(container.id, path, pieces(archive, 3_000)))
  const get = (path: string) => Effect.flatMap(Archive, (service) => bytesOf(service.get(container.id, path)))
  const shell = (script: string) =>
    runWith(
      services(),
      Effect.flatMap(Exec, (exec) => exec.run(container.id, ["sh", "-c", script]))
    )

  beforeAll(async () => {
    container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "1000"] })
  })
  afterAll(() => container?.remove())

  it.runIf(isGnu && process.getuid?.() === 0).each(formats)("goes in and comes out as it was: %s", async (format) => {
    const tree = join(folder, "tree")
    await mkdir(tree)
    await makeTree(tree, randomness(`tree in ${format}, through the engine`), format)
    await shell(`mkdir /${format}`)
    const back = await runWith(
      services(),
      Effect.zipRight(
        Effect.promise(() => tarOf(tree, `--format=${format}`)).pipe(Effect.flatMap((tar) => put(`/${format}`, tar))),
        get(`/${format}`)
      )
    )
    expect(describeTree(join(await extracted(back, "back"), format))).toEqual(describeTree(tree))
  })

  it("comes out of a folder with hard links to symbolic links, as cp -al makes them", async () => {
    await shell(
      "mkdir -p /c/d && echo hi > /c/f && ln -s f /c/l && ln -s /nowhere /c/n && cp -al /c/l /c/n /c/d/ || ln /c/l /c/n /c/d/"
    )
    const out = await extracted(await runWith(services(), get("/c")), "out")
    const links = describeTree(out).filter((line) => line.includes("->"))
    expect(links.map((line) => line.replace(/ \S+ \S+ -> /, " -> "))).toEqual([
      "/c/d/l -> f",
      "/c/d/n -> /nowhere",
      "/c/l -> f",
      "/c/n -> /nowhere"
    ])
    expect((await shell("ls -i /c/l /c/d/l | awk '{ print $1 }' | uniq | wc -l")).stdout.trim()).toBe("1")
  })

  it.runIf(isGnu)("goes in with a feature that is not supported: never", async () => {
    const [option = "", detail = ""] = features[0] ?? []
    const holes = await open(join(folder, "holes"), "w")
    await holes.write("end", 5_000_000)
    await holes.close()
    const error = await failureWith(services(), put("/", await tarOf(folder, ...option.split(" "))))
    expect(error).toMatchObject({ _tag: "InvalidRequest", field: "tar", value: "./holes", detail })
  })
})
