import { paxRecord, type PaxRecords } from "./paxRecords.js"

/** The length of a tar header, and of the units in which content is stored. */
export const blockLength = 512

/** What an entry of an archive becomes. */
export type TarEntryType = "file" | "link" | "symlink" | "character-device" | "block-device" | "directory" | "fifo"

/** The metadata of an entry. Names are byte strings: one character for each byte, as Node's `latin1`. */
export interface TarHeader {
  readonly type: TarEntryType
  readonly name: string
  /** The target of a symbolic link, or the name of the entry that a hard link repeats. */
  readonly linkName: string
  /** The length of the content that follows. */
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly userName: string
  readonly groupName: string
  /** Seconds since 1970. A fraction is in `records`. */
  readonly modified: number
  readonly deviceMajor: number
  readonly deviceMinor: number
  /** Metadata without a header field: extended attributes, fractions of times. */
  readonly records: PaxRecords
}

/** Why an archive cannot be read: it is damaged, ambiguous, or uses a feature that is not supported. */
export class TarFormatError extends Error {}

/** A header as it stands in the archive, before the extended headers that precede it are applied. */
export interface RawTarHeader extends Omit<TarHeader, "type" | "records"> {
  /** The type as a character, such as `5` for a directory. */
  readonly typeFlag: string
}

const latin1 = (block: Buffer, start: number, length: number): string => {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString("latin1", 0, end === -1 ? length : end)
}

const number = (block: Buffer, start: number, length: number, field: string): number => {
  const bytes = block.subarray(start, start + length)
  const first = bytes[0] ?? 0
  // A number that is too long in octal digits is stored in binary, as two's complement.
  if (first >= 0x80) {
    const value = BigInt.asIntN(length * 8 - 1, BigInt(`0x${bytes.toString("hex")}`))
    if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  } else {
    const digits = bytes.toString("latin1").replace(/^[ \0]+|[ \0]+$/g, "")
    if (/^[0-7]*$/.test(digits)) return digits === "" ? 0 : Number.parseInt(digits, 8)
  }
  throw new TarFormatError(`the ${field} in a header is not a number`)
}

const unsigned = (block: Buffer, start: number, length: number, field: string): number => {
  const value = number(block, start, length, field)
  if (value < 0) throw new TarFormatError(`the ${field} in a header is negative`)
  return value
}

const checksumStart = 148
const checksumEnd = 156

/** Some old writers summed signed bytes. */
const checksums = (block: Buffer): ReadonlyArray<number> => {
  let sum = 0
  let signed = 0
  for (let index = 0; index < blockLength; index++) {
    const byte = index >= checksumStart && index < checksumEnd ? 0x20 : (block[index] ?? 0)
    sum += byte
    signed += byte < 0x80 ? byte : byte - 0x100
  }
  return [sum, signed]
}

/** The length of the field that holds the beginning of a long name: it depends on the format. */
const prefixLength = (block: Buffer): number => {
  const magic = block.toString("latin1", 257, 265)
  if (magic.startsWith("ustar\0")) return block.toString("latin1", 508, 512) === "tar\0" ? 131 : 155
  if (magic === "ustar  \0" || /^\0+$/.test(magic)) return 0
  throw new TarFormatError("a header has an unknown format")
}

/** Decodes a header. Returns `undefined` for the empty block that ends an archive. */
export const decodeTarHeader = (block: Buffer): RawTarHeader | undefined => {
  if (block.every((byte) => byte === 0)) return undefined
  if (!checksums(block).includes(unsigned(block, checksumStart, 8, "checksum")))
    throw new TarFormatError("the checksum of a header is wrong")
  const prefix = latin1(block, 345, prefixLength(block))
  const name = latin1(block, 0, 100)
  return {
    typeFlag: block.toString("latin1", 156, 157),
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: latin1(block, 157, 100),
    size: unsigned(block, 124, 12, "size"),
    mode: unsigned(block, 100, 8, "mode"),
    uid: unsigned(block, 108, 8, "owner"),
    gid: unsigned(block, 116, 8, "group"),
    userName: latin1(block, 265, 32),
    groupName: latin1(block, 297, 32),
    modified: number(block, 136, 12, "modification time"),
    deviceMajor: unsigned(block, 329, 8, "device number"),
    deviceMinor: unsigned(block, 337, 8, "device number")
  }
}

