import {
  Archive,
  Containers,
  Docker,
  Events,
  Exec,
  Logs,
  MemoryEngine,
  type MemoryEngineOptions,
  ProgramStep,
  Stats,
  System
} from "@dockwire/core"
import { Chunk, Duration, Effect, Fiber, Layer, type Scope, Stream, TestClock, TestContext } from "effect"
import { describe, expect, it } from "vitest"
import { RequestLog } from "../../packages/core/src/memory/requestLog.js"
import { failsWith } from "./cell.js"

type Services = Archive | Containers | Docker | Events | Exec | Logs | MemoryEngine | System

const services = Layer.mergeAll(Archive.layer, Containers.layer, Events.layer, Exec.layer, Logs.layer, System.layer)

const run = <A, E>(program: Effect.Effect<A, E, Services | Scope.Scope>, options?: MemoryEngineOptions) =>
  Effect.runPromise(
    program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(services, MemoryEngine.layer(options))))
  )

/** The same with a TestClock. */
const runByTestClock = <A, E>(program: Effect.Effect<A, E, Services | Scope.Scope>, options?: MemoryEngineOptions) =>
  Effect.runPromise(
    program.pipe(
      Effect.scoped,
      Effect.provide(Layer.provideMerge(services, MemoryEngine.layer(options))),
      Effect.provide(TestContext.TestContext)
    )
  )

const waiting = { name: "shop", image: "busybox", command: ["sleep", "infinity"] }

const texts = (id: string) =>
  Effect.gen(function* () {
    const lines = yield* Stream.runCollect((yield* Logs).read(id))
    return Chunk.toReadonlyArray(lines).map(({ text }) => text)
  })

describe("programs", () => {
  it("are scripted, by image and by command", () =>
    run(
      Effect.gen(function* () {
        expect(yield* (yield* Containers).wait("shop")).toEqual({ exitCode: 3 })
        expect(yield* texts("shop")).toEqual(["ready", "no newline"])
        const exec = yield* Exec
        expect(yield* exec.run("other", ["ls", "-l"])).toEqual({ exitCode: 0, stdout: "", stderr: "ls -l\n" })
        yield* failsWith(exec.run("other", ["lsof"]), "ExecFailed")
      }),
      {
        programs: [
          {
            image: "shop",
            run: () => Stream.make(ProgramStep.line("ready"), ProgramStep.output("no newline"), ProgramStep.exit(3))
          },
          { command: "ls", run: ({ command }) => Stream.make(ProgramStep.line(command.join(" "), "stderr")) }
        ],
        containers: [
          { name: "shop", image: "shop" },
          { name: "other", image: "busybox:latest", command: ["sleep", "infinity"] }
        ]
      }
    ))

  it("report their resource usage", () =>
    runByTestClock(
      Effect.gen(function* () {
        yield* TestClock.adjust("10 seconds")
        expect(yield* Effect.flatMap(Stats, (stats) => stats.once("busy"))).toMatchObject({
          cpuPercent: expect.closeTo(150, 0),
          memoryUsage: 7_000_000,
          networkReceived: expect.closeTo(10_000, -1),
          networkSent: expect.closeTo(20_000, -1),
          blockRead: expect.closeTo(30_000, -1),
          blockWritten: expect.closeTo(40_000, -1)
        })
      }).pipe(Effect.provide(Stats.layer)),
      {
        programs: [
          {
            image: "busy",
            run: () => Stream.never,
            usage: (seconds) => ({
              cpuSeconds: 1.5 * seconds,
              memory: 7_000_000,
              received: 1000 * seconds,
              sent: 2000 * seconds,
              read: 3000 * seconds,
              written: 4000 * seconds
            })
          }
        ],
        containers: [{ name: "busy", image: "busy" }]
      }
    ))

  it("react to the signals that they handle", () =>
    run(
      Effect.gen(function* () {
        const containers = yield* Containers
        yield* containers.stop("server")
        expect((yield* containers.inspect("server")).state).toMatchObject({ status: "exited", exitCode: 143 })
        yield* containers.kill("reloading", "HUP")
        expect(yield* containers.wait("reloading")).toEqual({ exitCode: 9 })
        yield* containers.stop("careful")
        expect(yield* texts("careful")).toEqual(["works", "saves", "goes"])
        expect((yield* containers.inspect("careful")).state).toMatchObject({ status: "exited", exitCode: 4 })
        // A container that does not stop is killed after its own stop timeout.
        yield* containers.stop("stubborn", { timeout: "1 second" })
        expect(yield* texts("stubborn")).toEqual(["no"])
        expect((yield* containers.inspect("stubborn")).state).toMatchObject({ status: "exited", exitCode: 137 })
      }),
      {
        programs: [
          {
            image: "careful",
            run: () => Stream.concat(Stream.make(ProgramStep.line("works")), Stream.never),
            signals: {
              SIGTERM: () => Stream.make(ProgramStep.line("saves"), ProgramStep.line("goes"), ProgramStep.exit(4))
            }
          },
          {
            image: "stubborn",
            run: () => Stream.never,
            signals: { SIGTERM: () => Stream.concat(Stream.make(ProgramStep.line("no")), Stream.never) }
          },
          { image: "server", run: () => Stream.never },
          { image: "reloading", run: () => Stream.never, signals: { SIGHUP: 9 } }
        ],
        containers: [
          { name: "server", image: "server" },
          { name: "reloading", image: "reloading" },
          { name: "careful", image: "careful" },
          { name: "stubborn", image: "stubborn" }
        ]
      }
    ))

  it("of a shell are simple commands, and an error explains what is not supported", () =>
    run(
      Effect.gen(function* () {
        const exec = yield* Exec
        const shell = (script: string) => exec.run("shop", ["sh", "-c", script])
        expect(yield* shell("false || echo 'a b' && true; echo err >&2; exit 4")).toEqual({
          exitCode: 4,
          stdout: "a b\n",
          stderr: "err\n"
        })
        expect(yield* shell("nope")).toMatchObject({ exitCode: 127, stderr: "sh: nope: not found\n" })
        expect(yield* shell("for i in 1 2; do echo $i; done")).toMatchObject({ exitCode: 2, stdout: "" })
        expect(yield* shell("seq 2 4")).toMatchObject({ stdout: "2\n3\n4\n" })
      }),
      { containers: [waiting] }
    ))
})

