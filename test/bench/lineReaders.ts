import type { LogLine } from "@dockwire/core"
import DockerModem from "docker-modem"
import { PassThrough, Writable } from "node:stream"
import { StringDecoder } from "node:string_decoder"
import { LogDecoder } from "../../packages/core/dist/internal/logs/logDecoder.js"

/** A way to split bytes into lines. Returns the number of lines. */
export type LineReader = (chunks: ReadonlyArray<Buffer>) => number

const containerId = "0123456789abcdef".repeat(4)

/** The decoder as `Logs` uses it: an array of elements for each chunk. */
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

/** Splits text without frames at newlines, chunk by chunk. The lines keep their timestamps. */
export const splitChunks: LineReader = (chunks) => {
  let lines = 0
  eachChunk(chunks, (pieces) => (lines += pieces.length))
  return lines
}

/** Like `splitChunks`, and converts each line to the decoder's element. */
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

/** Splits text without frames at newlines, in one piece. */
export const splitWhole = (text: Buffer): number => text.toString("utf8").split("\n").length - 1

/** The demultiplexer of docker-modem. Each frame is converted to a string. */
export const readWithModem: LineReader = (chunks) => {
  let lines = 0
  // Bypasses the buffers of the streams, to measure only the demultiplexer.
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
