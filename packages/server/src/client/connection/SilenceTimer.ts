/** How much later than due a timer may fire without this program having been busy or suspended, in milliseconds. */
const tolerance = 500
/** How long such a program gets to read what has arrived in the meantime, in milliseconds. */
const grace = 1_000
/** How many times the limit doubles. */
const maxDoublings = 2

/**
 * Detects a connection that looks open but is dead. The server sends at least a heartbeat within the limit, so silence means
 * that nothing gets through: a browser would notice only after minutes.
 *
 * Silence counts from the first heartbeat on: a server that sends none says nothing by its silence. On a connection that is
 * too slow to deliver a large frame within the limit, the limit doubles until the client has caught up.
 */
export class SilenceTimer {
  readonly #limit: number
  readonly #onSilence: (limit: number) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastFrame = 0
  #doublings = 0

  /** `limit` is in milliseconds. */
  constructor(limit: number, onSilence: (limit: number) => void) {
    this.#limit = limit
    this.#onSilence = onSilence
  }

  /** A frame arrived. */
  received(isHeartbeat: boolean): void {
    this.#lastFrame = Date.now()
    if (!isHeartbeat) return
    // The first heartbeat of a connection says nothing about its speed.
    if (this.#timer !== undefined) this.#doublings = 0
    else this.#wait(this.#currentLimit)
  }

  /** The connection closed. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  get #currentLimit(): number {
    return this.#limit * 2 ** this.#doublings
  }

  #wait(delay: number): void {
    if (!Number.isFinite(delay)) return
    const due = Date.now() + delay
    this.#timer = setTimeout(() => this.#check(Date.now() - due), delay)
  }

  #check(late: number): void {
    const limit = this.#currentLimit
    const left = this.#lastFrame + limit - Date.now()
    if (left > 0) return this.#wait(left)
    // Frames may have arrived that this program has not come to read.
    if (late > tolerance) return this.#wait(grace)
    this.stop()
    this.#doublings = Math.min(maxDoublings, this.#doublings + 1)
    this.#onSilence(limit)
  }
}
