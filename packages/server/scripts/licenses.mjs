import { readdir, readFile } from "node:fs/promises"

/** The license of a package: its text, or its name where the package has no text. */
const license = async (folder) => {
  const files = (await readdir(folder)).filter((name) => /^licen[cs]e(?:[.-]|$)/i.test(name)).sort()
  if (files.length > 0) {
    return (await Promise.all(files.map((name) => readFile(`${folder}/${name}`, "utf8")))).join("\n")
  }
  const { license: name } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"))
  if (typeof name !== "string") throw new Error(`${folder} has no license`)
  return `License: ${name}\n`
}

/** The licenses of the packages in a bundle, which must be passed on. Paths are relative to the working directory. */
export const licenses = async ({ inputs }) => {
  const folders = Object.keys(inputs).map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0])
  const texts = Array.from(new Set(folders))
    .filter((path) => path !== undefined)
    .sort()
    .map(async (path) => `${path.split("node_modules/").at(-1)}\n\n${await license(path)}`)
  return (await Promise.all(texts)).join("\n---\n\n")
}
