import { isKeptRecord, isSparseRecord, parsePaxRecords, type PaxRecords } from "./paxRecords.js"
import {
  blockLength,
  decodeTarHeader,
  paddingLength,
  type RawTarHeader,
  type TarEntryType,
  TarFormatError,
  type TarHeader
} from "./tarHeader.js"

/** A part of an archive: an entry, or a piece of the content of the last entry. */
export type TarItem =
  | { readonly _tag: "Entry"; readonly header: TarHeader }
  | { readonly _tag: "Content"; readonly bytes: Uint8Array }

/** How long an extended header may be. Go's reader has the same limit. */
const maxExtendedLength = 1024 * 1024

const entryTypes: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "file"
}

/** What entries of other types are, with the option of tar that writes them. */
const unsupported: Readonly<Record<string, string>> = {
  D: "incremental dumps (tar --listed-incremental) are",
  M: "archives of several volumes (tar --multi-volume) are",
  N: "the long names of old GNU tar are",
  S: "sparse files (tar --sparse) are",
  V: "volume labels (tar --label) are",
  X: "the extended headers of Solaris tar are"
}

const sparse = () => new TarFormatError("sparse files (tar --sparse) are not supported")

/** The extended headers that precede an entry. */
interface Extended {
  readonly records?: PaxRecords
  readonly gnuName?: string
  readonly gnuLinkName?: string
}

const extendedKeys = { x: "records", L: "gnuName", K: "gnuLinkName" } as const

/** Names that have no meaning in a global header, as they would be those of every entry. */
const perEntry = new Set(["path", "linkpath", "size"])

const records = (text: string): PaxRecords => {
  const parsed = parsePaxRecords(text)
  if (parsed === undefined) throw new TarFormatError("an extended header is malformed")
  if (Array.from(parsed.keys()).some(isSparseRecord)) throw sparse()
  return parsed
}

/** A GNU header with a long name holds the name and a null character. */
const gnuName = (text: string): string => {
  const end = text.indexOf("\0")
  const name = end === -1 ? text : text.slice(0, end)
  if (/[^\0]/.test(text.slice(name.length))) throw new TarFormatError("a long name contains a null character")
  return name
}

const decimal = (value: string, key: string): number => {
  const parsed = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(parsed))
    throw new TarFormatError(`the ${key} in an extended header is not a number`)
  return parsed
}

/** Applies extended headers to a header. */
const applyExtended = (raw: RawTarHeader, globals: PaxRecords, extended: Extended): TarHeader => {
  const { typeFlag, ...fields } = raw
  const all = new Map([...globals, ...(extended.records ?? [])])
  // An empty value means the field of the header.
  const record = (key: string) => all.get(key) || undefined
  const path = record("path")
  const linkPath = record("linkpath")
  if (
    (path !== undefined && extended.gnuName !== undefined) ||
    (linkPath !== undefined && extended.gnuLinkName !== undefined)
  )
    throw new TarFormatError("an entry has a long name in the GNU format and another one in the POSIX format")
  const given = entryTypes[typeFlag]
  if (given === undefined) {
    const feature = unsupported[typeFlag] ?? `entries of type ${JSON.stringify(typeFlag)} are`
    throw new TarFormatError(`${feature} not supported`)
  }
  const name = path ?? extended.gnuName ?? fields.name
  // Before there was a type for directories, a slash marked them.
  const type = typeFlag === "\0" && name.endsWith("/") ? "directory" : given
  const number = (key: "size" | "uid" | "gid") => {
    const value = record(key)
    return value === undefined ? fields[key] : decimal(value, key)
  }
  const header = {
    ...fields,
    type,
    name,
    linkName: type === "link" || type === "symlink" ? (linkPath ?? extended.gnuLinkName ?? fields.linkName) : "",
    size: number("size"),
    uid: number("uid"),
    gid: number("gid"),
    records: new Map([...all].filter(([key, value]) => value !== "" && isKeptRecord(key)))
  }
  checkHeader(header)
  return header
}

/** Refuses what readers of the format understand in different ways. */
const checkHeader = ({ linkName, name, records, size, type }: TarHeader): void => {
  const text = [name, linkName, records.get("uname") ?? "", records.get("gname") ?? ""].join("")
  if (text.includes("\0")) throw new TarFormatError("a name contains a null character")
  if (name === "") throw new TarFormatError("an entry has no name")
  if (type === "file" && name.endsWith("/")) throw new TarFormatError("the name of a file ends with a slash")
  if (type !== "file" && size !== 0) throw new TarFormatError(`an entry of type ${type} has content`)
  if ((type === "link" || type === "symlink") && linkName === "")
    throw new TarFormatError(`an entry of type ${type} has no target`)
}

