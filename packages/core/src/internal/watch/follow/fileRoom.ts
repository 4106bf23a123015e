/**
 * Knowing in which file of a log a record is, to know that nothing is missing in front of the next one.
 *
 * The driver `json-file` replaces a log's file in front of a record if the file has reached the log's `max-size`. A live stream
 * reads each file to its end (see `LiveVerifier`), so it leaves nothing out between two records if the first one can't be the
 * last of its file: if the file was not full after it. How full a file is follows from the records in it, whose sizes in the
 * file are known, most often to the byte. What is not certain, such as the size of an odd character, is kept as a range of
 * sizes, or as several, because a file may then have been replaced in front of one record or another.
 *
 * All of that is what is known of an engine. It is not relied on before the log has shown that it is so: after the engine has
 * deleted a file, the log has to begin with a record with which a file was expected to begin.
 */
import type { LogStream } from "../../../LogEvent.js"
import type { LogFiles } from "../../logs/logRotation.js"
import { recordIdentity } from "../../logs/recordIdentity.js"

/** The fewest and the most bytes that something may have. */
interface Sizes {
  readonly least: number
  readonly most: number
}

interface SizedRecord extends Sizes {
  readonly identity: number
}

const space = 0x20
const newline = 0x0a
const carriageReturn = 0x0d
const quote = 0x22
const backslash = 0x5c
const digitZero = 0x30
const timestampLength = 30
const digitsStart = "2026-01-01T00:00:00".length
const digitsEnd = "2026-01-01T00:00:00.000000000".length

/** `{"log":"","stream":"stdout","time":""}` and a newline. Both streams have names of the same length. */
const frame = 39

/** By byte, what is written for it. */
const [least, most] = [new Uint8Array(256).fill(1), new Uint8Array(256).fill(1)]
/** `\u003c` */
const escaped = 6
most.fill(escaped, 0, 0x20)
least.fill(escaped, 0, 0x20)
// A control character may have a shorter form.
for (const char of "\t\b\f") least[char.charCodeAt(0)] = 2
for (const byte of [newline, carriageReturn, quote, backslash]) [least[byte], most[byte]] = [2, 2]
for (const char of "<>&") least[char.charCodeAt(0)] = most[char.charCodeAt(0)] = escaped
most[0x7f] = escaped
// Of the characters of three bytes that begin so, some are escaped: line separators, and the one that replaces bad bytes.
most[0xe2] = most[0xef] = escaped - 2

/** The length of a time in a file, where zeros at the end are left out. */
const timeLength = (bytes: Buffer, start: number): number => {
  let end = digitsEnd
  while (end > digitsStart + 1 && bytes[start + end - 1] === digitZero) end--
  return (end === digitsStart + 1 ? digitsStart : end) + 1
}

const sizesOf = (bytes: Buffer, start: number, end: number): Sizes => {
  const base = frame + timeLength(bytes, start)
  let [fewest, greatest] = [base, base]
  for (let offset = start + timestampLength + 1; offset < end; offset++) {
    const byte = bytes[offset] ?? 0
    fewest += least[byte] ?? 0
    greatest += most[byte] ?? 0
  }
  return { least: fewest, most: greatest }
}

/** How large a part of a file may be uncertain, for it to be known how full the file is, and for that to be checked. */
const [knownPart, checkedPart] = [1 / 8, 1 / 64]

/** The most ranges to keep. */
const maxRanges = 64

/** The most records to remember with which a file may have begun. */
const maxStarts = 256

/** Keeps how full the newest file of a log may be after the last record. See the head of this file. */
export class FileRoom {
  /** `undefined` if nothing is known. */
  #sizes: ReadonlyArray<Sizes> | undefined
  /** The records since `note` was called. */
  #noted: Array<SizedRecord> | undefined
  /** The first record of the log when it was read from its start. */
  #origin: number | undefined
  #starts: ReadonlyArray<number> = []
  #rotations = 0
  #isInside = false
  #trust: "unknown" | "confirmed" | "refuted" = "unknown"

  /** @param files `undefined` if nothing can be known */
  constructor(readonly files: LogFiles | undefined) {}

  /** Whether the next record is certainly in the same file as the last one. */
  get isSameFile(): boolean {
    return this.#isInside && this.#trust === "confirmed"
  }