describe("time", () => {
  it("is that of the clock, and never the same twice", () =>
    runByTestClock(
      Effect.gen(function* () {
        const containers = yield* Containers
        const { writeLine } = yield* MemoryEngine
        yield* writeLine("shop", "stdout", "one")
        yield* writeLine("shop", "stdout", "two")
        yield* TestClock.adjust("1 hour")
        yield* writeLine("shop", "stderr", "three")
        const lines = Chunk.toReadonlyArray(yield* Stream.runCollect((yield* Logs).read("shop")))
        const [one = "", two = "", three = ""] = lines.map(({ timestamp }) => timestamp)
        expect(one < two && two < three).toBe(true)
        expect(one).toMatch(/^1970-01-01T00:00:00\.0000000\d\dZ$/)
        expect(three).toBe("1970-01-01T01:00:00.000000000Z")
        const stop = yield* Effect.fork(containers.stop("shop"))
        yield* TestClock.adjust("9 seconds")
        expect((yield* containers.inspect("shop")).state.status).toBe("running")
        yield* TestClock.adjust("1 seconds")
        yield* Fiber.join(stop)
        expect((yield* containers.inspect("shop")).state).toMatchObject({ status: "exited", exitCode: 137 })
      }),
      { containers: [waiting] }
    ))

  it("passes between the restarts of a container", () =>
    runByTestClock(
      Effect.gen(function* () {
        const containers = yield* Containers
        const { exit } = yield* MemoryEngine
        yield* exit("shop", 1)
        expect((yield* containers.inspect("shop")).state.status).toBe("restarting")
        yield* TestClock.adjust("100 millis")
        expect(yield* containers.inspect("shop")).toMatchObject({ restartCount: 1, state: { status: "running" } })
        yield* exit("shop", 1)
        yield* TestClock.adjust("199 millis")
        expect((yield* containers.inspect("shop")).state.status).toBe("restarting")
        yield* TestClock.adjust("1 millis")
        yield* exit("shop", 1)
        expect((yield* containers.inspect("shop")).state).toMatchObject({ status: "exited", exitCode: 1 })
      }),
      { containers: [{ ...waiting, restart: { policy: "on-failure", maximumRetryCount: 2 } }] }
    ))
})