/** Parses an archive chunk by chunk. Its methods throw `TarFormatError`. */
export class TarParser {
  #state: "header" | "extended" | "content" | "padding" | "end" = "header"
  #remaining = blockLength
  #gathered: Array<Uint8Array> = []
  /** The extended header that is being read, and the length of its padding. */
  #extendedHeader: RawTarHeader | undefined
  #padding = 0
  #extended: Extended = {}
  #globals: PaxRecords = new Map()
  #name = ""

  /** The name of the entry that was parsed last, or that is being parsed. */
  get entryName(): string {
    return this.#name
  }

  /** Parses a chunk. Pieces of content are not copied. */
  push(bytes: Uint8Array): Array<TarItem> {
    const items: Array<TarItem> = []
    for (let offset = 0; offset < bytes.length;) {
      const piece = bytes.subarray(offset, offset + this.#remaining)
      offset += piece.length
      this.#remaining -= piece.length
      this.#take(piece, items)
    }
    return items
  }

  /** Checks that the archive is complete. */
  finish(): void {
    const isComplete =
      this.#state === "end" ||
      (this.#state === "header" && this.#remaining === blockLength && Object.keys(this.#extended).length === 0)
    if (!isComplete) throw new TarFormatError("the archive is truncated")
  }

  #expect(state: "header" | "extended" | "content" | "padding", length: number): void {
    this.#state = state
    this.#remaining = length
    this.#gathered = []
  }

  #take(piece: Uint8Array, items: Array<TarItem>): void {
    switch (this.#state) {
      case "content":
        items.push({ _tag: "Content", bytes: piece })
        if (this.#remaining === 0) this.#afterContent()
        return
      case "padding":
        if (this.#remaining === 0) this.#expect("header", blockLength)
        return
      case "end":
        if (piece.some((byte) => byte !== 0))
          throw new TarFormatError("the archive continues after its end. Archives cannot be concatenated")
        return
      default: {
        this.#gathered.push(piece)
        if (this.#remaining > 0) return
        const gathered = Buffer.concat(this.#gathered)
        if (this.#state === "header") this.#takeHeader(gathered, items)
        else this.#takeExtended(gathered)
      }
    }
  }

  #afterContent(): void {
    if (this.#padding === 0) this.#expect("header", blockLength)
    else this.#expect("padding", this.#padding)
  }

  #takeHeader(block: Buffer, items: Array<TarItem>): void {
    const raw = decodeTarHeader(block)
    if (raw === undefined) {
      if (Object.keys(this.#extended).length > 0) throw new TarFormatError("the archive is truncated")
      this.#state = "end"
      this.#remaining = Number.POSITIVE_INFINITY
      return
    }
    const { size, typeFlag } = raw
    if (typeFlag === "g" || Object.hasOwn(extendedKeys, typeFlag)) {
      if (size > maxExtendedLength) throw new TarFormatError("an extended header is too long")
      this.#extendedHeader = raw
      this.#expect("extended", size + paddingLength(size))
      if (this.#remaining === 0) this.#takeExtended(Buffer.alloc(0))
      return
    }
    this.#name = this.#extended.records?.get("path") || this.#extended.gnuName || raw.name
    const header = applyExtended(raw, this.#globals, this.#extended)
    this.#extended = {}
    items.push({ _tag: "Entry", header })
    this.#padding = paddingLength(header.size)
    if (header.size === 0) this.#expect("header", blockLength)
    else this.#expect("content", header.size)
  }

  #takeExtended(content: Buffer): void {
    const { size = 0, typeFlag = "" } = this.#extendedHeader ?? {}
    const text = content.toString("latin1", 0, size)
    if (typeFlag === "g") this.#takeGlobals(records(text))
    else if (typeFlag === "x" || typeFlag === "L" || typeFlag === "K") {
      const key = extendedKeys[typeFlag]
      if (this.#extended[key] !== undefined) throw new TarFormatError("an entry has two extended headers of one type")
      this.#extended = { ...this.#extended, [key]: typeFlag === "x" ? records(text) : gnuName(text) }
    }
    this.#expect("header", blockLength)
  }

  #takeGlobals(globals: PaxRecords): void {
    const ambiguous = Array.from(globals.keys()).find((key) => perEntry.has(key))
    if (ambiguous !== undefined) throw new TarFormatError(`a global header sets the ${ambiguous} of every entry`)
    if (Object.keys(this.#extended).length > 0)
      throw new TarFormatError("a global header is between an entry and its extended header")
    this.#globals = new Map([...this.#globals, ...globals])
  }
}
