import { setImmediate } from "node:timers/promises"

/** For how many milliseconds one turn may keep this process from anything else. */
const turnLength = 3

/** A turn of the event loop. Work that never waits takes turns with everything else in the process. */
export class LoopTurn {
  #end = performance.now() + turnLength

  get isOver(): boolean {
    return performance.now() > this.#end
  }

  /** Called when everything else has just had its turn. */
  begin(): void {
    this.#end = performance.now() + turnLength
  }

  /** Lets everything else have its turn. */
  async next(): Promise<void> {
    await setImmediate()
    this.begin()
  }
}
