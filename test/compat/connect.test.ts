import { type CompatOptions, connect, type Connection } from "@dockwire/compat"
import { Docker } from "@dockwire/core/Docker"
import { ContainerNotFound, ImageNotFound } from "@dockwire/core/DockerError"
import type { OperationEvent } from "@dockwire/core/LogEvent"
import { LogSink } from "@dockwire/core/LogSink"
import { MemoryEngine, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { eventually } from "../core/eventually.js"
import { busyboxImage } from "../engine/busyboxImage.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer, type TestContainer, uniqueName } from "../engine/testContainer.js"
import { testLabels } from "../engine/testRun.js"
import { command } from "../packages/command.js"
import { repositoryRoot } from "../packages/repositoryRoot.js"

const collect = async <A>(elements: AsyncIterable<A>): Promise<Array<A>> => {
  const all: Array<A> = []
  for await (const element of elements) all.push(element)
  return all
}

const tags = (events: ReadonlyArray<OperationEvent>): ReadonlyArray<string> => events.map(({ _tag }) => _tag)

/** What a promise rejects with. */
const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("It did not reject")
}

/** What one connection has done with its engine. */
class Watched {
  built = 0
  released = 0
  requests = 0
  /** The streams whose connection is open. */
  open = 0
  readonly events: Array<OperationEvent> = []
  readonly layer: CompatOptions["layer"]

  constructor(engine: NonNullable<CompatOptions["layer"]>) {
    this.layer = Layer.scoped(
      Docker,
      Effect.gen(this, function* () {
        const docker = yield* Docker
        this.built += 1
        yield* Effect.addFinalizer(() => Effect.sync(() => (this.released += 1)))
        return {
          endpoint: docker.endpoint,
          json: (request) => Effect.suspend(() => ((this.requests += 1), docker.json(request))),
          hijack: (request) => Effect.suspend(() => ((this.requests += 1), docker.hijack(request))),
          stream: (request) =>
            Effect.suspend(() => {
              this.requests += 1
              this.open += 1
              return Effect.zipRight(
                Effect.addFinalizer(() => Effect.sync(() => (this.open -= 1))),
                docker.stream(request)
              )
            })
        }
      })
    ).pipe(Layer.provide(engine))
  }

  readonly logSink = Layer.succeed(LogSink, {
    offer: (events) => {
      for (const event of events)
        if (event._tag.startsWith("Operation") && "seq" in event && "kind" in event) this.events.push(event)
    },
    flush: Effect.void
  })
}

/** A container that prints a line every 20 ms, and the engine that runs it. */
interface Place {
  readonly engine: () => NonNullable<CompatOptions["layer"]>
  /** The running container's name. */
  readonly name: () => string
}

const connectTo = (place: Place): { readonly docker: Connection; readonly watched: Watched } => {
  const watched = new Watched(place.engine())
  const { layer, logSink } = watched
  const docker = connect({ ...(layer === undefined ? {} : { layer }), logSink })
  onTestFinished(() => docker.dispose())
  return { docker, watched }
}

/** A build that takes as long as its command, and leaves no image. */
const build = (command: string) => ({
  dockerfile: { text: `FROM ${busyboxImage}\nRUN ${command}\n` },
  noCache: true,
  labels: testLabels()
})

