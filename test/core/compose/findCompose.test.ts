import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { rm, symlink } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { findCompose, rememberCompose } from "../../../packages/core/src/internal/compose/cli/findCompose.js"
import type { HostCommandOutput } from "../../../packages/core/src/internal/host/hostCommand.js"
import { HostMachine } from "../../../packages/core/src/internal/host/hostMachine.js"
import { composeEnvironment } from "../../engine/composeEditions.js"
import { describeCompose } from "../../engine/describeCompose.js"
import { writeProject } from "./projectFiles.js"
import { errorOf, onCompose, ran } from "./runCompose.js"

type Answer = Stream.Stream<HostCommandOutput>

const line = (stream: "stdout" | "stderr", text: string): HostCommandOutput => ({ _tag: "Line", stream, text })
const exit = (exitCode: number): HostCommandOutput => ({
  _tag: "Exit",
  exitCode,
  detail: `exited with code ${exitCode}`
})
const version = (text: string): Answer => Stream.make(line("stdout", text), exit(0))
const failure = (text: string, code = 1): Answer => Stream.make(line("stderr", text), exit(code))
const missing = (program: string): Answer =>
  Stream.make<[HostCommandOutput]>({ _tag: "Exit", detail: `could not be started (spawn ${program} ENOENT)` })

/** A machine on which the plugin and the standalone command answer so. */
const machineOf = (docker: Answer, standalone: Answer) => ({
  ...HostMachine.defaultValue(),
  run: ({ program }: { readonly program: string }) => (program === "docker" ? docker : standalone)
})

const plugin = ["docker", "compose"]
const noPlugin = failure("docker: unknown command: docker compose")
const none = missing("docker-compose")

const found = (version: string, command: ReadonlyArray<string>) => ({ _tag: "Available", version, command })
const notFound = (...words: ReadonlyArray<string>) => ({
  _tag: "Missing",
  detail: expect.stringMatching(new RegExp(words.join(".*; .*")))
})

const machines: Readonly<Record<string, readonly [docker: Answer, standalone: Answer, expected: object]>> = {
  "nothing is there": [missing("docker"), none, notFound('"docker compose" .*ENOENT', '"docker-compose" .*ENOENT')],
  "the plugin is there": [version("2.26.1-4"), none, found("2.26.1-4", plugin)],
  "only the standalone command is there": [noPlugin, version("v2.40.3"), found("2.40.3", ["docker-compose"])],
  "the docker command is missing": [missing("docker"), version("5.0.0"), found("5.0.0", ["docker-compose"])],
  "the plugin is broken": [failure("exec format error"), none, notFound("exec format error", "ENOENT")],
  "the plugin is broken, and the other is not": [
    failure("no", 255),
    version("2.30.0"),
    found("2.30.0", ["docker-compose"])
  ],
  "the plugin tells no version": [
    version("hello"),
    none,
    notFound('"docker compose" failed: exited with code 0', "ENOENT")
  ],
  "it is version 1": [
    noPlugin,
    version("1.29.2"),
    notFound("unknown command", "version 1.29.2, but version 2 or newer")
  ],
  "the plugin hangs": [Stream.never, version("2.40.3"), found("2.40.3", ["docker-compose"])],
  "all of it hangs": [Stream.never, Stream.never, notFound("did not tell its version within 15s", "within 15s")]
}

describe("the search for compose", () => {
  it.for(Object.entries(machines))(
    "tells what it tried, or finds what works, if %s",
    ([, [docker, standalone, expected]]) =>
      Effect.gen(function* () {
        const search = yield* Effect.fork(findCompose(machineOf(docker, standalone)))
        yield* TestClock.adjust("15 seconds")
        yield* TestClock.adjust("15 seconds")
        expect(yield* Fiber.join(search)).toEqual(expected)
      }).pipe(Effect.provide(TestContext.TestContext), Effect.runPromise)
  )

  it("is made again after a minute, and at once if there was nothing", () =>
    Effect.gen(function* () {
      let [answer, searches] = [missing("docker"), 0]
      const { find, forget } = rememberCompose(
        Effect.suspend(() => {
          searches++
          return findCompose(machineOf(answer, none))
        })
      )
      expect(yield* find).toMatchObject({ _tag: "Missing" })
      answer = version("2.26.1")
      expect(yield* find).toMatchObject({ version: "2.26.1" })
      answer = version("2.40.3")
      yield* TestClock.adjust("59 seconds")
      expect(yield* find).toMatchObject({ version: "2.26.1" })
      yield* TestClock.adjust("1 second")
      expect(yield* find).toMatchObject({ version: "2.40.3" })
      yield* forget
      yield* find
      expect(searches).toBe(4)
    }).pipe(Effect.provide(TestContext.TestContext), Effect.runPromise))
})

describeCompose("2.26", "compose that is removed while it is used", (compose) => {
  it("is another one, if there is one, and otherwise a failure that tells what was tried", async () => {
    const { folder, tools } = compose()
    const home = join(folder, "removed")
    const environment = { ...(await composeEnvironment(tools, home)), PATH: join(home, "bin") }
    const directory = await writeProject(folder, "removed-project", {
      "compose.yaml": "services: { web: { image: x } }\n"
    })
    await onCompose({ environment }, { endpoint: `unix://${folder}/none.sock` }, (service) =>
      Effect.gen(function* () {
        const services = ran(Effect.succeed(service.command(directory, ["config", "--services"])))
        expect(yield* service.version()).toMatchObject({ command: plugin })
        expect((yield* services).exit).toMatchObject({ value: { stdout: "web" } })

        yield* Effect.promise(() => rm(join(home, "docker/cli-plugins/docker-compose")))
        const error = errorOf(yield* services)
        expect(error).toMatchObject({ _tag: "ComposeFailed", reason: "NotInstalled" })
        expect(error).toHaveProperty(
          "detail",
          expect.stringMatching(/"docker compose" failed: .*; "docker-compose" failed: /)
        )

        // It is found at once where it is put, also if it goes between two commands.
        yield* Effect.promise(() => symlink(tools.compose, join(home, "docker/cli-plugins/docker-compose")))
        expect(Exit.isSuccess((yield* services).exit)).toBe(true)
        yield* Effect.promise(() => rm(join(home, "docker/cli-plugins/docker-compose")))
        yield* Effect.promise(() => symlink(tools.compose, join(home, "bin/docker-compose")))
        expect((yield* services).exit).toMatchObject({ value: { stdout: "web" } })
        expect(yield* service.version()).toMatchObject({ command: ["docker-compose"] })
        expect(yield* service.config(directory)).toMatchObject({ services: { web: { image: "x" } } })
      })
    )
  })
})
