/** An entry of an archive that a test creates. */
export interface TarEntry {
  readonly name: string
  readonly kind?: "file" | "link" | "symlink" | "directory"
  readonly content?: string | Uint8Array
  readonly linkName?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** In place of that of `kind`, such as `g` for a global header. */
  readonly typeFlag?: string
  /** The length that the header claims. That of the content if not given. */
  readonly size?: number
}

const typeFlags = { file: "0", link: "1", symlink: "2", directory: "5" }
const block = 512

const header = (entry: TarEntry, size: number): Buffer => {
  const bytes = Buffer.alloc(block)
  const octal = (value: number, at: number, length: number) =>
    bytes.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at)
  bytes.write(entry.name, 0, 100)
  octal(entry.mode ?? 0o644, 100, 8)
  octal(entry.uid ?? 0, 108, 8)
  octal(entry.gid ?? 0, 116, 8)
  octal(size, 124, 12)
  octal(1_700_000_000, 136, 12)
  bytes.write(entry.typeFlag ?? typeFlags[entry.kind ?? "file"], 156)
  bytes.write(entry.linkName ?? "", 157, 100)
  bytes.write("ustar\x0000", 257, "latin1")
  bytes.fill(" ", 148, 156)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return bytes
}

/** Creates a ustar archive byte by byte, without correcting invalid entries. */
export const tarball = (entries: ReadonlyArray<TarEntry>): Buffer =>
  Buffer.concat([
    ...entries.flatMap((entry) => {
      const content = Buffer.from(entry.content ?? "")
      const padding = (block - (content.length % block)) % block
      return [header(entry, entry.size ?? content.length), content, Buffer.alloc(padding)]
    }),
    Buffer.alloc(2 * block)
  ])

/** The content of an extended header of the POSIX format. */
export const paxContent = (records: Readonly<Record<string, string>>): string =>
  Object.entries(records)
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`)
      const digits = [1, 2, 3, 4].find((count) => String(rest + count).length === count) ?? 0
      return `${rest + digits} ${key}=${value}\n`
    })
    .join("")

/** Generates an archive with one file of `size` bytes. */
export const largeTarball = function* (name: string, size: number, piece = 64 * 1024): Generator<Uint8Array> {
  yield header({ name }, size)
  for (let left = size; left > 0; left -= piece) yield Buffer.alloc(Math.min(left, piece), left % 251)
  yield Buffer.alloc(((block - (size % block)) % block) + 2 * block)
}

/** The names and sizes of the entries in an archive. */
export const tarNames = (tar: Uint8Array): ReadonlyArray<readonly [name: string, size: number]> => {
  const bytes = Buffer.from(tar)
  const names: Array<readonly [string, number]> = []
  for (let at = 0; at + block <= bytes.length && bytes[at] !== 0;) {
    const name = bytes.toString("utf8", at, at + 100).replace(/\0.*$/s, "")
    const size = parseInt(bytes.toString("latin1", at + 124, at + 136), 8)
    names.push([name, size])
    at += block + Math.ceil(size / block) * block
  }
  return names
}
