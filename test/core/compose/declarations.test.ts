import { Docker, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import { rm, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import type { ComposeProjectSpec } from "../../../packages/core/src/internal/compose/cli/composeProject.js"
import { findCompose, rememberCompose } from "../../../packages/core/src/internal/compose/cli/findCompose.js"
import { bindCandidates } from "../../../packages/core/src/internal/compose/door/bindCandidates.js"
import { RememberedDeclarations } from "../../../packages/core/src/internal/compose/door/rememberedDeclarations.js"
import type { ComposeHouse } from "../../../packages/core/src/internal/compose/door/unnamedProject.js"
import { declarationOf } from "../../../packages/core/src/internal/compose/door/preparedProject.js"
import { HostMachine } from "../../../packages/core/src/internal/host/hostMachine.js"
import { describeCompose, type ReadyCompose } from "../../engine/describeCompose.js"
import { runWith } from "../runWith.js"
import { writeProject } from "./projectFiles.js"

/** Reads what projects declare, and counts how often it takes compose. No engine is needed. */
const reader = ({ environment }: ReadyCompose, own: Readonly<Record<string, string>> = {}) =>
  runWith(
    Docker.layer({ endpoint: "unix:///nowhere.sock" }),
    Effect.gen(function* () {
      const machine = yield* HostMachine
      const all = { ...environment, ...own }
      const { find, forget } = rememberCompose(findCompose(machine, { environment: all }))
      let runs = 0
      const house: ComposeHouse = {
        docker: yield* Docker,
        auth: yield* Effect.provide(RegistryAuth, RegistryAuth.layer()),
        machine: {
          ...machine,
          run: (command) => {
            runs += 1
            return machine.run(command)
          }
        },
        found: Effect.flatMap(find, (found) =>
          found._tag === "Available" ? Effect.succeed(found) : Effect.fail(found.detail)
        ),
        forget,
        environment: all,
        declarations: new RememberedDeclarations()
      }
      return {
        read: (project: ComposeProjectSpec) => Effect.runPromise(declarationOf(house, project)),
        runs: () => runs
      }
    })
  )

const file = (replicas = "${N:-1}") => `services:
  web: { image: busybox, deploy: { replicas: "${replicas}" }, volumes: ["./\${DATA:-data}:/data", "~/x:/x"] }
  more: { image: busybox, profiles: [more] }
`

interface Change {
  readonly files?: Readonly<Record<string, string>>
  readonly spec?: (directory: string) => Omit<ComposeProjectSpec, "directory">
  /** Files to write, or to remove. */
  readonly write?: Readonly<Record<string, string | undefined>>
  readonly later?: (directory: string) => Omit<ComposeProjectSpec, "directory">
  /** Whether it takes compose each time. */
  readonly isOpen?: boolean
}

const changes: Readonly<Record<string, Change>> = {
  "the file": { write: { "compose.yaml": file("2") } },
  "another file for the project": { write: { "compose.override.yaml": "services: { two: { image: busybox } }\n" } },
  "the last of two files": {
    files: { "two.yaml": "services: {}\n" },
    spec: (directory) => ({ files: ["compose.yaml", "two.yaml"].map((name) => join(directory, name)) }),
    write: { "two.yaml": "services: { two: { image: busybox } }\n" }
  },
  "a new .env": { write: { ".env": "N=3\n" } },
  "the .env": { files: { ".env": "N=3\nCOMPOSE_PROJECT_NAME=one\n" }, write: { ".env": "COMPOSE_PROJECT_NAME=two\n" } },
  "a removed .env": { files: { ".env": "DATA=elsewhere\n" }, write: { ".env": undefined } },
  "another file of variables": {
    files: { "my.env": "N=3\n" },
    spec: (directory) => ({ envFiles: [join(directory, "my.env")] }),
    write: { "my.env": "N=4\n" }
  },
  "a variable": { spec: () => ({ env: { N: "3" } }), later: () => ({ env: { N: "4" } }) },
  "the profiles": { later: () => ({ profiles: ["more"] }) },
  "the profiles of .env": { write: { ".env": "COMPOSE_PROFILES=more\n" } },
  "the name": { later: () => ({ name: "another" }) },
  "what is included": {
    files: { "compose.yaml": `include: [other.yaml]\n${file()}`, "other.yaml": "services: {}\n" },
    write: { "other.yaml": "services: { two: { image: busybox } }\n" },
    isOpen: true
  },
  "what is included by a key with an escape": {
    files: { "compose.yaml": `"incl\\x75de": [other.yaml]\n${file()}`, "other.yaml": "services: {}\n" },
    write: { "other.yaml": "services: { two: { image: busybox } }\n" },
    isOpen: true
  },
  "what is extended": {
    files: {
      "compose.yaml": "services: { web: { extends: { service: base, file: base.yaml } } }\n",
      "base.yaml": "services: { base: { image: busybox } }\n"
    },
    write: { "base.yaml": "services: { base: { image: busybox, scale: 2 } }\n" },
    isOpen: true
  },
  "a file that .env names": {
    files: { ".env": "COMPOSE_FILE=other.yaml\n", "other.yaml": file() },
    write: { "other.yaml": file("2") },
    isOpen: true
  },
  "a file of variables that the environment names": {
    files: { "my.env": "N=3\n" },
    spec: () => ({ env: { COMPOSE_ENV_FILES: "my.env" } }),
    write: { "my.env": "N=4\n" }
  }
}

describeCompose("2.26", "what a project declares", (compose) => {
  for (const [what, { files, isOpen = false, spec = () => ({}), later = spec, write = {} }] of Object.entries(
    changes
  )) {
    it.concurrent(`is read again after a change of ${what}`, async () => {
      const directory = await writeProject(compose().folder, what, { "compose.yaml": file(), ...files })
      const { read, runs } = await reader(compose())
      const first = await read({ directory, ...spec(directory) })
      expect(await read({ directory, ...spec(directory) })).toEqual(first)
      expect(runs()).toBe(isOpen ? 2 : 1)
      for (const [name, text] of Object.entries(write)) {
        await (text === undefined ? rm(join(directory, name)) : writeFile(join(directory, name), text))
      }
      const second = await read({ directory, ...later(directory) })
      expect(second).not.toEqual(first)
      expect(second).toEqual(await (await reader(compose())).read({ directory, ...later(directory) }))
    })
  }

  it.concurrent("is not remembered from files that are not valid", async () => {
    const directory = await writeProject(compose().folder, "invalid", { "compose.yaml": file() })
    const { read } = await reader(compose())
    await read({ directory })
    await writeFile(join(directory, "compose.yaml"), `${file()}  web: nonsense\n`)
    await expect(read({ directory })).rejects.toThrow(/already defined|nonsense|web/)
  })

  it.concurrent("has no other mounts that compose would make folders for than were expected", async () => {
    const mounts = {
      short: "[ ./data:/data ]",
      quoted: `["./a b:/x", './single:/y:ro', "./comma,here:/z", "/absolute:/w"]`,
      home: "[ ~/x:/x, '~:/home' ]",
      parents: "[ .:/here, ..:/up, ../other:/other, .hidden:/hidden ]",
      variables: `["\${DATA:-./data}:/data"]`,
      escaped: String.raw`["\x2e/data:/data"]`,
      named: "[ named:/data, /anonymous ]",
      long: "[{ type: bind, source: ./long, target: /x, bind: { create_host_path: true } }]",
      refused: "[{ type: bind, source: ./refused, target: /x }]",
      anchored: "\n      - &a ./anchored:/x",
      block: "\n      - ./block:/x\n      -\n        ./deep:/y\n      - >-\n        ./folded:/z"
    }
    const services = Object.entries(mounts).map(
      ([name, volumes]) => `  ${name}:\n    image: busybox\n    volumes: ${volumes}\n`
    )
    const directory = await writeProject(compose().folder, "mounts", {
      "compose.yaml": `services:\n${services.join("")}volumes: { named: {} }\n`
    })
    const home = compose().environment["HOME"] ?? homedir()
    const { binds } = await (await reader(compose())).read({ directory })
    const unclear: Array<string> = []
    for (const [name, volumes] of Object.entries(mounts)) {
      const own = binds.filter(({ service }) => service === name).map(({ source }) => source)
      const found = bindCandidates([`  ${name}:\n    volumes: ${volumes}\n`], { directory, home })
      if (found === undefined) unclear.push(name)
      else expect(found, name).toEqual(expect.arrayContaining(own))
    }
    expect(unclear).toEqual(["quoted", "parents", "variables", "escaped", "long", "refused", "anchored"])
  })
})
