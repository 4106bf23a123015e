import { RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest"
import { composeEnvironment } from "../../engine/composeEditions.js"
import { describeCompose } from "../../engine/describeCompose.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { registryImage } from "../../engine/registryImage.js"
import { uniqueName } from "../../engine/testContainer.js"
import { testProjectName } from "../../engine/testRun.js"
import { writeProject } from "./projectFiles.js"
import { errorOf, onCompose, ran } from "./runCompose.js"

const user = { username: "ann", password: "secret-of-ann" }

/** The folders with credentials that are there now. Other tests have theirs elsewhere. */
const credentialFolders = async (): Promise<ReadonlyArray<string>> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith("dockwire-compose-"))

for (const edition of ["2.26", "2.40"] as const) {
  describeEngine("credentials", () => {
    describeCompose(edition, "that are given reach compose", (compose) => {
      let front: RegistryFront
      beforeAll(async () => {
        front = await startRegistryFront({ access: { kind: "basic", user } })
      })
      afterAll(() => front.stop())
      afterEach(() => {
        vi.unstubAllEnvs()
      })

      it("for up, pull and build alike, also of a tag that has moved", async () => {
        const repository = uniqueName("private")
        front.add(repository, "1", registryImage({ layers: [40] }))
        const name = testProjectName(`${edition.replace(".", "")}-private`)
        const image = `${front.host}/${repository}:1`
        const directory = await writeProject(compose().folder, "private", {
          "compose.yaml": `services:
  web: { image: "${image}", command: ["true"], network_mode: none, pull_policy: always }
  built: { build: { context: ., dockerfile_inline: "FROM ${image}\\nLABEL a=b\\n" }, profiles: [built] }
`
        })
        const project = { directory, name, profiles: ["built"] }
        const auth = RegistryAuth.layer({
          [front.host]: { username: user.username, password: Redacted.make(user.password) }
        })
        const options = { endpoint: testEngine().endpoint }
        const temporary = join(compose().folder, "temporary")
        await mkdir(temporary)
        vi.stubEnv("TMPDIR", temporary)
        const events: Array<unknown> = []
        await onCompose(
          compose(),
          options,
          (service) =>
            Effect.gen(function* () {
              for (const layers of [[41], [42]]) {
                front.add(repository, "1", registryImage({ layers }))
                const pulled = yield* ran(Effect.succeed(service.pull(project, { services: ["web"] })))
                const created = yield* ran(Effect.succeed(service.command(project, ["create", "web"])))
                const built = yield* ran(Effect.succeed(service.build(project)))
                for (const run of [pulled, created, built]) {
                  expect(Exit.isSuccess<unknown, unknown>(run.exit) || String(run.exit)).toBe(true)
                  events.push(run.events)
                }
                yield* ran(Effect.succeed(service.down(project, { images: "all" })))
              }
            }),
          auth
        )
        expect(JSON.stringify(events)).not.toContain(user.password)
        expect(await credentialFolders()).toEqual([])
        expect(front.requests.filter(({ authorization }) => authorization?.startsWith("Basic ") === true)).not.toEqual(
          []
        )
      })

      it("and it is said that a helper failed, which compose asked for others", async () => {
        const { folder, tools } = compose()
        const own = join(folder, "with-helper")
        const environment = await composeEnvironment(tools, own)
        const helper = join(own, "bin/docker-credential-broken")
        await writeFile(helper, "#!/bin/sh\necho the store is locked\nexit 1\n")
        await chmod(helper, 0o755)
        const config = { credHelpers: { [front.host]: "broken" } }
        await writeFile(join(environment.DOCKER_CONFIG, "config.json"), JSON.stringify(config))
        const image = `${front.host}/${uniqueName("private")}:1`
        const directory = await writeProject(folder, "helper", {
          "compose.yaml": `services: { web: { image: "${image}" } }\n`
        })
        const project = { directory, name: testProjectName(`${edition.replace(".", "")}-helper`) }
        const error = await onCompose({ environment }, { endpoint: testEngine().endpoint }, (service) =>
          Effect.map(ran(Effect.succeed(service.up(project))), errorOf)
        )
        expect(error).toMatchObject({
          _tag: "RegistryError",
          reason: "CredentialsUnavailable",
          registry: front.host,
          detail: expect.stringContaining("the store is locked")
        })
      })

      it("and without them it is the registry that is said to refuse", async () => {
        const repository = uniqueName("private")
        front.add(repository, "1", registryImage({ layers: [43] }))
        const name = testProjectName(`${edition.replace(".", "")}-refused`)
        const directory = await writeProject(compose().folder, "refused", {
          "compose.yaml": `services: { web: { image: "${front.host}/${repository}:1" } }\n`
        })
        const refusal = (auth: typeof RegistryAuth.layerConfig) =>
          onCompose(
            compose(),
            { endpoint: testEngine().endpoint },
            (service) => Effect.map(ran(Effect.succeed(service.pull({ directory, name }))), errorOf),
            auth
          )
        const failure = { _tag: "RegistryError", registry: front.host, reason: "Unauthorized" }
        expect(await refusal(RegistryAuth.layer())).toMatchObject({ ...failure, credentials: "none" })
        const wrong = { username: "ann", password: Redacted.make("wrong-password") }
        expect(await refusal(RegistryAuth.layer({ [front.host]: wrong }))).toMatchObject({
          ...failure,
          credentials: "RegistryAuth.layer"
        })
      })
    })
  })
}