describe("a container", () => {
  it("is removed automatically if it was created with autoRemove", () =>
    run(
      Effect.gen(function* () {
        const containers = yield* Containers
        const removed = yield* Effect.fork(containers.wait("shop", "removed"))
        yield* Effect.yieldNow()
        yield* (yield* MemoryEngine).exit("shop", 5)
        expect(yield* Fiber.join(removed)).toEqual({ exitCode: 5 })
        yield* failsWith(containers.inspect("shop"), "ContainerNotFound")
      }),
      { containers: [{ ...waiting, autoRemove: true }] }
    ))

  it("has the health that a test sets", () =>
    run(
      Effect.gen(function* () {
        yield* (yield* MemoryEngine).setHealth("shop", "healthy")
        expect((yield* (yield* Containers).inspect("shop")).state.health).toBe("healthy")
        const event = yield* Stream.runHead(
          (yield* Events).stream({ since: "1", filters: { event: ["health_status"] } })
        )
        expect(event).toMatchObject({ value: { action: "health_status: healthy" } })
      }),
      { containers: [waiting] }
    ))

  it("can't be created with an invalid spec", async () => {
    const layer = MemoryEngine.layer({ containers: [waiting, waiting] })
    const outcome = await Effect.runPromise(Effect.either(Effect.scoped(Layer.build(layer))))
    expect(outcome).toMatchObject({ left: { _tag: "InvalidRequest", field: "containers", value: "shop" } })
  })
})

describe("files", () => {
  it("come from the image and the container, and programs can read them", () =>
    run(
      Effect.gen(function* () {
        const archive = yield* Archive
        const exec = yield* Exec
        expect(yield* (yield* Containers).wait("shop")).toEqual({ exitCode: 0 })
        expect(yield* texts("shop")).toEqual(["of the container"])
        expect(yield* archive.readFileString("other", "/etc/shop/name")).toBe("of the image")
        expect(yield* exec.run("other", "cat /etc/shop/name nowhere -", { stdin: Stream.make("in") })).toEqual({
          exitCode: 1,
          stdout: "of the imagein",
          stderr: "cat: can't open 'nowhere': No such file or directory\n"
        })
        // A change in one container does not affect the other, and shows in its changes.
        yield* archive.writeFile("other", "/etc/shop/name", "changed")
        expect(yield* archive.readFileString("shop", "/etc/shop/name")).toBe("of the container")
        expect(yield* (yield* Containers).changes("other")).toEqual([
          { path: "/etc/shop", kind: "modified" },
          { path: "/etc/shop/name", kind: "modified" }
        ])
        const events = yield* Stream.runCollect(
          (yield* Events).stream({ since: "1", until: new Date(), filters: { container: ["other"] } })
        )
        expect(Array.from(events, ({ action }) => action)).toEqual(
          expect.arrayContaining(["archive-path", "extract-to-dir"])
        )
      }),
      {
        images: [{ name: "shop", files: { "/etc/shop/name": "of the image" } }],
        programs: [
          {
            image: "shop",
            command: "serve",
            run: ({ readFile }) => Stream.make(ProgramStep.output(readFile("/etc/shop/name") ?? ""))
          }
        ],
        containers: [
          { name: "shop", image: "shop", command: ["serve"], files: { "/etc/shop/name": "of the container" } },
          { ...waiting, name: "other", image: "shop" }
        ]
      }
    ))

  it("need a valid path", async () => {
    for (const path of ["relative", "/", "/folder/", "/tmp", "/etc/a/b"]) {
      const files = { "/etc/a": "", [path]: "" }
      for (const options of [{ images: [{ name: "shop", files }] }, { containers: [{ ...waiting, files }] }]) {
        const outcome = await Effect.runPromise(Effect.either(Effect.scoped(Layer.build(MemoryEngine.layer(options)))))
        expect(outcome).toMatchObject({ _tag: "Left", left: { _tag: "InvalidRequest" } })
      }
    }
  })

  it("of volumes and bind mounts are shared by all containers that use them, and count as disk usage", () =>
    run(
      Effect.gen(function* () {
        const archive = yield* Archive
        const { diskUsage } = yield* System
        yield* archive.writeFile("shop", "/data/kept", "12345")
        yield* archive.writeFile("shop", "/host/kept", "host")
        yield* archive.writeFile("shop", "/own", "123")
        expect(yield* archive.readFileString("other", "/data/kept")).toBe("12345")
        expect(yield* archive.readFileString("other", "/host/kept")).toBe("host")
        yield* failsWith(archive.stat("other", "/own"), "FileNotFound")
        // A new volume is filled with the files of the image at that path.
        expect(yield* archive.readFileString("other", "/data/seed")).toBe("s")
        expect(yield* diskUsage()).toMatchObject({
          containers: { count: 2, active: 2, size: 3, reclaimable: 0 },
          images: { count: 2, active: 1, size: 4_000_000, reclaimable: 2_000_000 },
          volumes: { count: 1, active: 1, size: 6 },
          buildCache: { count: 0, size: 0 }
        })
      }),
      {
        images: ["busybox", { name: "shop", files: { "/data/seed": "s" } }],
        containers: [
          { ...waiting, image: "shop", binds: ["kept:/data", "/srv:/host"] },
          { ...waiting, image: "shop", name: "other", binds: ["kept:/data", "/srv:/host"] }
        ]
      }
    ))

  it("are removed by a prune", () =>
    run(
      Effect.gen(function* () {
        const { prune } = yield* System
        yield* (yield* Archive).writeFile("shop", "/own", "123")
        expect(yield* prune()).toMatchObject({ containers: [], images: [], spaceReclaimed: 0 })
        yield* (yield* Containers).kill("shop")
        yield* (yield* Containers).wait("shop")
        const { images, ...rest } = yield* prune({ allImages: true })
        expect(rest).toMatchObject({ containers: [expect.any(String)], spaceReclaimed: 4_000_003 })
        // Of each image its tag, its id and its layer.
        const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/)
        expect(images).toEqual(["other:latest", digest, digest, "busybox:latest", digest, digest])
      }),
      { images: ["busybox", "other"], containers: [waiting] }
    ))
})

