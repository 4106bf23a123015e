import { Archive, Containers, Docker, type DockerShape, Events, Exec, Images, LogSink, Logs } from "@dockwire/core"
import { MemoryEngine, Networks, Operation, Stats, System, Volumes } from "@dockwire/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { expect, it } from "vitest"
import { engineServices, type EngineServices } from "../bothEngines.js"
import { tarball } from "../containers/tarball.js"
import { randomness, type Randomness } from "../logs/randomness.js"
import { roundsOf } from "../../whole/isWhole.js"
import { inVirtualTime } from "../virtualTime.js"

const nested = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth))

/** Values that no engine should send, in the place of one that it does send. */
const odd: readonly [unknown, ...ReadonlyArray<unknown>] = [
  undefined,
  null,
  true,
  0,
  -1,
  0.5,
  1_700_000_000.25,
  1e300,
  -1e300,
  Number.POSITIVE_INFINITY,
  Number.NaN,
  2 ** 53,
  "",
  "NaN",
  "-5",
  "9".repeat(400),
  "x".repeat(100_000),
  "yesterday",
  "0000-00-00T00:00:00Z",
  "0000-01-01T00:00:00.000000001+23:59",
  "9999-12-31T23:59:59.999999999-23:59",
  "2026-13-45T99:99:99Z",
  "+275760-09-13T00:00:00.000Z",
  "container:",
  "__proto__",
  "\u0000\ud800",
  [],
  {},
  [null],
  { "": null },
  nested(20_000)
]

const oddText = (random: Randomness): string => {
  const value = random.pick(odd)
  return typeof value === "object" ? "{}" : String(value).slice(0, 200)
}

/** Replaces one value in a JSON value, which may be the whole. */
const mutate = (value: unknown, random: Randomness): unknown => {
  if (typeof value !== "object" || value === null || random.between(0, 4) === 0) return random.pick(odd)
  const keys = Object.keys(value)
  const [first, ...rest] = keys
  if (first === undefined) return random.pick(odd)
  const chosen = random.pick([first, ...rest])
  const replace = ([key, member]: [string, unknown]) => [key, key === chosen ? mutate(member, random) : member] as const
  return Array.isArray(value)
    ? value.map((member, index) => (String(index) === chosen ? mutate(member, random) : member))
    : Object.fromEntries(Object.entries(value).map(replace))
}

/** JSON with what `JSON.stringify` leaves out. */
const stringify = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_, member) => (member === Number.POSITIVE_INFINITY ? "1e999" : member)) ?? "undefined"
  } catch {
    return `{"Type":${"[".repeat(20_000)}${"]".repeat(20_000)}}`
  }
}

const mutateBytes = (bytes: Uint8Array, random: Randomness): Uint8Array => {
  const text = Buffer.from(bytes).toString("latin1")
  const at = random.between(0, text.length)
  switch (random.between(0, 5)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return bytes.map((byte, index) => (Math.abs(index - at) < 3 ? random.between(0, 255) : byte))
    case 2:
      return Buffer.from(text.slice(0, at) + oddText(random) + text.slice(at), "latin1")
    case 3:
      return Buffer.from(text.replaceAll(/\d{4}-\d\d-\d\dT\S+/g, oddText(random)), "latin1")
    case 4:
      // An event with a time in seconds only.
      return Buffer.from(
        text.replaceAll(/"time":\d+,"timeNano":\d+/g, `"time":${random.pick([0.5, -1.5, 1_700_000_000.25, 1e300])}`),
        "latin1"
      )
    default:
      return Buffer.from(
        text.replace(/\{.*\}/, (json) => stringify(mutate(JSON.parse(json), random))),
        "latin1"
      )
  }
}

/** A door behind which about every second answer is odd. */
const oddDoor = (docker: DockerShape, random: Randomness): DockerShape => {
  const sometimes = () => random.between(0, 1) === 0
  const headers = (given: Readonly<Record<string, string>> = {}) =>
    sometimes() ? given : { ...given, date: oddText(random) }
  const chunks = <E>(body: Stream.Stream<Uint8Array, E>) =>
    Stream.map(body, (bytes) => (sometimes() ? bytes : mutateBytes(bytes, random)))
  return {
    endpoint: docker.endpoint,
    json: (request) =>
      Effect.map(docker.json(request), (response) => ({
        ...response,
        headers: headers(response.headers),
        body: sometimes() ? response.body : mutate(response.body, random)
      })),
    stream: (request) =>
      Effect.map(docker.stream(request), (response) => ({
        ...response,
        headers: headers(response.headers),
        body: chunks(response.body)
      })),
    hijack: (request) => Effect.map(docker.hijack(request), (duplex) => ({ ...duplex, output: chunks(duplex.output) }))
  }
}

