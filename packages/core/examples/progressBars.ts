/** Draws the progress of operations on a terminal: a bar for the whole, and a row for each item that is in progress. */
import { type LogEvent, LogSink, type OperationProgress } from "@dockwire/core"
import { Effect, Layer } from "effect"
import type { WriteStream } from "node:tty"

const width = 30

const bar = (share: number): string => "█".repeat(Math.round(share * width)).padEnd(width, "░")

const row = ({ current, id, status, step, total }: OperationProgress): string => {
  const amount = current === undefined ? "" : ` ${current}${total === undefined ? "" : `/${total}`}`
  return `  ${step?.name ?? id}: ${status}${amount}`
}

const isOver = ({ status }: OperationProgress): boolean =>
  /^(waiting|done|cached|failed|canceled|pull complete|already exists)$/i.test(status)

/** What is on the terminal. */
class Bars {
  readonly #items = new Map<string, OperationProgress>()
  #fraction = 0
  #drawn = 0

  update(event: LogEvent): void {
    if (event._tag !== "OperationProgress") return
    this.#fraction = event.fraction ?? this.#fraction
    if (isOver(event)) this.#items.delete(event.id)
    else this.#items.set(event.id, event)
  }

  /** Moves to where the last drawing began, clears it, and draws again. */
  drawing({ columns, rows }: WriteStream): string {
    const whole = `${bar(this.#fraction)} ${Math.floor(this.#fraction * 100)} %`
    const lines = [whole, ...Array.from(this.#items.values(), row)].slice(0, Math.max(1, rows - 1))
    const back = this.#drawn === 0 ? "\r" : `\u001b[${this.#drawn}A\r`
    this.#drawn = lines.length
    return `${back}\u001b[J${lines.map((line) => `${line.slice(0, columns - 1)}\n`).join("")}`
  }
}

/** Bars on a terminal. The events of a batch make one drawing, so a slow terminal gets fewer of them. */
const layerBars = (terminal: WriteStream): Layer.Layer<LogSink> =>
  Layer.scoped(
    LogSink,
    Effect.suspend(() => {
      const bars = new Bars()
      return LogSink.buffered({
        name: "bars",
        write: (events) =>
          Effect.async<void>((resume) => {
            for (const event of events) bars.update(event)
            terminal.write(bars.drawing(terminal), () => resume(Effect.void))
          })
      })
    })
  )

/** The lines of an operation, as the docker command prints them where it has no terminal. */
const layerLines: Layer.Layer<LogSink> = Layer.succeed(LogSink, {
  offer: (events) => {
    for (const event of events) if (event._tag === "OperationLine") process.stdout.write(`${event.text}\n`)
  },
  flush: Effect.void
})

/** Bars if standard output is a terminal, and lines if not. */
export const layerProgress: Layer.Layer<LogSink> = process.stdout.isTTY ? layerBars(process.stdout) : layerLines
