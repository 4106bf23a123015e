import * as Predicate from "effect/Predicate"

type Properties = Readonly<Record<string, unknown>>

const isProperties = (value: unknown): value is Properties => Predicate.isReadonlyRecord(value) && !Array.isArray(value)

/**
 * Merges properties of a request over others. Objects are merged property by property; arrays and all other values are
 * replaced. Properties that are `undefined` are ignored.
 */
export const mergeProperties = (base: Properties, over: Properties): Record<string, unknown> => {
  const merged = new Map(Object.entries(base))
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue
    const before = merged.get(key)
    merged.set(key, isProperties(before) && isProperties(value) ? mergeProperties(before, value) : value)
  }
  // Unlike assignment, this treats the key `__proto__` like any other.
  return Object.fromEntries(merged)
}