describe("faults", () => {
  it("make the engine unreachable until it is healed", () =>
    run(
      Effect.gen(function* () {
        const containers = yield* Containers
        const { goOffline, heal, requests } = yield* MemoryEngine
        const wait = yield* Effect.fork(Effect.flip(containers.wait("shop")))
        yield* Effect.repeat(requests, { until: ({ length }) => length > 0 })
        yield* goOffline()
        expect(yield* Fiber.join(wait)).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
        yield* failsWith(containers.list(), "EngineUnavailable", { reason: "Refused" })
        yield* heal
        expect(yield* containers.list()).toHaveLength(1)
      }),
      { containers: [waiting] }
    ))

  it("refuse and delay matching requests, as often as configured", () =>
    runByTestClock(
      Effect.gen(function* () {
        const containers = yield* Containers
        const { refuse, requests, slow } = yield* MemoryEngine
        yield* refuse({ method: "POST", path: "/containers/*/pause", times: 1 }, 500, "out of order")
        yield* failsWith(containers.pause("shop"), "EngineError", { status: 500, detail: "out of order" })
        yield* containers.pause("shop")
        yield* slow({ path: /\/json$/ }, "5 seconds")
        const inspect = yield* Effect.fork(containers.inspect("shop"))
        yield* TestClock.adjust("4 seconds")
        expect(yield* Fiber.poll(inspect)).toMatchObject({ _tag: "None" })
        yield* TestClock.adjust("1 seconds")
        expect((yield* Fiber.join(inspect)).state.status).toBe("paused")
        yield* slow({}, Duration.minutes(2))
        const late = yield* Effect.fork(Effect.flip(containers.list()))
        yield* TestClock.adjust("1 minutes")
        expect(yield* Fiber.join(late)).toMatchObject({ _tag: "EngineUnavailable", reason: "TimedOut" })
        expect((yield* requests).map(({ path }) => path)).toEqual([
          "/containers/shop/pause",
          "/containers/shop/pause",
          "/containers/shop/json",
          "/containers/json"
        ])
      }),
      { containers: [waiting] }
    ))

  it("make a registry fail until it is healed", () =>
    run(
      Effect.gen(function* () {
        const { json } = yield* Docker
        const { failRegistry, heal } = yield* MemoryEngine
        const pull = json({ method: "POST", path: "/images/create", query: { fromImage: "nginx", tag: "latest" } })
        yield* failRegistry("docker.io", { reason: "RateLimited", message: "slow down" })
        yield* failsWith(pull, "EngineError", { status: 500, detail: "toomanyrequests: slow down" })
        yield* heal
        expect((yield* pull).body).toContain("Downloaded newer image for nginx:latest")
      }),
      { registries: [{ images: [{ name: "nginx" }] }] }
    ))

  it("cut streams, which a follow resumes without losing or repeating a line", () =>
    run(
      Effect.gen(function* () {
        const { cutAfter, writeLine } = yield* MemoryEngine
        const wanted = Array.from({ length: 50 }, (_, index) => `line ${index}`)
        for (const text of wanted) yield* writeLine("shop", "stdout", text)
        yield* cutAfter(1000, { times: 5 })
        const given = yield* (yield* Logs).follow("shop").pipe(Stream.take(50), Stream.runCollect)
        expect(Chunk.toReadonlyArray(given).map((one) => (one._tag === "LogLine" ? one.text : one.mark))).toEqual(
          wanted
        )
      }),
      { containers: [waiting] }
    ))

  it("rotate lines away, which a follow reports as a gap", () =>
    run(
      Effect.gen(function* () {
        const { cut, goOffline, heal, rotateLog, writeLine } = yield* MemoryEngine
        const seen: Array<string> = []
        yield* writeLine("shop", "stdout", "one")
        yield* (yield* Logs).follow("shop").pipe(
          Stream.runForEachWhile((element) =>
            Effect.gen(function* () {
              seen.push(element._tag === "LogLine" ? element.text : element.mark)
              if (seen.length > 1) return seen.length < 3
              yield* goOffline()
              yield* writeLine("shop", "stdout", "two")
              yield* writeLine("shop", "stdout", "three")
              yield* rotateLog("shop", 1)
              yield* heal
              yield* cut
              return true
            })
          )
        )
        expect(seen).toEqual(["one", "gap", "three"])
      }),
      { containers: [waiting] }
    ))
})

