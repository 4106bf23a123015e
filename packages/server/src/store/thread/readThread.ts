/** A thread that reads: pages, searches, counts. */
import type { MessagePort } from "node:worker_threads"
import { countLines } from "../find/countLines.js"
import { listSources } from "../read/listSources.js"
import type { ReadCalls, ThreadData } from "./messages.js"
import { openForReading } from "../database/openFile.js"
import { readPage } from "../read/readPage.js"
import { SearchRun } from "../find/SearchRun.js"
import { answerCall, type CallMessage } from "./serveCalls.js"
import { Units } from "../read/Units.js"

export const runReadThread = (port: MessagePort, { file }: ThreadData): void => {
  const connection = openForReading(file)
  const units = new Units(connection)
  const searches = new Map<number, SearchRun>()
  const pause = () => new Promise<void>((resolve) => setImmediate(resolve))

  const close = (): void => {
    connection.close()
    setImmediate(() => port.close())
  }

  const call = (message: CallMessage<ReadCalls>): unknown => {
    switch (message.call) {
      case "page":
        return readPage(units, message.takes)
      case "sources":
        return listSources(connection, units)
      case "histogram":
        return countLines(units, message.takes, pause)
      case "beginSearch": {
        searches.set(message.takes.id, new SearchRun(units, message.takes.task))
        return undefined
      }
      case "continueSearch": {
        const id = message.takes
        const search = searches.get(id)
        if (search === undefined) throw new Error("The search has ended.")
        return search.next(pause, () => searches.has(id))
      }
      case "endSearch": {
        searches.delete(message.takes)
        return undefined
      }
      case "close":
        return close()
    }
  }
  port.on("message", (message: CallMessage<ReadCalls>) => void answerCall(message.port, () => call(message)))
}
