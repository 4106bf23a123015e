import { Containers, type Docker, MemoryEngine } from "@dockwire/core"
import { defaultHubOptions, EngineMonitor, Hub, type HubOptions, type Wire } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { Conversation } from "../../packages/server/src/socket/Conversation.js"
import { type ConversationServices, conversationServices, webEngine } from "./conversationServices.js"
import { RecordingTransport } from "./recordingTransport.js"
import { isEvent, numbered, poll } from "./wireClient.js"

type Services = ConversationServices | Docker | MemoryEngine | Scope.Scope

const services = (hub: Partial<HubOptions>) => Layer.provideMerge(conversationServices(hub), webEngine)

/** Runs with an engine in memory that has one container, `web`, which the monitor knows. */
const run = (
  program: (web: { readonly id: string; readonly shortId: string }) => Effect.Effect<void, unknown, Services>,
  hub: Partial<HubOptions> = {}
) =>
  Effect.gen(function* () {
    yield* Effect.flatMap(EngineMonitor, (monitor) => monitor.whenAvailable)
    const { id } = yield* Effect.flatMap(Containers, (containers) => containers.inspect("web"))
    // Too short for the monitor, so that the engine is asked.
    yield* program({ id, shortId: id.slice(0, 8) })
  }).pipe(Effect.scoped, Effect.provide(services(hub)), Effect.runPromise)

const until = (what: string, holds: () => boolean) => Effect.promise(() => poll(what, holds, 5_000))

const connect = (transport = new RecordingTransport(true)) =>
  Effect.gen(function* () {
    const viewer = (yield* Hub).attach(transport)
    const conversation = yield* Conversation.make(viewer)
    const send = (event: Wire.ClientMessage["event"], data: Readonly<Record<string, unknown>>) =>
      conversation.receive(JSON.stringify({ event, data }))
    return {
      transport,
      viewer,
      send,
      stream: (id: string, tail = 100) => send("stream_container_logs", { container_id: id, tail }),
      stop: (id: string) => send("stop_container_logs", { container_id: id }),
      find: <E extends Wire.ServerMessage["event"]>(event: E) => transport.messages.filter(isEvent(event)),
      answers: () =>
        transport.messages.flatMap((message) =>
          message.event === "joined" || message.event === "left" ? [[message.event, message.data.room]] : []
        )
    }
  })

describe("requests of one client", () => {
  it("about different rooms don't wait for each other, and leaving waits for nothing", () =>
    run(() =>
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        yield* engine.writeLine("web", "stdout", "hello")
        yield* engine.slow({ path: "/containers/ghost/json" }, "1 minute")
        const client = yield* connect()
        yield* client.stream("ghost")
        yield* client.send("join", { room: "docker_logs" })
        yield* client.stream("web")
        yield* until("the log", () => client.transport.lines.length === 1)
        yield* client.stop("web")
        yield* client.stop("ghost")
        expect(client.answers()).toEqual([
          ["joined", "docker_logs"],
          ["joined", "container_logs_web"],
          ["left", "container_logs_web"],
          ["left", "container_logs_ghost"]
        ])
        expect(client.find("error")).toEqual([])
      })
    ))

  it("about one room are carried out in order", () =>
    run(({ shortId }) =>
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const client = yield* connect()
        yield* engine.slow({ path: `/containers/${shortId}/json`, times: 2 }, "200 millis")
        yield* client.stream(shortId)
        yield* client.stop(shortId)
        yield* client.stream(shortId, 10)
        yield* client.stream(shortId, 20)
        yield* until("both answers", () => client.answers().length === 3)
        expect(client.answers()).toEqual([
          ["left", `container_logs_${shortId}`],
          ["joined", `container_logs_${shortId}`],
          ["joined", `container_logs_${shortId}`]
        ])
        expect(client.viewer.roomCount).toBe(1)
      })
    ))

  it("about one room are in order also if it is left by another name before the engine has answered", () =>
    run(({ shortId }) =>
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const client = yield* connect()
        yield* engine.slow({ path: `/containers/${shortId}/json` }, "200 millis")
        yield* client.stream(shortId)
        yield* client.stop("web")
        // Its answer comes after that to the first request.
        yield* engine.slow({ path: "/containers/ghost/json" }, "300 millis")
        yield* client.stream("ghost")
        yield* until("the last answer", () => client.find("error").length === 1)
        expect(client.answers()).toEqual([["left", "container_logs_web"]])
        expect(client.viewer.roomCount).toBe(0)
        yield* client.stream(shortId)
        yield* until("the next request is carried out", () => client.answers().length === 2)
        expect(client.viewer.roomCount).toBe(1)
      })
    ))

  it("ask the engine for at most 16 containers at a time", () =>
    run(() =>
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        yield* engine.slow({ path: /ghost/ }, "1 minute")
        const client = yield* connect()
        for (let index = 0; index < 40; index++) yield* client.stream(`ghost${index}`)
        // Its request comes after all that the others have sent.
        const inspect = Effect.flatMap(Containers, (containers) => containers.inspect("web"))
        yield* inspect
        const ghosts = (yield* engine.requests).filter(({ path }) => path.includes("ghost"))
        expect(ghosts.map(({ path }) => path)).toEqual(
          Array.from({ length: 16 }, (_, index) => `/containers/ghost${index}/json`)
        )
        yield* client.stop("ghost3")
        yield* inspect
        expect((yield* engine.requests).filter(({ path }) => path.includes("ghost"))).toHaveLength(17)
      })
    ))

  it("that die are answered with an error, and the connection goes on", () =>
    run(() =>
      Effect.gen(function* () {
        class Failing extends RecordingTransport {
          override send = (frame: Buffer, done: () => void): void => {
            if (frame.includes('"event":"left"')) throw new Error("broken")
            this.frames.push(frame)
            queueMicrotask(done)
          }
        }
        const client = yield* connect(new Failing())
        yield* client.stop("web")
        yield* client.stream("web")
        yield* until("the next request is carried out", () => client.answers().length === 1)
        expect(client.find("error").map(({ data }) => data)).toEqual([
          {
            code: "internal_error",
            message: "The server failed to carry out this message. Its log says why.",
            about: "stop_container_logs"
          }
        ])
      })
    ))
})

