import { isRecord } from "effect/Predicate"
import type { OperationStep } from "../../../Operation.js"
import { isImageStep } from "../baseImage.js"
import type { BuildDecoder } from "./buildDecoder.js"
import { JsonLines } from "../../api/streams/jsonLines.js"
import type { StepTracker } from "./stepTracker.js"
import type { TrackedStep } from "./trackedStep.js"

/** How many bytes a line may have. The engine's own are at most some hundred kilobytes. */
const maxLineBytes = 64 * 1024 * 1024

/** The error that a builder ends with. */
export interface BuilderError {
  readonly detail: string
  /** The exit code of the command that failed, from builders that tell it apart from the text. */
  readonly code?: number
}

/** The error in a record, if it has one: `error`, `errorDetail`, or both. */
const errorOf = ({ error, errorDetail }: Readonly<Record<PropertyKey, unknown>>): BuilderError | undefined => {
  const { code, message } = isRecord(errorDetail) ? errorDetail : {}
  const detail = typeof message === "string" && message !== "" ? message : error
  // In Go's JSON, null is absent.
  if (detail == null && errorDetail == null) return undefined
  return {
    detail: typeof detail === "string" ? detail.trim() : JSON.stringify(detail ?? errorDetail),
    ...(typeof code === "number" && code > 0 ? { code } : {})
  }
}

/** The response to `POST /build`: its bytes become steps of the operation, and at the end it is known how the build ended. */
export class BuildOutput {
  readonly #tracker: StepTracker
  readonly #decoder: BuildDecoder
  readonly #lines = new JsonLines(maxLineBytes)
  /** The error of the build, if it failed. */
  error: BuilderError | undefined
  /** The step that failed, if the build failed at a step. Known at the end. */
  failedStep: TrackedStep | undefined

  constructor(tracker: StepTracker, decoder: BuildDecoder) {
    this.#tracker = tracker
    this.#decoder = decoder
  }

  /** The id of the image, if the build succeeded. */
  get imageId(): string | undefined {
    return this.error === undefined ? this.#decoder.imageId : undefined
  }

  /**
   * The step that waits for a registry, if the builder does nothing else. A command that runs may be silent for hours, and so
   * may the transfer of the context.
   */
  get fetching(): TrackedStep | undefined {
    const running = [...this.#tracker.steps].filter(({ state }) => state === "running")
    return running.every((step) => isImageStep(step.name) && step.isFetching) ? running[0] : undefined
  }

  /** Whether there was anything since the last call that the builder had not said before. */
  takeNews(): boolean {
    return this.#tracker.takeNews()
  }

  /** The steps that a chunk of the response completes. */
  push(chunk: Uint8Array): ReadonlyArray<OperationStep<never>> {
    for (const value of this.#lines.push(chunk)) this.#record(value)
    return this.#tracker.take()
  }

  /** The last steps, at the end of the response. */
  end(): ReadonlyArray<OperationStep<never>> {
    for (const value of this.#lines.end()) this.#record(value)
    this.#tracker.end()
    if (this.error !== undefined) this.failedStep = this.#decoder.failed(this.error.detail)
    else if (this.imageId !== undefined) this.#tracker.complete()
    return this.#tracker.take()
  }

  #record(value: unknown): void {
    // Records that are no objects are not the engine's, and shown as they are.
    if (!isRecord(value)) return this.#tracker.notice(typeof value === "string" ? value : JSON.stringify(value))
    this.error ??= errorOf(value)
    this.#decoder.record(value)
  }
}
