import { type LogLine, Logs, type LogsError, type ReadOptions } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainerOptions } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"
import { collectBatches, failureOf, runCore } from "../runCore.js"

const started = async (script: string, options: Partial<TestContainerOptions> = {}) => {
  const { endpoint } = testEngine()
  const container = await startTestContainer({ endpoint, cmd: ["sh", "-c", script], ...options })
  onTestFinished(container.remove)
  return container
}

const ended = async (script: string, options: Partial<TestContainerOptions> = {}) => {
  const container = await started(script, options)
  await container.wait()
  return container
}

const readOf = (id: string, options?: ReadOptions) =>
  Effect.flatMap(Logs, (logs) => collectBatches(logs.readBatches(id, options)))

const read = (id: string, options?: ReadOptions): Promise<ReadonlyArray<LogLine>> =>
  runCore(testEngine().endpoint, readOf(id, options))

const texts = (lines: ReadonlyArray<LogLine>) => lines.map((line) => line.text)

const failure = (id: string, options?: ReadOptions): Promise<LogsError> =>
  failureOf(testEngine().endpoint, readOf(id, options))

const nextNano = (timestamp: string, by: bigint): string => {
  const nanos = BigInt(timestamp.slice(20, 29)) + by
  return `${timestamp.slice(0, 20)}${String(nanos).padStart(9, "0")}Z`
}

describeEngine("reading a log returns", () => {
  it("exactly 200,000 of 200,000 empty lines", async () => {
    const { id } = await ended("yes '' | head -n 200000")
    const lines = await read(id)
    expect(lines).toHaveLength(200_000)
    expect(lines.filter((line) => line.text !== "" || line.part !== undefined || line.containerId !== id)).toEqual([])
    const single = await runCore(
      testEngine().endpoint,
      Effect.flatMap(Logs, (logs) => Stream.runCount(logs.read(id)))
    )
    expect(single).toBe(200_000)
  })

  it("a line of 1 MiB whole, and one byte more in two marked parts", async () => {
    const line = (length: number) => `head -c ${length} /dev/zero | tr '\\0' x; echo`
    const { id } = await ended(`${line(1_048_576)}; ${line(1_048_577)}; echo behind`)
    const lines = await read(id)
    expect(lines.map(({ part, text }) => ({ length: text.length, part }))).toEqual([
      { length: 1_048_576, part: undefined },
      { length: 1_048_576, part: { index: 1, last: false } },
      { length: 1, part: { index: 2, last: true } },
      { length: 6, part: undefined }
    ])
  })

  it("a character whole that was written in two halves around a write to stderr, and a last line without a newline", async () => {
    const { id } = await ended(`printf '\\360\\237'; echo err >&2; printf '\\232\\200\\nlast'`)
    const lines = await read(id)
    expect(texts(lines.filter((line) => line.stream === "stdout"))).toEqual(["🚀", "last"])
    expect(texts(lines.filter((line) => line.stream === "stderr"))).toEqual(["err"])
  })

  it("the output of a TTY as text, whatever it looks like", async () => {
    const { id } = await ended(`echo '{"a":1}'; echo 42; printf '\\033[31mred\\033[0m\\n'; echo; printf end`, {
      tty: true
    })
    const lines = await read(id)
    expect(texts(lines)).toEqual(['{"a":1}', "42", "\u001b[31mred\u001b[0m", "", "end"])
    expect(lines.every((line) => line.stream === "stdout")).toBe(true)
  })

  it("a long line of a TTY whole, also after a run that ended without a newline", async () => {
    const container = await ended(
      "if [ -e /ran ]; then head -c 50000 /dev/zero | tr '\\0' y; echo; echo behind; else touch /ran; printf 'prompt> '; fi",
      { tty: true }
    )
    await container.start()
    await container.wait()
    const lines = texts(await read(container.id))
    expect(lines.map((text) => (text.length > 100 ? `${text.slice(0, 3)} ${text.length}` : text))).toEqual([
      "prompt> ",
      "yyy 50000",
      "behind"
    ])
  })

  it("the lines between two times, both inclusive, with nanosecond precision", async () => {
    const { id } = await ended("for i in 1 2 3 4 5 6; do echo line$i; done")
    const all = await read(id)
    expect(texts(all)).toEqual(["line1", "line2", "line3", "line4", "line5", "line6"])
    const at = all[2]?.timestamp ?? ""
    expect(texts(await read(id, { since: at }))).toEqual(["line3", "line4", "line5", "line6"])
    expect(texts(await read(id, { until: at }))).toEqual(["line1", "line2", "line3"])
    expect(texts(await read(id, { since: at, until: at }))).toEqual(["line3"])
    expect(texts(await read(id, { since: nextNano(at, 1n) }))).toEqual(["line4", "line5", "line6"])
    expect(texts(await read(id, { until: nextNano(at, -1n) }))).toEqual(["line1", "line2"])
    expect(texts(await read(id, { since: new Date(Date.now() + 60_000) }))).toEqual([])
  })

  it("the last lines, the selected streams, and nothing for a tail of 0", async () => {
    const { id } = await ended("for i in 1 2 3; do echo out$i; sleep 0.05; echo err$i >&2; sleep 0.05; done")
    expect(texts(await read(id, { tail: 2 }))).toEqual(["out3", "err3"])
    expect(texts(await read(id, { tail: 0 }))).toEqual([])
    expect(texts(await read(id, { streams: ["stdout"] }))).toEqual(["out1", "out2", "out3"])
    expect(texts(await read(id, { streams: ["stderr"] }))).toEqual(["err1", "err2", "err3"])
    expect(texts(await read(id, { streams: ["stderr", "stdout"] }))).toHaveLength(6)
  })

  it("the same lines with the logging driver local", async () => {
    const { id } = await ended("echo one; head -c 20000 /dev/zero | tr '\\0' x; echo; echo two >&2", {
      logConfig: { Type: "local" }
    })
    const lines = await read(id)
    expect(lines.map((line) => line.text.length).toSorted((a, b) => a - b)).toEqual([3, 3, 20_000])
  })
})

