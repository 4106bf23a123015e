import { readFile } from "node:fs/promises"

/** The license texts of the packages in a bundle, which must be passed on. Paths are relative to the working directory. */
export const licenses = async ({ inputs }) => {
  const folders = Object.keys(inputs).map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0])
  const texts = Array.from(new Set(folders))
    .filter((path) => path !== undefined)
    .sort()
    .map(async (path) => `${path.split("node_modules/").at(-1)}\n\n${await readFile(`${path}/LICENSE`, "utf8")}`)
  return (await Promise.all(texts)).join("\n---\n\n")
}
