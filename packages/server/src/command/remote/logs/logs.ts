/** `dockwire logs`: prints or follows the logs of containers. */
import { usageFailure } from "../CommandFailure.js"
import { findContainers } from "../findContainers.js"
import { findServer } from "../findServer.js"
import { isPlain } from "../Output.js"
import { type ParsedCommand, wholeNumber } from "../parseCommand.js"
import { RemoteServer } from "../RemoteServer.js"
import { followLogs } from "./followLogs.js"
import { LogPrinter } from "./LogPrinter.js"
import { logTime } from "./logTime.js"
import { readLogs } from "./readLogs.js"

/** Everything that the engine still has. */
const all = "1"

export const logs = async (parsed: ParsedCommand): Promise<void> => {
  const isFollowed = parsed.isSet("follow")
  const tail = parsed.text("tail") === "all" ? undefined : wholeNumber(parsed, "tail", 0)
  const since = logTime("since", parsed.text("since"))
  const until = logTime("until", parsed.text("until"))
  if (isFollowed && until !== undefined)
    throw usageFailure("--until ends a log, and --follow does not. Pass one of them.")
  const address = await findServer(parsed)
  const server = new RemoteServer(address)
  const names = await findContainers(server, parsed.operands)
  const format = {
    timestamps: parsed.isSet("timestamps"),
    prefix: names.length > 1 && !parsed.isSet("no-prefix"),
    raw: parsed.isSet("raw"),
    split: true,
    json: parsed.isSet("json") ? "container" : undefined
  }
  const printer = new LogPrinter(format, names, !isPlain(process.stdout))
  if (!isFollowed) {
    const query = {
      ...(tail === undefined ? {} : { tail }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until })
    }
    return readLogs(server, names, query, printer)
  }
  const start = {
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? (tail === undefined ? { since: all } : {}) : { since })
  }
  await followLogs(address, names, start, printer)
}
