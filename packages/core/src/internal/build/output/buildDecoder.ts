import type { TrackedStep } from "./trackedStep.js"

/** Decodes the records of a builder's response. The error of the build is not passed to `record`. */
export interface BuildDecoder {
  readonly record: (record: Readonly<Record<PropertyKey, unknown>>) => void
  /** Called at the end of a build that failed, with the error. Returns the step that failed, if it was a step. */
  readonly failed: (detail: string) => TrackedStep | undefined
  /** The id of the image, once the builder has said that the build succeeded. */
  readonly imageId: string | undefined
}
