import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
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
  /** It takes compose to tell the name. */
  readonly unclear?: boolean
}

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
  "a name in single quotes, at the end": { files: { "compose.yaml": `${services}name: 'from-file'\n` } },
  "a name in the override": {
    files: { "compose.yaml": `name: one\n${services}`, "compose.override.yaml": "name: two\n" }
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
  for (const [title, { files, folder, project, unclear = false }] of Object.entries(cases)) {
    it.concurrent(title, async () => {
      const parent = await writeProject(compose().folder, title, {})
      const directory = await writeProject(parent, folder ?? "folder", files)
      const located = await Effect.runPromise(locateProject(project?.(directory) ?? directory))
      const known = await Effect.runPromise(knownProjectName(located))
      const env = composeEnvironment({ process: {}, own: compose().environment, project: located, connection: {} })
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