type Services = EngineServices | Stats | System

type ImagesShape = Effect.Effect.Success<typeof Images>

/** A pull, a push or a build, for which there are several chances. */
const operations = (name: string, use: (images: ImagesShape) => Operation<unknown, unknown>) =>
  Object.fromEntries(
    Array.from({ length: 2 }, (_, index) => [
      `${name} ${index}`,
      Effect.provide(
        Effect.flatMap(Images, (it) => Operation.run(use(it))),
        LogSink.layerNone
      )
    ])
  )

const archive = () => Stream.make(tarball([{ name: "file", content: "x" }]))
const registry = "registry.example.com"

/** Every method that decodes an answer. */
const calls: Readonly<Record<string, Effect.Effect<unknown, unknown, Services | Scope.Scope>>> = {
  list: Effect.flatMap(Containers, (it) => it.list({ all: true })),
  inspect: Effect.flatMap(Containers, (it) => it.inspect("web")),
  create: Effect.flatMap(Containers, (it) => it.create({ image: "busybox" })),
  top: Effect.flatMap(Containers, (it) => it.top("web")),
  changes: Effect.flatMap(Containers, (it) => it.changes("web")),
  update: Effect.flatMap(Containers, (it) => it.update("web", { restart: { policy: "always" } })),
  stop: Effect.flatMap(Containers, (it) => it.stop("other")),
  start: Effect.flatMap(Containers, (it) => it.start("idle")),
  wait: Effect.flatMap(Containers, (it) => it.wait("idle")),
  running: Effect.flatMap(Containers, (it) => it.waitUntil("web", "running")),
  healthy: Effect.flatMap(Containers, (it) => it.waitUntil("web", "healthy")),
  exited: Effect.flatMap(Containers, (it) => it.waitUntil("web", "exited")),
  line: Effect.flatMap(Containers, (it) => it.waitUntil("web", { log: "never" })),
  old: Effect.flatMap(Containers, (it) => it.waitUntil("done", { log: "never" })),
  port: Effect.flatMap(Containers, (it) => it.waitUntil("web", { port: 9 })),
  pruneContainers: Effect.flatMap(Containers, (it) => it.prune({ filters: { label: ["none"] } })),
  read: Effect.flatMap(Logs, (it) => Stream.runDrain(it.read("web"))),
  readUntil: Effect.flatMap(Logs, (it) => Stream.runDrain(it.read("web", { follow: true, until: "1767225700" }))),
  follow: Effect.flatMap(Logs, (it) => Stream.runDrain(it.follow("web"))),
  followTail: Effect.flatMap(Logs, (it) => Stream.runDrain(it.follow("flaky", { tail: 1 }))),
  // Several, because the first odd event ends a stream.
  ...Object.fromEntries(
    Array.from({ length: 8 }, (_, index) => [
      `events ${index}`,
      Effect.flatMap(Events, (it) => Stream.runDrain(it.stream({ since: "1" })))
    ])
  ),
  watch: Effect.flatMap(Events, (it) => Stream.runDrain(it.watch({ snapshot: true }))),
  once: Effect.flatMap(Stats, (it) => it.once("web")),
  stats: Effect.flatMap(Stats, (it) => Stream.runDrain(it.stream("web"))),
  statsOfDone: Effect.flatMap(Stats, (it) => Stream.runDrain(it.stream("done"))),
  exec: Effect.flatMap(Exec, (it) => it.run("web", ["echo", "x"])),
  readFile: Effect.flatMap(Archive, (it) => it.readFileString("web", "/etc/hostname")),
  stat: Effect.flatMap(Archive, (it) => it.stat("web", "/etc")),
  get: Effect.flatMap(Archive, (it) => Stream.runDrain(it.get("web", "/etc"))),
  ping: Effect.flatMap(System, (it) => it.ping()),
  version: Effect.flatMap(System, (it) => it.version()),
  info: Effect.flatMap(System, (it) => it.info()),
  diskUsage: Effect.flatMap(System, (it) => it.diskUsage()),
  images: Effect.flatMap(Images, (it) => it.list({ all: true })),
  image: Effect.flatMap(Images, (it) => it.inspect("busybox")),
  history: Effect.flatMap(Images, (it) => it.history("busybox")),
  tag: Effect.flatMap(Images, (it) => it.tag("busybox", "other:1")),
  removeImage: Effect.flatMap(Images, (it) => it.remove("spare:1")),
  pruneImages: Effect.flatMap(Images, (it) => it.prune({ filters: { label: ["none"] } })),
  pruneBuildCache: Effect.flatMap(Images, (it) => it.pruneBuildCache()),
  save: Effect.flatMap(Images, (it) => Stream.runDrain(it.save(["busybox"]))),
  load: Effect.flatMap(Images, (it) => it.load(it.save(["busybox"]))),
  import: Effect.flatMap(Images, (it) => it.import(archive())),
  importFor: Effect.flatMap(Images, (it) => it.import(archive(), { platform: "linux/arm64", reference: "arm:1" })),
  ...operations("pull", (it) => it.pull(`${registry}/app:1`)),
  ...operations("pullFor", (it) => it.pull(`${registry}/app:1`, { platform: "linux/arm64" })),
  ...operations("push", (it) => it.push(`${registry}/busybox:1`)),
  ...operations("build", (it) => it.build({ dockerfile: { text: "FROM busybox\nRUN true\nCMD x" } })),
  volumes: Effect.flatMap(Volumes, (it) => it.list()),
  volume: Effect.flatMap(Volumes, (it) => it.inspect("data")),
  createVolume: Effect.flatMap(Volumes, (it) => it.create({})),
  networks: Effect.flatMap(Networks, (it) => it.list()),
  network: Effect.flatMap(Networks, (it) => it.inspect("bridge"))
}

