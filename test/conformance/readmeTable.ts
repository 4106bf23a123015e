import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"

/** The README that shows the table. */
export const readme = fileURLToPath(new URL("../../packages/core/README.md", import.meta.url))

const begin = "<!-- The table is written by `npm run conformance -- --write`. -->"
const end = "<!-- The end of the table. -->"

const parts = (text: string): readonly [before: string, table: string, after: string] => {
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to < from) throw new Error(`${readme} has no place for the table: ${begin} and ${end}`)
  return [text.slice(0, from + begin.length), text.slice(from + begin.length, to), text.slice(to)]
}

/** The table as it stands there. */
export const readTable = async (): Promise<string> => parts(await readFile(readme, "utf8"))[1].trim()

/** Puts a new one in its place. */
export const writeTable = async (table: string): Promise<void> => {
  const [before, , after] = parts(await readFile(readme, "utf8"))
  await writeFile(readme, `${before}\n\n${table}\n\n${after}`)
}
