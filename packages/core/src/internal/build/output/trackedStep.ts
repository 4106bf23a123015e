import type { BuildStep, LogStream } from "../../../LogEvent.js"
import { LineAssembler } from "./lineAssembler.js"
import type { Redactor } from "./redactor.js"
import type { StepName } from "./stepName.js"

/** How many of the last lines of a step are kept for its error, and how many characters of each. */
const keptLines = 20
const keptCharacters = 2_000

/** A step of the classic builder or Podman that copies files. */
const copyStep = /^(?:\[\d+\/\d+\] )?(?:Step|STEP) \d+\/\d+ ?: COPY /i

/** Podman's line about a layer: it says nothing more until all layers are there. */
const podmanLayer = /^Copying blob /

/** BuildKit says so in the output of the step. */
const clippedNotice = /^\[output clipped, log limit .* reached\]$/

/** What a builder says of a step. What is left out stays as it is. */
export interface StepUpdate {
  /** As the builder names it. */
  readonly name?: string
  readonly place?: StepName
  readonly cached?: boolean
  /** Milliseconds since the epoch. */
  readonly started?: number | undefined
  readonly completed?: number | undefined
  readonly error?: string | undefined
}

/** How far a part of a step is, such as the transfer of a layer. */
export interface PartProgress {
  /** The builder's word for it, such as `downloading`. */
  readonly status: string
  readonly current: number
  /** 0 if it is not known. */
  readonly total: number
  /** Nothing more of it has to be transferred. */
  readonly isDone: boolean
}

/** The image is looked up, which says nothing of its layers. */
const isLookup = (partId: string): boolean => partId.startsWith("resolve ")

/** A layer that is unpacked has been transferred. */
const isUnpacked = ({ isDone, status }: PartProgress): boolean => !isDone && /^extract/i.test(status)

/** Whether an error is that of a step that was stopped because another one failed. */
const isCanceled = (error: string): boolean => /context canceled\s*$/.test(error)

const timestamp = (millis: number | undefined): string | undefined =>
  millis === undefined || !(Math.abs(millis) < 8.64e15) ? undefined : new Date(millis).toISOString()

/** A step of a build, with its output and its progress so far. */
export class TrackedStep {
  readonly id: string
  /** Counts the steps in the order in which they started. */
  index = 0
  name = ""
  place: StepName = {}
  cached = false
  started: number | undefined
  completed: number | undefined
  error: string | undefined
  /** Whether there was an event about it. */
  isReported = false
  /** The builder dropped output. */
  clipped = false
  readonly lastLines: Array<string> = []
  readonly #redactor: Redactor
  readonly #parts = new Map<string, PartProgress>()
  readonly #outputs: Readonly<Record<LogStream, LineAssembler>>
  #status: string | undefined

  constructor(id: string, redactor: Redactor) {
    this.id = id
    this.#redactor = redactor
    this.#outputs = { stdout: new LineAssembler(redactor), stderr: new LineAssembler(redactor) }
  }

  update(update: StepUpdate): void {
    const { cached, error, name, place, started } = update
    if (name !== undefined && name !== "") this.name = name
    if (place !== undefined) this.place = place
    if (cached !== undefined) this.cached = cached
    if (started !== undefined) this.started = started
    // A step may run again, such as a transfer of files.
    if ("completed" in update) this.completed = update.completed
    if (error !== undefined && error !== "") this.error = error
    this.#status = undefined
  }

  /** Updates a part. Returns whether that says anything new: builders repeat themselves. */
  part(id: string, progress: PartProgress): boolean {
    const { current, isDone, status, total } = progress
    const last = this.#parts.get(id)
    this.#parts.set(id, progress)
    this.#status = status
    return last?.status !== status || last.current !== current || last.total !== total || last.isDone !== isDone
  }

  /** The lines that a piece of output completes. */
  output(stream: LogStream, piece: Uint8Array | string): ReadonlyArray<string> {
    return this.#keep(this.#outputs[stream].push(piece))
  }

  /** The lines that have no newline. */
  endOutput(stream: LogStream): ReadonlyArray<string> {
    return this.#keep(this.#outputs[stream].end())
  }

  /** What is compared to tell whether there is something to report. */
  get changes(): {
    readonly key: string
    readonly state: string
    readonly isOver: boolean
    readonly isReported: boolean
  } {
    const { completed, isOver, isReported, name, state } = this
    return { key: [state, completed, name].join("\n"), state, isOver, isReported }
  }

  get state(): "waiting" | "running" | "done" | "cached" | "failed" | "canceled" {
    if (this.error !== undefined) return isCanceled(this.error) ? "canceled" : "failed"
    if (this.completed !== undefined) return this.cached ? "cached" : "done"
    return this.started !== undefined ? "running" : this.cached ? "cached" : "waiting"
  }

  get isOver(): boolean {
    return this.state !== "waiting" && this.state !== "running"
  }

  /**
   * Whether it waits for a registry, if it is a step that gets an image: for the image itself, or for at least one of its
   * layers, while none is unpacked.
   */
  get isFetching(): boolean {
    const parts = [...this.#parts].filter(([id, { isDone }]) => !(isDone && isLookup(id))).map(([, part]) => part)
    if (this.state !== "running" || parts.some(isUnpacked)) return false
    if (parts.length > 0) return parts.some(({ isDone }) => !isDone)
    // Nothing tells a slow copy, or a slow layer of Podman, from one that has stopped.
    return !copyStep.test(this.name) && !this.lastLines.some((line) => podmanLayer.test(line))
  }

  /** The word of the builder, or the state. */
  get status(): string {
    return this.#redactor.text((this.isOver ? undefined : this.#status) ?? this.state)
  }

  /** From 0 to 1, as far as the builder tells. */
  get share(): number {
    if (this.isOver) return 1
    const { current, total } = this.amounts
    return current === undefined || total === undefined ? 0 : Math.min(1, current / total)
  }

  /** Bytes of all parts together. The total only if that of each part is known. */
  get amounts(): { readonly current?: number; readonly total?: number } {
    let [current, total, isKnown, any] = [0, 0, true, false]
    for (const part of this.#parts.values()) {
      if (part.current <= 0 && part.total <= 0) continue
      any = true
      isKnown &&= part.total > 0
      current += part.current
      total += Math.max(part.total, part.current)
    }
    return any ? { current, ...(isKnown ? { total } : {}) } : {}
  }

  get safeName(): string {
    return this.#redactor.text(this.name)
  }

  get safeError(): string {
    return this.#redactor.text(this.error ?? "")
  }

  /** As it is told to others. */
  get step(): BuildStep {
    const [started, completed] = [timestamp(this.started), timestamp(this.completed)]
    const { number, of, stage } = this.place
    return {
      name: this.safeName,
      ...(stage === undefined ? {} : { stage: this.#redactor.text(stage) }),
      ...(number === undefined ? {} : { number }),
      ...(of === undefined ? {} : { of }),
      cached: this.cached,
      ...(started === undefined ? {} : { started }),
      ...(completed === undefined ? {} : { completed }),
      ...(this.error === undefined ? {} : { error: this.safeError })
    }
  }

  #keep(lines: ReadonlyArray<string>): ReadonlyArray<string> {
    for (const line of lines) {
      if (clippedNotice.test(line)) this.clipped = true
      this.lastLines.push(line.length > keptCharacters ? `${line.slice(0, keptCharacters)}...` : line)
    }
    if (this.lastLines.length > keptLines) this.lastLines.splice(0, this.lastLines.length - keptLines)
    return lines
  }
}
