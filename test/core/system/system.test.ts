import {
  Docker,
  type InstallFailed,
  type Installed,
  LogSink,
  Operation,
  type OperationEvent,
  System
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { once } from "node:events"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer as createHttpServer } from "node:http"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { installPlan } from "../../../packages/core/src/internal/host/installPlan.js"
import { engineCall, engineRequest } from "../../engine/engineRequest.js"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { inTurn } from "../../conformance/cell.js"
import { describeEngine, describeKillableEngine, testCompose, testEngine } from "../../engine/realEngine.js"
import { createTestContainer, startTestContainer } from "../../engine/testContainer.js"
import { failureWith, runWith } from "../runWith.js"

const layerOf = (endpoint: string) => System.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })))
const methods = ["ping", "version", "info", "diskUsage", "prune"] as const
const call = (method: (typeof methods)[number]) =>
  Effect.flatMap(System, (system): Effect.Effect<unknown, unknown> => system[method]())

/** For a while another PATH, in which a program is what the test says. */
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

describeEngine("an engine as a whole", () => {
  const layer = () => layerOf(testEngine().endpoint)

  it("says what it is", async () => {
    const { endpoint, version } = testEngine()
    const { info, ping, said } = await runWith(
      layer(),
      Effect.flatMap(System, (system) =>
        Effect.all({ info: system.info(), ping: system.ping(), said: system.version() })
      )
    )
    expect(ping).toMatchObject({ apiVersion: said.apiVersion, osType: "linux", experimental: false })
    expect(said).toMatchObject({ version, os: "linux", raw: { Version: version } })
    expect(said.components.map(({ name }) => name)).toContain("Engine")
    expect(info).toMatchObject({ serverVersion: version, osType: "linux" })
    expect(info.memory).toBeGreaterThan(0)
    const raw = (await engineCall(endpoint, "GET", "/info")).json
    expect(Object.keys(info.raw).toSorted()).toEqual(Object.keys(Object(raw)).toSorted())
  })

  it("is told as available, with compose where there is one", async () => {
    const found = await runWith(
      layer(),
      Effect.flatMap(System, (system) => system.isInstalled())
    )
    const { endpoint, version } = testEngine()
    expect(found.engine).toMatchObject({ _tag: "Available", endpoint, version })
    await withPrograms({ docker: 'test "$*" = "compose version --short" && echo v2.40.1' })
    const withCompose = await runWith(
      layer(),
      Effect.flatMap(System, (system) => system.isInstalled())
    )
    expect(withCompose).toMatchObject({
      compose: { _tag: "Available", version: "2.40.1", command: ["docker", "compose"] },
      problems: []
    })
    expect(found.compose._tag === "Available" || testCompose() === undefined || found.problems.length === 1).toBe(true)
  })

  it("is told what is wrong: no engine, no compose, or one that is too old", async () => {
    await withPrograms({ docker: "echo 'docker: unknown command' >&2; exit 1", "docker-compose": "echo 1.29.2" })
    const nowhere = layerOf("unix:///nowhere/docker.sock")
    const found = await runWith(
      nowhere,
      Effect.flatMap(System, (system) => system.isInstalled())
    )
    expect(found.engine).toMatchObject({
      _tag: "Unavailable",
      error: { _tag: "EngineUnavailable", reason: "NotFound" }
    })
    expect(found.compose).toEqual({
      _tag: "Missing",
      detail: "docker compose: docker: unknown command; docker-compose is 1.29.2, which is too old"
    })
    expect(found.problems.length).toBeGreaterThanOrEqual(2)
    await withPrograms({}, true)
    const bare = await runWith(
      nowhere,
      Effect.flatMap(System, (system) => system.isInstalled())
    )
    expect(bare.compose).toMatchObject({ _tag: "Missing" })
  })

  it("refuses a filter that there is not", async () => {
    for (const options of [{ filters: { nonsense: ["x"] } }, { volumes: true, filters: { until: ["1h"] } }]) {
      const prune = Effect.flatMap(System, (system) => system.prune(options))
      // Another test may be pruning just now.
      expect(await failureWith(layer(), inTurn(prune))).toMatchObject({ _tag: "InvalidRequest", field: "filters" })
    }
  })

  it("is unavailable where it isn't there", async () => {
    for (const method of methods) {
      expect(await failureWith(layerOf("unix:///nowhere/docker.sock"), call(method))).toMatchObject({
        _tag: "EngineUnavailable",
        reason: "NotFound"
      })
    }
  })
})

