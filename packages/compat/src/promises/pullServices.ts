import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { images } from "../run/services.js"
import { isEffect, isRecord, isStream } from "./kinds.js"

/** Whether an argument lets a method pull images, for which it needs the service `Images`. */
export const mayPull = (argument: unknown): boolean =>
  isRecord(argument) && (argument["pull"] === "missing" || argument["pull"] === "always")

const loadImages = Effect.promise(() => import("@dockwire/core/Images"))

/** What a method has returned, with the service `Images`. */
export const withImages = (returned: unknown): unknown => {
  if (isEffect(returned))
    return Effect.flatMap(loadImages, ({ Images }) => Effect.provideServiceEffect(returned, Images, images))
  if (isStream(returned))
    return Stream.unwrap(Effect.map(loadImages, ({ Images }) => Stream.provideServiceEffect(returned, Images, images)))
  return returned
}
