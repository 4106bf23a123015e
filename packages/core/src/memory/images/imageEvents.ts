import type * as Effect from "effect/Effect"
import type { EngineState } from "../state/engineState.js"
import type { MemoryImage } from "../state/images/imageStore.js"

/** Publishes an event of an image: under its id unless another one is given, with its labels. */
export const emitImageEvent = (
  state: EngineState,
  image: MemoryImage,
  action: string,
  { id = image.id, name = image.id }: { readonly id?: string; readonly name?: string } = {}
): Effect.Effect<void> => state.journal.publish("image", action, id, { ...image.config.labels, name })
