import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import {
  type ComposeProject,
  locateProject,
  projectArguments
} from "../../../packages/core/src/internal/compose/cli/composeProject.js"
import { composeEnvironment } from "../../../packages/core/src/internal/compose/cli/composeEnvironment.js"
import { knownProjectName } from "../../../packages/core/src/internal/compose/cli/projectName.js"
import { describeCompose } from "../../engine/describeCompose.js"
import { jsonAt } from "../../engine/engineRequest.js"
import { writeProject } from "./projectFiles.js"

const services = "services: { web: { image: busybox } }\n"

interface NamedCase {
  readonly folder?: string
  readonly files: Readonly<Record<string, string>>
  readonly project?: (folder: string) => ComposeProject
  /** What the layer gives compose. */
  readonly environment?: Readonly<Record<string, string>>
  /** It takes compose to tell the name. */
  readonly unclear?: boolean
}

/** A file that begins with these lines. */
const file = (lines: string): NamedCase => ({ files: { "compose.yaml": `${lines}\n${services}` } })

/** A file that looks as if it had a name, or none, and of which only compose can tell. */
const unclear = (lines: string): NamedCase => ({ ...file(lines), unclear: true })

const cases: Readonly<Record<string, NamedCase>> = {
  "a folder": { files: { "compose.yaml": services } },
  "a folder with other characters": { folder: "My Proj$x-é'\"", files: { "docker-compose.yml": services } },
  "a folder that begins with a dash": { folder: "--_a", files: { "compose.yml": services } },
  "a file in a folder": {
    files: { "sub/dev.yaml": services },
    project: (folder) => join(folder, "sub/dev.yaml")
  },
  "a file with another directory": {
    files: { "sub/dev.yaml": services, "other/x": "" },
    project: (folder) => ({ files: [join(folder, "sub/dev.yaml")], directory: join(folder, "other") })
  },
  "a name": { files: { "compose.yaml": services }, project: (directory) => ({ directory, name: "given" }) },
  "a name in the file": { files: { "compose.yaml": `name: from-file # here\n${services}` } },
  "a quoted name": { files: { "compose.yaml": `name: "from-file"\n${services}` } },
  "a name in single quotes": { files: { "compose.yaml": `name: 'from-file'\n${services}` } },
  "a name at the end": { files: { "compose.yaml": `${services}name: from-file\n` }, unclear: true },
  "a name in the override": {
    files: { "compose.yaml": `name: one\n${services}`, "compose.override.yaml": "name: two\n" }
  },
  "an override of the other kind": {
    files: { "compose.yaml": `name: one\n${services}`, "docker-compose.override.yml": "name: two\n" }
  },
  "an override of the other kind, the other way round": {
    files: { "docker-compose.yaml": `name: one\n${services}`, "compose.override.yml": "name: two\n" }
  },
  "the first of two overrides": {
    files: {
      "compose.yaml": `name: one\n${services}`,
      "docker-compose.override.yml": "name: three\n",
      "compose.override.yaml": "name: two\n"
    }
  },
  "a name in the override with the other ending": {
    files: { "compose.yml": services, "compose.override.yaml": "name: two\n" }
  },
  "the last of two files": {
    files: { "a.yaml": `name: one\n${services}`, "b.yaml": "name: two\n" },
    project: (folder) => ({ files: [join(folder, "a.yaml"), join(folder, "b.yaml")] })
  },
  "the first of two files": {
    files: { "a.yaml": `name: one\n${services}`, "b.yaml": services },
    project: (folder) => ({ files: [join(folder, "a.yaml"), join(folder, "b.yaml")] })
  },
  "two default files": {
    files: { "compose.yaml": `name: one\n${services}`, "docker-compose.yml": `name: two\n${services}` }
  },
  "a variable of the project": {
    files: { "compose.yaml": services },
    project: (directory) => ({ directory, env: { COMPOSE_PROJECT_NAME: "by-env" } })
  },
  "a name of a service": {
    files: { "compose.yaml": "services:\n  web:\n    image: busybox\n    labels:\n      name: x\n" }
  },
  "a name that ends with CRLF": { files: { "compose.yaml": `name: crlf\r\n${services}` } },
  "a name behind a version": file('version: "3"\n# a name\nname: versioned'),
  "an included file with a name": {
    files: {
      "compose.yaml": `include: [sub/x.yaml]\n${services}`,
      "sub/x.yaml": "name: included\nservices: { db: { image: busybox } }\n",
      "sub/.env": "COMPOSE_PROJECT_NAME=of-include\n"
    }
  },
  "a byte order mark": unclear("\uFEFFname: marked"),
  "a name to be normalized": unclear('name: "My.Name"'),
  "a sign that begins no comment": unclear("name: a#b"),
  "a name of two lines": unclear("name: one\n  -two"),
  "a name on the next line": unclear("name:\n  next"),
  "a document that is indented": {
    files: { "compose.yaml": `  name: indented\n  ${services}` },
    unclear: true
  },
  "a merged name": unclear("x-a: &a\n  name: merged\n<<: *a"),
  "an escaped key": unclear('"na\\u006de": escaped'),
  "a key with a tag": unclear("!!str name: tagged"),
  "a key with an anchor": unclear("&a name: anchored"),
  "a key that is an alias": unclear("x-a: &a name\n*a : aliased"),
  "a line in a string": unclear('x-a: "many\n  lines"\nname: lined'),
  "another line break": unclear("# x\u0085name: next-line"),
  "a name that the override takes away": {
    files: { "compose.yaml": `name: one\n${services}`, "compose.override.yaml": "name: null\n" },
    unclear: true
  },
  "an empty name": { files: { "compose.yaml": services }, project: (directory) => ({ directory, name: "" }) },
  "a variable of the layer": { ...file(""), environment: { COMPOSE_PROJECT_NAME: "of-layer" } },
  "files of the layer": {
    files: { "x.yaml": `name: x\n${services}` },
    environment: { COMPOSE_FILE: "x.yaml" },
    unclear: true
  },
  "other files of variables that name files": {
    files: { "x.yaml": `name: x\n${services}`, "my.env": "COMPOSE_FILE=x.yaml\n" },
    project: (directory) => ({ directory, envFiles: [join(directory, "my.env")] }),
    unclear: true
  },
  "files of variables by a variable": {
    files: { "compose.yaml": services, "my.env": "COMPOSE_PROJECT_NAME=other\n", ".env": "" },
    project: (directory) => ({ directory, env: { COMPOSE_ENV_FILES: "my.env" } }),
    unclear: true
  },
  "an interpolated name": {
    files: { "compose.yaml": `name: "x-\${SUFFIX:-y}"\n${services}` },
    unclear: true
  },
  "a flow mapping": {
    files: { "compose.yaml": `{ name: flow, services: { web: { image: busybox } } }\n` },
    unclear: true
  },
  ".env with a name": { files: { "compose.yaml": services, ".env": "COMPOSE_PROJECT_NAME=dot-env\n" }, unclear: true },
  ".env with files": { files: { "x.yaml": `name: x\n${services}`, ".env": "COMPOSE_FILE=x.yaml\n" }, unclear: true },
  "other files of variables": {
    files: { "compose.yaml": services, "my.env": "COMPOSE_PROJECT_NAME=other\n", ".env": "" },
    project: (directory) => ({ directory, envFiles: [join(directory, "my.env")] }),
    unclear: true
  }
}

