import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join, posix } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonAt } from "../engine/engineRequest.js"
import { isWhole } from "../whole/isWhole.js"
import { repositoryRoot } from "./repositoryRoot.js"
import { coreRooms, type Room, serverRooms } from "./rooms.js"

interface Problem {
  readonly file: string
  readonly line: number
  readonly rule: string
  readonly message: string
}

/** Runs the linter in a folder. */
const lint = (folder: string): Promise<ReadonlyArray<Problem>> =>
  new Promise((resolve, reject) => {
    const linter = join(repositoryRoot, "node_modules/oxlint/bin/oxlint")
    execFile(process.execPath, [linter, "--format=json"], { cwd: folder, maxBuffer: 2 ** 26 }, (_, stdout, stderr) => {
      try {
        const diagnostics = jsonAt(JSON.parse(stdout), "diagnostics")
        if (!Array.isArray(diagnostics)) throw new Error("no diagnostics")
        resolve(
          diagnostics.map((diagnostic: unknown) => ({
            file: String(jsonAt(diagnostic, "filename")),
            line: Number(jsonAt(diagnostic, "labels", 0, "span", "line")),
            rule: String(jsonAt(diagnostic, "code")),
            message: String(jsonAt(diagnostic, "message"))
          }))
        )
      } catch {
        reject(new Error(`The linter printed no report: ${stdout}${stderr}`))
      }
    })
  })

const imports = "eslint(no-restricted-imports)"
const rooms = "dockwire(rooms)"