describeKillableEngine("an engine of one's own, as a whole", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ name: "system" })
  })
  afterAll(() => engine?.dispose())

  it("tells what it takes on the disk, is pruned, and takes less", async () => {
    const { endpoint } = engine
    const running = await startTestContainer({
      endpoint,
      cmd: ["sh", "-c", "head -c 100000 /dev/zero > /x; sleep 1000"]
    })
    const stopped = await createTestContainer({ endpoint, cmd: ["true"] })
    await engineCall(endpoint, "POST", "/networks/create", { Name: "idle" })
    const volume = await engineCall(endpoint, "POST", "/volumes/create", {})
    await engineCall(endpoint, "POST", "/images/busybox/tag?repo=other&tag=one")
    await engineCall(endpoint, "POST", `/commit?container=${stopped.id}&repo=unused&tag=one`)
    await sleep(500)
    const usage = () =>
      runWith(
        layerOf(endpoint),
        Effect.flatMap(System, (system) => system.diskUsage())
      )
    const before = await usage()
    expect(before).toMatchObject({
      containers: { count: 2, active: 1 },
      images: { count: 2, active: 1 },
      volumes: { count: 1, active: 0 }
    })
    expect(before.containers.size).toBeGreaterThanOrEqual(100_000)
    expect(before.images.size).toBeGreaterThan(500_000)

    const prune = (options = {}) =>
      runWith(
        layerOf(endpoint),
        Effect.flatMap(System, (system) => system.prune(options))
      )
    expect(await prune({ filters: { label: ["nobody.has.this"] } })).toEqual({
      containers: [],
      networks: [],
      images: [],
      volumes: [],
      buildCache: [],
      spaceReclaimed: 0
    })
    const some = await prune()
    expect(some).toMatchObject({ containers: [stopped.id], networks: ["idle"], images: [], volumes: [] })
    const all = await prune({ allImages: true, volumes: true })
    expect(all).toMatchObject({ containers: [], networks: [] })
    expect(all.images).toContain("unused:one")
    expect(all.volumes).toEqual([Object(volume.json).Name])
    expect(await usage()).toMatchObject({
      containers: { count: 1, active: 1 },
      images: { count: 1 },
      volumes: { count: 0, size: 0, reclaimable: 0 }
    })
    expect((await engineRequest(endpoint, "GET", `/containers/${running.id}/json`)).status).toBe(200)
  })

  it("is told as unavailable once it is killed", async () => {
    await engine.kill()
    const found = await runWith(
      layerOf(engine.endpoint),
      Effect.flatMap(System, (system) => system.isInstalled())
    )
    expect(found.engine).toMatchObject({ _tag: "Unavailable", error: { reason: "Refused" } })
    for (const method of methods) {
      expect(await failureWith(layerOf(engine.endpoint), call(method))).toMatchObject({ reason: "Refused" })
    }
    await engine.start()
  })
})

