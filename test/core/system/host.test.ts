import {
  Docker,
  Host,
  type InstallFailed,
  type InstallResult,
  LogSink,
  Operation,
  type OperationEvent
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { eventually } from "../eventually.js"
import { collectHostCommand, type HostCommand } from "../../../packages/core/src/internal/host/hostCommand.js"
import { HostMachine, type HostMachineShape } from "../../../packages/core/src/internal/host/hostMachine.js"
import { installPlan } from "../../../packages/core/src/internal/host/installPlan.js"
import { describeEngine, testCompose, testEngine } from "../../engine/realEngine.js"
import { runWith } from "../runWith.js"

const layerOf = (endpoint: string) => Host.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })))

/** Puts scripts on the PATH for one test, and returns their directory. */
const withPrograms = async (programs: Readonly<Record<string, string>>, alone = false): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-programs-"))
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  const path = process.env["PATH"] ?? ""
  process.env["PATH"] = alone ? folder : [folder, path].join(delimiter)
  onTestFinished(async () => {
    process.env["PATH"] = path
    await rm(folder, { recursive: true })
  })
  return folder
}

describeEngine("Docker on this machine", () => {
  const layer = () => layerOf(testEngine().endpoint)

  it("is reported as available, together with Compose", async () => {
    const found = await runWith(
      layer(),
      Effect.flatMap(Host, (host) => host.isInstalled())
    )
    const { endpoint, version } = testEngine()
    expect(found.engine).toMatchObject({ _tag: "Available", endpoint, version })
    await withPrograms({ docker: 'test "$*" = "compose version --short" && echo v2.40.1' })
    const withCompose = await runWith(
      layer(),
      Effect.flatMap(Host, (host) => host.isInstalled())
    )
    expect(withCompose).toMatchObject({
      compose: { _tag: "Available", version: "2.40.1", command: ["docker", "compose"] },
      problems: []
    })
    expect(found.compose._tag === "Available" || testCompose() === undefined || found.problems.length === 1).toBe(true)
  })

  it("is reported with its problems: no engine, no Compose, or one that is too old", async () => {
    await withPrograms({ docker: "echo 'docker: unknown command' >&2; exit 1", "docker-compose": "echo 1.29.2" })
    const nowhere = layerOf("unix:///nowhere/docker.sock")
    const found = await runWith(
      nowhere,
      Effect.flatMap(Host, (host) => host.isInstalled())
    )
    expect(found.engine).toMatchObject({
      _tag: "Unavailable",
      error: { _tag: "EngineUnavailable", reason: "NotFound" }
    })
    expect(found.compose).toEqual({
      _tag: "Missing",
      detail:
        '"docker compose" failed: docker: unknown command; "docker-compose" is version 1.29.2, but version 2 or newer is required'
    })
    expect(found.problems.length).toBeGreaterThanOrEqual(2)
    await withPrograms({}, true)
    const bare = await runWith(
      nowhere,
      Effect.flatMap(Host, (host) => host.isInstalled())
    )
    expect(bare.compose).toMatchObject({ _tag: "Missing" })
  })
})