const behaves = (place: Place): void => {
  it("resolves with a value, and rejects with core's own error", async () => {
    const { docker, watched } = connectTo(place)
    expect(watched.built).toBe(0)
    expect(await docker.containers.inspect(place.name())).toMatchObject({ name: place.name() })
    expect(watched.built).toBe(1)
    const error = await rejection(docker.containers.stop("no-such-container"))
    expect(error).toBeInstanceOf(ContainerNotFound)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ _tag: "ContainerNotFound", containerId: "no-such-container" })
    expect(watched.built).toBe(1)
  })

  it("closes the connection of a stream that is left, however it is left", async () => {
    const { docker, watched } = connectTo(place)
    const leave: ReadonlyArray<readonly [string, (lines: AsyncIterable<unknown>) => Promise<unknown>]> = [
      [
        "break",
        async (lines) => {
          for await (const line of lines) {
            expect([line, watched.open]).toEqual([expect.anything(), 1])
            break
          }
        }
      ],
      [
        "return",
        async (lines) => {
          for await (const line of lines) return line
        }
      ],
      [
        "throw",
        (lines) =>
          rejection(
            (async () => {
              for await (const line of lines) throw new Error(typeof line)
            })()
          )
      ],
      [
        "return() during next()",
        async (lines) => {
          const iterator = lines[Symbol.asyncIterator]()
          await iterator.next()
          const pending = [iterator.next(), iterator.next()]
          await iterator.return?.()
          await Promise.all(pending)
          expect(await iterator.next()).toEqual({ done: true, value: undefined })
        }
      ]
    ]
    const lines = docker.logs.follow(place.name())
    for (const [name, leaving] of leave) {
      await leaving(lines)
      expect([name, watched.open]).toEqual([name, 0])
    }
    const error = await rejection(collect(docker.logs.read("no-such-container")))
    expect(error).toBeInstanceOf(ContainerNotFound)
    // It may have written one line so far.
    await eventually(async () => (await collect(docker.logs.read(place.name(), { tail: 2 }))).length).toBe(2)
    expect(watched.open).toBe(0)
  })

  it("rejects with the signal's reason, and closes the connection", async () => {
    const { docker, watched } = connectTo(place)
    const before = docker.with({ signal: AbortSignal.abort(new Error("before")) })
    expect(await rejection(before.containers.stop(place.name()))).toEqual(new Error("before"))
    expect(await rejection(collect(before.logs.follow(place.name())))).toEqual(new Error("before"))
    const never = before.images.pull("nowhere.invalid/x")
    expect(await rejection(never.result)).toEqual(new Error("before"))
    expect(watched.requests).toBe(0)
    expect(watched.events).toEqual([])

    const waiting = new AbortController()
    const exit = rejection(docker.with({ signal: waiting.signal }).containers.wait(place.name()))
    await eventually(() => watched.requests).toBeGreaterThan(0)
    waiting.abort(new Error("during"))
    expect(await exit).toEqual(new Error("during"))

    const reading = new AbortController()
    const seen: Array<unknown> = []
    const end = rejection(
      (async () => {
        for await (const line of docker.with({ signal: reading.signal }).logs.follow(place.name())) {
          if (seen.push(line) === 2) reading.abort()
        }
      })()
    )
    expect(await end).toMatchObject({ name: "AbortError" })
    expect(seen.length).toBeGreaterThanOrEqual(2)
    expect(watched.open).toBe(0)
  })

  it("fails an operation with its last event, and with the error", async () => {
    const { docker, watched } = connectTo(place)
    const pull = docker.images.pull("localhost:1/no-such-image")
    const events = await collect(pull.events)
    const last = events.at(-1)
    expect(last).toMatchObject({ _tag: "OperationFailed", logId: pull.id, kind: "pull_image" })
    const error = await rejection(pull.result)
    expect(error).toMatchObject({ _tag: "RegistryError" })
    expect(error).toHaveProperty("message", last?._tag === "OperationFailed" ? last.error : undefined)
    expect(watched.events).toEqual(events)
    expect(await collect(pull.events)).toEqual(events)
  })

  it("watches an operation, and gives its value", async () => {
    const { docker } = connectTo(place)
    const started = docker.images.build(build("true"))
    const { id } = await started.result
    onTestFinished(() => docker.images.remove(id, { force: true }).then(() => {}))
    const events = await collect(started.events)
    expect(tags(events)[0]).toBe("OperationStarted")
    expect(tags(events).at(-1)).toBe("OperationCompleted")
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index))
    expect(events.at(-1)).toHaveProperty("logId", started.id)
  })

  it("cancels an operation, by itself, by a signal, and by dispose", async () => {
    const abort = new AbortController()
    const ways: ReadonlyArray<readonly [string, (docker: Connection, cancel: () => Promise<void>) => unknown, string]> =
      [
        ["cancel", (_, cancel) => cancel(), "The operation was cancelled"],
        ["signal", () => abort.abort(new Error("enough")), "enough"],
        ["dispose", (docker) => docker.dispose(), "The connection was disposed"]
      ]
    for (const [name, end, message] of ways) {
      const { docker, watched } = connectTo(place)
      const own = name === "signal" ? docker.with({ signal: abort.signal }) : docker
      const running = own.images.build(build("sleep 60"))
      const seen: Array<OperationEvent> = []
      const result = rejection(running.result)
      for await (const event of running.events) {
        seen.push(event)
        if (event._tag === "OperationStarted") await end(docker, running.cancel)
      }
      expect([name, tags(seen).at(-1)]).toEqual([name, "OperationInterrupted"])
      expect(await result).toHaveProperty("message", message)
      expect(tags(watched.events).at(-1)).toBe("OperationInterrupted")
    }
  })

  it("closes what a scope holds", async () => {
    const { docker } = connectTo(place)
    const volume = await docker.volumes.scoped({ labels: testLabels() })
    expect(await docker.volumes.inspect(volume.name)).toMatchObject({ name: volume.name })
    await volume.close()
    expect(await rejection(docker.volumes.inspect(volume.name))).toMatchObject({ _tag: "VolumeNotFound" })
    await volume[Symbol.asyncDispose]()

    const { docker: second } = connectTo(place)
    const left = await second.volumes.scoped({ labels: testLabels() })
    await second.dispose()
    expect(await rejection(docker.volumes.inspect(left.name))).toMatchObject({ _tag: "VolumeNotFound" })
  })

  it("disposes of what is running, once, and is then closed", async () => {
    const { docker, watched } = connectTo(place)
    const iterator = docker.logs.follow(place.name())[Symbol.asyncIterator]()
    await iterator.next()
    const exit = rejection(docker.containers.wait(place.name()))
    await eventually(() => watched.requests).toBeGreaterThan(1)
    const reading = rejection(
      (async () => {
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
          expect(next.value).toBeDefined()
      })()
    )
    await Promise.all([docker.dispose(), docker[Symbol.asyncDispose]()])
    for (const error of [await exit, await reading])
      expect(error).toMatchObject({ name: "AbortError", message: "The connection was disposed" })
    expect([watched.built, watched.released, watched.open]).toEqual([1, 1, 0])
    expect(await rejection(docker.system.ping())).toHaveProperty("message", expect.stringMatching(/connect\(\) again/))
    expect(await rejection(collect(docker.logs.read(place.name())))).toBeInstanceOf(Error)
  })

  it("takes async iterables where core takes streams, and a failure of one is that of the call", async () => {
    const { docker } = connectTo(place)
    const spec = { image: busyboxImage, command: ["cat"], labels: testLabels() }
    expect(await docker.containers.run(spec, { stdin: Readable.from(["one\n", "two\n"]) })).toMatchObject({
      exitCode: 0,
      stdout: "one\ntwo\n"
    })
    const broken = async function* () {
      yield "one\n"
      throw new Error("broken input")
    }
    expect(await rejection(docker.containers.run(spec, { stdin: broken() }))).toEqual(new Error("broken input"))
    expect(await rejection(docker.containers.run({ ...spec, image: "localhost:1/nope" }))).toBeInstanceOf(ImageNotFound)
    expect(
      await rejection(docker.containers.run({ ...spec, image: "localhost:1/nope" }, { pull: "missing" }))
    ).not.toBeInstanceOf(TypeError)
  })

  it("gives a terminal as functions and an async iterable", async () => {
    const { docker } = connectTo(place)
    const terminal = await docker.exec.terminal(place.name(), ["cat"])
    await terminal.write("hello\n")
    const decoder = new TextDecoder()
    let text = ""
    for await (const bytes of terminal.output) {
      text += decoder.decode(bytes)
      if (text.includes("hello")) break
    }
    expect(text).toContain("hello")
    await terminal.close()
  })
}

