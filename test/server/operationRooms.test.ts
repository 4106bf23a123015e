import { LogSink, type OperationEvent } from "@dockwire/core"
import { Hub, type HubOptions, OperationHistory, type Wire } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { Subscriptions } from "../../packages/server/src/client/Subscriptions.js"
import { defaultHubOptions } from "../../packages/server/src/rooms/HubOptions.js"
import { OperationRoom } from "../../packages/server/src/socket/join/OperationRoom.js"
import { MemoryHistory } from "./memoryHistory.js"
import { RecordingTransport } from "./recordingTransport.js"
import { poll } from "./wireClient.js"

const time = "2026-01-31T12:00:00.000Z"

const eventually = (holds: () => boolean) => Effect.promise(() => poll(holds.toString(), holds))

/** A run that is written event by event. */
class Run {
  private seq = 0
  readonly room: string
  constructor(
    readonly logId: string,
    private readonly sink: LogSink["Type"],
    private readonly target: OperationEvent["target"] = { configId: 7, imageName: "nginx:1.27" }
  ) {
    this.room = `operation_${logId}`
    this.offer({ _tag: "OperationStarted" })
  }

  private get base() {
    return { logId: this.logId, kind: "pull_image", target: this.target, seq: this.seq++, timestamp: time }
  }

  private offer(event: { readonly _tag: "OperationStarted" | "OperationCompleted" | "OperationInterrupted" }): void {
    this.sink.offer([{ ...this.base, ...event }])
  }

  lines(from: number, to: number): void {
    this.sink.offer(
      Array.from({ length: to - from + 1 }, (_, index) => ({
        ...this.base,
        _tag: "OperationLine",
        stream: "stdout",
        text: `${this.logId} ${from + index}`
      }))
    )
  }

  progress(id: string, current: number): void {
    this.sink.offer([{ ...this.base, _tag: "OperationProgress", id, status: "Downloading", current }])
  }

  end(tag: "OperationCompleted" | "OperationInterrupted" = "OperationCompleted", detail?: string): void {
    const end = { ...this.base, _tag: tag }
    this.sink.offer([detail === undefined ? end : { ...end, _tag: "OperationInterrupted", detail }])
  }
}

/** What a client has of a room: by the wire alone. */
class Client {
  readonly transport = new RecordingTransport(true)
  /** Tells what is missing as the client library does. */
  private readonly subscriptions = new Subscriptions()
  constructor(
    readonly room: string,
    readonly position?: string
  ) {
    this.subscriptions.subscribe({ event: "join", data: { room } }, true)
  }

  get messages(): ReadonlyArray<Wire.ServerMessage> {
    return this.transport.messages
  }

  of<E extends Wire.ServerMessage["event"]>(event: E) {
    return this.messages.flatMap((message) => {
      const is = (each: Wire.ServerMessage): each is Extract<Wire.ServerMessage, { event: E }> => each.event === event
      return is(message) ? [message] : []
    })
  }

  get lines(): ReadonlyArray<string> {
    return this.transport.lines
  }

  get recovered(): ReadonlyArray<boolean> {
    return this.of("joined").map(({ data }) => data.recovered)
  }

  get last(): string {
    return this.messages.flatMap((each) => ("position" in each && each.position ? [each.position] : [])).at(-1) ?? ""
  }

  /** The numbers that a client would find missing. */
  get missing(): ReadonlyArray<unknown> {
    return this.messages.flatMap((message) => {
      if (message.event === "joined") this.subscriptions.joined(message)
      if (message.event === "gap") this.subscriptions.recordGap(message)
      if (!("seq" in message) || message.event === "gap") return []
      const count = message.event === "docker_log" ? message.data.lines.length : 1
      const delivery = this.subscriptions.record(message, count)
      return [...(delivery?.missing === undefined ? [] : [delivery.missing]), ...(delivery?.skip ? ["twice"] : [])]
    })
  }
}

interface Server {
  readonly sink: LogSink["Type"]
  readonly join: (room: string, position?: string) => Effect.Effect<Client, never, Scope.Scope>
}