describeCompose("2.26", "the name of a project is that which compose finds", (compose) => {
  for (const [title, { environment, files, folder, project, unclear = false }] of Object.entries(cases)) {
    it.concurrent(title, async () => {
      const parent = await writeProject(compose().folder, title, {})
      const directory = await writeProject(parent, folder ?? "folder", files)
      const located = await Effect.runPromise(locateProject(project?.(directory) ?? directory, environment))
      const known = await Effect.runPromise(knownProjectName(located))
      const env = composeEnvironment({
        process: {},
        own: { ...compose().environment, ...environment },
        project: located,
        connection: {}
      })
      const { stdout } = await promisify(execFile)(
        "docker",
        ["compose", ...projectArguments(located), "config", "--format", "json"],
        { env, cwd: located.directory }
      )
      const name = jsonAt(JSON.parse(stdout), "name")
      expect(known).toBe(unclear ? undefined : name)
    })
  }
})

/** Names that compose refuses, where they are given. */
const refused: Readonly<Record<string, (directory: string) => ComposeProject>> = {
  "a capital letter": (directory) => ({ directory, name: "Shop" }),
  "a dot": (directory) => ({ directory, name: "a.b" }),
  "a blank": (directory) => ({ directory, env: { COMPOSE_PROJECT_NAME: "my shop" } }),
  "a dash in front": (directory) => ({ directory, name: "-x" }),
  "a null character": (directory) => ({ directory, name: "a\0" })
}

describe("the name of a project cannot have", () => {
  it.for(Object.entries(refused))("%s", async ([, project]) => {
    const error = await Effect.runPromise(Effect.flip(locateProject(project("/"))))
    expect(error).toMatchObject({ reason: "FileInvalid", detail: expect.stringContaining("invalid project name") })
  })
})
