import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { execFile } from "node:child_process"
import { chmod, rm, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { describe, expect, it, vi } from "vitest"
import { findCompose, rememberCompose } from "../../../packages/core/src/internal/compose/cli/findCompose.js"
import type { HostCommand, HostCommandOutput } from "../../../packages/core/src/internal/host/hostCommand.js"
import { HostMachine } from "../../../packages/core/src/internal/host/hostMachine.js"
import { composeEnvironment } from "../../engine/composeEditions.js"
import { describeCompose } from "../../engine/describeCompose.js"
import { writeProject } from "./projectFiles.js"
import { errorOf, onCompose, ran } from "./runCompose.js"

const execute = promisify(execFile)

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

/** What a plugin tells the docker command. */
const metadata = (fields: object): Answer =>
  Stream.make(
    ...JSON.stringify(fields, undefined, 2)
      .split("\n")
      .map((text) => line("stdout", text)),
    exit(0)
  )
const told = (Version: string, more: object = {}): Answer =>
  metadata({ SchemaVersion: "0.1.0", Vendor: "Docker Inc.", Version, ...more })

/** A machine on which the docker command and the standalone command answer so, and these plugins, by their paths. */
const machineOf = (docker: Answer, standalone: Answer, plugins: Readonly<Record<string, Answer>> = {}) => ({
  ...HostMachine.defaultValue(),
  platform: "linux",
  isExecutable: (path: string) => Effect.succeed(path in plugins),
  run: ({ args, program }: HostCommand) =>
    program === "docker"
      ? docker
      : program in plugins && args.join() === "docker-cli-plugin-metadata"
        ? (plugins[program] ?? Stream.die(program))
        : standalone
})

const wrapped = ["docker", "compose"]
const noPlugin = failure("docker: unknown command: docker compose")
const none = missing("docker-compose")
const [first, second] = ["/config/cli-plugins/docker-compose", "/usr/lib/docker/cli-plugins/docker-compose"]

const found = (version: string, command: ReadonlyArray<string>) => ({
  _tag: "Available",
  version,
  command,
  name: command[0] === "docker-compose" ? "docker-compose" : "docker compose"
})
const notFound = (...words: ReadonlyArray<string>) => ({
  _tag: "Missing",
  detail: expect.stringMatching(new RegExp(words.join(".*; .*")))
})

type Plugins = Parameters<typeof machineOf>[2]
const machines: Readonly<
  Record<string, readonly [docker: Answer, standalone: Answer, expected: object, plugins?: Plugins]>
> = {
  "nothing is there": [
    missing("docker"),
    none,
    notFound(
      "^there is no docker-compose in /config/cli-plugins, /usr/local/lib/docker/cli-plugins, /usr/local/libexec/.*",
      '"docker compose" .*ENOENT',
      '"docker-compose" .*ENOENT'
    )
  ],
  "the docker command has it": [version("2.26.1-4"), none, found("2.26.1-4", wrapped)],
  "only the standalone command is there": [noPlugin, version("v2.40.3"), found("2.40.3", ["docker-compose"])],
  "the docker command is missing": [missing("docker"), version("5.0.0"), found("5.0.0", ["docker-compose"])],
  "the docker command has a broken one": [failure("exec format error"), none, notFound("exec format error", "ENOENT")],
  "that is broken, and the standalone command is not": [
    failure("no", 255),
    version("2.30.0"),
    found("2.30.0", ["docker-compose"])
  ],
  "it tells no version": [version("hello"), none, notFound('"docker compose" failed: exited with code 0', "ENOENT")],
  "it is version 1": [
    noPlugin,
    version("1.29.2"),
    notFound("unknown command", "version 1.29.2, but version 2 or newer")
  ],
  "the docker command hangs": [Stream.never, version("2.40.3"), found("2.40.3", ["docker-compose"])],
  "all of it hangs": [Stream.never, Stream.never, notFound("did not tell its version within 15s", "within 15s")],
  "the plugin is in a folder of plugins": [
    version("1"),
    none,
    found("2.26.1-4", [first]),
    { [first]: told("2.26.1-4") }
  ],
  "it has a newer schema": [
    noPlugin,
    none,
    found("6.1.0", [second]),
    { [second]: told("v6.1.0", { SchemaVersion: "1.3.0", Hidden: false }) }
  ],
  "it is there twice": [noPlugin, none, found("5.0.0", [first]), { [second]: told("2.40.3"), [first]: told("5.0.0") }],
  "the first one is broken": [
    noPlugin,
    none,
    found("2.40.3", [second]),
    { [first]: failure("exec format error"), [second]: told("2.40.3") }
  ],
  "none is valid": [
    version("2.26.1"),
    none,
    found("2.26.1", wrapped),
    { [first]: told("2.40.3", { Vendor: "" }), [second]: told("2.40.3", { SchemaVersion: "2.0.0" }) }
  ],
  "none is compose": [
    noPlugin,
    none,
    notFound(`"${first}" failed: exited with code 0`, `"${second}" failed: no`, "unknown command", "ENOENT"),
    { [first]: version("2.40.3"), [second]: failure("no\nmore") }
  ]
}

describe("the search for compose", () => {
  it.for(Object.entries(machines))(
    "tells what it tried, or finds what works, if %s",
    ([, [docker, standalone, expected, plugins]]) =>
      Effect.gen(function* () {
        const machine = machineOf(docker, standalone, plugins)
        const search = yield* Effect.fork(findCompose(machine, { environment: { DOCKER_CONFIG: "/config" } }))
        yield* TestClock.adjust("15 seconds")
        yield* TestClock.adjust("15 seconds")
        expect(yield* Fiber.join(search)).toEqual(expected)
      }).pipe(Effect.provide(TestContext.TestContext), Effect.runPromise)
  )

  it.for([
    ["darwin", "docker-compose", ["/Applications/Docker.app/Contents/Resources/cli-plugins"]],
    ["win32", "docker-compose.exe", ["/data/Docker/cli-plugins", "/files/Docker/cli-plugins"]]
  ] as const)("looks into the folders of %s", async ([platform, fileName, folders]) => {
    vi.stubEnv("ProgramData", "/data")
    vi.stubEnv("ProgramFiles", "/files")
    try {
      const sought: Array<string> = []
      const isExecutable = (path: string) => Effect.sync(() => sought.push(path) < 0)
      const machine = { ...machineOf(noPlugin, none), platform, isExecutable }
      await Effect.runPromise(findCompose(machine, { environment: { DOCKER_CONFIG: "/config" } }))
      const own = ["/config/cli-plugins", ...folders].map((folder) => `${folder}/${fileName}`)
      expect(sought).toEqual(expect.arrayContaining(own))
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it("is made again after a minute, and at once if there was nothing", () =>
    Effect.gen(function* () {
      let [answer, searches] = [missing("docker"), 0]
      const { find, forget } = rememberCompose(
        Effect.suspend(() => {
          searches++
          return findCompose(machineOf(answer, none), { environment: { DOCKER_CONFIG: "/config" } })
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

describeCompose("2.26", "compose", (compose) => {
  it("is the plugin that the docker command runs", async () => {
    const { folder, tools } = compose()
    const home = join(folder, "order")
    const { DOCKER_CONFIG, ...environment } = await composeEnvironment(tools, home)
    const script = (version: string) => {
      const fields = JSON.stringify({ SchemaVersion: "0.1.0", Vendor: "test", Version: version })
      return `#!/bin/sh\n[ "$1" = docker-cli-plugin-metadata ] && echo '${fields}' || echo ${version}\n`
    }
    const [config, more] = [join(home, ".docker"), join(home, "more")]
    const files = { "cli-plugins/docker-compose": script("2.30.1"), "config.json": "{" }
    await writeProject(home, ".docker", files)
    for (const [name, version] of Object.entries({ one: "2.30.2", two: "2.30.3" })) {
      await writeProject(more, name, { "docker-compose": script(version) })
      await chmod(join(more, name, "docker-compose"), 0o755)
    }
    await chmod(join(config, "cli-plugins/docker-compose"), 0o755)
    const rows = {
      [join(config, "cli-plugins")]: [
        "{",
        "{}",
        '{"cliPluginsExtraDirs":["/nowhere"]}',
        '{"cliPluginsExtraDirs":null}'
      ],
      [join(more, "two")]: [`{"CLIpluginsEXTRAdirs":["/nowhere","${more}/two","${more}/one"]}`]
    }
    const machine = HostMachine.defaultValue()
    for (const [expected, texts] of Object.entries(rows)) {
      for (const text of texts) {
        await writeFile(join(config, "config.json"), text)
        const own = await Effect.runPromise(findCompose(machine, { environment }))
        const { stdout } = await execute("docker", ["compose", "version", "--short"], { env: environment })
        expect(own, text).toEqual(found(stdout.trim(), [join(expected, "docker-compose")]))
      }
    }
    // That of the docker command's configuration, where it is named.
    const real = await Effect.runPromise(findCompose(machine, { environment: { ...environment, DOCKER_CONFIG } }))
    expect(real).toMatchObject({ version: expect.stringMatching(/^2\.26/) })
  })

  it("that is removed is another one, if there is one, and otherwise a failure that tells what was tried", async () => {
    const { folder, tools } = compose()
    const home = join(folder, "removed")
    const environment = { ...(await composeEnvironment(tools, home)), PATH: join(home, "bin") }
    const directory = await writeProject(folder, "removed-project", {
      "compose.yaml": "services: { web: { image: x } }\n"
    })
    await onCompose({ environment }, { endpoint: `unix://${folder}/none.sock` }, (service) =>
      Effect.gen(function* () {
        const services = ran(Effect.succeed(service.command(directory, ["config", "--services"])))
        const installed = join(home, "docker/cli-plugins/docker-compose")
        expect(yield* service.version()).toMatchObject({ command: [installed] })
        expect((yield* services).exit).toMatchObject({ value: { stdout: "web" } })

        yield* Effect.promise(() => rm(installed))
        const error = errorOf(yield* services)
        expect(error).toMatchObject({ _tag: "ComposeFailed", reason: "NotInstalled" })
        expect(error).toHaveProperty(
          "detail",
          expect.stringMatching(/"docker compose" failed: .*; "docker-compose" failed: /)
        )

        // It is found at once where it is put, also if it goes between two commands.
        yield* Effect.promise(() => symlink(tools.compose, installed))
        expect(Exit.isSuccess((yield* services).exit)).toBe(true)
        yield* Effect.promise(() => rm(installed))
        yield* Effect.promise(() => symlink(tools.compose, join(home, "bin/docker-compose")))
        expect((yield* services).exit).toMatchObject({ value: { stdout: "web" } })
        expect(yield* service.version()).toMatchObject({ command: ["docker-compose"] })
        expect(yield* service.config(directory)).toMatchObject({ services: { web: { image: "x" } } })
      })
    )
  })
})
