import { type Docker, MemoryEngine } from "@dockwire/core"
import { defaultHubOptions, EngineMonitor, Followers, Hub, type HubOptions, type Wire } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { Conversation } from "../../packages/server/src/socket/Conversation.js"
import { type ConversationServices, conversationServices, webEngine } from "./conversationServices.js"
import { RecordingTransport } from "./recordingTransport.js"
import { numbered, poll } from "./wireClient.js"

type Server = ConversationServices | Scope.Scope

/** Runs with a server that is new each time, over an engine that stays. */
const withServer = <A, E>(
  hub: Partial<HubOptions>,
  program: Effect.Effect<A, E, Server | Docker | MemoryEngine>
): Effect.Effect<A, E, Docker | MemoryEngine> =>
  Effect.scoped(program).pipe(Effect.provide(Layer.fresh(conversationServices(hub))))

const write = (from: number, to: number) =>
  Effect.flatMap(MemoryEngine, (memory) =>
    Effect.forEach(numbered(to, from), (text) => memory.writeLine("web", "stdout", text), { discard: true })
  )

const until = (what: string, holds: () => boolean) => Effect.promise(() => poll(what, holds, 5_000))

type Request =
  | { readonly event: "stream_container_logs"; readonly tail?: number; readonly since?: string }
  | { readonly event: "join" }

/** A client that sends one request, and disconnects when the scope closes. */
const connect = (request: Request, position?: string) =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const followers = yield* Followers
    const transport = new RecordingTransport(true)
    const viewer = hub.attach(transport)
    yield* Effect.addFinalizer(() =>
      Effect.map(followers.unwatchAll(viewer), () => {
        hub.detach(viewer)
      })
    )
    const conversation = yield* Conversation.make(viewer)
    const { event, ...history } = request
    const target = event === "join" ? { room: "container_logs_web" } : { container_id: "web", ...history }
    const data = { ...target, ...(position === undefined ? {} : { position }) }
    yield* conversation.receive(JSON.stringify({ event, data }))
    yield* until("joined", () => transport.messages.some((message) => message.event === "joined"))
    return Object.assign(transport, { viewer })
  })

const linesOf = (messages: ReadonlyArray<Wire.ServerMessage>): ReadonlyArray<string> =>
  messages.flatMap((message) => (message.event === "docker_log" ? message.data.lines.map((line) => line[2]) : []))

const lastPosition = (messages: ReadonlyArray<Wire.ServerMessage>): string | undefined =>
  messages.reduce<string | undefined>(
    (last, message) => ("position" in message && message.position !== undefined ? message.position : last),
    undefined
  )

const framesOf = ({ frames }: RecordingTransport): ReadonlyArray<ReadonlyArray<Wire.ServerMessage>> =>
  frames.map((frame): ReadonlyArray<Wire.ServerMessage> => JSON.parse(frame.toString("utf8")))

/** Where the connection is cut: the number of frames that arrived. */
const cutsOf = (frames: ReadonlyArray<ReadonlyArray<Wire.ServerMessage>>, history: number) => {
  const joined = frames.findIndex((frame) => frame.some(({ event }) => event === "joined")) + 1
  const arrived = (count: number) =>
    frames.findIndex((_, index) => linesOf(frames.slice(0, index + 1).flat()).length >= count) + 1
  return {
    "after joined": joined,
    "after the first lines of its history": history === 0 ? joined : arrived(1),
    "in its history": history === 0 ? joined : arrived(Math.ceil(history / 2)),
    "after its history": history === 0 ? joined : arrived(history),
    "in the live part": arrived(history + 5)
  }
}

const existing = 1_200
const live = existing + 10
const missed = live + 10

const requests: ReadonlyArray<readonly [what: string, request: Request, first: number]> = [
  ["the last 1,100 lines", { event: "stream_container_logs", tail: 1_100 }, 101],
  ["all lines of a time", { event: "stream_container_logs", since: "2001-01-01T00:00:00Z" }, 1],
  ["a log without further ado", { event: "stream_container_logs" }, 1_101],
  ["new lines only", { event: "stream_container_logs", tail: 0 }, 1_201],
  ["a room", { event: "join" }, 1_201]
]

const smallRing = { ring: { ...defaultHubOptions.ring, lines: 50 }, frameCharacters: 500 }

/** Resumes after the frames that had arrived, and expects that each line since the first was received once. */
const resume = (
  request: Request,
  first: number,
  cut: string,
  before: ReadonlyArray<Wire.ServerMessage>,
  written: { count: number }
) =>
  Effect.gen(function* () {
    const client = yield* connect(request, lastPosition(before))
    written.count++
    yield* write(written.count, written.count)
    yield* until(`the rest, cut ${cut}`, () => client.lines.at(-1) === `line ${written.count}`)
    expect([cut, ...linesOf(before), ...client.lines]).toEqual([cut, ...numbered(written.count, first)])
    expect(client.messages.filter(({ event }) => event === "gap")).toEqual([])
  }).pipe(Effect.scoped)

