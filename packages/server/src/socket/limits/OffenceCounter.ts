/** Counts offences in a sliding window. Times are in milliseconds. */
export class OffenceCounter {
  private offences: Array<number> = []

  constructor(
    private readonly limit: number,
    private readonly window: number
  ) {}

  /** Adds an offence. Returns whether the limit is reached. */
  add(now: number): boolean {
    this.offences = this.offences.filter((at) => now - at < this.window)
    this.offences.push(now)
    return this.offences.length >= this.limit
  }
}
