import * as Stream from "effect/Stream"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { ContextWalk } from "../../../packages/core/src/internal/build/context/contextWalk.js"
import { readIgnoreFile } from "../../../packages/core/src/internal/build/patterns/ignoreFile.js"
import { PatternList } from "../../../packages/core/src/internal/build/patterns/patternList.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { isWhole, roundsOf } from "../../whole/isWhole.js"
import { randomness } from "../logs/randomness.js"
import { tarLines } from "./builtFiles.js"
import { contextFiles, type ContextFiles } from "./contextFiles.js"
import { type DockerBuild, dockerBuild } from "./dockerBuild.js"

/** Names that patterns treat in different ways. */
const top = ["a", "b", "ab", "a.log", ".log", ".hidden", "A", "b-c", "c++", "(g)", "{h}", "[s]", "x y", "é", "😀", "#n"]
const deep = ["a/a", "a/b", "a/a.log", "a/b/a", "a/b/b.log", "a/b/ab/a", "b/a/b", "b/.hidden", "ab/a.log", "ab/b/a"]
const odd = [
  "(g)/a",
  "é/b",
  "😀😀/a",
  "x y/b",
  "!x",
  "src/a",
  "src/secret",
  "src/a/a.log",
  "src/$x",
  "src/b|c",
  "src/^a"
]
const names = [...top, ...deep, ...odd, "vendor/a/b/ab/a"]
const files = names.filter((name) => !names.some((other) => other.startsWith(`${name}/`)))

/** Ignore files by what they try. */
const table: ReadonlyArray<readonly [what: string, text: string]> = [
  ["nothing", ""],
  ["a name", "a"],
  ["a name that contains others", "b"],
  ["a path", "a/b"],
  ["everything but", "*\n!src/**\nsrc/secret\nDockerfile"],
  ["everything but a folder", "*\n!src"],
  ["everything but a folder, with a slash", "*\n!src/"],
  ["everything but what is deep", "*\n!vendor/a/b/ab/a"],
  ["everything but what is deep, with wildcards", "**\n!**/*.log"],
  ["an exception below an ignored folder", "a\n!a/b/ab"],
  ["an exception below an ignored folder, ignored again", "a\n!a/b\na/b/ab"],
  ["an exception of a folder above the ignored one", "a/b\n!a"],
  ["an exception before what it is an exception from", "!a/b\na"],
  ["exceptions of exceptions", "*\n!a\na/b\n!a/b/ab\na/b/ab/a"],
  ["a star", "a/*"],
  ["stars in a name", "*a*"],
  ["a star for a folder", "*/a"],
  ["two stars", "**/a"],
  ["two stars at the end", "a/**"],
  ["two stars in the middle", "a/**/a"],
  ["two stars without a slash before a suffix", "**.log"],
  ["two stars without a slash after a prefix", "a**"],
  ["two stars without slashes", "**b**"],
  ["two stars around", "**/b/**"],
  ["two stars and an exception", "**/*.log\n!a/b/*.log"],
  ["question marks", "?\na?b"],
  ["a question mark for a character of two units", "?"],
  ["a class", "[ab]"],
  ["a negated class", "[^a]"],
  ["a range", "[a-c]*"],
  ["a class with an escape", "[\\[a]s]"],
  ["escapes", "\\[s\\]\nc\\+\\+"],
  ["an escaped exclamation mark", "\\!x"],
  ["an escaped number sign", "\\#n"],
  ["a comment", "#n\n # not a comment"],
  ["plus signs", "c++"],
  ["parentheses", "(g)"],
  ["parentheses with a star", "(*)/a"],
  ["braces", "{h}"],
  ["a dollar sign and a bar", "src/$x\nsrc/b|c"],
  ["a caret", "src/^a"],
  ["a leading slash", "/a\n/src/a"],
  ["a leading dot and slash", "./a/b\n!./a/b/a"],
  ["a trailing slash", "src/\nb/"],
  ["dots in the middle", "src/../ab\n./././b"],
  ["dots that lead out", "../a\n!../b"],
  ["dots alone", ".\n..\n/"],
  ["doubled slashes", "a//b\n//ab"],
  ["white space", "  a/b  \n\tab\t\n!   ab/b\n"],
  ["white space within", "x y"],
  ["windows line ends", "a\r\nb\r\n"],
  ["a byte order mark", "\ufeffa"],
  ["no newline at the end, empty lines", "\n\na\n\n\nb"],
  ["letters of other alphabets", "é\n😀*"],
  ["upper case", "A\n*.LOG"],
  ["hidden files", ".*\n!.log"],
  ["the Dockerfile and the ignore file", "Dockerfile\n.dockerignore"],
  ["an exception without a pattern", "a\n!"],
  ["an exception without a pattern but with white space", "a\n!  "],
  ["an open class", "["],
  ["an empty class", "[]a"],
  ["a class that ends with a dash", "[a-]"],
  ["an escape at the end", "a\\"],
  ["an escape of a letter", "\\q"]
]

