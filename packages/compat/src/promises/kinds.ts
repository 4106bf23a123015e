import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Operation } from "@dockwire/core/Operation"
import type { CompatServices } from "../run/servicesLayer.js"

/** What core's effects need. Those that pull the image of a container need `Images` too: see `withImages`. */
export type Requirements = CompatServices | Scope.Scope

/** A tagged error is an effect, too. */
export const isEffect = (value: unknown): value is Effect.Effect<unknown, unknown, Requirements> =>
  Effect.isEffect(value) && !(value instanceof Error)

/** An effect is a stream, too: ask for it first. */
export const isStream = (value: unknown): value is Stream.Stream<unknown, unknown, CompatServices> =>
  typeof value === "object" && value !== null && Stream.StreamTypeId in value && !(value instanceof Error)

export const isOperation = (value: unknown): value is Operation<unknown, unknown, CompatServices> =>
  typeof value === "object" && value !== null && "kind" in value && "steps" in value && isStream(value.steps)

/** An object that holds nothing but fields, as options and results do. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value

const streamOf = (value: unknown): unknown =>
  isAsyncIterable(value) ? Stream.fromAsyncIterable(value, (error) => error) : value

/** An argument as core takes it: async iterables, also those in options, become streams. */
export const coreArgument = (argument: unknown): unknown =>
  isRecord(argument) && Object.values(argument).some(isAsyncIterable)
    ? Object.fromEntries(Object.entries(argument).map(([name, value]) => [name, streamOf(value)]))
    : streamOf(argument)
