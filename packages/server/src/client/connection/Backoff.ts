/** Delays between attempts to connect. */
export interface Backoff {
  /** The next delay in milliseconds. Delays double up to a maximum and are jittered. */
  readonly next: () => number
  /** Starts over with the shortest delay. */
  readonly reset: () => void
  /** The number of delays handed out since the last `reset`. */
  readonly attempts: () => number
}

/** Creates delays from `first` to `longest` milliseconds, each shortened by up to half at random. */
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
