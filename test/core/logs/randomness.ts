/** Random numbers that can be reproduced with their seed. */
export interface Randomness {
  readonly seed: number
  /** A whole number from `low` to `high`, inclusive. */
  readonly between: (low: number, high: number) => number
  readonly pick: <A>(items: readonly [A, ...ReadonlyArray<A>]) => A
}

/** Randomness from a seed (mulberry32). */
export const randomnessOf = (seed: number): Randomness => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return { seed, between, pick: (items) => items[between(0, items.length - 1)] ?? items[0] }
}

/** Prints a new seed each time. Reproduce a failure with `DOCKWIRE_TEST_SEED=... npx vitest run FILE`. */
export const randomness = (name: string): Randomness => {
  const given = Number(process.env["DOCKWIRE_TEST_SEED"] ?? "")
  const seed = Number.isInteger(given) && given > 0 ? given : 1 + Math.floor(Math.random() * 0x7fff_fffe)
  console.log(`${name}: seed ${seed}`)
  return randomnessOf(seed)
}
