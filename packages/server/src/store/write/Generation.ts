/** What the thread that writes knows of a container's log. */
import { ByteReader, ByteWriter } from "../block/bytes.js"
import { readState, writeState } from "../block/columns.js"
import { noState, type Records, type StreamState } from "../block/Records.js"

/** Records that follow each other, and the number of the first one. */
export interface NumberedRecords {
  readonly first: number
  readonly records: Records
}

/** The newest records of a container, which are not yet enough for a block. */
export interface Tail {
  rows: number
  bytes: number
  /** When the oldest of them was stored, in milliseconds since the epoch. */
  since: number
}

export class Generation {
  /** Of its row; 0 if it has none. */
  id = 0
  sourceId = 0
  /** The number of the last record that was taken. */
  number = 0
  position: string | undefined
  /** Behind the last record that was taken. */
  state: StreamState = noState()
  tail: Tail = { rows: 0, bytes: 0, since: 0 }
  /** What is not stored. */
  pending: Array<NumberedRecords> = []

  constructor(
    readonly source: string,
    readonly sourceKey: string,
    readonly container: string,
    readonly name: string
  ) {}
}

export const encodeState = (state: StreamState): Buffer => {
  const writer = new ByteWriter()
  writeState(writer, state)
  return Buffer.from(writer.finish())
}

export const decodeState = (bytes: Uint8Array): StreamState => readState(new ByteReader(bytes))