describe.each([
  ["alone", false, { frameCharacters: 20_000 }],
  ["beside another viewer, in a room that keeps little", true, smallRing]
] as const)("a viewer %s", (_where, hasOther, hub) => {
  it.each(requests)(
    "that asked for %s resumes from any position, also after a restart of the server: each line once",
    (_what, request, first) =>
      Effect.gen(function* () {
        yield* write(1, existing)
        const isLive = request.event === "stream_container_logs" || hasOther
        const history = existing + 1 - first
        const written = { count: missed }
        const cuts = yield* withServer(
          hub,
          Effect.gen(function* () {
            if (hasOther) yield* connect({ event: "stream_container_logs", tail: 0 })
            const frames = yield* Effect.gen(function* () {
              const client = yield* connect(request)
              yield* until("its history", () => client.lines.length >= history)
              for (let line = existing + 1; line <= live; line++) {
                yield* write(line, line)
                if (isLive) yield* until("a live line", () => client.lines.at(-1) === `line ${line}`)
              }
              return framesOf(client)
            }).pipe(Effect.scoped)
            yield* write(live + 1, missed)
            const counts = isLive ? cutsOf(frames, history) : { "after joined": frames.length }
            const cuts = Object.entries(counts).map(([cut, count]) => [cut, frames.slice(0, count).flat()] as const)
            for (const [cut, before] of cuts) yield* resume(request, first, cut, before, written)
            return cuts
          })
        )
        for (const [cut, before] of cuts) yield* withServer(hub, resume(request, first, cut, before, written))
      }).pipe(Effect.provide(webEngine), Effect.runPromise)
  )
})

describe("a viewer", () => {
  const run = (program: Effect.Effect<void, unknown, Server | Docker | MemoryEngine>) =>
    Effect.runPromise(Effect.provide(withServer({}, program), webEngine))

  const gapsOf = (transport: RecordingTransport) =>
    transport.messages.flatMap((message) => (message.event === "gap" ? [message.data.reason] : []))

  const recovered = (transport: RecordingTransport) =>
    transport.messages.flatMap((message) => (message.event === "joined" ? [message.data.recovered] : []))

  it.each<readonly [string, Request]>([
    ["the last lines", { event: "stream_container_logs", tail: 2 }],
    ["more lines than a follower starts with", { event: "stream_container_logs", tail: 4_000 }],
    ["new lines", { event: "stream_container_logs", tail: 0 }],
    ["a room", { event: "join" }]
  ])("that asked for %s of an empty log resumes with all that was written since then", (_what, request) =>
    Effect.gen(function* () {
      const before = yield* withServer({}, Effect.scoped(connect(request)))
      yield* write(1, 200)
      yield* withServer({}, resume(request, 1, "after joined", before.messages, { count: 200 }))
    }).pipe(Effect.provide(webEngine), Effect.runPromise)
  )

  it("is told that lines may be missing if the server doesn't know its position", () =>
    run(
      Effect.gen(function* () {
        yield* write(1, 20)
        const client = yield* connect({ event: "stream_container_logs", tail: 5 }, ".0")
        yield* until("the last lines", () => client.lines.length === 5)
        expect(client.lines).toEqual(numbered(20, 16))
        expect(recovered(client)).toEqual([false])
        expect(gapsOf(client)).toEqual([
          "The server can't tell which lines are missing: the position is not one that it knows. Request the log without one."
        ])
      })
    ))

  it("that lost its connection while it got history after live lines resumes with a gap, and without one once it has it", () =>
    run(
      Effect.gen(function* () {
        yield* write(1, 1_500)
        yield* connect({ event: "stream_container_logs", tail: 0 })
        const client = yield* connect({ event: "join" })
        yield* write(1_501, 1_510)
        yield* until("live lines", () => client.lines.length === 10)
        const conversation = yield* Conversation.make(client.viewer)
        const data = { container_id: "web", tail: 1_400 }
        yield* conversation.receive(JSON.stringify({ event: "stream_container_logs", data }))
        yield* until("its history", () => client.lines.length >= 1_400)
        expect(new Set(client.lines).size).toBe(client.lines.length)
        const request: Request = { event: "stream_container_logs", tail: 1_400 }
        const first = framesOf(client).findIndex((frame) => linesOf(frame).length > 10)
        const cut = yield* connect(
          request,
          lastPosition(
            framesOf(client)
              .slice(0, first + 1)
              .flat()
          )
        )
        yield* write(1_511, 1_511)
        yield* until("the rest", () => cut.lines.length > 0)
        expect(cut.lines).toEqual(["line 1511"])
        expect(recovered(cut)).toEqual([false])
        expect(gapsOf(cut)).toEqual([
          "The connection was lost while older lines were being sent. Those that had not arrived are missing."
        ])
        const complete = yield* connect(request, lastPosition(client.messages))
        yield* write(1_512, 1_512)
        yield* until("the rest", () => complete.lines.length > 0)
        expect(complete.lines.at(-1)).toBe("line 1512")
        expect(recovered(complete)).toEqual([true])
        expect(gapsOf(complete)).toEqual([])
      })
    ))

  it("that was cut from an engine too slow to say where the last lines begin is told that lines may be missing", () =>
    Effect.gen(function* () {
      const request: Request = { event: "stream_container_logs", tail: 10 }
      const memory = yield* MemoryEngine
      yield* write(1, 20)
      const before = yield* withServer(
        {},
        Effect.gen(function* () {
          yield* Effect.flatMap(EngineMonitor, (monitor) => monitor.whenAvailable)
          yield* memory.slow({ path: /logs/ }, "1 minute")
          return yield* connect(request)
        })
      )
      yield* memory.heal
      expect(before.lines).toEqual([])
      const client = yield* withServer(
        {},
        Effect.gen(function* () {
          const client = yield* connect(request, lastPosition(before.messages))
          yield* until("the last lines", () => client.lines.length === 10)
          return client
        })
      )
      expect(recovered(client)).toEqual([false])
      expect(gapsOf(client)).toEqual([
        "The connection was lost before the log could be read. The last 10 lines are counted from now, so that older ones may be missing."
      ])
    }).pipe(Effect.provide(webEngine), Effect.runPromise))
})
