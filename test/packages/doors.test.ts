import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonAt } from "../engine/engineRequest.js"
import { repositoryRoot } from "./repositoryRoot.js"

/** Which rules the linter found broken, by file. */
const lint = (folder: string): Promise<ReadonlyMap<string, ReadonlyArray<string>>> =>
  new Promise((resolve, reject) => {
    const linter = join(repositoryRoot, "node_modules/oxlint/bin/oxlint")
    execFile(process.execPath, [linter, "--format=json"], { cwd: folder, maxBuffer: 2 ** 26 }, (_, stdout, stderr) => {
      try {
        const found = new Map<string, Array<string>>()
        const diagnostics = jsonAt(JSON.parse(stdout), "diagnostics")
        if (!Array.isArray(diagnostics)) throw new Error("no diagnostics")
        for (const diagnostic of diagnostics) {
          const file = String(jsonAt(diagnostic, "filename"))
          found.set(file, [...(found.get(file) ?? []), String(jsonAt(diagnostic, "code"))])
        }
        resolve(found)
      } catch {
        reject(new Error(`The linter gave no report: ${stdout}${stderr}`))
      }
    })
  })

const imports = "eslint(no-restricted-imports)"

/** Each is one file that opens a door which must stay closed, and the rule that keeps it. */
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
  ["packages/core/src/g.ts", 'export * from "@dockwire/server"\n', imports],
  ["packages/core/src/h.ts", 'export * from "@dockwire/compat"\n', imports],
  ["packages/core/src/i.ts", 'export * from "../../server/src/index.js"\n', imports],
  ["packages/core/src/internal/j.ts", 'export * from "../../../compat/src/index.js"\n', imports],
  ["packages/server/src/k.ts", 'export * from "@dockwire/compat"\n', imports],
  ["packages/server/src/Http/l.ts", 'export * from "../../../compat/src/index.js"\n', imports],
  ["packages/server/src/m.ts", 'export * from "../../core/src/internal/answer.js"\n', imports],
  ["packages/server/src/m1.ts", 'export * from "@dockwire/core/internal/logs/logDecoder"\n', imports],
  ["packages/server/src/m2.ts", 'export * from "@dockwire/core/memory/door"\n', imports],
  ["packages/server/src/m3.ts", 'export * from "@dockwire/core/dist/Logs.js"\n', imports],
  ["packages/compat/src/m4.ts", 'export * from "@dockwire/core/src/Logs.js"\n', imports],
  ["packages/compat/src/n.ts", 'export * from "@dockwire/server/client"\n', imports],
  ["packages/compat/src/o.ts", 'export * from "../../core/src/Docker.js"\n', imports],
  ["packages/server/src/web/p.ts", 'export { succeed } from "effect/Effect"\n', imports],
  ["packages/server/src/web/q.ts", 'export type * from "@dockwire/core"\n', imports],
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

/** What looks alike and is right. */
const allowed: ReadonlyArray<readonly [file: string, text: string]> = [
  ["packages/core/src/Docker.ts", 'import Dockerode from "dockerode"\nexport const docker = new Dockerode()\n'],
  ["packages/core/src/x.ts", 'export { succeed } from "effect/Effect"\n'],
  ["packages/server/src/command/cli.ts", 'console.log("hello")\n'],
  ["packages/server/src/y.ts", 'export { Containers } from "@dockwire/core"\n'],
  ["packages/server/src/y1.ts", 'export { Containers } from "@dockwire/core/Containers"\n'],
  ["packages/compat/src/y2.ts", 'export { Containers } from "@dockwire/core/Containers"\n'],
  ["packages/server/src/web/z.ts", 'export type { ServerMessage } from "../Wire.js"\n'],
  ["test/core/all.ts", 'export { Effect } from "effect"\n']
]

describe("the linter", () => {
  let folder = ""
  let found: ReadonlyMap<string, ReadonlyArray<string>> = new Map()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dockwire-doors-"))
    await cp(join(repositoryRoot, ".oxlintrc.json"), join(folder, ".oxlintrc.json"))
    await cp(join(repositoryRoot, "tsconfig.base.json"), join(folder, "tsconfig.json"))
    await symlink(join(repositoryRoot, "node_modules"), join(folder, "node_modules"), "dir")
    for (const [file, text] of [...offences, ...allowed]) {
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), text)
    }
    found = await lint(folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.for(offences)("refuses %s", ([file, , rule]) => {
    expect(found.get(file)).toContain(rule)
  })

  it.for(allowed)("lets pass %s", ([file]) => {
    expect(found.get(file)).toBeUndefined()
  })

  it("finds every door of the house closed", async () => {
    const open = [...(await lint(repositoryRoot))].filter(([, rules]) =>
      rules.some((rule) => rule === imports || rule === "import(no-cycle)")
    )
    expect(open).toEqual([])
  })
})