/** Runs a program on a server with this history, as one that is started with it. */
const onServer = <A>(
  history: MemoryHistory | undefined,
  program: (server: Server) => Effect.Effect<A, unknown, Scope.Scope>,
  options: Partial<HubOptions> = {}
): Promise<A> =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const services = { hub, history: yield* OperationHistory, runFork: Runtime.runFork(yield* Effect.runtime()) }
    const sink = yield* LogSink
    const join = (room: string, position?: string) =>
      Effect.gen(function* () {
        const client = new Client(room, position)
        const viewer = hub.attach(client.transport)
        const joined = new OperationRoom({ ...services, viewer }, room)
        yield* Effect.addFinalizer(() => joined.close)
        viewer.onOverrun = (membership) => joined.catchUp(membership)
        yield* joined.join(room, position)
        return client
      })
    return yield* program({ sink, join })
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.provideMerge(
        Hub.layerSinkWithHistory,
        Layer.mergeAll(
          Hub.layerWith(options),
          history === undefined ? OperationHistory.layerNone : Layer.succeed(OperationHistory, history)
        )
      )
    ),
    Effect.runPromise
  )

const small = { ring: { ...defaultHubOptions.ring, lines: 10 } }
const texts = (id: string, to: number, from = 1) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${id} ${from + index}`)
const shared = ["docker_logs", "docker_config_7", "docker_image_nginx_1.27"]

describe("the room of a run", () => {
  it.each([
    ["from the ring, without a history", false, {}],
    ["from the ring", true, {}],
    ["from the history, when the ring has the end only", true, small]
  ])("gives line 1 first to who joins in mid-run: %s", (_title, stored, options) =>
    onServer(
      stored ? new MemoryHistory() : undefined,
      ({ join, sink }) =>
        Effect.gen(function* () {
          const run = new Run("a1", sink)
          run.lines(1, 50)
          const client = yield* join(run.room)
          run.lines(51, 60)
          run.end()
          yield* eventually(() => client.of("docker_log_complete").length === 1)
          expect(client.lines).toEqual(texts("a1", 60))
          expect(client.recovered).toEqual([true])
          expect(client.missing).toEqual([])
          expect(client.of("joined")[0]?.data.epoch).toBe("a1")
        }),
      options
    )
  )

  it("goes on from any position of any cut, also after a restart and after the end, each event once", async () => {
    const history = new MemoryHistory()
    history.batch = 7
    const first = await onServer(
      history,
      ({ join, sink }) =>
        Effect.gen(function* () {
          const client = yield* join("operation_a1")
          const run = new Run("a1", sink)
          for (let line = 1; line <= 40; line++) {
            run.lines(line, line)
            run.progress(`layer ${line % 3}`, line)
          }
          run.end("OperationInterrupted", "A container is left.")
          yield* eventually(() => client.of("docker_log_complete").length === 1)
          const positions = client.messages.map((each) => ("position" in each ? each.position : undefined))
          for (const position of positions.filter((each, index) => each !== undefined && index % 9 === 0)) {
            const later = yield* join("operation_a1", position)
            yield* eventually(() => later.of("docker_log_complete").length === 1)
            expect(later.missing).toEqual([])
          }
          return { client, positions }
        }),
      small
    )
    const all = [...texts("a1", 40), "A container is left."]
    expect(first.client.lines).toEqual(all)
    await onServer(history, ({ join }) =>
      Effect.gen(function* () {
        for (const [index, position] of first.positions.entries()) {
          if (position === undefined) continue
          const client = yield* join("operation_a1", position)
          const before = new Client("operation_a1")
          before.transport.frames.push(
            ...first.client.messages.slice(0, index + 1).map((each) => Buffer.from(JSON.stringify([each])))
          )
          const isAtEnd = index === first.positions.length - 1
          yield* eventually(() => client.of("docker_log_complete").length === (isAtEnd ? 0 : 1))
          expect([...before.lines, ...client.lines]).toEqual(all)
          expect(client.recovered).toEqual([true])
          expect(client.missing).toEqual([])
        }
      })
    )
  })

  it("replays of the progress of an item only the last state, from the ring and from the history", async () => {
    const history = new MemoryHistory()
    const progress = (client: Client) => client.of("docker_progress").map(({ data }) => [data.id, data.current])
    await onServer(history, ({ join, sink }) =>
      Effect.gen(function* () {
        const run = new Run("a1", sink)
        const live = yield* join(run.room)
        for (let step = 1; step <= 30; step++) {
          run.progress("x", step)
          yield* eventually(() => progress(live).length === 3 * step - 2)
          run.progress("y", step)
          run.lines(step, step)
          yield* eventually(() => live.lines.length === step)
          if (step < 30) run.progress("z", 0)
        }
        expect(live.missing).toEqual([])
        const late = yield* join(run.room)
        yield* eventually(() => late.lines.length === 30)
        expect(progress(late)).toEqual([
          ["z", 0],
          ["x", 30],
          ["y", 30]
        ])
        expect(late.missing).toEqual([])
        run.end()
      })
    )
    await onServer(history, ({ join }) =>
      Effect.gen(function* () {
        const client = yield* join("operation_a1")
        yield* eventually(() => client.of("docker_log_complete").length === 1)
        expect(progress(client)).toHaveLength(3)
        expect(client.missing).toEqual([])
      })
    )
  })

  it("has 10,000 lines from the ring and from the history", async () => {
    const history = new MemoryHistory()
    await onServer(history, ({ join, sink }) =>
      Effect.gen(function* () {
        const run = new Run("a1", sink)
        run.lines(1, 10_000)
        const client = yield* join(run.room)
        yield* eventually(() => client.lines.length === 10_000)
        run.end()
      })
    )
    await onServer(history, ({ join }) =>
      Effect.gen(function* () {
        const client = yield* join("operation_a1")
        yield* eventually(() => client.of("docker_log_complete").length === 1)
        expect(client.lines).toEqual(texts("a1", 10_000))
      })
    )
  })

  it("says what is missing, and only that", async () => {
    const history = new MemoryHistory()
    await onServer(
      history,
      ({ join, sink }) =>
        Effect.gen(function* () {
          const run = new Run("a1", sink)
          run.lines(1, 5)
          history.full = true
          run.lines(6, 20)
          const client = yield* join(run.room)
          yield* eventually(() => client.lines.length === 15)
          history.full = false
          run.lines(21, 22)
          yield* eventually(() => client.lines.length === 17)
          expect(client.lines).toEqual([...texts("a1", 5), ...texts("a1", 22, 11)])
          expect(client.of("gap")).toMatchObject([{ data: { from: 6, to: 10 } }])
          expect(client.missing).toEqual([])
          history.broken = true
          const unread = yield* join(run.room)
          yield* eventually(() => unread.lines.length === 10)
          expect(unread.recovered).toEqual([false])
          expect(unread.of("gap")).toMatchObject([{ data: { from: 1, to: 12 } }])
          const whole = yield* join(run.room, client.last)
          expect(whole.recovered).toEqual([true])
          expect(whole.of("gap")).toEqual([])
          history.broken = false
        }),
      small
    )
    // The server is killed: what was last is not stored, and the run has ended.
    const lastSeen = "a1.22"
    history.forgetLast(2)
    await onServer(history, ({ join, sink }) =>
      Effect.gen(function* () {
        sink.offer([
          { _tag: "OperationInterrupted", logId: "a1", kind: "pull_image", target: {}, seq: 6, timestamp: time }
        ])
        const client = yield* join("operation_a1", lastSeen)
        yield* eventually(() => client.of("docker_log_complete").length === 1)
        expect(client.of("joined")[0]?.data.epoch).not.toBe("a1")
        const foreign = yield* join("operation_b2", "elsewhere.7")
        expect(foreign.recovered).toEqual([false])
        expect(foreign.of("gap")).toMatchObject([{ data: { from: 1, to: null } }])
        const unknown = yield* join("operation_b2", "b2.7")
        expect(unknown.recovered).toEqual([false])
        expect(unknown.of("gap")).toMatchObject([
          { data: { from: 8, to: null, reason: "The run is no longer stored." } }
        ])
      })
    )
    await onServer(undefined, ({ join }) =>
      Effect.gen(function* () {
        const client = yield* join("operation_a1", lastSeen)
        expect(client.recovered).toEqual([false])
        expect(client.of("gap")).toHaveLength(1)
      })
    )
  })
})

describe("a room of many runs", () => {
  it.each([
    ["without a history", false],
    ["from the history", true]
  ])("gives who joins the runs that have not ended from their first line, then all that comes: %s", (_title, stored) =>
    onServer(stored ? new MemoryHistory() : undefined, ({ join, sink }) =>
      Effect.gen(function* () {
        const before = new Run("a", sink)
        before.lines(1, 3)
        const long = new Run("b", sink)
        long.lines(1, 3)
        before.end()
        const other = new Run("c", sink, {})
        other.lines(1, 3)
        for (const room of shared) {
          const client = yield* join(room)
          const running = room === "docker_logs" ? [...texts("b", 3), ...texts("c", 3)] : texts("b", 3)
          yield* eventually(() => client.lines.length === running.length)
          expect(client.lines).toEqual(running)
          expect(client.recovered).toEqual([true])
          expect(client.of("docker_log_complete")).toEqual([])
        }
        const client = yield* join("docker_logs")
        long.lines(4, 4)
        long.end()
        other.end()
        yield* eventually(() => client.of("docker_log_complete").length === 2)
        expect(client.missing).toEqual([])
        const quiet = yield* join("docker_logs")
        expect(quiet.lines).toEqual([])
      })
    )
  )

  it("goes on from any position of any cut, also after a restart, and feeds who was overrun", async () => {
    const history = new MemoryHistory()
    history.batch = 5
    const positions = new Map<string, Array<string>>()
    const expected = texts("a", 60).flatMap((text, index) => [text, `b ${index + 1}`])
    await onServer(
      history,
      ({ join, sink }) =>
        Effect.gen(function* () {
          const clients = yield* Effect.forEach(shared, (room) => join(room))
          const overrun = yield* join("docker_logs")
          const runs = ["a", "b"].map((id) => new Run(id, sink))
          for (let line = 1; line <= 60; line++) {
            for (const run of runs) run.lines(line, line)
            if (line % 7 === 0) yield* Effect.yieldNow()
          }
          for (const run of runs) run.end()
          for (const client of [...clients, overrun]) {
            yield* eventually(() => client.of("docker_log_complete").length === 2)
            expect(client.lines).toEqual(expected)
            expect(client.missing).toEqual([])
            expect(client.of("gap")).toEqual([])
          }
          for (const { messages, room } of clients) {
            positions.set(
              room,
              messages.flatMap((each) => ("position" in each && each.position ? [each.position] : []))
            )
          }
        }),
      small
    )
    await onServer(history, ({ join, sink }) =>
      Effect.gen(function* () {
        for (const [room, places] of positions) {
          for (const position of [places[0], places[Math.floor(places.length / 2)], places.at(-1)]) {
            const order = Number(/@(\d+)$/.exec(position ?? "")?.[1])
            const after = history.items.filter((item) => item.order > order)
            const client = yield* join(room, position)
            const lines = after.flatMap(({ event }) => (event._tag === "OperationLine" ? [event.text] : []))
            yield* eventually(() => client.lines.length === lines.length)
            expect(client.lines).toEqual(lines)
            expect(client.recovered).toEqual([true])
          }
        }
        const client = yield* join("docker_logs", positions.get("docker_logs")?.at(-1))
        new Run("c", sink).lines(1, 2)
        yield* eventually(() => client.lines.length === 2)
        const idle = yield* join("docker_config_9")
        expect(idle.last).toContain("@")
      })
    )
    history.lost = { _tag: "Lost", from: 1, to: 9, reason: "Older runs were deleted." }
    await onServer(history, ({ join }) =>
      Effect.gen(function* () {
        const client = yield* join("docker_logs", "x.0@0")
        yield* eventually(() => client.of("gap").length === 1)
        expect(client.recovered).toEqual([false])
        const future = yield* join("docker_logs", "x.0@999")
        expect(future.recovered).toEqual([false])
      })
    )
  })
})