describeEngine("following one run", () => {
  it("ends with the run, after all its lines", async () => {
    const { id } = await started("for i in $(seq 1 50); do echo line$i; sleep 0.01; done; printf end")
    const lines = await read(id, { follow: true })
    expect(texts(lines)).toEqual([...Array.from({ length: 50 }, (_, index) => `line${index + 1}`), "end"])
  })

  it("until a time in the future ends even if nothing more is written", async () => {
    const { id } = await started("echo first; sleep 600")
    await eventually(async () => texts(await read(id))).toEqual(["first"])
    expect(texts(await read(id, { follow: true, until: new Date(Date.now() + 500) }))).toEqual(["first"])
  })

  it("until a time loses nothing of a long log, however slowly it is read", async () => {
    const { id } = await started("seq 1 60000; sleep 600")
    await eventually(async () => (await read(id)).length).toBe(60_000)
    let count = 0
    let batches = 0
    await runCore(
      testEngine().endpoint,
      Effect.flatMap(Logs, (logs) =>
        Stream.runForEach(logs.readBatches(id, { follow: true, until: new Date() }), (batch) => {
          count += batch.length
          return batches++ < 20 ? Effect.sleep("50 millis") : Effect.void
        })
      )
    )
    expect(count).toBe(60_000)
  })

  it("closes its connection when it is interrupted", async () => {
    const { id } = await started("i=0; while :; do i=$((i+1)); echo line$i; sleep 0.01; done")
    const proxy = await startCuttingProxy(testEngine().endpoint)
    onTestFinished(proxy.close)
    await runCore(
      proxy.endpoint,
      Effect.gen(function* () {
        const logs = yield* Logs
        const taken = yield* Stream.runCollect(Stream.take(logs.read(id, { follow: true }), 5))
        expect(Chunk.size(taken)).toBe(5)
        yield* Effect.promise(() => eventually(() => proxy.open()).toBe(0))
        const before = proxy.requests.length
        const fiber = yield* Effect.fork(Stream.runDrain(logs.read(id, { follow: true })))
        yield* Effect.promise(() => eventually(() => proxy.requests.length).toBe(before + 2))
        expect(proxy.open()).toBe(1)
        yield* Fiber.interrupt(fiber)
        yield* Effect.promise(() => eventually(() => proxy.open()).toBe(0))
      })
    )
  })
})

describeEngine("a log that can't be read", () => {
  it("because the container does not exist fails with ContainerNotFound", async () => {
    expect(await failure("dockwire-no-such")).toMatchObject({
      _tag: "ContainerNotFound",
      containerId: "dockwire-no-such"
    })
  })

  it("because the id is impossible fails without a request", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    onTestFinished(proxy.close)
    for (const id of ["../x", "a//b", "a/../b", "a/", "/", "", ".", "a?b=c", "a%2fb", "é", " a", "a\n"]) {
      expect(await failureOf(proxy.endpoint, readOf(id)), JSON.stringify(id)).toMatchObject({
        _tag: "ContainerNotFound",
        containerId: id
      })
    }
    expect(proxy.requests).toEqual([])
  })

  it("because an option is invalid names the option", async () => {
    const { id } = await ended("echo line")
    expect(await failure(id, { since: "yesterday" })).toMatchObject({ _tag: "InvalidRequest", field: "since" })
    expect(await failure(id, { until: "2026-11-22" })).toMatchObject({ _tag: "InvalidRequest", value: "2026-11-22" })
    for (const tail of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await failure(id, { tail })).toMatchObject({ _tag: "InvalidRequest", field: "tail", value: String(tail) })
    }
    expect(await failure(id, { streams: [] })).toMatchObject({ _tag: "InvalidRequest", field: "streams" })
  })

  it("because of its logging driver fails with LogsUnreadable", async () => {
    const { id } = await ended("echo line", { logConfig: { Type: "none" } })
    expect(await failure(id)).toMatchObject({ _tag: "LogsUnreadable", containerId: id })
    expect(await failure(id, { follow: true })).toMatchObject({ _tag: "LogsUnreadable" })
  })

  it("any further because its connection is cut returns the lines so far, and then Lost", async () => {
    const { id } = await ended("seq 1 5000")
    const proxy = await startCuttingProxy(testEngine().endpoint, {
      cutAfter: (request) => (request.includes("/logs") ? 100_000 : undefined)
    })
    onTestFinished(proxy.close)
    let count = 0
    const error = await failureOf(
      proxy.endpoint,
      Effect.flatMap(Logs, (logs) =>
        Stream.runForEach(logs.readBatches(id), (batch) => Effect.sync(() => void (count += batch.length)))
      )
    )
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost", endpoint: proxy.endpoint })
    expect(count).toBeGreaterThan(1_000)
    expect(count).toBeLessThan(5_000)
  })
})
