import { readdir, readFile } from "node:fs/promises"
import { join, posix } from "node:path"
import { jsonAt } from "../engine/engineRequest.js"
import { packageFolders } from "./packedPackages.js"
import { repositoryRoot } from "./repositoryRoot.js"

/** Something that a package exports, where it is declared. */
export interface Declaration {
  /** The file, such as `packages/core/src/Logs.ts`. */
  readonly file: string
  readonly line: number
  readonly name: string
  /** The docstring before it, `""` if there is none. */
  readonly docstring: string
}

/** An export of an entry point. */
export interface PublicExport {
  /** What its users import, such as `@dockwire/core/Logs`. */
  readonly entryPoint: string
  readonly name: string
  /** Several where a type and a value share the name. Empty for a namespace: `export * as Wire`. */
  readonly declarations: ReadonlyArray<Declaration>
}

const read = (file: string): Promise<string> => readFile(join(repositoryRoot, file), "utf8")

/** The source file of a built one: `./dist/Logs.js` of core is `packages/core/src/Logs.ts`. */
const sourceOf = (folder: string, built: string): string =>
  posix.join("packages", folder, built.replace(/^\.\/dist\//, "src/").replace(/\.js$/, ".ts"))

/** The public files of a package, by the specifier that imports them. */
const entryPointsOf = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  const manifest: unknown = JSON.parse(await read(`packages/${folder}/package.json`))
  const found = new Map<string, string>()
  for (const [subpath, target] of Object.entries(jsonAt(manifest, "exports") ?? {})) {
    const built = jsonAt(target, "default")
    if (typeof built !== "string") continue
    const specifier = posix.join(`@dockwire/${folder}`, subpath)
    const source = sourceOf(folder, built)
    if (!subpath.includes("*")) {
      found.set(specifier, source)
      continue
    }
    const files = await readdir(join(repositoryRoot, posix.dirname(source)))
    for (const file of files) {
      if (!file.endsWith(".ts") || file === "index.ts") continue
      const name = file.slice(0, -".ts".length)
      found.set(specifier.replace("*", name), source.replace("*", name))
    }
  }
  return found
}

const docstringBefore = (text: string): string => /\/\*\*(?:(?!\*\/).)*\*\/\n$/s.exec(text)?.[0] ?? ""

/** The top-level declarations with a name, exported or not. The formatter puts each at the start of a line. */
const declarationsOf = (file: string, text: string): ReadonlyArray<Declaration & { readonly exported: boolean }> =>
  Array.from(
    text.matchAll(
      /^(export )?(?:declare |abstract |async )*(?:const|let|class|function\*?|interface|type|namespace|enum) (\w+)/gm
    ),
    ({ 1: exported, 2: name = "", index }) => ({
      file,
      line: text.slice(0, index).split("\n").length,
      name,
      docstring: docstringBefore(text.slice(0, index)),
      exported: exported !== undefined
    })
  )

const resolve = (file: string, specifier: string): string =>
  posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts")

/** The file that a name is imported from, and its name there. */
const importOf = (file: string, text: string, local: string): readonly [file: string, name: string] | undefined => {
  for (const { 1: list = "", 2: specifier = "" } of text.matchAll(/^import (?:type )?\{([^}]*)\} from "(\.[^"]+)"/gm))
    for (const item of list.split(",").map((word) => word.trim().replace(/^type /, ""))) {
      const [name = "", alias = name] = item.split(" as ")
      if (alias === local) return [resolve(file, specifier), name]
    }
  return undefined
}

/** What a file exports, followed to where it is declared. */
const exportsOf = async (file: string): Promise<ReadonlyMap<string, ReadonlyArray<Declaration>>> => {
  const text = await read(file)
  const found = new Map<string, Array<Declaration>>()
  const add = (name: string, ...declarations: ReadonlyArray<Declaration>) =>
    found.set(name, [...(found.get(name) ?? []), ...declarations])
  const own = declarationsOf(file, text)
  for (const { exported, ...declaration } of own) if (exported) add(declaration.name, declaration)
  for (const { 1: namespace, 2: specifier = "" } of text.matchAll(
    /^export (?:type )?\*(?: as (\w+))? from "([^"]+)"/gm
  )) {
    if (namespace !== undefined) add(namespace)
    else for (const [name, declarations] of await exportsOf(resolve(file, specifier))) add(name, ...declarations)
  }
  for (const { 1: list = "", 2: specifier } of text.matchAll(/^export (?:type )?\{([^}]*)\}(?: from "([^"]+)")?$/gm)) {
    const others = specifier === undefined ? undefined : await exportsOf(resolve(file, specifier))
    for (const item of list.split(",").map((word) => word.trim().replace(/^type /, ""))) {
      if (item === "") continue
      const [local = "", name = local] = item.split(" as ")
      if (others !== undefined) add(name, ...(others.get(local) ?? []))
      else {
        add(name, ...own.filter((other) => other.name === local))
        const [imported, importedName] = importOf(file, text, local) ?? []
        if (imported !== undefined && importedName !== undefined)
          add(name, ...((await exportsOf(imported)).get(importedName) ?? []))
      }
    }
  }
  return found
}

/** All exports of all entry points of all packages. */
export const publicExports = async (): Promise<ReadonlyArray<PublicExport>> => {
  const found: Array<PublicExport> = []
  for (const folder of packageFolders)
    for (const [entryPoint, file] of await entryPointsOf(folder))
      for (const [name, declarations] of await exportsOf(file)) found.push({ entryPoint, name, declarations })
  return found
}

/** The files that the entry points stand for. */
export const publicFiles = async (): Promise<ReadonlyArray<string>> =>
  (await Promise.all(packageFolders.map(async (folder) => [...(await entryPointsOf(folder)).values()]))).flat()
