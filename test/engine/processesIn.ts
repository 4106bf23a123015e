import { readdir, readFile, readlink } from "node:fs/promises"

/** The command lines of the processes that work in a folder. */
export const processesIn = async (folder: string): Promise<ReadonlyArray<string>> => {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    ids.map(async (id) =>
      (await readlink(`/proc/${id}/cwd`).catch(() => "")) === folder
        ? [(await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ")]
        : []
    )
  )
  return found.flat()
}
