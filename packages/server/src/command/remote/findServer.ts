/** Which server a command asks, and with which token. */
import { defaultDataDir, isLoopback } from "../../Config.js"
import { readServerFile, readServerToken } from "../serverFile.js"
import { CommandFailure, ExitCode, usageFailure } from "./CommandFailure.js"
import type { ParsedCommand } from "./parseCommand.js"

/** A server, and a token for it. */
export interface ServerAddress {
  readonly url: string
  readonly token: string
}

/** The address that was given, with a scheme. */
const parseAddress = (text: string): URL => {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined
  if (url === undefined || !/^(http|ws)s?:$/.test(url.protocol) || url.hostname === "") {
    throw usageFailure(
      `Invalid server ${JSON.stringify(text)}. Set --server or DOCKWIRE_SERVER to an address such as http://127.0.0.1:7070.`
    )
  }
  url.protocol = url.protocol.replace(/^ws/, "http")
  url.search = ""
  url.hash = ""
  return url
}

/** Whether both are the same port of this machine. */
const isSameServer = (given: URL, local: string): boolean => {
  const own = new URL(local)
  const name = given.hostname.replace(/^\[|\]$/g, "")
  return given.port === own.port && (given.hostname === own.hostname || isLoopback(name))
}

/** Finds the server. What is not given is taken from the server that runs on this machine. */
export const findServer = async (parsed: ParsedCommand): Promise<ServerAddress> => {
  const server = parsed.text("server")
  const token = parsed.text("token")
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw usageFailure(
      "The token contains whitespace or non-ASCII characters. Set DOCKWIRE_TOKEN to a token of the server."
    )
  }
  const given = server === undefined ? undefined : parseAddress(server)
  if (given !== undefined && token !== undefined) return { url: given.href, token }
  const dataDir = parsed.text("data-dir") ?? defaultDataDir()
  const local = await readServerFile(dataDir)
  if (given === undefined && local === undefined) {
    throw new CommandFailure(
      `No server of ${dataDir} runs on this machine. Start one with "dockwire serve", or set --server and DOCKWIRE_TOKEN to the address and a token of another one.`,
      ExitCode.failed
    )
  }
  // The token of the server on this machine is sent to that server only.
  const own = local !== undefined && (given === undefined || isSameServer(given, local.url)) ? local : undefined
  const url = given?.href ?? own?.url ?? ""
  if (token !== undefined) return { url, token }
  if (own === undefined) {
    throw new CommandFailure(
      `There is no token for ${url}. Set DOCKWIRE_TOKEN to one of its tokens; "dockwire token create" makes them on the machine of the server.`
    )
  }
  const kept = own.hasOwnToken ? undefined : await readServerToken(dataDir)
  if (kept !== undefined) return { url, token: kept }
  const why = own.hasOwnToken ? "was started with a token of its own" : `has a token in ${dataDir} that you cannot read`
  throw new CommandFailure(
    `The server at ${url} ${why}. Set DOCKWIRE_TOKEN to it, or to one that "dockwire token create" made.`
  )
}
