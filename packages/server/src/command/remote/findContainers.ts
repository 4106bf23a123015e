import { CommandFailure } from "./CommandFailure.js"
import { didYouMean } from "./nearNames.js"
import { type RemoteServer, RequestRefused } from "./RemoteServer.js"

/** The names of all containers. */
export const containerNames = async (server: RemoteServer): Promise<ReadonlyArray<string>> => {
  const listed = await server.call("containers.list", { query: { all: true } })
  const isList: boolean = Array.isArray(listed)
  if (!isList) throw server.unexpected()
  return listed.flatMap(({ name }) => (name === "" ? [] : [name]))
}

/** Checks that the containers exist. Returns each once, by the first of the names that were given for it. */
export const findContainers = async (
  server: RemoteServer,
  given: ReadonlyArray<string>
): Promise<ReadonlyArray<string>> => {
  const found = new Map<string, string>()
  await Promise.all(
    given.map(async (name) => {
      try {
        const { id } = await server.call("containers.inspect", { path: { id: name } })
        if (typeof id !== "string") throw server.unexpected()
        return [id, name] as const
      } catch (error) {
        if (!(error instanceof RequestRefused) || error.error._tag !== "ContainerNotFound") throw error
        const names = await containerNames(server).catch(() => [])
        throw new CommandFailure(
          `There is no container named ${JSON.stringify(name)}.${didYouMean(name, names)} "docker ps -a" lists all.`
        )
      }
    })
  ).then((pairs) => {
    for (const [id, name] of pairs) if (!found.has(id)) found.set(id, name)
  })
  return [...found.values()]
}
