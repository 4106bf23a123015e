/** The logs of containers as they are now, over HTTP. */
import type { Endpoint, StreamElements } from "../../../Api/json/ApiTypes.js"
import { CommandFailure } from "../CommandFailure.js"
import { note } from "../Output.js"
import type { RemoteServer } from "../RemoteServer.js"
import { gapText, markText } from "./logMarks.js"
import type { LogPrinter, PrintedLine } from "./LogPrinter.js"

type LogQuery = NonNullable<Endpoint<"containers.logs">["request"]["query"]>

/** A line, or a sentence about what is between two lines. */
type Element = PrintedLine | { readonly note: string; readonly timestamp: string }

const elementOf = (name: string, element: StreamElements["containers.logs"]): Element | undefined => {
  switch (element._tag) {
    case "LogLine": {
      const { part, stream, text, timestamp } = element
      return { name, timestamp, stream, text, part }
    }
    case "LogMark": {
      const { timestamp } = element
      if (element.mark === "gap") return { timestamp, note: gapText(name, element) }
      const exitCode = element.mark === "stopped" ? element.exitCode : undefined
      return {
        timestamp,
        note: markText(name, element.mark, exitCode, element.mark === "engine_error" ? element.message : undefined)
      }
    }
    case "Failed":
      throw new CommandFailure(`The log of ${name} ends early. ${element.message}`)
    case "Position":
      return undefined
  }
}

/** The log of a container, some elements at a time. */
const readLog = async function* (
  server: RemoteServer,
  name: string,
  query: LogQuery
): AsyncGenerator<ReadonlyArray<Element>, void> {
  const missing = `the rest of the log of ${name}`
  for await (const batch of server.lines("containers.logs", { path: { id: name }, query }, missing)) {
    const elements: Array<Element> = []
    for (const each of batch) {
      const element = elementOf(name, each)
      if (element !== undefined) elements.push(element)
    }
    yield elements
  }
}

/** A log that is read along with others. */
class Reading {
  #elements: ReadonlyArray<Element> = []
  #index = 0

  constructor(private readonly batches: AsyncGenerator<ReadonlyArray<Element>, void>) {}

  /** Whether its next element has arrived. */
  get hasNext(): boolean {
    return this.#index < this.#elements.length
  }

  /** The element that comes next; `undefined` at the end, and while it has not arrived. */
  get next(): Element | undefined {
    return this.#elements[this.#index]
  }

  take(): void {
    this.#index++
  }

  /** Waits for the next element. */
  async fetch(): Promise<void> {
    while (!this.hasNext) {
      const batch = await this.batches.next()
      if (batch.done === true) return
      this.#elements = batch.value
      this.#index = 0
    }
  }
}

/** Whether an element continues a line that has begun. */
const continuesLine = (element: Element | undefined): boolean =>
  element !== undefined && "text" in element && (element.part?.index ?? 1) > 1

/** The log whose next element comes first: the rest of a line that has begun, else what is oldest. */
const firstOf = (logs: ReadonlyArray<Reading>): Reading | undefined => {
  let first: Reading | undefined
  for (const log of logs) {
    if (log.next === undefined) continue
    if (continuesLine(log.next)) return log
    if (first?.next === undefined || log.next.timestamp < first.next.timestamp) first = log
  }
  return first
}

/** Prints the logs as they are now, those of several containers in the order of their times. */
export const readLogs = async (
  server: RemoteServer,
  names: ReadonlyArray<string>,
  query: LogQuery,
  printer: LogPrinter
): Promise<void> => {
  const logs = names.map((name) => new Reading(readLog(server, name, query)))
  await Promise.all(logs.map((log) => log.fetch()))
  for (;;) {
    const first = firstOf(logs)
    if (first?.next === undefined) return printer.flush()
    if ("text" in first.next) printer.add(first.next)
    else {
      printer.interject()
      note(first.next.note)
    }
    first.take()
    // Nothing is awaited for a line that has arrived.
    if (!first.hasNext) await first.fetch()
  }
}