describe("what an engine takes on the disk", () => {
  const nothing = { count: 0, active: 0, size: 0, reclaimable: 0 }
  /** A server with an engine's answer, as engines of these versions are not at hand. */
  const usageOf = async (answer: unknown) => {
    const server = createHttpServer((_, response) => response.end(JSON.stringify(answer))).listen(0, "127.0.0.1")
    await once(server, "listening")
    onTestFinished(() => void server.close())
    const address = server.address()
    const endpoint = `tcp://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
    const usage = await runWith(
      layerOf(endpoint),
      Effect.flatMap(System, (system) => system.diskUsage())
    )
    expect(usage.raw).toEqual(answer)
    const { raw: _, ...shares } = usage
    return shares
  }

  it("is understood as API 1.52 tells it: in sums", async () => {
    const usage = await usageOf({
      ImageUsage: { ActiveCount: 1, TotalCount: 4, Reclaimable: 300, TotalSize: 1000 },
      ContainerUsage: { ActiveCount: 2, TotalCount: 3, TotalSize: 70, Reclaimable: 20, Items: [{ Id: "x" }] },
      VolumeUsage: { TotalCount: 1, TotalSize: -1 },
      BuildCacheUsage: {}
    })
    expect(usage).toEqual({
      images: { count: 4, active: 1, size: 1000, reclaimable: 300 },
      containers: { count: 3, active: 2, size: 70, reclaimable: 20 },
      volumes: { count: 1, active: 0, size: 0, reclaimable: 0 },
      buildCache: nothing
    })
  })

  it("is understood as old ones and Podman tell it: without what they don't know", async () => {
    const images = [{ Id: "a", Size: 100, VirtualSize: 100 }]
    expect(await usageOf({ LayersSize: 0, Images: images, Containers: [], Volumes: null, BuilderSize: 0 })).toEqual({
      images: { count: 1, active: 0, size: 100, reclaimable: 100 },
      containers: nothing,
      volumes: nothing,
      buildCache: nothing
    })
    const cache = [
      { ID: "x", Size: 5 },
      { ID: "y", Size: 7, InUse: true, Shared: false }
    ]
    expect(await usageOf({ LayersSize: 10, BuildCache: cache })).toMatchObject({
      buildCache: { count: 2, active: 1, size: 12, reclaimable: 5 }
    })
  })
})

describe("the installation of an engine", () => {
  const debian = (version: string) =>
    `PRETTY_NAME="Debian GNU/Linux ${version}"\nID=debian\n${version === "" ? "" : `VERSION_ID="${version}"\n`}`
  const ubuntu = (version: string) =>
    `PRETTY_NAME="Ubuntu ${version}"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="${version}"\n`
  const commandsOf = (osRelease: string) =>
    Either.map(installPlan("linux", osRelease), ({ commands }) =>
      commands.map(({ args, program }) => [program, ...args].join(" "))
    )

  it("is by the distribution's own packages", () => {
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

  it("is refused elsewhere, with a word on where to look", () => {
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

  /** Runs an installation; what it gave and how it ended. */
  const installed = async (dryRun: boolean, signal?: AbortSignal) => {
    const events: Array<OperationEvent> = []
    const sink = Layer.succeed(LogSink, {
      offer: (given) => {
        for (const event of given) if ("logId" in event) events.push(event)
      },
      flush: Effect.void
    })
    const program = Effect.flatMap(System, (system) => Effect.either(Operation.run(system.install({ dryRun }))))
    const layer = Layer.merge(layerOf("unix:///nowhere/docker.sock"), sink)
    const outcome = await runWith(layer, program, signal).catch((): undefined => undefined)
    const lines = events.flatMap((event) => (event._tag === "OperationLine" ? [event.text] : []))
    const result: Either.Either<Installed, InstallFailed> | undefined = outcome
    return { events, lines, outcome: result }
  }
  const isKnown = async () =>
    Either.isRight(installPlan(process.platform, await readFile("/etc/os-release", "utf8").catch(() => undefined)))

  it("shows in a dry run what it would do, and does nothing", async (context) => {
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

  it("says what the machine's own apt would do", async (context) => {
    if (!(await isKnown())) context.skip()
    const { lines, outcome } = await installed(true)
    expect(outcome).toMatchObject({ _tag: "Right" })
    console.log(lines.slice(0, 12).join("\n"))
  })

  it.runIf(process.getuid?.() === 0)("runs its commands one by one, with all that they say", async (context) => {
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
    "fails with the command that failed, and stops when it is interrupted",
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
          detail: "apt-get: it ended with 100 (E: no such package)"
        }
      })
      expect(lines).toContain("E: no such package")
      expect(events.at(-1)?._tag).toBe("OperationFailed")

      await writeFile(join(folder, "apt-get"), '#!/bin/sh\necho $$ > "$(dirname "$0")/pid"; exec sleep 100\n', {
        mode: 0o755
      })
      const abort = new AbortController()
      const running = installed(false, abort.signal)
      await sleep(1_000)
      const start = performance.now()
      abort.abort()
      expect((await running).events.at(-1)?._tag).toBe("OperationInterrupted")
      expect(performance.now() - start).toBeLessThan(1_000)
      const pid = Number(await readFile(join(folder, "pid"), "utf8"))
      expect(() => process.kill(pid, 0)).toThrow()
    }
  )
})
