import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { promisify } from "node:util"
import type { Randomness } from "../logs/randomness.js"

const run = promisify(execFile)

/** A format as `tar --format` names it. */
export type TarFormat = "v7" | "oldgnu" | "gnu" | "ustar" | "posix"

const slash = Buffer.from("/")
const join = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, slash, name])

/** Names that fit into every format, and those that need an extension of it. */
const plainNames = ["a", "b c", "with\nnewline", "grüße", "€", "..b", "a..", "-x", "=", "'\"$(reboot)"].map((name) =>
  Buffer.from(name)
)
const longNames = [
  Buffer.from("n".repeat(99)),
  Buffer.from("n".repeat(101)),
  Buffer.from("ü".repeat(60)),
  Buffer.from("x".repeat(254))
]
const notUtf8 = Buffer.from([0x66, 0xff, 0xfe, 0x80])

/** Fills a folder with files, folders, links and pipes. `format` limits the names to those that fit into it. */
export const makeTree = async (root: string, random: Randomness, format: TarFormat): Promise<void> => {
  const below = (limit: number) => random.between(0, limit - 1)
  const isLimited = format === "v7" || format === "ustar"
  const names = [...plainNames, notUtf8, ...(isLimited ? [] : longNames)]
  const folders: Array<Buffer> = [Buffer.from(root)]
  const files: Array<Buffer> = []
  const links: Array<Buffer> = []
  const pipes: Array<string> = []
  for (let made = 0; made < 40; made++) {
    const folder = folders[below(folders.length)] ?? Buffer.from(root)
    const path = join(
      folder,
      Buffer.concat([names[below(names.length)] ?? notUtf8, Buffer.from(String(made))]).subarray(-250)
    )
    const kind = below(10)
    const file = files[below(files.length)]
    const link = links[below(links.length)]
    if (isLimited && path.length - root.length > 90) continue
    if (kind < 2 && folders.length < 8) {
      mkdirSync(path, { mode: [0o755, 0o700, 0o1777][below(3)] ?? 0o755 })
      folders.push(path)
    } else if (kind < 4) {
      symlinkSync(["nowhere", "/etc", ".", "a".repeat(isLimited ? 20 : 180), "grüße", notUtf8][below(6)] ?? "", path)
      links.push(path)
    } else if (kind === 4 && file !== undefined) linkSync(file, path)
    // As `cp -al` does it.
    else if (kind === 5 && link !== undefined) linkSync(link, path)
    else if (kind === 6 && format !== "v7") pipes.push(`p${made}`)
    else {
      const size = [0, 1, 511, 512, 513, 1024, 70_000][below(7)] ?? 0
      writeFileSync(path, Buffer.alloc(size, made + 1), { mode: [0o644, 0o600, 0o755][below(3)] ?? 0o644 })
      files.push(path)
    }
  }
  if (pipes.length > 0) await run("mkfifo", pipes, { cwd: root })
  // Before 1970, long after it, and with a fraction.
  const times = isLimited ? [0, 1_700_000_000] : [-86_400, 1_700_000_000, 9_000_000_000, 1_234_567_890.123]
  for (const path of files) {
    const time = times[below(times.length)] ?? 0
    utimesSync(path, time, time)
  }
}

/** What is in a folder: each path with its kind, mode, owner, time and content. Hard links to files are told by their first path. */
export const describeTree = (root: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  const first = new Map<number, string>()
  const visit = (folder: Buffer, shown: string): void => {
    for (const name of readdirSync(folder, { encoding: "buffer" }).toSorted(Buffer.compare)) {
      const path = join(folder, name)
      const stat = lstatSync(path)
      const line = `${shown}/${name.toString("latin1")} ${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`
      const time = Math.floor(stat.mtimeMs / 1000)
      if (stat.isSymbolicLink())
        lines.push(`${line} -> ${readlinkSync(path, { encoding: "buffer" }).toString("latin1")}`)
      else if (stat.isDirectory()) {
        lines.push(`${line} folder`)
        visit(path, `${shown}/${name.toString("latin1")}`)
      } else if (stat.isFIFO()) lines.push(`${line} pipe`)
      else {
        const own = `${shown}/${name.toString("latin1")}`
        const same = first.get(stat.ino) ?? own
        first.set(stat.ino, same)
        const content = createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 12)
        lines.push(`${line} ${time} ${content} ${same === own ? "" : `= ${same}`}`)
      }
    }
  }
  visit(Buffer.from(root), "")
  return lines
}
