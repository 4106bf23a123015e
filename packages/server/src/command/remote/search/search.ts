/** `dockwire search`: finds lines of everything that a server has kept. */
import type { SearchFound, SearchProgress } from "../../../Api/json/ApiTypes.js"
import { CommandFailure, ExitCode, usageFailure } from "../CommandFailure.js"
import { findServer } from "../findServer.js"
import { logTime } from "../logs/logTime.js"
import { isPlain, note } from "../Output.js"
import { type ParsedCommand, wholeNumber } from "../parseCommand.js"
import { RemoteServer } from "../RemoteServer.js"
import { HitPrinter } from "./HitPrinter.js"

const defaultLimit = 1_000

/** A time as the server takes it here: RFC 3339. */
const timeOf = (parsed: ParsedCommand, flag: string): string | undefined => {
  const time = logTime(flag, parsed.text(flag))
  return time === undefined || time.includes("T") || time.includes("t")
    ? time
    : new Date(Number(time) * 1000).toISOString()
}

const limitOf = (parsed: ParsedCommand): number | undefined =>
  parsed.text("limit") === "all" ? undefined : (wholeNumber(parsed, "limit", 1) ?? defaultLimit)

/** What the server is asked. */
const queryOf = (parsed: ParsedCommand) => {
  const [from, to] = [timeOf(parsed, "since"), timeOf(parsed, "until")]
  const [level, stream] = [parsed.text("level"), parsed.text("stream")]
  const sources = (parsed.text("source") ?? "").split(",").flatMap((pattern) => pattern.trim() || [])
  const limit = limitOf(parsed)
  const context = wholeNumber(parsed, "context", 0)
  const q = [
    ...parsed.operands,
    ...(level === undefined ? [] : [`level:${level}`]),
    ...(stream === undefined ? [] : [`stream:${stream}`])
  ].join(" ")
  if (q.trim() === "") throw usageFailure("<query> is empty.")
  return {
    q,
    ...(sources.length === 0 ? {} : { source: sources }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(limit === undefined ? {} : { limit }),
    ...(context === undefined ? {} : { context })
  }
}

/** How far a search is, on the last line of a terminal. */
const progressText = ({ progress: { matches, scannedBytes, totalBytes } }: SearchFound): string => {
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * scannedBytes) / totalBytes)
  return `${matches} found, ${percent} % searched`
}

/** Prints what a server has kept and a query finds, the newest first. */
export const search = async (parsed: ParsedCommand): Promise<number> => {
  const query = queryOf(parsed)
  const server = new RemoteServer(await findServer(parsed))
  const isJson = parsed.isSet("json")
  const printer = new HitPrinter({ isPlain: isPlain(process.stdout) || parsed.isSet("raw"), context: query.context })
  const tell = isPlain(process.stderr) ? () => {} : (text: string) => process.stderr.write(`\r\u001b[K${text}`)
  let last: SearchProgress | undefined
  for await (const elements of server.lines("logs.read", { query }, "the rest of what the search finds")) {
    for (const element of elements) {
      if (element._tag === "Failed") {
        tell("")
        throw new CommandFailure(`The search broke off: ${element.message}`)
      }
      if (element._tag === "SearchWaiting") tell(`Waiting for ${element.ahead} other searches`)
      if (element._tag !== "SearchFound") continue
      last = element.progress
      tell("")
      if (isJson) process.stdout.write(element.hits.map((hit) => `${JSON.stringify(hit)}\n`).join(""))
      else printer.print(element.hits)
      if (last.done === undefined) tell(progressText(element))
    }
  }
  tell("")
  if (last === undefined) throw server.unexpected()
  if (last.unreadable > 0) note(`${last.unreadable} elements could not be read`)
  if (last.done === "limit") note(`the newest ${last.matches} lines. There may be older ones: --limit all finds them`)
  return last.matches > 0 ? ExitCode.ok : ExitCode.failed
}
