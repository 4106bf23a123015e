import { execFileSync } from "node:child_process"
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { createServer } from "node:net"

/** What a test puts at a path: the text of a file, or something else. */
export type TestFile =
  | string
  | { readonly text: string; readonly mode: number }
  | { readonly link: string }
  | { readonly special: "fifo" | "socket" | "folder" }

/** A folder for a build. */
export interface ContextFiles {
  readonly path: string
  readonly add: (files: Readonly<Record<string, TestFile>>) => Promise<void>
  readonly remove: () => Promise<void>
}

const leaveSocket = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    // Closing the server would remove its socket. Another process leaves it when it is killed.
    const server = createServer().on("error", reject)
    server.listen(path, () => {
      server.unref()
      resolve()
    })
  })

const write = async (path: string, file: TestFile): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  if (typeof file === "string") await writeFile(path, file)
  else if ("text" in file) {
    await writeFile(path, file.text)
    await chmod(path, file.mode)
  } else if ("link" in file) await symlink(file.link, path)
  else if (file.special === "fifo") execFileSync("mkfifo", [path])
  else if (file.special === "socket") await leaveSocket(path)
  else await mkdir(path, { recursive: true })
}

/** Creates a folder with files in it. */
export const contextFiles = async (files: Readonly<Record<string, TestFile>>): Promise<ContextFiles> => {
  const path = await mkdtemp(join(tmpdir(), "dockwire-context-"))
  const add = async (more: Readonly<Record<string, TestFile>>): Promise<void> => {
    for (const [name, file] of Object.entries(more)) await write(join(path, name), file)
  }
  await add(files)
  return { path, add, remove: () => rm(path, { recursive: true, force: true }) }
}