describe("connect, in memory", () => {
  const lines = Stream.repeatEffectWithSchedule(Effect.succeed(ProgramStep.line("line")), Schedule.spaced("20 millis"))
  behaves({
    name: () => "web",
    engine: () =>
      MemoryEngine.layer({
        images: [busyboxImage],
        programs: [{ image: "nginx", run: () => lines }],
        builds: [{ dockerfile: "sleep 60", steps: [{ instruction: "RUN sleep 60", duration: "1 minute" }] }],
        containers: [{ name: "web", image: "nginx" }]
      })
  })
})

describeEngine("connect, on a real engine", () => {
  let container: TestContainer | undefined
  beforeAll(async () => {
    const cmd = ["sh", "-c", "while :; do echo line; sleep 0.02; done"]
    container = await startTestContainer({ endpoint: testEngine().endpoint, name: uniqueName("connect"), cmd })
  })
  afterAll(() => container?.remove())
  behaves({ name: () => container?.name ?? "", engine: () => Docker.layer({ endpoint: testEngine().endpoint }) })

  it("lets a process end that has nothing more to do, after import and after require()", async () => {
    const { endpoint } = testEngine()
    const program = `const docker = connect({ endpoint: ${JSON.stringify(endpoint)} })
      docker.containers.inspect(${JSON.stringify(container?.name)}).then(({ name }) => console.log(name))`
    const ways = [
      ["--input-type=module", `import { connect } from "@dockwire/compat"\n${program}`],
      ["--input-type=commonjs", `const { connect } = require("@dockwire/compat")\n${program}`]
    ]
    const outputs = ways.map(([type = "", text = ""]) =>
      command(repositoryRoot, process.execPath, ["--no-warnings", type, "--eval", text])
    )
    for (const output of await Promise.all(outputs)) expect(output).toEqual({ code: 0, output: `${container?.name}\n` })
  })
})

describe("what nobody takes of a call", () => {
  it("rejects unhandled only if an effect has failed", async () => {
    const program = `import { connect } from "@dockwire/compat"
      const unhandled = []
      process.on("unhandledRejection", ({ _tag, message }) => unhandled.push(_tag ?? message))
      const docker = connect({ endpoint: "unix:///nowhere/docker.sock" })
      const settled = (promise) => Promise.allSettled([promise])
      docker.containers.stop("floating")
      const { events } = docker.images.pull("watched")
      for await (const { _tag } of events) if (_tag !== "OperationStarted") console.log(_tag)
      docker.logs.read("never iterated")
      await settled(docker.system.ping())
      await docker.dispose()
      docker.logs.read("never iterated")
      docker.images.pull("never awaited")
      await new Promise(setImmediate)
      console.log(unhandled)`
    const args = ["--no-warnings", "--input-type=module", "--eval", program]
    expect(await command(repositoryRoot, process.execPath, args)).toEqual({
      code: 0,
      output: "OperationFailed\n[ 'EngineUnavailable' ]\n"
    })
  })
})
