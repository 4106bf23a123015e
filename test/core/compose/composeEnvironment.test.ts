import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { expect, it } from "vitest"
import {
  type ComposeProject,
  locateProject,
  projectArguments
} from "../../../packages/core/src/internal/compose/cli/composeProject.js"
import {
  composeEnvironment,
  ownEnvironment
} from "../../../packages/core/src/internal/compose/cli/composeEnvironment.js"
import { describeCompose, type ReadyCompose } from "../../engine/describeCompose.js"
import { jsonAt } from "../../engine/engineRequest.js"
import { writeProject } from "./projectFiles.js"

/** The environment of a server that has secrets. */
const server = {
  PORT: "8080",
  TOKEN: "top-secret",
  DOCKER_HOST: "tcp://wrong:1",
  DOCKER_CONTEXT: "wrong",
  DOCKER_TLS_VERIFY: "0",
  DOCKER_DEFAULT_PLATFORM: "linux/arm64",
  // With these, the plugin would take itself for one that the docker command has started.
  DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: "docker",
  DOCKER_CLI_PLUGIN_SOCKET: "@nowhere",
  COMPOSE_ANSI: "always",
  COMPOSE_PROGRESS: "nonsense",
  COMPOSE_PARALLEL_LIMIT: "nonsense",
  COMPOSE_PROFILES: "more",
  COMPOSE_PROJECT_NAME: "wrong",
  COMPOSE_FILE: "nowhere.yaml"
}

const file = `services:
  web:
    image: busybox
    ports: ["\${PORT:-81}:80"]
    environment: [TOKEN, "SET=\${FROM_DOT_ENV:-unset}"]
  more: { image: busybox, profiles: [more] }
`

const configOf = async ({ environment, tools }: ReadyCompose, project: ComposeProject): Promise<unknown> => {
  const located = await Effect.runPromise(locateProject(project))
  const env = composeEnvironment({
    process: server,
    own: ownEnvironment(environment),
    project: located,
    connection: {}
  })
  const args = ["--progress", "plain", ...projectArguments(located), "config", "--format", "json"]
  const { stdout } = await promisify(execFile)(tools.compose, args, { env, cwd: located.directory })
  return JSON.parse(stdout)
}

const seen = (config: unknown) => ({
  port: jsonAt(config, "services", "web", "ports", 0, "published"),
  token: jsonAt(config, "services", "web", "environment", "TOKEN"),
  set: jsonAt(config, "services", "web", "environment", "SET"),
  more: jsonAt(config, "services", "more", "image")
})

it("a relative path to the configuration of docker is not one in the folder of the project", () => {
  const project = { env: {}, inheritEnv: false, directory: "/project" }
  const config = (text: string) =>
    composeEnvironment({ process: { DOCKER_CONFIG: text }, own: {}, project, connection: {} })["DOCKER_CONFIG"]
  expect(config("conf")).toBe(join(process.cwd(), "conf"))
  expect(config("/conf")).toBe("/conf")
  expect(config("")).toBe("")
})

for (const edition of ["2.26", "2.40"] as const) {
  describeCompose(edition, "the environment of a project", (compose) => {
    it("has nothing of this process, and what the project names", async () => {
      const directory = await writeProject(compose().folder, "plain", { "compose.yaml": file })
      const nothing = { port: "81", token: null, set: "unset", more: undefined }
      expect(seen(await configOf(compose(), directory))).toEqual(nothing)
      expect(seen(await configOf(compose(), { directory, env: { TOKEN: Redacted.make("mine"), PORT: "90" } }))).toEqual(
        {
          ...nothing,
          port: "90",
          token: "mine"
        }
      )
      expect(seen(await configOf(compose(), { directory, inheritEnv: true }))).toEqual({
        ...nothing,
        port: "8080",
        token: "top-secret"
      })
    })

    it("has .env, but not the settings there that change how compose prints or what it deletes", async () => {
      const lines = [
        "FROM_DOT_ENV=yes",
        "COMPOSE_PROFILES=more",
        "COMPOSE_ANSI=always",
        "COMPOSE_PROGRESS=nonsense",
        "COMPOSE_PARALLEL_LIMIT=nonsense",
        "COMPOSE_STATUS_STDOUT=true",
        "COMPOSE_REMOVE_ORPHANS=nonsense",
        "COMPOSE_IGNORE_ORPHANS=nonsense"
      ]
      const directory = await writeProject(compose().folder, "dot-env", {
        "compose.yaml": file,
        ".env": `${lines.join("\n")}\n`
      })
      expect(seen(await configOf(compose(), directory))).toEqual({
        port: "81",
        token: null,
        set: "yes",
        more: "busybox"
      })
    })

    it("keeps remote files out", async () => {
      const directory = await writeProject(compose().folder, "remote", {
        "compose.yaml": `include: ["http://127.0.0.1:1/x.git"]\n${file}`,
        ".env": "COMPOSE_EXPERIMENTAL_GIT_REMOTE=1\n"
      })
      await expect(configOf(compose(), directory)).rejects.toThrow(/git remote resource is disabled|no such file/)
    })
  })
}
