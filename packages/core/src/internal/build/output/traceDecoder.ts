import { isRecord } from "effect/Predicate"
import type { BuildDecoder } from "./buildDecoder.js"
import { decodeStatusResponse, type StatusResponse } from "./statusResponse.js"
import { parseStepName } from "./stepName.js"
import type { StepTracker } from "./stepTracker.js"
import type { TrackedStep } from "./trackedStep.js"

/** Decodes what BuildKit sends: records with a `StatusResponse` each, and the id of the image. */
export class TraceDecoder implements BuildDecoder {
  readonly #tracker: StepTracker
  imageId: string | undefined

  constructor(tracker: StepTracker) {
    this.#tracker = tracker
    tracker.measure(() => this.#share())
  }

  record(record: Readonly<Record<PropertyKey, unknown>>): void {
    const { aux, id } = record
    if (id === "moby.image.id" && isRecord(aux)) {
      if (typeof aux["ID"] === "string") this.imageId = aux["ID"]
    } else if (id === "moby.buildkit.trace" && typeof aux === "string") this.#trace(aux)
    // 20.10 says here which tags it has set.
    else if (typeof record["stream"] === "string") {
      for (const line of record["stream"].split("\n")) if (line.trim() !== "") this.#tracker.notice(line)
    }
  }

  /**
   * The error of the build is that of the step that failed, with words in front. Steps that were stopped because of it have
   * errors too.
   */
  failed(detail: string): TrackedStep | undefined {
    const failed = [...this.#tracker.steps].filter((step) => step.state === "failed")
    return (
      failed.find(({ error = "" }) => detail === error) ??
      failed.find(({ error = "" }) => detail.endsWith(error)) ??
      failed.find(({ error = "" }) => detail.includes(error)) ??
      (failed.length === 1 ? failed[0] : undefined)
    )
  }

  #trace(aux: string): void {
    let response: StatusResponse
    try {
      response = decodeStatusResponse(Buffer.from(aux, "base64"))
    } catch {
      return this.#tracker.notice("WARNING: a progress report of the builder cannot be decoded")
    }
    this.apply(response)
  }

  /** Takes in what has changed. */
  apply({ logs, statuses, vertexes, warnings }: StatusResponse): void {
    const tracker = this.#tracker
    for (const { digest, name } of vertexes) tracker.announce(digest, { name, place: parseStepName(name) })
    for (const { cached, completed, digest, error, started } of vertexes) {
      tracker.update(digest, { cached, started, completed, error })
    }
    for (const { current, id, isCompleted, name, total, vertex } of statuses) {
      // Some names say the same as the id, such as `transferring` and `transferring context:`.
      const status = (id.startsWith(name) ? id : `${name} ${id}`).replace(/:$/, "")
      tracker.part(vertex, id, { status, current, total, isDone: isCompleted })
      if (isCompleted) tracker.notice(`${id} done`, vertex)
    }
    for (const { message, stream, vertex } of logs) tracker.output(vertex, stream, message)
    for (const { text, vertex } of warnings) tracker.notice(`WARNING: ${text}`, vertex)
  }

  /**
   * The share of the instructions that are done, with the export of the image as one more. Unknown until BuildKit has announced
   * the instructions, which it does all at once.
   */
  #share(): number {
    let [instructions, done] = [0, 0]
    for (const step of this.#tracker.steps) {
      const isInstruction = step.place.number !== undefined
      if (isInstruction) instructions++
      if (isInstruction || step.name === "exporting to image") done += step.share
    }
    return instructions === 0 ? 0 : done / (instructions + 1)
  }
}
