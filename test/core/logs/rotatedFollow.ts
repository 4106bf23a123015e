import { type FollowElement, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { engineCall } from "../../engine/engineRequest.js"
import { startTestContainer } from "../../engine/testContainer.js"
import { collectBatches, runCore } from "../runCore.js"
import { followed } from "./followed.js"

/** A container that writes numbered lines in bursts, to a log that rotates. */
export interface RotatedLog {
  readonly driver: "json-file" | "local"
  readonly maxSize: string
  readonly maxFile: number
  readonly compress?: boolean
  readonly bursts: number
  readonly linesPerBurst: number
  /** In front of each burst, ten each hundredth of a second. Default: none. */
  readonly steadyLines?: number
  /** Between bursts, in seconds. */
  readonly pause: number
  /** Whether every third line goes to stderr. */
  readonly bothStreams?: boolean
}

/** What became of the lines. */
export interface RotatedFollow {
  readonly written: number
  readonly delivered: number
  readonly gaps: number
  /** The lines that the log still had when all was written. */
  readonly kept: number
  /** What is wrong: lines that are missing, repeated or out of order, and holes without a mark. */
  readonly faults: ReadonlyArray<string>
}

/** Two processes that use all the CPU they get, until the returned function is called or this process is gone. */
export const startLoad = (): (() => void) => {
  const loop = "const { ppid } = process; while (process.ppid === ppid);"
  const busy = [0, 1].map(() => spawn(process.execPath, ["-e", loop], { stdio: "ignore" }))
  return () => busy.forEach((child) => child.kill("SIGKILL"))
}

/** Writes its first line, and the others when it gets a signal. */
const program = ({ bothStreams = false, bursts, linesPerBurst, pause, steadyLines = 0 }: RotatedLog) => `
trap 'go=1' USR1; echo "line 1 of a log"; while [ -z "$go" ]; do sleep 0.02; done
exec awk 'BEGIN { n = 1
  for (burst = 0; burst < ${bursts}; burst++) {
    for (i = -${steadyLines}; i < ${linesPerBurst}; i++) {
      if (i < 0 && i % 10 == 0) { fflush(); system("sleep 0.0085") }
      text = "line " ++n " of a log that rotates while it is followed by a reader"
      ${bothStreams ? 'if (n % 3 == 0) { print text > "/dev/stderr"; fflush("/dev/stderr") } else { print text; fflush() }' : "print text"}
    }
    fflush()
    system("sleep ${pause}")
  }
  system("sleep 600")
}'`

const numberOf = (text: string): number => Number(/^line (\d+) /.exec(text)?.[1] ?? Number.NaN)

/** The faults of one stream. Holes are allowed where a gap mark names the lines around them. */
const faultsOf = (elements: ReadonlyArray<FollowElement>, stream: string, expected: ReadonlyArray<number>) => {
  const faults: Array<string> = []
  const delivered = new Set<number>()
  let previous = { index: -1, timestamp: "" }
  const gaps: Array<{ readonly from: string; readonly to: string }> = []
  for (const element of elements) {
    if (element._tag === "LogMark") {
      if (element.mark === "gap") gaps.push(element)
      else if (element.mark === "engine_error") faults.push(`engine error: ${element.message}`)
      continue
    }
    if (element.stream !== stream) continue
    const index = expected.indexOf(numberOf(element.text), Math.max(0, previous.index))
    if (index <= previous.index) {
      faults.push(`${element.text.slice(0, 12)} after ${expected[previous.index]}`)
      continue
    }
    delivered.add(expected[index] ?? 0)
    const { timestamp } = previous
    // From and to may name lines of the other stream, and one mark may span several holes.
    const isMarked = gaps.some(({ from, to }) => from < element.timestamp && to > timestamp)
    if (index > previous.index + 1 && !isMarked) {
      faults.push(`no gap mark between ${expected[previous.index]} and ${expected[index]}`)
    }
    previous = { index, timestamp: element.timestamp }
  }
  return { delivered, faults }
}

/** Follows such a container, and compares what was delivered with the log when all is written. */
export const followRotated = async (endpoint: string, log: RotatedLog): Promise<RotatedFollow> => {
  const { driver, maxFile, maxSize } = log
  // The driver `local` compresses unless told otherwise.
  const compress = maxFile > 1 || driver === "local" ? { compress: String(log.compress ?? false) } : {}
  const container = await startTestContainer({
    endpoint,
    cmd: ["sh", "-c", program(log)],
    logConfig: {
      Type: driver,
      Config: { "max-size": maxSize, "max-file": String(maxFile), ...compress }
    }
  })
  const written = 1 + log.bursts * (log.linesPerBurst + (log.steadyLines ?? 0))
  const follow = followed(endpoint, container.id)
  try {
    const isLast = (element: FollowElement | undefined) =>
      element?._tag === "LogLine" && numberOf(element.text) === written
    await follow.until((elements) => elements.length > 0)
    await engineCall(endpoint, "POST", `/containers/${container.id}/kill?signal=USR1`)
    await follow.until((elements) => elements.slice(-1000).some(isLast))
    // A second longer, in case lines are repeated.
    await sleep(500)
    const kept = await runCore(
      endpoint,
      Effect.flatMap(Logs, (logs) => collectBatches(logs.readBatches(container.id)))
    )
    const numbers = Array.from({ length: written }, (_, index) => index + 1)
    const streams = log.bothStreams === true ? (["stdout", "stderr"] as const) : (["stdout"] as const)
    const faults: Array<string> = []
    let delivered = 0
    for (const stream of streams) {
      const expected =
        streams.length === 1 ? numbers : numbers.filter((number) => (number % 3 === 0) === (stream === "stderr"))
      const result = faultsOf(follow.elements, stream, expected)
      faults.push(...result.faults)
      delivered += result.delivered.size
      const missing = kept.filter((line) => line.stream === stream && !result.delivered.has(numberOf(line.text)))
      if (missing.length > 0) faults.push(`${missing.length} lines of the log missing, first ${missing[0]?.text}`)
    }
    const gaps = follow.elements.filter((element) => element._tag === "LogMark" && element.mark === "gap").length
    return { written, delivered, gaps, kept: kept.length, faults }
  } finally {
    await follow.stop()
    await container.remove()
  }
}

export const name = (log: RotatedLog): string => {
  const { bothStreams = false, compress = false, driver, maxFile, maxSize, steadyLines } = log
  const notes = [...(bothStreams ? ["both streams"] : []), ...(steadyLines === undefined ? [] : ["steady"])]
  return [`${driver} ${maxSize} x ${maxFile}${compress ? " gz" : ""}`, ...notes].join(", ")
}

/** One line about it. */
export const summary = (log: RotatedLog, { delivered, faults, gaps, kept, written }: RotatedFollow): string =>
  `${name(log)}: ${written} written, ${delivered} delivered, ${gaps} gaps, ${kept} kept, ${faults.length} faults`
