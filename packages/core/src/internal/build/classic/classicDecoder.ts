import { isRecord } from "effect/Predicate"
import type { BuildDecoder } from "../output/buildDecoder.js"
import type { StepTracker } from "../output/stepTracker.js"
import type { TrackedStep } from "../output/trackedStep.js"

/** The classic builder writes the number of a step alone, Podman that of its stage too. */
const stepLine = /^(?:\[(\d+)\/(\d+)\] )?(?:Step|STEP) (\d+)\/(\d+) ?: (.*)$/s

/** The stage that an instruction begins. */
const stageName = /^FROM\s+(?:--\S+\s+)*\S+\s+AS\s+(\S+)/i

const runningIn = /^ ---> Running in (\w+)\n$/
const usingCache = /^(?: ---> Using cache\n|--> Using cache \w+\n)$/
/** What the builder says of an instruction that is done: the id of a layer. */
const layerLine = /^(?: ---> \w+|--> \w+|[0-9a-f]{64})\n$/

/** The classic builder writes what a command prints to stderr in red. */
const [redBegin, redEnd] = ["\u001b[91m", "\u001b[0m"]

/** Docker 20.10 says it in other words. */
const isRemoval = (text: string, container: string): boolean =>
  text === ` ---> Removed intermediate container ${container}\n` ||
  text === `Removing intermediate container ${container}\n`

/** What the classic builder says of a layer that it has. */
const transferred = /^(?:Already exists|Download complete|Verifying Checksum|Pull complete)/

interface StepPosition {
  readonly stage: number
  readonly stages: number
  readonly number: number
  readonly of: number
}

/** Amounts of a `progressDetail`. In units other than bytes, they say nothing of how far a layer is. */
const amount = (detail: unknown, name: string): number => {
  const value = isRecord(detail) && detail["units"] === undefined ? detail[name] : undefined
  return typeof value === "number" && value > 0 ? value : 0
}

/**
 * Decodes what the classic builder and Podman send: text in which the builder's own lines stand between those of the commands.
 * One step runs at a time. A builder's line is one only where the builder writes one, so that a command that prints the same
 * is not taken for it, as far as this can be told.
 */
export class ClassicDecoder implements BuildDecoder {
  readonly #tracker: StepTracker
  readonly #now: () => number
  #step: TrackedStep | undefined
  #position: StepPosition | undefined
  #stage: string | undefined
  /** The container in which the classic builder runs a command. All text is the command's until the container is removed. */
  #container: string | undefined
  #hasOutput = false
  #lastId: string | undefined
  imageId: string | undefined

  constructor(tracker: StepTracker, now: () => number) {
    this.#tracker = tracker
    this.#now = now
    tracker.measure(() => {
      const { number, of, stage, stages } = this.#position ?? { number: 1, of: 1, stage: 1, stages: 1 }
      return (stage - 1 + (number - 1) / of) / stages
    })
  }

  record(record: Readonly<Record<PropertyKey, unknown>>): void {
    const { aux, status, stream } = record
    if (typeof stream === "string") this.#text(stream)
    else if (isRecord(aux) && typeof aux["ID"] === "string") this.#lastId = aux["ID"]
    else if (typeof status === "string") this.#pull(status, record["id"], record["progressDetail"])
  }

  /** The step that runs is the one that failed. */
  failed(detail: string): TrackedStep | undefined {
    if (this.#step !== undefined) this.#tracker.update(this.#step.id, { error: detail, completed: this.#now() })
    return this.#step
  }

  #text(text: string): void {
    const step = this.#step
    if (this.#container !== undefined && step !== undefined) {
      if (isRemoval(text, this.#container)) this.#container = undefined
      else this.#output(step, text)
      return
    }
    if (this.#begins(text)) return
    // Only the end of the build sends the id that it names here.
    const built = /^Successfully built ([0-9a-f]{12})\n$/.exec(text)?.[1]
    if (built !== undefined && this.#lastId?.replace("sha256:", "").startsWith(built) === true) {
      this.imageId = this.#lastId
      this.#finish()
      this.#tracker.notice(text.trimEnd())
    } else if (
      step === undefined ||
      this.imageId !== undefined ||
      /^(?:(?:\[\d+\/\d+\] )?COMMIT |Successfully tagged )/.test(text)
    ) {
      if (text.trim() !== "") this.#tracker.notice(text.trimEnd())
    } else this.#duringStep(step, text)
  }

  #duringStep(step: TrackedStep, text: string): void {
    const container = runningIn.exec(text)?.[1]
    if (container !== undefined) this.#container = container
    else if (usingCache.test(text) && !this.#hasOutput) this.#tracker.update(step.id, { cached: true })
    else if (layerLine.test(text)) this.#tracker.notice(text.trim(), step.id)
    // The classic builder writes an empty line behind the name of a step.
    else if (text !== "\n" || step.name.includes("STEP")) this.#output(step, text)
  }

  #output(step: TrackedStep, text: string): void {
    this.#hasOutput = true
    const isError = text.startsWith(redBegin) && text.endsWith(redEnd)
    if (isError) this.#tracker.output(step.id, "stderr", text.slice(redBegin.length, -redEnd.length))
    else this.#tracker.output(step.id, "stdout", text)
  }

  /** Begins the step that a text names, if it is the next one. */
  #begins(text: string): boolean {
    const [, stage = "1", stages = "1", number = "", of = "", instruction = ""] = stepLine.exec(text) ?? []
    const position = { stage: Number(stage), stages: Number(stages), number: Number(number), of: Number(of) }
    if (number === "" || !this.#isNext(position)) return false
    this.#finish()
    if (/^FROM\s/i.test(instruction)) this.#stage = stageName.exec(instruction)?.[1]?.toLowerCase()
    const name = text.trimEnd()
    const id = name.slice(0, name.indexOf(":")).trimEnd()
    this.#position = position
    this.#hasOutput = false
    const place = {
      ...(this.#stage === undefined ? {} : { stage: this.#stage }),
      number: position.number,
      of: position.of
    }
    this.#tracker.update(id, { name, place, started: this.#now() })
    this.#step = this.#tracker.find(id)
    return true
  }

  /** Podman leaves out stages that are not needed. */
  #isNext({ number, of, stage, stages }: StepPosition): boolean {
    const before = this.#position
    if (before === undefined || stage > before.stage) return number === 1 && (before?.stages ?? stages) === stages
    return stage === before.stage && number === before.number + 1 && of === before.of
  }

  #finish(): void {
    if (this.#step !== undefined) this.#tracker.update(this.#step.id, { completed: this.#now() })
    this.#step = undefined
  }

  /** The pull of a base image. */
  #pull(status: string, id: unknown, detail: unknown): void {
    const step = this.#step
    const layer = typeof id === "string" ? id : ""
    const [current, total] = [amount(detail, "current"), amount(detail, "total")]
    // The first message has the tag as its id.
    if (step !== undefined && layer !== "" && !status.startsWith("Pulling from ")) {
      const isDone = transferred.test(status)
      // Engines that keep images in containerd repeat themselves ten times a second.
      if (!this.#tracker.part(step.id, layer, { status, current, total, isDone })) return
    }
    if (current === 0) this.#tracker.notice(layer === "" ? status : `${layer}: ${status}`, step?.id)
  }
}
