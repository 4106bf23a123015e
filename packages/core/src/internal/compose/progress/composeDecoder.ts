import type { LogStream } from "../../../LogEvent.js"
import type { OperationStep } from "../../../Operation.js"
import { Redactor } from "../../build/output/redactor.js"
import { StepTracker } from "../../build/output/stepTracker.js"
import { TraceDecoder } from "../../build/output/traceDecoder.js"
import type { TrackedStep } from "../../build/output/trackedStep.js"
import { buildRecord } from "./buildRecord.js"
import { type ComposeEvent, eventLine } from "./composeEvent.js"
import { jsonLine } from "./jsonLine.js"
import { plainEvent } from "./plainLine.js"
import { ProjectFraction } from "./projectFraction.js"

/** How many of the last lines are kept for an error, and how many characters of each. */
const keptLines = 20
const keptCharacters = 2_000

/** The id of the progress of a resource. Layers are unique in what they belong to. */
const itemOf = ({ resource: { kind, name, parent } }: ComposeEvent): string =>
  parent === undefined ? `${kind} ${name}` : `${kind} ${parent}/${name}`

const isTransfer = ({ current, resource: { kind } }: ComposeEvent): boolean => kind === "layer" && current !== undefined

/** Decodes what a compose command prints, line by line. A line that it does not know is a line. */
export class ComposeDecoder {
  readonly #printsJson: boolean
  readonly #redactor: Redactor
  readonly #tracker: StepTracker
  readonly #builds: TraceDecoder
  readonly #fraction: ProjectFraction
  readonly #lastLines: Array<string> = []
  readonly #failures: Array<string> = []
  readonly #events: Array<ComposeEvent> = []
  readonly #pulling = new Map<string, ComposeEvent["resource"]>()
  #hasBuilds = false

  constructor(printsJson: boolean, redactor: Redactor = new Redactor(), command = "") {
    this.#fraction = new ProjectFraction(command)
    this.#printsJson = printsJson
    this.#redactor = redactor
    this.#tracker = new StepTracker(redactor)
    this.#builds = new TraceDecoder(this.#tracker)
  }

  /** The last lines besides progress. */
  get lastLines(): ReadonlyArray<string> {
    return this.#lastLines
  }

  /** Why the command failed, if it said so in an object of its own. */
  get failures(): ReadonlyArray<string> {
    return this.#failures
  }

  /** The last events that report an error. */
  get errors(): ReadonlyArray<ComposeEvent> {
    return this.#events
  }

  /** The services and images that are being pulled. */
  get pulling(): ReadonlyArray<ComposeEvent["resource"]> {
    return [...this.#pulling.values()]
  }

  /** The step of a build that failed. */
  get failedStep(): TrackedStep | undefined {
    return [...this.#tracker.steps].find(({ state }) => state === "failed")
  }

  /** The steps of the operation that a line stands for. */
  push(stream: LogStream, line: string): ReadonlyArray<OperationStep<never>> {
    if (this.#printsJson) {
      const decoded = jsonLine(line)
      switch (decoded?._tag) {
        case "Event":
          return this.#event(decoded.event, eventLine(decoded.event.resource, decoded.event.status), stream)
        case "Failure":
          if (decoded.message === "") return this.#text(stream, "canceled")
          this.#failures.push(this.#redactor.text(decoded.message))
          return decoded.message.split("\n").flatMap((text) => (text.trim() === "" ? [] : this.#text(stream, text)))
        case "Text":
          return decoded.text === "" ? [] : this.#text(stream, decoded.text)
        case "Build":
          return this.#build(decoded.record)
        case undefined:
          return this.#text(stream, line)
      }
    }
    const event = stream === "stderr" ? plainEvent(line) : undefined
    return event === undefined ? this.#text(stream, line) : this.#event(event, line.trim(), stream)
  }

  /** The steps that an event stands for. */
  event(event: ComposeEvent): ReadonlyArray<OperationStep<never>> {
    return this.#event(event, eventLine(event.resource, event.status), "stderr")
  }

  /** The last steps, at the end of the output. */
  end(): ReadonlyArray<OperationStep<never>> {
    if (!this.#hasBuilds) return []
    this.#tracker.end()
    return this.#take()
  }

  #event(event: ComposeEvent, line: string, stream: LogStream): ReadonlyArray<OperationStep<never>> {
    const { current, resource, status, total } = event
    const id = itemOf(event)
    if (status === "Pulling") this.#pulling.set(id, resource)
    else this.#pulling.delete(id)
    if (status === "Error") {
      this.#events.push(event)
      if (this.#events.length > keptLines) this.#events.shift()
    }
    const { detail } = resource
    return [
      ...(isTransfer(event) ? [] : [{ _tag: "Line", stream, text: this.#redactor.text(line), item: id } as const]),
      {
        _tag: "Progress",
        id,
        status,
        ...(current === undefined ? {} : { current }),
        ...(total === undefined ? {} : { total }),
        fraction: this.#fraction.update(id, event),
        resource: detail === undefined ? resource : { ...resource, detail: this.#redactor.text(detail) }
      }
    ]
  }

  #text(stream: LogStream, line: string): ReadonlyArray<OperationStep<never>> {
    const text = this.#redactor.text(line)
    if (text.trim() !== "") {
      this.#lastLines.push(text.length > keptCharacters ? `${text.slice(0, keptCharacters)}...` : text)
      if (this.#lastLines.length > keptLines) this.#lastLines.shift()
    }
    return [{ _tag: "Line", stream, text }]
  }

  #build(record: Readonly<Record<PropertyKey, unknown>>): ReadonlyArray<OperationStep<never>> {
    this.#hasBuilds = true
    this.#builds.apply(buildRecord(record))
    return this.#take()
  }

  /** The fraction of the builds is not that of the operation. */
  #take(): ReadonlyArray<OperationStep<never>> {
    return this.#tracker.take().map((step) => {
      if (step._tag !== "Progress") return step
      const { fraction: _, ...progress } = step
      return { ...progress, fraction: this.#fraction.value }
    })
  }
}
