import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { openContextFile, openLocalFile } from "../../../packages/core/src/internal/build/context/contextFile.js"
import { findLocalPaths } from "../../../packages/core/src/internal/build/context/localPaths.js"
import {
  bytesField,
  integerField,
  protoFields
} from "../../../packages/core/src/internal/build/protobuf/protoFields.js"
import { FileSender } from "../../../packages/core/src/internal/build/session/fileSender.js"
import { eventually } from "../eventually.js"
import { randomness } from "../logs/randomness.js"
import { contextFiles, type ContextFiles } from "./contextFiles.js"

const disposals: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose()
})
const folder = async (): Promise<ContextFiles> => {
  const made = await contextFiles({})
  disposals.push(made.remove)
  return made
}

/** The content of each file by its number, once its end has come. Fails if something is wrong with the packets. */
class Received {
  readonly ended = new Map<number, Buffer>()
  readonly #parts = new Map<number, Array<Buffer>>()

  take(bytes: Uint8Array): void {
    const all = Buffer.from(bytes)
    for (let start = 0; start < all.length;) {
      const end = start + 5 + all.readUInt32BE(start + 1)
      expect(end).toBeLessThanOrEqual(all.length)
      expect(end - start).toBeLessThanOrEqual(64 * 1024)
      const fields = protoFields(all.subarray(start + 5, end))
      const [id, data] = [integerField(fields, 3), bytesField(fields, 4)]
      expect(integerField(fields, 1)).toBe(2)
      expect(this.ended.has(id)).toBe(false)
      const parts = this.#parts.get(id) ?? []
      this.#parts.set(id, [...parts, data])
      if (data.length === 0) this.ended.set(id, Buffer.concat(parts))
      start = end
    }
  }
}

let turns = 0
const openers = {
  "that is local": openLocalFile,
  "that is far away": openContextFile,
  "that is now and then slow": (root: string, path: string) =>
    turns++ % 3 === 0 ? openContextFile(root, path) : openLocalFile(root, path)
} as const

describe.each(Object.entries(openers))("a folder %s", (_, open) => {
  it("has its files sent whole, whatever their size, and each once", async () => {
    const random = randomness("files to send")
    const { path } = await folder()
    const edges = [0, 1, 65_400, 65_471, 65_472, 65_473, 65_535, 65_536, 131_072, 1_000_000]
    const sizes = [...edges, ...Array.from({ length: 100 }, () => random.between(0, random.pick([20, 3_000, 40_000])))]
    const contents = sizes.map((size, id) => Buffer.alloc(size, `${id};`))
    for (const [id, content] of contents.entries()) await writeFile(join(path, `f${id}`), content)
    const received = new Received()
    const failures: Array<unknown> = []
    const send = (bytes: Uint8Array): Promise<void> =>
      new Promise((resolve) =>
        setTimeout(
          () => {
            received.take(bytes)
            resolve()
          },
          random.between(0, 2)
        )
      )
    const sender = new FileSender(
      { send },
      (name) => open(path, name),
      (error) => failures.push(error)
    )
    const waiting = [...sizes.entries()]
    while (waiting.length > 0) {
      for (const [id, size] of waiting.splice(0, random.between(1, 20))) sender.add({ id, path: `f${id}`, size })
      if (random.between(0, 1) === 0) await new Promise((resolve) => setTimeout(resolve, random.between(0, 3)))
    }
    await eventually(() => received.ended.size).toBe(sizes.length)
    for (const [id, content] of contents.entries()) expect(received.ended.get(id)?.equals(content)).toBe(true)
    expect(failures).toEqual([])
  })

  it("is read no faster than the engine reads", async () => {
    const { path } = await folder()
    await writeFile(join(path, "file"), Buffer.alloc(30_000))
    let opened = 0
    let sent = 0
    const failures: Array<unknown> = []
    const sender = new FileSender(
      {
        send: (bytes) => {
          sent += bytes.length
          return new Promise(() => {})
        }
      },
      (name) => {
        opened++
        return open(path, name)
      },
      (error) => failures.push(error)
    )
    for (let id = 0; id < 1_000; id++) sender.add({ id, path: "file", size: 30_000 })
    await eventually(() => sent).toBeGreaterThan(8 * 30_000)
    expect(sent).toBeLessThanOrEqual(8 * 64 * 1024)
    expect(opened).toBeLessThanOrEqual(3 * 8)
    expect(failures).toEqual([])
  })
})

it("what counts as local is on a disk of this machine, or in its memory", async () => {
  const isLocal = await findLocalPaths("/")
  expect(isLocal("etc/hostname")).toBe(true)
  expect(isLocal("process")).toBe(true)
  expect(isLocal("proc")).toBe(false)
  expect(isLocal("proc/self/status")).toBe(false)
  expect((await findLocalPaths("/proc/self"))("status")).toBe(false)
  expect((await findLocalPaths("/dev/shm"))("file")).toBe(true)
})
