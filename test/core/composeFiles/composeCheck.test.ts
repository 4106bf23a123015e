import { ComposeFiles } from "@dockwire/core"
import { Effect, Layer } from "effect"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { standaloneText } from "../../../packages/core/src/internal/compose/yaml/yamlProblem.js"
import { streamHostCommand } from "../../../packages/core/src/internal/host/hostCommand.js"
import { HostMachine } from "../../../packages/core/src/internal/host/hostMachine.js"
import { describeCompose } from "../../engine/describeCompose.js"
import { failureWith, runWith } from "../runWith.js"
import { type FileServer, startFileServer } from "./fileServer.js"
import { snapshot, temporaryFolder, writeFileAt } from "./projectsFolder.js"

const before = "services: { web: { image: before } }\n"

/** What compose accepts, each with what it must do without. */
const accepted: Readonly<Record<string, string>> = {
  "a service": "services: { web: { image: x } }\n",
  "a variable that is required": "services: { web: { image: '${X:?no}', ports: ['${PORT}:80'] } }\n",
  "a file of variables that does not exist":
    "services: { web: { image: x, env_file: [.env, /nope], environment: [HOME] } }\n",
  "a file that is not one of variables": "services: { web: { image: x, env_file: /etc/passwd } }\n",
  "a secret of the environment":
    "services: { web: { image: x, secrets: [s] } }\nsecrets: { s: { environment: NOPE } }\n",
  "a service that extends another of the file":
    "services: { a: { image: x }, b: { extends: { service: a } }, c: { extends: a } }\n",
  "a folder to build that does not exist": "services: { web: { build: ./nope } }\n",
  // Compose looks at these only with the values of variables, which a check does not have.
  "no image": "services: { web: {} }\n",
  "an undefined volume": "services: { web: { image: x, volumes: ['data:/data'] } }\n"
}

/** What only compose finds, with a word of its message. */
const rejected: Readonly<Record<string, readonly [text: string, word: RegExp]>> = {
  "an unknown setting": ["services: { web: { image: x, imagine: y } }\n", /imagine/],
  "a setting of another type": ["services: { web: { image: x, ports: a } }\n", /ports/]
}

/** What would make compose read other files, or ask other servers. */
const others: ReadonlyArray<string> = [
  "include: [other.yaml]\nservices: { web: { image: x } }\n",
  "include: ['SERVER/repository.git']\nservices: { web: { image: x } }\n",
  "include: ['oci://HOST/a:b']\nservices: { web: { image: x } }\n",
  "'incl\\u0075de': [other.yaml]\nservices: { web: { image: x } }\n".replaceAll("'", '"'),
  "!!binary aW5jbHVkZQ==: [other.yaml]\nservices: { web: { image: x } }\n",
  "x-a: &a include\n*a : [other.yaml]\nservices: { web: { image: x } }\n",
  "x-a: &a { include: [other.yaml] }\n<<: *a\nservices: { web: { image: x } }\n",
  "services: { web: { extends: { file: /etc/passwd, service: x } } }\n",
  "x-a: &a { file: other.yaml }\nservices: { web: { extends: { <<: *a, service: x } } }\n",
  "x-a: &a { file: other.yaml, service: x }\nservices: { web: { extends: *a } }\n"
]

describe("a compose file that is to be checked alone", () => {
  const alone = (text: string) => Effect.runPromise(standaloneText(text))

  it("loses the files of variables and labels, wherever they are named", async () => {
    const text = `x-a: &a
  env_file: [a]
services:
  web:
    image: x # env_file: b
    'label_file': c
    "env_file":
      - path: d
  db: { <<: *a, image: "env_file: x", environment: { env_file: e } }
`
    const expected = text
      .replace("  env_file: [a]", "  x-env_file: [a]")
      .replace("'label_file'", "'x-label_file'")
      .replace('"env_file"', '"x-env_file"')
      .replace("{ env_file: e }", "{ x-env_file: e }")
    expect(await alone(text)).toEqual({ text: expected, needsOthers: false })
  })

  it.for(others)("cannot be, if it is made of others: %j", async (text) => {
    expect(await alone(text)).toMatchObject({ needsOthers: true })
  })

  it.for(["? |-\n  env_file\n: a\n", '"env\\u005ffile": a\n'])("cannot be, if it is unclear: %j", async (text) => {
    expect(await alone(text)).toMatchObject({ needsOthers: true })
  })
})

const plugin = "/usr/lib/docker/cli-plugins/docker-compose"

for (const edition of ["2.26", "2.40"] as const) {
  describeCompose(edition, "an update that compose checks", (compose) => {
    let content = ""
    let server: FileServer
    beforeAll(async () => {
      server = await startFileServer((_, response) => response.end(content))
    })
    afterAll(() => server.close())

    const layerIn = (folder: string) => {
      const machine = Layer.succeed(HostMachine, {
        ...HostMachine.defaultValue(),
        // The edition is the only plugin of this machine.
        isExecutable: (path: string) => Effect.succeed(path === plugin),
        run: ({ program, ...command }) =>
          streamHostCommand({ ...command, program: program === plugin ? compose().tools.compose : program })
      })
      return ComposeFiles.layer({ folder }).pipe(Layer.provide(machine))
    }
    const update = Effect.flatMap(ComposeFiles, (files) => files.update("web", server.url))
    const makeFolder = async () => {
      const folder = join(await temporaryFolder(), "projects")
      await writeFileAt(join(folder, "web/compose.yaml"), before)
      // Compose would read this one, and fail.
      await writeFileAt(join(folder, "web/.env"), "!=\n")
      return folder
    }

    it("succeeds with what compose accepts, without any other file or variable", async () => {
      const updates = Effect.forEach(Object.entries(accepted), ([name, text]) => {
        content = text
        return Effect.map(update, ({ validation }) => [name, validation])
      })
      const compose = { _tag: "Compose", version: expect.stringContaining(edition) }
      expect(await runWith(layerIn(await makeFolder()), updates)).toEqual(
        Object.keys(accepted).map((name) => [name, compose])
      )
    })

    it("fails with the message of compose, and changes nothing", async () => {
      const folder = await makeFolder()
      const layer = layerIn(folder)
      const unchanged = await snapshot(folder)
      for (const [name, [text, word]] of Object.entries(rejected)) {
        content = text
        const failure = await failureWith(layer, update)
        const expected = { _tag: "ComposeFileInvalid", reason: "Rejected", source: `${server.url}/` }
        expect(failure, name).toMatchObject({ ...expected, detail: expect.stringMatching(word) })
        expect(await snapshot(folder), name).toEqual(unchanged)
      }
    })

    it("reads and asks for no other file, and says that compose did not check it", async () => {
      const folder = await makeFolder()
      const layer = layerIn(folder)
      for (const text of others) {
        content = text.replace("SERVER", server.url).replace("HOST", new URL(server.url).host)
        const asked = server.requests.length
        const { validation } = await runWith(layer, update)
        expect(validation, text).toMatchObject({ _tag: "YamlOnly", detail: expect.stringContaining("other files") })
        expect(server.requests, text).toHaveLength(asked + 1)
        expect(await readFile(join(folder, "web/compose.yaml"), "utf8")).toBe(content)
      }
    })
  })
}
