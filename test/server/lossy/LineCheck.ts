import type { Wire } from "@dockwire/server"

type Gap = Extract<Wire.ServerMessage, { event: "gap" }>["data"]

/** What a client has received of a room whose lines are `number 1`, `number 2` and so on. */
export class LineCheck {
  /** How many numbers are missing, and were said to be. */
  missing = 0
  gaps = 0
  /** How each operation has ended. */
  readonly ends: Array<string> = []
  readonly wrong: Array<string> = []
  private next = 1
  /** How many numbers the gaps since the last line have named; infinite if one has no end. */
  private named = 0

  /** The last number. */
  get last(): number {
    return this.next - 1
  }

  line(text: string): void {
    if (!text.startsWith("number ")) return
    const number = Number(text.slice(7))
    const skipped = number - this.next
    if (skipped < 0) this.wrong.push(`${number} came twice`)
    else if (skipped !== this.named) this.wrong.push(`${skipped} are missing before ${number}, ${this.named} are named`)
    this.missing += Math.max(0, skipped)
    this.named = 0
    this.next = Math.max(this.next, number + 1)
  }

  gap({ from, lines, to }: Gap): void {
    this.gaps++
    const events = typeof from === "number" && typeof to === "number" ? to - from + 1 : Number.POSITIVE_INFINITY
    this.named += lines ?? events
  }

  end(status: string): void {
    this.ends.push(status)
    if (this.ends.length > 1) this.wrong.push(`it ended ${this.ends.length} times`)
  }
}