describe("on another machine, Docker", () => {
  const instructions = "https://docs.docker.com/engine/install/"
  const machine = (overrides: Partial<HostMachineShape>) => {
    const commands: Array<HostCommand> = []
    const shape: HostMachineShape = {
      platform: "linux",
      osRelease: Effect.succeed('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'),
      isRoot: Effect.succeed(true),
      hasProgram: () => Effect.succeed(false),
      isExecutable: () => Effect.succeed(false),
      run: (command) =>
        Stream.sync(() => {
          commands.push(command)
          return { _tag: "Exit", exitCode: 0, detail: "exited with code 0" }
        }),
      ...overrides
    }
    const layer = layerOf("unix:///nowhere/docker.sock").pipe(Layer.provide(Layer.succeed(HostMachine, shape)))
    return { commands, layer: Layer.merge(layer, LogSink.layerNone) }
  }
  const install = Effect.flatMap(Host, (host) => Effect.either(Operation.run(host.install())))

  it("is installed only by root", async () => {
    const asUser = machine({ isRoot: Effect.succeed(false) })
    const refused = Either.getOrThrow(Either.flip(await runWith(asUser.layer, install)))
    expect(refused).toMatchObject({ _tag: "InstallFailed", reason: "NotPermitted", instructions })
    expect(refused.detail).toBe(
      "installing packages requires root. Run as root, or ask an administrator to install Docker"
    )
    expect(asUser.commands).toEqual([])
    const asRoot = machine({})
    expect(await runWith(asRoot.layer, install)).toMatchObject({
      _tag: "Right",
      right: { system: "Debian GNU/Linux 13 (trixie)", dryRun: false }
    })
    expect(asRoot.commands.map(({ args, program }) => `${program} ${args[0]}`)).toEqual([
      "dpkg --configure",
      "apt-get update",
      "apt-get install",
      "docker compose",
      "docker-compose version"
    ])
  })

  it("is not installed if the system is not Linux", async () => {
    const { commands, layer } = machine({ platform: "darwin", osRelease: Effect.succeed(undefined) })
    expect(Either.getOrThrow(Either.flip(await runWith(layer, install)))).toMatchObject({
      reason: "Unsupported",
      detail:
        "darwin is not supported. Docker can be installed automatically on Debian 12 or newer and Ubuntu 22.04 or newer"
    })
    expect(commands).toEqual([])
  })

  it("is reported as installed if there is a dockerd", async () => {
    const { layer } = machine({ hasProgram: (name) => Effect.succeed(name === "dockerd") })
    const { engine, problems } = await runWith(
      layer,
      Effect.flatMap(Host, (host) => host.isInstalled())
    )
    expect(engine).toMatchObject({ _tag: "Unavailable", installed: true })
    expect(problems).not.toContain(`Docker is not installed on this machine. To install it, see ${instructions}`)
    const without = await runWith(
      machine({}).layer,
      Effect.flatMap(Host, (host) => host.isInstalled())
    )
    expect(without.engine).toMatchObject({ _tag: "Unavailable", installed: false })
    expect(without.problems).toContain(`Docker is not installed on this machine. To install it, see ${instructions}`)
  })

  it("commands report how they ended: with an exit code, by a signal, or without starting", async () => {
    const run = async (program: string, ...args: ReadonlyArray<string>) =>
      Effect.runPromise(Effect.flatMap(HostMachine, ({ run }) => collectHostCommand(run({ program, args }))))
    expect(await run("sh", "-c", "echo out; printf last; echo err >&2; exit 3")).toEqual({
      exitCode: 3,
      detail: "exited with code 3",
      stdout: "out\nlast",
      stderr: "err"
    })
    expect(await run("sh", "-c", "kill -9 $$")).toMatchObject({ exitCode: undefined, detail: "was killed by SIGKILL" })
    expect(await run("/nowhere/apt-get")).toMatchObject({
      exitCode: undefined,
      detail: "could not be started (spawn /nowhere/apt-get ENOENT)"
    })
  })
})

