/** Who wants to know when something ends that has a key: a token, a session. */
export class Endings {
  private readonly waiting = new Map<string, Set<() => void>>()

  /** Calls `end` once when this ends. Returns what forgets it again. */
  add(key: string, end: () => void): () => void {
    const ends = this.waiting.get(key) ?? new Set()
    this.waiting.set(key, ends)
    ends.add(end)
    return () => {
      ends.delete(end)
      if (ends.size === 0 && this.waiting.get(key) === ends) this.waiting.delete(key)
    }
  }

  /** The keys whose ending somebody wants to know of. */
  keys(): ReadonlyArray<string> {
    return [...this.waiting.keys()]
  }

  /** Tells that this has ended. */
  end(key: string): void {
    const ends = this.waiting.get(key)
    this.waiting.delete(key)
    for (const end of ends ?? []) end()
  }
}
