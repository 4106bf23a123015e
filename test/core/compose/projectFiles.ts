import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"

/** Writes the files of a project into a new folder, and returns its path. */
export const writeProject = async (
  parent: string,
  name: string,
  files: Readonly<Record<string, string>>
): Promise<string> => {
  const folder = join(parent, name)
  await mkdir(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), text)
  }
  return folder
}