const small = { ring: { ...defaultHubOptions.ring, lines: 100 } }
const count = 4_000

describe("a client that asks again while its history is still being read", () => {
  /** A client to which some of the history was sent and whose writes are pending. */
  const reading = Effect.gen(function* () {
    const engine = yield* MemoryEngine
    for (const text of numbered(count)) yield* engine.writeLine("web", "stdout", text)
    const other = yield* connect()
    yield* other.stream("web", 10)
    yield* until("the other has joined", () => other.transport.lines.length > 0)
    const client = yield* connect(new RecordingTransport())
    yield* client.stream("web", 100_000)
    yield* until("some lines", () => client.transport.lines.length > 0)
    expect(client.transport.lines.length).toBeLessThan(count)
    return { client, other }
  })

  it.each<readonly [string, (web: { id: string; shortId: string }) => readonly [Wire.ClientMessage["event"], object]]>([
    ["by its name", () => ["stream_container_logs", { container_id: "web", tail: 100_000 }]],
    ["by its id", ({ id }) => ["stream_container_logs", { container_id: id, tail: 100_000 }]],
    ["by joining its room", ({ id }) => ["join", { room: `container_logs_${id}` }]],
    ["with a position", ({ id }) => ["stream_container_logs", { container_id: id, position: ".0" }]]
  ])("for a container that was just removed, %s, gets each line once and in order", (_how, request) =>
    run(
      (web) =>
        Effect.gen(function* () {
          const { client, other } = yield* reading
          yield* Effect.flatMap(Containers, (containers) => containers.remove("web", { force: true }))
          yield* until("the removal", () =>
            other.find("container_log_mark").some(({ data }) => data.mark === "removed")
          )
          const [event, data] = request(web)
          yield* client.send(event, { ...data })
          yield* until("the answer", () => {
            client.transport.completeWrites()
            return client.answers().length === 2
          })
          yield* until("the removal", () => {
            client.transport.completeWrites()
            return client.find("container_log_mark").length > 0
          })
          expect(client.transport.lines).toEqual(numbered(count))
          expect(client.find("gap")).toEqual([])
          expect(client.find("error")).toEqual([])
        }),
      small
    )
  )

  it("under another name, or after leaving, gets each line once and in order", () =>
    run(
      ({ id, shortId }) =>
        Effect.gen(function* () {
          const { client } = yield* reading
          yield* client.stream(id, 5)
          yield* client.stream(shortId, 5)
          yield* until("all lines", () => {
            client.transport.completeWrites()
            return client.transport.lines.length >= count && client.answers().length === 3
          })
          expect(client.transport.lines).toEqual(numbered(count))

          yield* client.stream("web", 100_000)
          yield* client.stop(shortId)
          yield* client.stream(id, 100_000)
          yield* client.stop("web")
          yield* client.stream("web", 3_500)
          const left = client.transport.messages.length
          yield* until("all lines again", () => {
            client.transport.completeWrites()
            const messages = client.transport.messages
            const joined = messages.findLastIndex(isEvent("joined"))
            return joined >= left && messages.slice(joined).some(isEvent("docker_log"))
          })
          const messages = () =>
            client.transport.messages.slice(client.transport.messages.findLastIndex(isEvent("left")))
          const lines = () =>
            messages().flatMap((message) =>
              message.event === "docker_log" ? message.data.lines.map((line) => line[2]) : []
            )
          yield* until("all lines again", () => {
            client.transport.completeWrites()
            return lines().length >= 3_500
          })
          expect(lines()).toEqual(numbered(count, 501))
          expect(messages().filter(isEvent("joined"))).toHaveLength(1)
        }),
      small
    ))

  it("while it catches up with a room that has overrun it, gets each line once and in order", () =>
    run(
      ({ id }) =>
        Effect.gen(function* () {
          const engine = yield* MemoryEngine
          const other = yield* connect()
          const client = yield* connect(new RecordingTransport())
          for (const each of [client, other]) yield* each.stream("web", 0)
          yield* until("both joined", () => client.answers().length + other.answers().length === 2)
          client.transport.completeWrites()
          for (const text of numbered(600)) {
            yield* engine.writeLine("web", "stdout", text)
            if (text.endsWith("0")) yield* until("the other has it", () => other.transport.lines.at(-1) === text)
          }
          let asked = 0
          while (client.transport.lines.length < 600) {
            client.transport.completeWrites()
            if (asked++ % 3 === 0) yield* client.stream(asked % 2 === 0 ? "web" : id, 1_000)
            yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          }
          expect(client.transport.lines).toEqual(numbered(600))
          expect(client.find("gap")).toEqual([])
        }),
      small
    ))
})
