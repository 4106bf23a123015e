/** How long to wait before the next attempt to connect. */
export interface Backoff {
  /** The next delay in milliseconds: each is about twice the one before, and never the same for all clients. */
  readonly next: () => number
  /** The connection was good: begin again with the shortest delay. */
  readonly reset: () => void
  /** How many delays were handed out since the last `reset`. */
  readonly attempts: () => number
}

/** Delays from `first` to `longest` milliseconds, each with up to half of it taken off at random. */
export const makeBackoff = (first: number, longest: number, random: () => number = Math.random): Backoff => {
  let attempts = 0
  return {
    next: () => {
      const full = Math.min(longest, first * 2 ** Math.min(attempts, 30))
      attempts++
      return Math.round(full * (1 - random() / 2))
    },
    reset: () => {
      attempts = 0
    },
    attempts: () => attempts
  }
}
