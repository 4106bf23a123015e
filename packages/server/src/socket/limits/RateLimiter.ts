/** A token bucket: allows bursts, and a steady rate over time. Times are in milliseconds. */
export class RateLimiter {
  private tokens: number
  private last: number

  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
    now: number
  ) {
    this.tokens = burst
    this.last = now
  }

  /** Takes a token. Returns false if there is none. */
  tryAcquire(now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.last) / 1000) * this.perSecond)
    this.last = now
    if (this.tokens < 1) return false
    this.tokens--
    return true
  }
}
