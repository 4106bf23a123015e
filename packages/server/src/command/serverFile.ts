/**
 * Where a server of this machine listens: a file in its data directory, for commands that run beside it. It is there while the
 * server runs, and only its owner can read it.
 */
import { randomBytes } from "node:crypto"
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** A server that runs on this machine. */
export interface LocalServer {
  /** The address at which this machine reaches it. */
  readonly url: string
  readonly pid: number
  /** When the process started, in the machine's own unit: with it, the pid is that of one process for ever. */
  readonly startTime?: string
  /** Whether its token is the one in the data directory. Otherwise whoever started it has set one. */
  readonly hasOwnToken: boolean
}

const fileIn = (dataDir: string): string => join(dataDir, "server.json")

/** When a process started, as Linux tells it. `undefined` elsewhere, and if there is no such process. */
const startTimeOf = async (pid: number): Promise<string | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")
  // The program's name is in parentheses, and may contain any character.
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19]
}

const parse = (text: string): LocalServer | undefined => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== "object" || value === null || !("url" in value) || !("pid" in value)) return undefined
  const { pid, url } = value
  if (typeof url !== "string" || typeof pid !== "number" || !URL.canParse(url)) return undefined
  const startTime = "startTime" in value && typeof value.startTime === "string" ? value.startTime : undefined
  const hasOwnToken = "hasOwnToken" in value && value.hasOwnToken === true
  return startTime === undefined ? { url, pid, hasOwnToken } : { url, pid, startTime, hasOwnToken }
}

const isAlive = async ({ pid, startTime }: LocalServer, owner: number): Promise<boolean> => {
  if (startTime !== undefined) {
    // A process of another user that got the same number must not be taken for the server: it would be sent the token.
    const process = await stat(`/proc/${pid}`).catch(() => undefined)
    return process?.uid === owner && (await startTimeOf(pid)) === startTime
  }
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/**
 * Tells commands on this machine where the server in this process listens. Returns what takes that back, unless another server
 * has taken the place since. A directory that cannot be written to keeps no server from running: commands then need an address.
 */
export const writeServerFile = async (
  dataDir: string,
  server: Pick<LocalServer, "url" | "hasOwnToken">
): Promise<() => Promise<void>> => {
  const { pid } = process
  const startTime = await startTimeOf(pid)
  const content: LocalServer = { ...server, pid, ...(startTime === undefined ? {} : { startTime }) }
  const file = fileIn(dataDir)
  const temporary = `${file}.${randomBytes(6).toString("hex")}`
  try {
    await writeFile(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: "wx" })
    await rename(temporary, file)
  } catch {
    await rm(temporary, { force: true }).catch(() => {})
    return async () => {}
  }
  return async () => {
    const current = parse(await readFile(file, "utf8").catch(() => ""))
    if (current?.pid === pid && current.startTime === startTime) await rm(file, { force: true }).catch(() => {})
  }
}

/** The server of this data directory. `undefined` if none runs, also if one ended without removing its file. */
export const readServerFile = async (dataDir: string): Promise<LocalServer | undefined> => {
  const file = fileIn(dataDir)
  try {
    const [text, { uid }] = await Promise.all([readFile(file, "utf8"), stat(file)])
    const server = parse(text)
    return server !== undefined && (await isAlive(server, uid)) ? server : undefined
  } catch {
    return undefined
  }
}

/** The token that the server keeps in its data directory. `undefined` if there is none that can be read. */
export const readServerToken = async (dataDir: string): Promise<string | undefined> => {
  const text = await readFile(join(dataDir, "token"), "utf8").catch(() => "")
  return text.trim() === "" ? undefined : text.trim()
}