  /** Whether it is of use to learn more. */
  get isUseful(): boolean {
    return this.files !== undefined && this.#trust !== "refuted"
  }

  /** Whether it is known well enough how full the file is: what is not certain is a small part of a file. */
  get isKnown(): boolean {
    return this.#isWithin(knownPart)
  }

  /** Whether what is not certain is less than this part of a file. */
  #isWithin(part: number): boolean {
    const { files } = this
    if (files === undefined || this.#sizes === undefined) return false
    return this.#sizes.reduce((sum, sizes) => sum + sizes.most - sizes.least, 0) < files.size * part
  }

  /** How full the file may be. */
  get sizes(): ReadonlyArray<Sizes> | undefined {
    return this.#sizes
  }

  /** How many records may have begun a file. */
  get rotations(): number {
    return this.#rotations
  }

  get isConfirmed(): boolean {
    return this.#trust === "confirmed"
  }

  /** A file begins with the next record, the first one of the log. */
  begin(): void {
    this.#origin = undefined
    this.#noted = undefined
    this.#starts = []
    this.#set([{ least: 0, most: 0 }])
  }

  /** Records may be missing in front of the next one, or may come again. */
  forget(): void {
    this.#sizes = undefined
    this.#noted = undefined
    this.#starts = []
    this.#isInside = false
  }

  /** Begins to note records, so that how full the file is now can be learned later. */
  note(): void {
    this.#noted = []
  }

  /** Learns how full the file was when `note` was called, unless records may have been missing since then. */
  learn(found: FileRoom): void {
    const noted = this.#noted
    this.#noted = undefined
    if (noted === undefined || found.#sizes === undefined) return
    this.#origin = found.#origin
    this.#starts = found.#starts
    this.#set(found.#sizes)
    for (const record of noted) this.#add(record, () => record.identity)
  }

  /** Compares what was expected with the record that the log begins with now. It must have been added. */
  check(first: number): void {
    // With much that is not certain, it could be as expected by chance.
    if (!this.#isWithin(checkedPart) || first === this.#origin || this.#trust === "refuted") return
    this.#trust = this.#starts.includes(first) ? "confirmed" : "refuted"
  }

  /** Adds the record that follows on the last one: `bytes[start, end)`, including the timestamp. */
  add(stream: LogStream, bytes: Buffer, start: number, end: number): void {
    if (this.files === undefined || (this.#sizes === undefined && this.#noted === undefined)) return
    // Only timestamps in UTC have a fixed length.
    if (bytes[start + timestampLength] !== space) return this.forget()
    const sizes = sizesOf(bytes, start, end)
    const identity = () => recordIdentity(stream, bytes, start, end)
    this.#noted?.push({ ...sizes, identity: identity() })
    this.#add(sizes, identity)
  }

  #add(record: Sizes, identity: () => number): void {
    const { files } = this
    if (files === undefined || this.#sizes === undefined) return
    this.#origin ??= identity()
    const next: Array<Sizes> = []
    let isStart = false
    for (const sizes of this.#sizes) {
      if (sizes.least < files.size) {
        next.push({ least: sizes.least + record.least, most: Math.min(sizes.most, files.size - 1) + record.most })
      }
      if (sizes.most >= files.size) {
        isStart = true
        next.push({ least: record.least, most: record.most })
      }
    }
    if (isStart) {
      this.#rotations++
      this.#starts = [...this.#starts.slice(1 - maxStarts), identity()]
    }
    this.#set(next.length === 1 ? next : merged(next))
  }

  #set(sizes: ReadonlyArray<Sizes>): void {
    if (sizes.length > maxRanges) return this.forget()
    const size = this.files?.size ?? 0
    this.#sizes = sizes
    this.#isInside = sizes.every((each) => each.most < size)
  }
}

/** Ranges that overlap or touch are one. */
const merged = (sizes: ReadonlyArray<Sizes>): ReadonlyArray<Sizes> => {
  const found: Array<Sizes> = []
  for (const next of sizes.toSorted((a, b) => a.least - b.least)) {
    const last = found.at(-1)
    if (last === undefined || next.least > last.most + 1) found.push(next)
    else found[found.length - 1] = { least: last.least, most: Math.max(last.most, next.most) }
  }
  return found
}