const pieces = [
  "a",
  "b",
  "ab",
  "src",
  "*",
  "**",
  "?",
  "a*",
  "*.log",
  "**.log",
  "[ab]",
  "[^b]",
  "\\a",
  "é",
  "(g)",
  "c++"
]
const separators = ["/", "/", "/", "/**/", "//", "/./", ""] as const

const randomText = ({ between, pick }: ReturnType<typeof randomness>): string =>
  Array.from({ length: between(1, 5) }, () => {
    const segments = Array.from({ length: between(1, 3) }, () => `${pick(["a", ...pieces])}${pick(separators)}`)
    return `${pick(["", "", "!"])}${pick(["", "", "", "/", "./", "**/"])}${segments.join("").replace(/\/$/, pick(["", "/"]))}`
  }).join("\n")

/** The paths that are taken, or that the patterns are rejected. */
type Taken = ReadonlyArray<string> | "rejected"

/** How many builds run at the same time, each with a context of its own. */
const lanes = 12

describeEngine("an ignore file", () => {
  let cli: DockerBuild
  let tars = ""
  const contexts: Array<ContextFiles> = []
  beforeAll(async () => {
    cli = await dockerBuild(testEngine().endpoint)
    tars = await mkdtemp(join(tmpdir(), "dockwire-tars-"))
    const contents = Object.fromEntries(files.map((name) => [name, name]))
    for (let lane = 0; lane < lanes; lane++) {
      contexts.push(await contextFiles({ Dockerfile: "FROM scratch\nCOPY . /\n", ...contents }))
    }
  })
  afterAll(async () => {
    await cli?.dispose()
    for (const context of contexts) await context.remove()
    await rm(tars, { recursive: true, force: true })
  })

  const pathsIn = async (tar: Buffer): Promise<Taken> =>
    (await tarLines(Stream.make(Uint8Array.from(tar)))).map((line) => line.split(" ").slice(2, -1).join(" "))
  /** What docker build takes of one folder. */
  const theirs = async (path: string): Promise<Taken> => {
    const { code, errors, output } = await cli.run(["-q", "-o", "type=tar,dest=-", path])
    if (code !== 0 && /illegal exclusion pattern|syntax error in pattern/.test(errors)) return "rejected"
    expect(errors).not.toContain("ERROR")
    return pathsIn(output)
  }
  /** What it takes of each of these folders. All of them fail, and give nothing, if it rejects the patterns of one. */
  const theirsOfAll = async (folders: ReadonlyArray<string>): Promise<ReadonlyMap<string, Taken>> => {
    const builds = folders.map((context, index) => ({ context, tar: join(tars, `${index}.tar`) }))
    const { code } = builds.length === 0 ? { code: 0 } : await cli.bake(builds)
    if (code !== 0) return new Map()
    return new Map(
      await Promise.all(builds.map(async ({ context, tar }) => [context, await pathsIn(await readFile(tar))] as const))
    )
  }
  const ours = async (path: string, text: string): Promise<Taken> => {
    const exclude = PatternList.parse(readIgnoreFile(Buffer.from(text)))
    if (typeof exclude === "string") return "rejected"
    const taken = async (isLocal: boolean): Promise<ReadonlyArray<string>> => {
      const paths: Array<string> = []
      const walk = new ContextWalk(path, { exclude }, () => isLocal)
      for await (const batch of walk.batches()) paths.push(...batch.map(({ path }) => path))
      return paths
    }
    const paths = await taken(true)
    expect(await taken(false)).toEqual(paths)
    return paths
  }
  const compareAll = async (cases: ReadonlyArray<readonly [what: string, text: string]>): Promise<void> => {
    for (let start = 0; start < cases.length; start += lanes) {
      const rows = await Promise.all(
        contexts.slice(0, cases.length - start).map(async ({ path }, lane) => {
          const [what, text] = cases[start + lane] ?? ["", ""]
          await writeFile(join(path, ".dockerignore"), text)
          return { what, text, path, paths: await ours(path, text) }
        })
      )
      const their = await theirsOfAll(rows.flatMap(({ path, paths }) => (paths === "rejected" ? [] : [path])))
      for (const { path, paths, text, what } of rows) {
        expect({ what, text, paths }).toEqual({ what, text, paths: their.get(path) ?? (await theirs(path)) })
      }
    }
  }

  // A build takes its time: `npm test` tries every third row.
  const rows = isWhole ? table : table.filter((_, index) => index % 3 === 0)
  it("takes the files that docker build takes, whatever it has in it", { timeout: 300_000 }, () => compareAll(rows))

  it("takes the files that docker build takes, for random patterns", { timeout: 300_000 }, async () => {
    const random = randomness("ignore files")
    const rounds = roundsOf({ quick: 12, whole: 240 })
    await compareAll(Array.from({ length: rounds }, () => ["random", randomText(random)]))
  })
})
