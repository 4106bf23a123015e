import type { RemoteServer } from "../RemoteServer.js"

/** The names of the stacks that the server knows, and of the compose projects that it found. */
export const stackNames = async (server: RemoteServer): Promise<ReadonlyArray<string>> => {
  const { stacks } = await server.call("stacks.list", {})
  return stacks.map(({ name }) => name)
}
