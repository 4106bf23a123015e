/** Draws the progress of operations on a terminal: a bar for the whole, and a row for each item that is in progress. */
import { type LogEvent, LogSink, type OperationProgress } from "@dockwire/core"
import { Effect, Layer } from "effect"
import type { WriteStream } from "node:tty"

export const bar = (share: number, width = 30): string => "█".repeat(Math.round(share * width)).padEnd(width, "░")

export const percent = (fraction: number): string => `${Math.floor(fraction * 100)} %`

const row = ({ current, id, status, step, total }: OperationProgress): string => {
  const amount = current === undefined ? "" : ` ${current}${total === undefined ? "" : `/${total}`}`
  return `  ${step?.name ?? id}: ${status}${amount}`
}

const isOver = ({ status }: OperationProgress): boolean =>
  /^(waiting|done|cached|failed|canceled|pull complete|already exists)$/i.test(status)

/** What is on a terminal, drawn anew for each batch of events. */
export interface Drawing {
  readonly update: (event: LogEvent) => void
  /** At most so many lines. */
  readonly lines: (rows: number) => ReadonlyArray<string>
}

const bars = (): Drawing => {
  const items = new Map<string, OperationProgress>()
  let fraction = 0
  return {
    update: (event) => {
      if (event._tag !== "OperationProgress") return
      fraction = event.fraction ?? fraction
      if (isOver(event)) items.delete(event.id)
      else items.set(event.id, event)
    },
    lines: (rows) => [`${bar(fraction)} ${percent(fraction)}`, ...Array.from(items.values(), row)].slice(0, rows)
  }
}

/** A drawing on a terminal. The events of a batch are drawn together, so a slow terminal gets fewer drawings. */
const layerTerminal = (terminal: WriteStream, make: () => Drawing): Layer.Layer<LogSink> =>
  Layer.scoped(
    LogSink,
    Effect.suspend(() => {
      const drawing = make()
      let drawn = 0
      /** Moves to where the last drawing began, clears it, and draws again. */
      const redrawn = () => {
        const lines = drawing.lines(Math.max(1, terminal.rows - 1))
        const back = drawn === 0 ? "\r" : `\u001b[${drawn}A\r`
        drawn = lines.length
        return `${back}\u001b[J${lines.map((line) => `${line.slice(0, terminal.columns - 1)}\n`).join("")}`
      }
      return LogSink.buffered({
        name: "terminal",
        write: (events) =>
          Effect.async<void>((resume) => {
            for (const event of events) drawing.update(event)
            terminal.write(redrawn(), () => resume(Effect.void))
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

/** A drawing if standard output is a terminal, and lines if not. */
export const layerDrawing = (make: () => Drawing): Layer.Layer<LogSink> =>
  process.stdout.isTTY ? layerTerminal(process.stdout, make) : layerLines

/** Bars if standard output is a terminal, and lines if not. */
export const layerProgress: Layer.Layer<LogSink> = layerDrawing(bars)