const container = (name: string, command: ReadonlyArray<string>) => ({ name, image: "busybox", command })

/** About two seconds each. */
const rounds = roundsOf({ quick: 2, whole: 30 })

it(
  "whatever an engine answers is a value or an error, never a defect",
  { timeout: 30_000 + rounds * 20_000 },
  async () => {
    const random = randomness("odd responses")
    const outcomes = { succeeded: 0, failed: 0, interrupted: 0 }
    const logged: Array<string> = []
    for (let round = 0; round < rounds; round++) {
      await inVirtualTime(
        {
          containers: [
            { ...container("web", ["sh", "-c", "echo one; echo two; sleep 100000"]), ports: [{ containerPort: 9 }] },
            container("other", ["sleep", "100000"]),
            container("done", ["echo", "over"]),
            { ...container("flaky", ["sh", "-c", "echo again; sleep 1; exit 1"]), restart: { policy: "on-failure" } },
            { ...container("idle", ["echo", "started"]), started: false }
          ],
          images: ["busybox", "spare:1", `${registry}/busybox:1`],
          registries: [
            {
              host: registry,
              images: [
                {
                  name: "app:1",
                  layers: [{ size: 1000, duration: "1 second" }, { size: 10 }],
                  platforms: ["linux/amd64", "linux/arm64"]
                }
              ]
            }
          ],
          volumes: [{ name: "data" }]
        },
        Effect.gen(function* () {
          const door = oddDoor(yield* Docker, random)
          const services = Layer.mergeAll(engineServices, Stats.layer, System.layer).pipe(
            Layer.provide(Layer.succeed(Docker, door)),
            Layer.provideMerge(Layer.succeed(Docker, door))
          )
          const fibers = yield* Effect.forEach(Object.entries(calls), ([name, call]) =>
            Effect.map(Effect.fork(Effect.provide(Effect.scoped(call), services)), (fiber) => ({ fiber, name }))
          )
          yield* TestClock.adjust("100 millis")
          yield* (yield* MemoryEngine).cut
          yield* TestClock.adjust("6 seconds")
          for (const { fiber, name } of fibers) {
            const exit = yield* Fiber.interrupt(fiber)
            if (Exit.isSuccess(exit)) outcomes.succeeded++
            else if (Cause.isInterruptedOnly(exit.cause)) outcomes.interrupted++
            else outcomes.failed++
            if (Exit.isFailure(exit) && Cause.isDie(exit.cause)) {
              expect.fail(`seed ${random.seed}, round ${round}, ${name}: ${Cause.pretty(exit.cause)}`)
            }
          }
        }).pipe(
          Effect.provide(
            Logger.replace(
              Logger.defaultLogger,
              Logger.make(({ cause, message }) => void logged.push(`${String(message)} ${Cause.pretty(cause)}`))
            )
          )
        )
      )
    }
    // Those that survive defects must have had none.
    expect(logged.filter((line) => / died/.test(line))).toEqual([])
    // Each kind of outcome was among them.
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0)
  }
)
