/** `dockwire operations`: lists operations, prints the lines of one, or follows one or all. */
import type { OperationSummary } from "../../../Api/json/ApiTypes.js"
import { connect } from "../../../client/index.js"
import { allOperationsRoom } from "../../../Wire.js"
import { ExitCode, usageFailure } from "../CommandFailure.js"
import { findServer, type ServerAddress } from "../findServer.js"
import { gapText } from "../logs/logMarks.js"
import { LogPrinter } from "../logs/LogPrinter.js"
import { isPlain, note } from "../Output.js"
import { type ParsedCommand, wholeNumber } from "../parseCommand.js"
import { reportConnection } from "../reportConnection.js"
import { RemoteServer } from "../RemoteServer.js"
import { findOperation, listOperations, type OperationsQuery, shortId } from "./findOperation.js"
import { endingText, JsonDisplay, LineDisplay } from "./LineDisplay.js"
import { endText, table, targetText, tookText } from "./operationText.js"
import { exitCodeOf, watchOperation } from "./watchOperation.js"
import { plainText } from "../terminalText.js"

const defaultLimit = 50
/** What the server lists in one answer. */
const pageSize = 500

const heads = ["ID", "KIND", "TARGET", "STATUS", "STARTED", "TOOK"]

const rowOf = (operation: OperationSummary): ReadonlyArray<string> => {
  const { log_id, operation_type, started_at, status } = operation
  const started = started_at.replace(/\.\d+Z$/, "Z")
  return [shortId(log_id), operation_type, plainText(targetText(operation)), status, started, tookText(operation)]
}

const list = async (server: RemoteServer, query: OperationsQuery, limit: number, json: boolean): Promise<void> => {
  const found: Array<OperationSummary> = []
  let cursor: string | undefined
  do {
    const size = Math.min(limit - found.length, pageSize)
    const page = await listOperations(server, { ...query, ...(cursor === undefined ? {} : { cursor }), limit: size })
    if (json) process.stdout.write(page.operations.map((each) => `${JSON.stringify(each)}\n`).join(""))
    if (cursor === undefined && page.history.reason !== undefined) note(page.history.reason)
    found.push(...page.operations)
    cursor = page.next
  } while (cursor !== undefined && found.length < limit)
  if (json) return
  if (found.length === 0) process.stderr.write("There are no operations.\n")
  else process.stdout.write(table([heads, ...found.map(rowOf)]))
}

const print = async (server: RemoteServer, id: string, json: boolean, raw: boolean): Promise<void> => {
  const operation = await findOperation(server, id)
  if (json) process.stdout.write(`${JSON.stringify(operation)}\n`)
  const printer = new LogPrinter({ timestamps: false, prefix: false, json: undefined, split: false, raw }, [], false)
  const { log_id } = operation
  const missing = `the rest of the lines of operation ${log_id}`
  for await (const lines of server.lines("operations.lines", { path: { id: log_id } }, missing)) {
    if (json) process.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
    else for (const line of lines) printer.add({ name: "", ...line })
    printer.flush()
  }
  if (!json) note(endText(operation))
}

/** Prints the lines of all operations from now on. It has no end. */
const followAll = (address: ServerAddress, json: boolean, raw: boolean): Promise<never> =>
  new Promise((_, reject) => {
    const socket = connect(address.url, { token: address.token, reconnectDelayMax: 5_000 })
    const printer = new LogPrinter(
      { timestamps: false, prefix: true, json: json ? "operation" : undefined, split: false, raw },
      [],
      !isPlain(process.stdout)
    )
    const say = (text: string): void => {
      printer.interject()
      note(text)
    }
    reportConnection(socket, say, (failure) => {
      socket.disconnect()
      reject(failure)
    })
    socket.on("docker_log_batch", (data) => {
      const name = "log_id" in data ? `${shortId(data.log_id)} ${data.operation_type}` : data.operation_type
      for (const [timestamp, stream, text, part] of data.lines) printer.add({ name, timestamp, stream, text, part })
      printer.flush()
    })
    socket.on("gap", (gap) => say(gapText("the operations", gap)))
    socket.on("docker_log_complete", (end) => say(`${shortId(end.log_id)} ${endingText(end)}`))
    socket.emit("join", { room: allOperationsRoom })
  })

const statuses = ["waiting", "running", "completed", "failed", "interrupted"] as const

const queryOf = (parsed: ParsedCommand): OperationsQuery => {
  const [kind, given, target, text] = ["kind", "status", "target", "text"].map((name) => parsed.text(name))
  const status = statuses.find((each) => each === given)
  if (given !== undefined && status === undefined) {
    throw usageFailure(`Invalid --status ${JSON.stringify(given)}. Pass one of ${statuses.join(", ")}.`)
  }
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(status === undefined ? {} : { status }),
    ...(target === undefined ? {} : { target }),
    ...(text === undefined ? {} : { text })
  }
}

const filters = ["status", "kind", "target", "text", "limit"]

export const operations = async (parsed: ParsedCommand): Promise<number> => {
  const [id] = parsed.operands
  const [json, raw, isFollowed] = [parsed.isSet("json"), parsed.isSet("raw"), parsed.isSet("follow")]
  const filter = filters.find((name) => parsed.text(name) !== undefined)
  if (filter !== undefined && (id !== undefined || isFollowed)) {
    throw usageFailure(
      `--${filter} belongs to a list. Leave it out, or leave out ${id === undefined ? "--follow" : "the id"}.`
    )
  }
  const limit = wholeNumber(parsed, "limit", 1) ?? defaultLimit
  const address = await findServer(parsed)
  const server = new RemoteServer(address)
  if (id === undefined) {
    if (isFollowed) return followAll(address, json, raw)
    await list(server, queryOf(parsed), limit, json)
    return ExitCode.ok
  }
  if (!isFollowed) {
    await print(server, id, json, raw)
    return ExitCode.ok
  }
  const { log_id } = await findOperation(server, id)
  return exitCodeOf(await watchOperation(address, log_id, json ? new JsonDisplay() : new LineDisplay(raw)).ended)
}