const typeFlags: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6"
}

/** The padding after content of this length. */
export const paddingLength = (size: number): number => (blockLength - (size % blockLength)) % blockLength

const encodeBlock = (header: Omit<RawTarHeader, "userName" | "groupName"> & Partial<RawTarHeader>): Buffer => {
  const block = Buffer.alloc(blockLength)
  const octal = (value: number, start: number, length: number) =>
    void block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, start, "latin1")
  block.write(header.name, 0, 100, "latin1")
  octal(header.mode, 100, 8)
  octal(header.uid, 108, 8)
  octal(header.gid, 116, 8)
  octal(header.size, 124, 12)
  octal(header.modified, 136, 12)
  block.write(header.typeFlag, 156, 1, "latin1")
  block.write(header.linkName, 157, 100, "latin1")
  block.write("ustar\x0000", 257, "latin1")
  block.write(header.userName ?? "", 265, 32, "latin1")
  block.write(header.groupName ?? "", 297, 32, "latin1")
  octal(header.deviceMajor, 329, 8)
  octal(header.deviceMinor, 337, 8)
  const [sum = 0] = checksums(block)
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, checksumStart, 8, "latin1")
  return block
}

/** Fits a name into a field. What does not fit is in an extended record, and must be harmless to a reader without those. */
const shortName = (name: string, limit: number): string =>
  name
    .slice(0, limit)
    .replaceAll(/[^\x20-\x7e]/g, "_")
    .replaceAll("..", "__")

const isShort = (name: string, limit: number): boolean =>
  // oxlint-disable-next-line no-control-regex
  name.length <= limit && /^[\x01-\x7f]*$/.test(name)

const longestOctal = (length: number) => 8 ** (length - 1) - 1

/** Encodes the headers of an entry: a POSIX header, after an extended one for what does not fit into it. */
export const encodeTarHeader = (header: TarHeader): Buffer => {
  const records = new Map(header.records)
  const text = (key: string, value: string, limit: number): string => {
    if (isShort(value, limit)) return value
    records.set(key, value)
    return shortName(value, limit)
  }
  const count = (key: string, value: number, length: number): number => {
    if (value >= 0 && value <= longestOctal(length)) return value
    if (!records.has(key)) records.set(key, String(value))
    return 0
  }
  const block = encodeBlock({
    typeFlag: typeFlags[header.type],
    name: text("path", header.name, 100),
    linkName: text("linkpath", header.linkName, 100),
    size: count("size", header.size, 12),
    mode: header.mode % 0o10000,
    uid: count("uid", header.uid, 8),
    gid: count("gid", header.gid, 8),
    userName: text("uname", header.userName, 31),
    groupName: text("gname", header.groupName, 31),
    modified: count("mtime", header.modified, 12),
    deviceMajor: header.deviceMajor % 0o10000000,
    deviceMinor: header.deviceMinor % 0o10000000
  })
  if (records.size === 0) return block
  const sorted = [...records].toSorted(([left], [right]) => (left < right ? -1 : 1))
  const content = Buffer.from(sorted.map(([key, value]) => paxRecord(key, value)).join(""), "latin1")
  const extended = encodeBlock({
    typeFlag: "x",
    name: "PaxHeaders/entry",
    linkName: "",
    size: content.length,
    mode: 0o644,
    uid: 0,
    gid: 0,
    modified: 0,
    deviceMajor: 0,
    deviceMinor: 0
  })
  return Buffer.concat([extended, content, Buffer.alloc(paddingLength(content.length)), block])
}
