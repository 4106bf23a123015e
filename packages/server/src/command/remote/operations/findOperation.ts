import type { Endpoint, OperationPage, OperationSummary } from "../../../Api/json/ApiTypes.js"
import { CommandFailure } from "../CommandFailure.js"
import { type RemoteServer, RequestRefused } from "../RemoteServer.js"

/** Which operations to list. */
export type OperationsQuery = NonNullable<Endpoint<"operations.list">["request"]["query"]>

/** Lists operations, the newest first. */
export const listOperations = async (server: RemoteServer, query: OperationsQuery): Promise<OperationPage> => {
  const page = await server.call("operations.list", { query })
  const isList: boolean = Array.isArray(page.operations)
  if (!isList) throw server.unexpected()
  return page
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

/** What a list shows of an id. */
export const shortId = (logId: string): string => logId.slice(0, 13)

/** The operation that this id, or the beginning of one, belongs to. */
export const findOperation = async (server: RemoteServer, given: string): Promise<OperationSummary> => {
  const id = given.toLowerCase()
  try {
    if (uuid.test(id)) return await server.call("operations.get", { path: { id } })
  } catch (error) {
    if (!(error instanceof RequestRefused) || error.error._tag !== "OperationNotFound") throw error
  }
  const isPrefix = /^[\da-f][\da-f-]*$/.test(id) && id.length < 36
  const { operations } = isPrefix ? await listOperations(server, { text: id, limit: 500 }) : { operations: [] }
  const [found, another] = operations.filter(({ log_id }) => log_id.startsWith(id))
  if (found === undefined) {
    throw new CommandFailure(
      `There is no operation ${JSON.stringify(given)}, or it is no longer kept. "dockwire operations" lists those that are.`
    )
  }
  if (another !== undefined) {
    throw new CommandFailure(
      `Several operations begin with ${JSON.stringify(given)}, such as ${found.log_id} and ${another.log_id}. Pass more of the id.`
    )
  }
  return found
}
