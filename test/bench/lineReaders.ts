import type { LogLine } from "@dockwire/core"
import DockerModem from "docker-modem"
import { PassThrough, Writable } from "node:stream"
import { StringDecoder } from "node:string_decoder"
import { LogDecoder } from "../../packages/core/dist/internal/logs/logDecoder.js"

/** A way to make lines of bytes; gives how many there were. */
export type LineReader = (chunks: ReadonlyArray<Buffer>) => number

const containerId = "0123456789abcdef".repeat(4)

/** The decoder as `Logs` uses it: elements for the reader, in an array a chunk. */
export const readWithDecoder: LineReader = (chunks) => {
  let lines = 0
  let batch: Array<LogLine> = []
  const decoder = new LogDecoder(false, false, {
    line: (stream, timestamp, text, part) => {
      batch.push(
        part === undefined
          ? { _tag: "LogLine", containerId, stream, timestamp, text }
          : { _tag: "LogLine", containerId, stream, timestamp, text, part }
      )
    },
    engineError: (message) => {
      throw new Error(message)
    },
    malformed: (detail) => {
      throw new Error(detail)
    }
  })
  for (const chunk of chunks) {
    decoder.push(chunk)
    lines += batch.length
    batch = []
  }
  decoder.end()
  return lines + batch.length
}

const eachChunk = (chunks: ReadonlyArray<Buffer>, take: (lines: ReadonlyArray<string>) => void): void => {
  const decoder = new StringDecoder("utf8")
  let rest = ""
  for (const chunk of chunks) {
    const pieces = (rest + decoder.write(chunk)).split("\n")
    rest = pieces.pop() ?? ""
    take(pieces)
  }
}

/** Text that has no frames, cut at its newlines chunk by chunk: strings that still have their timestamp. */
export const splitChunks: LineReader = (chunks) => {
  let lines = 0
  eachChunk(chunks, (pieces) => (lines += pieces.length))
  return lines
}

/** As `splitChunks`, and of each string the element that the decoder gives. */
export const splitToElements: LineReader = (chunks) => {
  let lines = 0
  eachChunk(chunks, (pieces) => {
    const batch: ReadonlyArray<LogLine> = pieces.map((line) => ({
      _tag: "LogLine",
      containerId,
      stream: "stdout",
      timestamp: line.slice(0, 30),
      text: line.slice(31)
    }))
    lines += batch.length
  })
  return lines
}

/** Text that has no frames, cut at its newlines when all of it is there. */
export const splitWhole = (text: Buffer): number => text.toString("utf8").split("\n").length - 1

/** The bytes through the demultiplexer of docker-modem; each frame that comes out is made a string. */
export const readWithModem: LineReader = (chunks) => {
  let lines = 0
  // Not through the streams' own buffers: only the demultiplexer counts.
  class Sink extends Writable {
    override write(chunk: unknown): boolean {
      if (chunk instanceof Buffer && chunk.toString("utf8").endsWith("\n")) lines++
      return true
    }
  }
  const source = new PassThrough()
  new DockerModem({ socketPath: "/nowhere" }).demuxStream(source, new Sink(), new Sink())
  for (const chunk of chunks) source.emit("data", chunk)
  return lines
}