/** Files that break a rule, each with that rule. */
const offences: ReadonlyArray<readonly [file: string, text: string, rule: string]> = [
  [
    "packages/core/src/Images.ts",
    'import Dockerode from "dockerode"\nexport const docker = new Dockerode()\n',
    imports
  ],
  ["packages/core/src/internal/a.ts", 'export type { default } from "docker-modem"\n', imports],
  ["packages/core/src/internal/b.ts", 'export const later = () => import("dockerode")\n', imports],
  ["packages/core/src/c.ts", 'export * from "dockerode/lib/util.js"\n', imports],
  ["packages/server/src/d.ts", 'export type { default } from "dockerode"\n', imports],
  ["packages/compat/src/e.ts", 'export type { default } from "dockerode"\n', imports],
  ["test/core/f.ts", 'export type { default } from "dockerode"\n', imports],
  ["packages/core/src/g.ts", 'export * from "@dockwire/server"\n', rooms],
  ["packages/core/src/h.ts", 'export * from "@dockwire/compat"\n', rooms],
  ["packages/core/src/i.ts", 'export * from "../../server/src/index.js"\n', rooms],
  ["packages/core/src/internal/j.ts", 'export * from "../../../compat/src/index.js"\n', rooms],
  ["packages/server/src/k.ts", 'export * from "@dockwire/compat"\n', rooms],
  ["packages/server/src/Http/l.ts", 'export * from "../../../compat/src/index.js"\n', rooms],
  ["packages/server/src/m.ts", 'export * from "../../core/src/internal/answer.js"\n', rooms],
  ["packages/server/src/m1.ts", 'export * from "@dockwire/core/internal/logs/logDecoder"\n', rooms],
  ["packages/server/src/m2.ts", 'export * from "@dockwire/core/memory/door"\n', rooms],
  ["packages/server/src/m3.ts", 'export * from "@dockwire/core/dist/Logs.js"\n', rooms],
  ["packages/compat/src/m4.ts", 'export * from "@dockwire/core/src/Logs.js"\n', rooms],
  ["packages/compat/src/n.ts", 'export * from "@dockwire/server/client"\n', rooms],
  ["packages/compat/src/o.ts", 'export * from "../../core/src/Docker.js"\n', rooms],
  ["packages/server/src/o1.ts", 'export * from "@dockwire/core"\n', rooms],
  ["packages/server/src/rooms/o2.ts", 'export * from "@dockwire/core/MemoryEngine"\n', rooms],
  ["packages/server/src/Http/o3.ts", 'export const later = () => import("@dockwire/core/MemoryEngine")\n', rooms],
  ["packages/server/src/o4.ts", 'export * from "@dockwire/server/client"\n', rooms],
  ["packages/compat/src/o5.ts", 'export type Engine = import("@dockwire/core/MemoryEngine").MemoryEngine\n', rooms],
  ["packages/core/src/o6.ts", 'export * from "@dockwire/core/Logs"\n', rooms],
  ["packages/core/src/internal/nowhere/o7.ts", 'export * from "../../Docker.js"\n', rooms],
  ["packages/server/src/client/o9.ts", 'export { endpoints } from "../Api/json/ApiTypes.js"\n', rooms],
  ["packages/server/src/web/o8.ts", 'export { Api } from "../Api/Api.js"\n', rooms],
  ["packages/server/src/web/p.ts", 'export { succeed } from "effect/Effect"\n', imports],
  ["packages/server/src/web/q.ts", 'export type * from "@dockwire/core"\n', rooms],
  ["packages/server/src/web/r.ts", 'export { join } from "node:path"\n', imports],
  ["packages/server/src/client/s.ts", 'export { Effect } from "effect"\n', imports],
  ["packages/server/src/client/t.ts", 'export * from "@effect/platform/HttpClient"\n', imports],
  ["packages/core/src/u.ts", 'export { Effect } from "effect"\n', imports],
  ["packages/server/src/v.ts", 'export { HttpServer } from "@effect/platform"\n', imports],
  ["packages/compat/src/w.ts", 'import { Effect } from "effect"\nexport const done = Effect.void\n', imports],
  ["packages/core/src/any.ts", "export const parse = (text: any) => String(text)\n", "typescript(no-explicit-any)"],
  ["packages/core/src/say.ts", 'console.log("hello")\n', "eslint(no-console)"],
  [
    "packages/core/src/float.ts",
    "export const go = () => {\n  Promise.resolve(1)\n}\n",
    "typescript(no-floating-promises)"
  ],
  [
    "packages/core/src/cast.ts",
    "export const text = (value: unknown) => value as string\n",
    "typescript(no-unsafe-type-assertion)"
  ],
  [
    "packages/core/src/long.ts",
    "export {}\n\n// One line more than a file may have.\n".padEnd(450, "\n"),
    "eslint(max-lines)"
  ],
  [
    "packages/server/src/rooms/long.ts",
    `export const long = () => {\n${"  Math.random()\n".repeat(119)}}\n`,
    "eslint(max-lines-per-function)"
  ],
  [
    "packages/core/src/one.ts",
    'import { two } from "./two.js"\nexport const one = (): number => two()\n',
    "import(no-cycle)"
  ],
  [
    "packages/core/src/two.ts",
    'import { one } from "./one.js"\nexport const two = (): number => one()\n',
    "import(no-cycle)"
  ]
]

/** Files that look much the same and break no rule. */
const allowed: ReadonlyArray<readonly [file: string, text: string]> = [
  ["packages/core/src/Docker.ts", 'import Dockerode from "dockerode"\nexport const docker = new Dockerode()\n'],
  ["packages/compat/src/long.ts", `export const long = () => {\n${"  Math.random()\n".repeat(118)}}\n`],
  ["packages/core/src/x.ts", 'export { succeed } from "effect/Effect"\n'],
  ["packages/server/src/command/cli.ts", 'console.log("hello")\n'],
  ["packages/server/src/rooms/y.ts", 'export { Containers } from "@dockwire/core/Containers"\n'],
  ["packages/compat/src/y2.ts", 'export { Containers } from "@dockwire/core/Containers"\n'],
  ["packages/server/src/web/z.ts", 'export type { ServerMessage } from "../Wire.js"\n'],
  ["packages/server/src/demo/z1.ts", 'export { MemoryEngine } from "@dockwire/core/MemoryEngine"\n'],
  ["packages/server/src/web/z2.ts", 'export type { Api } from "../Api/Api.js"\n'],
  ["packages/server/src/web/z3.ts", 'export { type Api } from "../Api/Api.js"\n'],
  ["packages/server/src/client/z4.ts", 'export type { Endpoint } from "../Api/json/ApiTypes.js"\n'],
  ["test/core/all.ts", 'export { Effect } from "effect"\n']
]

