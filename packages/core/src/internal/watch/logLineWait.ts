import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import type { LogLine } from "../../LogEvent.js"
import { millisTimestamp, normalizeTimestamp, timestampMillis } from "../api/engineTime.js"
import { readLog } from "../logs/logReader.js"
import type { LogsError } from "../logs/logRequest.js"
import type { FollowElement } from "./follow/followOutput.js"
import { followLog } from "./follow/logFollower.js"
import { exited, hasExited, inspectForWait, removed, type Verdict, type WaitSubject } from "./waitVerdict.js"

/** How much of a line a RegExp is matched against. One that backtracks on a line of a megabyte would block the process. */
const maxMatchedLength = 16 * 1024

/** Whether a line contains a text or matches a RegExp. */
export const lineMatcher = (pattern: string | RegExp): ((text: string) => boolean) => {
  if (typeof pattern === "string") return (text) => text.includes(pattern)
  // With the flags `g` and `y`, a RegExp starts at the end of its last match.
  const stateless = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ""))
  return (text) => stateless.test(text.slice(0, maxMatchedLength))
}

/** The lines to wait for. */
export interface AwaitedLines {
  readonly log: string | RegExp
  readonly times?: number
}

/** Counts the lines of a run that match, until there are enough. */
class LineCounter {
  readonly #matches: (text: string) => boolean
  readonly #times: number
  #count = 0
  /** Whether the present line is counted already. A very long line comes in several parts. */
  #isCounted = false

  constructor({ log, times = 1 }: AwaitedLines) {
    this.#matches = lineMatcher(log)
    this.#times = times
  }

  /** Adds a line or a part of one. Returns whether there are enough now. */
  add({ part, text }: Pick<LogLine, "part" | "text">): boolean {
    if (part === undefined || part.index === 1) this.#isCounted = false
    if (this.#isCounted || !this.#matches(text)) return false
    this.#isCounted = true
    return ++this.#count >= this.#times
  }

  /** A new run begins. */
  reset(): void {
    this.#count = 0
  }
}

/** From when on to read the container's present run, or the one that it ended with, without lines of an earlier run. */
const sinceOfRun = (subject: WaitSubject): { readonly since?: string } => {
  const { FinishedAt, StartedAt } = subject.State
  const [started = "", finished = ""] = [normalizeTimestamp(StartedAt), normalizeTimestamp(FinishedAt)]
  if (started === "" || started.startsWith("0001-")) return {}
  // A process may write before the engine notes that it has started.
  const beforeStart = millisTimestamp(Math.max(0, timestampMillis(started) - 1_000))
  // If the container runs, `FinishedAt` is the end of the run before. If not, it is the end of this run, which may stand
  // before the start of a very short run.
  const isRunBefore = !hasExited(subject) && finished > beforeStart && finished < started
  return { since: isRunBefore ? finished : beforeStart }
}

const judgeBatch = (
  docker: DockerShape,
  containerId: string,
  batch: ReadonlyArray<FollowElement>,
  counter: LineCounter
) =>
  Effect.gen(function* () {
    let hasStopped = false
    for (const element of batch) {
      if (element._tag === "LogLine" && counter.add(element)) return "met" as const
      if (element._tag === "LogMark" && element.mark === "started") counter.reset()
      if (element._tag === "LogMark" && element.mark === "removed") return removed
      hasStopped ||= element._tag === "LogMark" && element.mark === "stopped"
    }
    if (!hasStopped) return undefined
    // A restart policy may have started it again.
    const subject = yield* inspectForWait(docker, containerId)
    return hasExited(subject) ? exited(subject) : undefined
  }).pipe(Effect.catchTag("ContainerNotFound", () => Effect.succeed(removed)))

/** Waits for lines of the container's present run. */
export const waitForLines = (
  docker: DockerShape,
  subject: WaitSubject,
  lines: AwaitedLines
): Effect.Effect<Verdict, LogsError> => {
  const counter = new LineCounter(lines)
  const since = sinceOfRun(subject)
  if (hasExited(subject)) {
    const found = Stream.runHead(
      Stream.filter(readLog(docker, subject.Id, since), (batch) => batch.some((line) => counter.add(line)))
    )
    return Effect.map(found, (batch): Verdict => (Option.isSome(batch) ? "met" : exited(subject)))
  }
  const batches = followLog(docker, subject.Id, subject.State.Status === "created" ? {} : since)
  return batches.pipe(
    Stream.mapEffect((batch) => judgeBatch(docker, subject.Id, batch, counter)),
    Stream.filter((verdict) => verdict !== undefined),
    Stream.runHead,
    Effect.map(Option.getOrElse((): Verdict => removed))
  )
}
