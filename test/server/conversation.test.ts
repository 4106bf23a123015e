import { Containers, type Docker, MemoryEngine } from "@dockwire/core"
import { defaultHubOptions, EngineMonitor, Followers, Hub, type HubOptions, type Wire } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { Conversation } from "../../packages/server/src/socket/Conversation.js"
import { type ConversationServices, conversationServices, webEngine } from "./conversationServices.js"
import { RecordingTransport } from "./recordingTransport.js"
import { isEvent, poll } from "./wireClient.js"

type Services = ConversationServices | Docker | MemoryEngine | Scope.Scope

const services = (hub: Partial<HubOptions>) => Layer.provideMerge(conversationServices(hub), webEngine)

/** Runs with an engine in memory that has one container, `web`. */
const run = (program: Effect.Effect<void, unknown, Services>, hub: Partial<HubOptions> = {}) =>
  Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(services(hub))))

const write = (...texts: ReadonlyArray<string>) =>
  Effect.flatMap(MemoryEngine, (engine) => Effect.forEach(texts, (text) => engine.writeLine("web", "stdout", text)))

const until = (what: string, holds: () => boolean) => Effect.promise(() => poll(what, holds))

/** A client: what it sends is carried out, and what it gets is recorded. */
const connect = (transport = new RecordingTransport(true)) =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const viewer = hub.attach(transport)
    const conversation = yield* Conversation.make(viewer)
    return {
      transport,
      viewer,
      send: (message: Wire.ClientMessage) => conversation.receive(JSON.stringify(message)),
      find: <E extends Wire.ServerMessage["event"]>(event: E) => transport.messages.filter(isEvent(event))
    }
  })

const stream = (tail: number, position?: string): Wire.ClientMessage => ({
  event: "stream_container_logs",
  data: { container_id: "web", tail, ...(position === undefined ? {} : { position }) }
})

describe("a conversation", () => {
  it("follows a container: history first, then live lines, until the client leaves", () =>
    run(
      Effect.gen(function* () {
        yield* write("1", "2", "3")
        const client = yield* connect()
        yield* client.send(stream(2))
        yield* until("its history", () => client.transport.lines.length === 2)
        yield* write("4")
        yield* until("a live line", () => client.transport.lines.length === 3)
        expect(client.transport.lines).toEqual(["2", "3", "4"])
        yield* client.send({ event: "stop_container_logs", data: { container_id: "web" } })
        expect(client.find("left").map(({ data }) => data.room)).toEqual(["container_logs_web"])
        const followers = yield* Followers
        yield* until("nobody follows it", () => followers.following().length === 0)
      })
    ))

  it("carries out a request when the engine is back, and drops it if the client leaves before", () =>
    run(
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const monitor = yield* EngineMonitor
        yield* monitor.whenAvailable
        yield* write("1")
        yield* engine.goOffline()
        yield* until("the monitor notices", () => !monitor.status().available)
        const waiting = yield* connect()
        const leaving = yield* connect()
        for (const client of [waiting, leaving]) {
          yield* client.send(stream(10))
          yield* until("the answer", () => client.find("error").length > 0)
          expect(client.find("error").map(({ data }) => [data.code, data.about])).toEqual([
            ["engine_unavailable", "web"]
          ])
          expect(client.find("joined")).toEqual([])
        }
        yield* leaving.send({ event: "stop_container_logs", data: { container_id: "web" } })
        yield* engine.heal
        yield* until("its history", () => waiting.transport.lines.length === 1)
        expect(waiting.find("joined").map(({ data }) => data.room)).toEqual(["container_logs_web"])
        expect(leaving.find("joined")).toEqual([])
        expect(leaving.viewer.roomCount).toBe(0)
      })
    ))

  it("counts requests that wait for the engine towards the limit of rooms", () =>
    run(
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const monitor = yield* EngineMonitor
        yield* monitor.whenAvailable
        yield* engine.goOffline()
        yield* until("the monitor notices", () => !monitor.status().available)
        const client = yield* connect()
        for (let index = 0; index < 255; index++) {
          yield* client.send({ event: "join", data: { room: `operation_${index}` } })
        }
        yield* client.send(stream(10))
        yield* client.send({ event: "join", data: { room: "docker_logs" } })
        expect(client.find("error").at(-1)?.data).toEqual({
          code: "too_many_rooms",
          message: "A connection can be in at most 256 rooms. Leave a room before you join another one.",
          about: "docker_logs"
        })
      })
    ))

  it("reads on from the engine when the room's ring has overrun the client", () =>
    run(
      Effect.gen(function* () {
        const slow = new RecordingTransport()
        const client = yield* connect(slow)
        const other = yield* connect()
        for (const each of [client, other]) yield* each.send(stream(0))
        yield* until("both joined", () => client.find("joined").length + other.find("joined").length === 2)
        slow.completeWrites()
        const texts = Array.from({ length: 40 }, (_, index) => `line ${index}`)
        for (const text of texts) {
          yield* write(text)
          yield* until("the other has it", () => other.transport.lines.at(-1) === text)
        }
        yield* until("it has caught up", () => {
          slow.completeWrites()
          return slow.lines.length >= texts.length
        })
        expect(slow.lines).toEqual(texts)
        expect(client.find("gap")).toEqual([])
        expect(client.find("joined")).toHaveLength(2)
      }),
      { ring: { ...defaultHubOptions.ring, lines: 10 } }
    ))

  it("resumes after a position, and says so when the container was recreated", () =>
    run(
      Effect.gen(function* () {
        const containers = yield* Containers
        const old = yield* containers.inspect("web")
        yield* write("1", "2")
        const first = yield* connect()
        yield* first.send(stream(10))
        yield* until("its history", () => first.transport.lines.length === 2)
        const position = first.find("docker_log").at(-1)?.position
        yield* write("3")
        const back = yield* connect()
        yield* back.send(stream(10, position))
        yield* until("what it missed", () => back.transport.lines.length === 1)
        expect(back.transport.lines).toEqual(["3"])
        expect(back.find("joined")[0]?.data.recovered).toBe(true)

        yield* containers.remove("web", { force: true })
        const { id } = yield* containers.create({ name: "web", image: "busybox", command: ["sleep", "1000"] })
        yield* containers.start(id)
        yield* write("new")
        const late = yield* connect()
        yield* late.send(stream(10, position))
        yield* until("the new log", () => late.transport.lines.length === 1)
        expect(late.transport.lines).toEqual(["new"])
        expect(late.find("joined")[0]?.data).toMatchObject({ canonical: `container_logs_${id}`, recovered: false })
        expect(late.find("gap").map(({ data }) => data.reason)).toEqual([
          `The container was recreated. What the old one (${old.id.slice(0, 12)}) wrote after the requested position is missing.`
        ])
      })
    ))
})