describe("retention", () => {
  it("of logs follows the options of the engine or of the container", () =>
    run(
      Effect.gen(function* () {
        const { writeLine } = yield* MemoryEngine
        const containers = yield* Containers
        const own = { driver: "json-file", options: { "max-file": "1" } }
        const { id } = yield* containers.create({ ...waiting, name: "own", log: own })
        yield* containers.start(id)
        for (let line = 0; line < 1000; line++) {
          for (const name of ["shop", "own"]) yield* writeLine(name, "stdout", `line ${String(line).padStart(3, "0")}`)
        }
        const kept = yield* texts("shop")
        // A line takes 79 bytes of a file, and a new file starts after 1000 bytes.
        expect(kept.length).toBeGreaterThan(2 * 13)
        expect(kept.length).toBeLessThanOrEqual(3 * 14)
        expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => `line ${1000 - kept.length + index}`))
        expect((yield* texts("own")).length).toBeLessThanOrEqual(14)
        expect((yield* containers.inspect("own")).raw).toMatchObject({
          HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "1k", "max-file": "1" } } }
        })
      }),
      { containers: [waiting], logOptions: { "max-size": "1k", "max-file": "3" } }
    ))

  it("of requests is limited to the last ones", () => {
    // Each request through the door takes a thousand times as long.
    const log = new RequestLog()
    for (let asked = 0; asked < 10_010; asked++) log.add({ method: "GET", path: "/_ping", query: { asked } })
    expect(log.requests).toHaveLength(10_000)
    expect(log.requests[0]?.query).toEqual({ asked: 10 })
    expect(log.requests.at(-1)?.query).toEqual({ asked: 10_009 })
  })
})

describe("the door", () => {
  it("splits long lines into pieces with one timestamp", () =>
    run(
      Effect.gen(function* () {
        const { writeLine } = yield* MemoryEngine
        yield* writeLine("shop", "stdout", "a".repeat(40_000))
        const { body, contentType } = yield* (yield* Docker).stream({
          method: "GET",
          path: "/containers/shop/logs",
          query: { stdout: true, timestamps: true }
        })
        const bytes = yield* Stream.runFold(body, Buffer.alloc(0), (before, chunk) => Buffer.concat([before, chunk]))
        expect(contentType).toBe("application/vnd.docker.multiplexed-stream")
        const frames: Array<readonly [length: number, timestamp: string]> = []
        for (let at = 0; at < bytes.length;) {
          const length = bytes.readUInt32BE(at + 4)
          frames.push([length - 31, bytes.toString("latin1", at + 8, at + 38)])
          at += 8 + length
        }
        expect(frames.map(([length]) => length)).toEqual([16_384, 16_384, 7233])
        expect(new Set(frames.map(([, timestamp]) => timestamp)).size).toBe(1)
        expect(yield* texts("shop")).toEqual(["a".repeat(40_000)])
      }),
      { containers: [waiting] }
    ))
})