/** A file for each room, which imports every other room, one a line. */
const roomFiles = (name: string, house: Readonly<Record<string, Room>>) =>
  Object.entries(house).map(([room, { file, mayImport }]) => {
    const others = Object.entries(house).filter(([other]) => other !== room)
    const lines = others.map(([, { file: other }]) => {
      const path = posix.relative(posix.dirname(file), other)
      return `export * from "${path.startsWith(".") ? path : `./${path}`}.js"\n`
    })
    return {
      room: `${name}, ${room}`,
      file: `packages/${name}/src/${file}.ts`,
      text: lines.join(""),
      forbidden: others.flatMap(([other], index) => (mayImport.includes(other) ? [] : [`${index + 1}: ${other}`])),
      /** What the linter found, in the form of `forbidden`. */
      refused: (problems: ReadonlyArray<Problem>) =>
        problems.map(({ line }) => `${line}: ${others[line - 1]?.[0] ?? "?"}`)
    }
  })

const houses = [...roomFiles("core", coreRooms), ...roomFiles("server", serverRooms)]

describe("the linter", () => {
  let folder = ""
  let found: ReadonlyArray<Problem> = []
  let foundInRooms: ReadonlyArray<Problem> = []

  /** A repository with these files and this repository's linter. */
  const makeRepository = async (
    name: string,
    files: ReadonlyArray<readonly [file: string, text: string, ...rest: Array<string>]>
  ) => {
    const root = join(folder, name)
    await mkdir(root)
    await cp(join(repositoryRoot, ".oxlintrc.json"), join(root, ".oxlintrc.json"))
    await cp(join(repositoryRoot, "scripts/lint"), join(root, "scripts/lint"), { recursive: true })
    await cp(join(repositoryRoot, "tsconfig.base.json"), join(root, "tsconfig.json"))
    await symlink(join(repositoryRoot, "node_modules"), join(root, "node_modules"), "dir")
    for (const [file, text] of files) {
      await mkdir(dirname(join(root, file)), { recursive: true })
      await writeFile(join(root, file), text)
    }
    return root
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dockwire-doors-"))
    found = await lint(await makeRepository("files", [...offences, ...allowed]))
    foundInRooms = await lint(
      await makeRepository(
        "rooms",
        houses.map(({ file, text }) => [file, text])
      )
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.for(offences)("rejects %s", ([file, , rule]) => {
    expect(found.filter((problem) => problem.file === file).map((problem) => problem.rule)).toContain(rule)
  })

  it.for(allowed)("accepts %s", ([file]) => {
    expect(found.filter((problem) => problem.file === file)).toEqual([])
  })

  it.for(houses)("lets $room import only what its row in the table allows", ({ file, forbidden, refused }) => {
    const problems = foundInRooms.filter((problem) => problem.file === file && problem.rule === rooms)
    expect(refused(problems).toSorted()).toEqual(forbidden.toSorted())
  })

  it("reports what a file imports, and what it may import", () => {
    const file = "packages/core/src/internal/api/a.ts"
    const [problem] = foundInRooms.filter((other) => other.file === file && /internal\/watch/.test(other.message))
    expect(problem?.message).toBe(
      "core/src/internal/api/ may not import core/src/internal/watch/a.ts. It may import: core/src/Docker.ts, " +
        "core/src/DockerError.ts, core/src/LogEvent.ts, core/src/LogPosition.ts (see scripts/lint/rooms.mjs)."
    )
  })

  // `npm test` begins with it.
  if (isWhole)
    it("finds nothing in this repository", { timeout: 180_000 }, async () => {
      expect(
        (await lint(repositoryRoot)).filter(({ rule }) => [imports, rooms, "import(no-cycle)"].includes(rule))
      ).toEqual([])
    })
})
