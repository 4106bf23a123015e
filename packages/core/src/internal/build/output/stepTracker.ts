import type { LogStream } from "../../../LogEvent.js"
import type { OperationStep } from "../../../Operation.js"
import type { Redactor } from "./redactor.js"
import { type PartProgress, type StepUpdate, TrackedStep } from "./trackedStep.js"

/** The fraction of a build that has not ended yet. */
const maxFraction = 0.99

const streams: ReadonlyArray<LogStream> = ["stdout", "stderr"]

/**
 * Turns what a builder says of its steps into the steps of an operation: the progress of each, its output, and a line of the
 * operation itself when it starts and ends, in the words of `docker build --progress=plain`.
 */
export class StepTracker {
  readonly redactor: Redactor
  readonly #steps = new Map<string, TrackedStep>()
  readonly #unreported = new Set<TrackedStep>()
  #emitted: Array<OperationStep<never>> = []
  #started = 0
  #hasNews = false
  #fraction = 0
  #share: () => number = () => 0

  constructor(redactor: Redactor) {
    this.redactor = redactor
  }

  /** All steps so far, in the order in which they were announced. */
  get steps(): Iterable<TrackedStep> {
    return this.#steps.values()
  }

  /** The step, if the builder has announced it. */
  find(id: string): TrackedStep | undefined {
    return this.#steps.get(id)
  }

  /** Adds a step. It is reported when it is updated. */
  announce(id: string, update: StepUpdate): void {
    this.#hasNews ||= !this.#steps.has(id)
    this.#step(id).update(update)
  }

  /** Updates a step, and reports what has changed. */
  update(id: string, update: StepUpdate): void {
    const step = this.#step(id)
    const before = step.changes
    step.update(update)
    if (before.isReported && before.key === step.changes.key) return
    this.#hasNews = true
    if (step.state !== "waiting") this.#begin(step)
    if (step.isOver && (!before.isOver || before.state !== step.state)) this.#finish(step)
    this.#report(step)
  }

  /** Updates the progress of a part of a step. It is reported with the next `take`. Returns whether that says anything new. */
  part(id: string, partId: string, progress: PartProgress): boolean {
    const step = this.#step(id)
    this.#unreported.add(step)
    const isNew = step.part(partId, progress)
    this.#hasNews ||= isNew
    return isNew
  }

  /** A piece of the output of a step. */
  output(id: string, stream: LogStream, piece: Uint8Array | string): void {
    const step = this.#step(id)
    this.#hasNews = true
    this.#begin(step)
    this.#lines(step, stream, step.output(stream, piece))
  }

  /** A line of the operation itself about a step, or about the build. */
  notice(text: string, id?: string): void {
    const step = id === undefined ? undefined : this.#step(id)
    this.#hasNews = true
    if (step !== undefined) this.#begin(step)
    const line = this.redactor.text(text)
    this.#emitted.push({
      _tag: "Line",
      stream: "system",
      text: step === undefined ? line : `#${step.index} ${line}`,
      ...(step === undefined ? {} : { item: step.id })
    })
  }

  /** Sets how to find out how much of the build is done, from 0 to 1. Where it is less than before, it stays as it was. */
  measure(share: () => number): void {
    this.#share = share
  }

  /** Whether there was anything since the last call that the builder had not said before. */
  takeNews(): boolean {
    const hasNews = this.#hasNews
    this.#hasNews = false
    return hasNews
  }

  /** The steps of the operation since the last call. */
  take(): ReadonlyArray<OperationStep<never>> {
    for (const step of this.#unreported) this.#report(step)
    this.#unreported.clear()
    const emitted = this.#emitted
    this.#emitted = []
    return emitted
  }

  /** Ends the output of all steps; lines that have no newline end here. */
  end(): void {
    for (const step of this.#steps.values()) this.#endOutput(step)
  }

  /** The build is done: all of it. */
  complete(): void {
    this.#fraction = 1
    this.#share = () => 1
    const last = [...this.#steps.values()].findLast((step) => step.isOver)
    if (last !== undefined) this.#report(last)
  }

  #step(id: string): TrackedStep {
    const known = this.#steps.get(id)
    if (known !== undefined) return known
    const step = new TrackedStep(id, this.redactor)
    this.#steps.set(id, step)
    return step
  }

  #begin(step: TrackedStep): void {
    if (step.index > 0) return
    step.index = ++this.#started
    this.notice(step.name, step.id)
  }

  #finish(step: TrackedStep): void {
    this.#endOutput(step)
    const { completed, started, state } = step
    const seconds = completed === undefined || started === undefined ? 0 : Math.max(0, completed - started) / 1000
    if (state === "failed") this.notice(`ERROR: ${step.error ?? ""}`, step.id)
    else this.notice(state === "done" ? `DONE ${seconds.toFixed(1)}s` : state.toUpperCase(), step.id)
  }

  #endOutput(step: TrackedStep): void {
    for (const stream of streams) this.#lines(step, stream, step.endOutput(stream))
  }

  #lines(step: TrackedStep, stream: LogStream, lines: ReadonlyArray<string>): void {
    for (const text of lines) this.#emitted.push({ _tag: "Line", stream, text, item: step.id })
  }

  #report(step: TrackedStep): void {
    this.#unreported.delete(step)
    step.isReported = true
    this.#fraction = Math.max(this.#fraction, Math.min(maxFraction, this.#share()))
    this.#emitted.push({
      _tag: "Progress",
      id: step.id,
      status: step.status,
      ...step.amounts,
      fraction: this.#fraction,
      step: step.step
    })
  }
}