describe("an installation of Docker", () => {
  const debian = (version: string) =>
    `PRETTY_NAME="Debian GNU/Linux ${version}"\nID=debian\n${version === "" ? "" : `VERSION_ID="${version}"\n`}`
  const ubuntu = (version: string) =>
    `PRETTY_NAME="Ubuntu ${version}"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="${version}"\n`
  const commandsOf = (osRelease: string) =>
    Either.map(installPlan("linux", osRelease), ({ commands }) =>
      commands.map(({ args, program }) => [program, ...args].join(" "))
    )

  it("uses the packages of the distribution", () => {
    const before = ["dpkg --configure -a", "apt-get update"]
    const install = "apt-get install --yes --no-install-recommends"
    expect(commandsOf(debian("12"))).toEqual(Either.right([...before, `${install} docker.io`]))
    const newer = Either.right([...before, `${install} docker.io docker-cli docker-compose docker-buildx`])
    expect(commandsOf(debian("13"))).toEqual(newer)
    expect(commandsOf(debian(""))).toEqual(newer)
    for (const version of ["22.04", "24.04", "26.04"]) {
      expect(commandsOf(ubuntu(version))).toEqual(
        Either.right([...before, `${install} docker.io docker-compose-v2 docker-buildx`])
      )
    }
  })

  it("fails on other systems, and refers to the instructions", () => {
    const others = [
      debian("11"),
      ubuntu("20.04"),
      "ID=fedora\nVERSION_ID=41\n",
      "ID=linuxmint\nID_LIKE=ubuntu\n",
      "",
      undefined
    ]
    const refusals = [...others.map((release) => installPlan("linux", release)), installPlan("darwin", undefined)]
    for (const refusal of refusals) {
      const error = Either.getOrThrow(Either.flip(refusal))
      expect(error).toMatchObject({
        _tag: "InstallFailed",
        reason: "Unsupported",
        instructions: "https://docs.docker.com/engine/install/"
      })
      expect(error.message).toContain("https://docs.docker.com/engine/install/")
    }
  })

  /** Runs an installation, and returns its events and its outcome. */
  const installed = async (dryRun: boolean, signal?: AbortSignal) => {
    const events: Array<OperationEvent> = []
    const sink = Layer.succeed(LogSink, {
      offer: (given) => {
        for (const event of given) if ("logId" in event) events.push(event)
      },
      flush: Effect.void
    })
    const program = Effect.flatMap(Host, (host) => Effect.either(Operation.run(host.install({ dryRun }))))
    const layer = Layer.merge(layerOf("unix:///nowhere/docker.sock"), sink)
    const outcome = await runWith(layer, program, signal).catch((): undefined => undefined)
    const lines = events.flatMap((event) => (event._tag === "OperationLine" ? [event.text] : []))
    const result: Either.Either<InstallResult, InstallFailed> | undefined = outcome
    return { events, lines, outcome: result }
  }
  const isKnown = async () =>
    Either.isRight(installPlan(process.platform, await readFile("/etc/os-release", "utf8").catch(() => undefined)))

  it("shows in a dry run what it would do, and changes nothing", async (context) => {
    if (!(await isKnown())) context.skip()
    const log = join(
      await withPrograms({ "apt-get": 'echo "$@" >> "$(dirname "$0")/calls"; echo "Inst docker.io (1.0)"' }),
      "calls"
    )
    const { events, lines, outcome } = await installed(true)
    expect(outcome).toMatchObject({
      _tag: "Right",
      right: { dryRun: true, installation: { engine: { _tag: "Unavailable" } } }
    })
    expect(await readFile(log, "utf8")).toMatch(/^--simulate install --yes --no-install-recommends docker\.io.*\n$/)
    expect(lines).toContain("Would run: apt-get update")
    expect(lines).toContain("Inst docker.io (1.0)")
    expect(events.map(({ kind }) => kind)).toContain("install_engine")
    expect(events.at(-1)?._tag).toBe("OperationCompleted")
  })

  it("simulates with the apt of this machine", async (context) => {
    if (!(await isKnown())) context.skip()
    const { lines, outcome } = await installed(true)
    expect(outcome).toMatchObject({ _tag: "Right" })
    console.log(lines.slice(0, 12).join("\n"))
  })

  it.runIf(process.getuid?.() === 0)("runs its commands in order, and emits their output", async (context) => {
    if (!(await isKnown())) context.skip()
    const folder = await withPrograms({
      dpkg: 'echo "dpkg $@" >> "$(dirname "$0")/calls"',
      "apt-get":
        'echo "$DEBIAN_FRONTEND: $@" >> "$(dirname "$0")/calls"; echo "doing $1"; echo "careful; \\$(reboot)" >&2'
    })
    const { lines, outcome } = await installed(false)
    expect(outcome).toMatchObject({ _tag: "Right", right: { dryRun: false } })
    const calls = (await readFile(join(folder, "calls"), "utf8")).trim().split("\n")
    expect(calls).toEqual([
      "dpkg --configure -a",
      "noninteractive: update",
      expect.stringMatching(/^noninteractive: install --yes --no-install-recommends docker\.io/)
    ])
    expect(lines).toEqual(expect.arrayContaining(["doing update", "doing install", "careful; $(reboot)"]))
  })

  it.runIf(process.getuid?.() === 0)(
    "fails with the failed command, and stops when it is interrupted",
    async (context) => {
      if (!(await isKnown())) context.skip()
      const folder = await withPrograms({
        dpkg: "exit 0",
        "apt-get": 'test "$1" = update && exit 0; echo "E: no such package" >&2; exit 100'
      })
      const { events, lines, outcome } = await installed(false)
      expect(outcome).toMatchObject({
        _tag: "Left",
        left: {
          _tag: "InstallFailed",
          reason: "CommandFailed",
          detail: "apt-get exited with code 100 (E: no such package)"
        }
      })
      expect(lines).toContain("E: no such package")
      expect(events.at(-1)?._tag).toBe("OperationFailed")

      await writeFile(join(folder, "apt-get"), '#!/bin/sh\necho $$ > "$(dirname "$0")/pid"; exec sleep 100\n', {
        mode: 0o755
      })
      const abort = new AbortController()
      const running = installed(false, abort.signal)
      await eventually(() => readFile(join(folder, "pid"), "utf8").catch(() => "")).toMatch(/\d\n/)
      const start = performance.now()
      abort.abort()
      expect((await running).events.at(-1)?._tag).toBe("OperationInterrupted")
      expect(performance.now() - start).toBeLessThan(1_000)
      const pid = Number(await readFile(join(folder, "pid"), "utf8"))
      expect(() => process.kill(pid, 0)).toThrow()
    }
  )
})
