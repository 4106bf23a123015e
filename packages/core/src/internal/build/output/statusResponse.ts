import { bytesField, integerField, protoFields, type ProtoField, textField } from "../protobuf/protoFields.js"

/** A step of a BuildKit build. It is sent again, whole, whenever it changes. */
export interface Vertex {
  readonly digest: string
  readonly name: string
  readonly cached: boolean
  /** Milliseconds since the epoch. */
  readonly started: number | undefined
  readonly completed: number | undefined
  /** Empty if there is none. */
  readonly error: string
}

/** The state of a part of a step, such as the transfer of a layer. */
export interface VertexStatus {
  readonly id: string
  readonly vertex: string
  readonly name: string
  readonly current: number
  /** 0 if it is not known. */
  readonly total: number
  readonly isCompleted: boolean
}

/** A piece of a step's output. */
export interface VertexLog {
  readonly vertex: string
  readonly stream: "stdout" | "stderr"
  readonly message: Buffer
}

/** A warning about the Dockerfile. */
export interface VertexWarning {
  readonly vertex: string
  readonly text: string
}

/** What changed in a BuildKit build: its message `moby.buildkit.v1.StatusResponse`. */
export interface StatusResponse {
  readonly vertexes: ReadonlyArray<Vertex>
  readonly statuses: ReadonlyArray<VertexStatus>
  readonly logs: ReadonlyArray<VertexLog>
  readonly warnings: ReadonlyArray<VertexWarning>
}

type Fields = ReadonlyArray<ProtoField>

/** `google.protobuf.Timestamp` as milliseconds. */
const timeField = (fields: Fields, number: number): number | undefined => {
  const value = fields.findLast(({ field }) => field === number)?.value
  if (!Buffer.isBuffer(value)) return undefined
  const time = protoFields(value)
  return integerField(time, 1) * 1000 + integerField(time, 2) / 1e6
}

const vertex = (fields: Fields): Vertex => ({
  digest: textField(fields, 1),
  name: textField(fields, 3),
  cached: integerField(fields, 4) !== 0,
  started: timeField(fields, 5),
  completed: timeField(fields, 6),
  error: textField(fields, 7)
})

const status = (fields: Fields): VertexStatus => ({
  id: textField(fields, 1),
  vertex: textField(fields, 2),
  name: textField(fields, 3),
  current: integerField(fields, 4),
  total: integerField(fields, 5),
  isCompleted: timeField(fields, 8) !== undefined
})

const log = (fields: Fields): VertexLog => ({
  vertex: textField(fields, 1),
  stream: integerField(fields, 3) === 2 ? "stderr" : "stdout",
  message: bytesField(fields, 4)
})

const warning = (fields: Fields): VertexWarning => ({ vertex: textField(fields, 1), text: textField(fields, 3) })

/** Decodes a `StatusResponse`. Fields that are not known here are skipped. Throws if the bytes are not such a message. */
export const decodeStatusResponse = (bytes: Uint8Array): StatusResponse => {
  const fields = protoFields(bytes)
  const messages = <A>(number: number, decode: (fields: Fields) => A): ReadonlyArray<A> =>
    fields.flatMap(({ field, value }) =>
      field === number && Buffer.isBuffer(value) ? [decode(protoFields(value))] : []
    )
  return {
    vertexes: messages(1, vertex),
    statuses: messages(2, status),
    logs: messages(3, log),
    warnings: messages(4, warning)
  }
}
