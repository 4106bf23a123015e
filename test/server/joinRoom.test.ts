import { defaultHubOptions, Hub } from "@dockwire/server"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { joinRemovedContainer, joinRoom } from "../../packages/server/src/socket/join/joinRoom.js"
import { RecordingTransport } from "./recordingTransport.js"

type HubService = Effect.Effect.Success<typeof Hub>

/** A hub whose rooms keep two events. */
const withHub = (use: (hub: HubService) => void): Promise<void> =>
  Effect.runPromise(
    Effect.map(Hub, use).pipe(
      Effect.provide(Hub.layerWith({ ring: { ...defaultHubOptions.ring, lines: 2 } })),
      Effect.asVoid
    )
  )

const id = "d".repeat(64)
const containerRoom = `container_logs_${id}`

const publish = (hub: HubService, room: string, texts: ReadonlyArray<string>) =>
  hub.publish(
    room,
    texts.map((text) => ({
      event: "docker_log",
      head: { json: '{"a":1' },
      json: JSON.stringify(["t", "stdout", text])
    }))
  )

const attach = (hub: HubService) => {
  const transport = new RecordingTransport()
  const viewer = hub.attach(transport)
  return { viewer, transport }
}

const gaps = (transport: RecordingTransport) =>
  transport.messages.flatMap((message) => (message.event === "gap" ? [message.data] : []))

const recovered = (transport: RecordingTransport) =>
  transport.messages.flatMap((message) => (message.event === "joined" ? [message.data.recovered] : []))

describe("joinRoom", () => {
  it("replays nothing without a position", () =>
    withHub((hub) => {
      publish(hub, "docker_logs", ["1", "2"])
      const { transport, viewer } = attach(hub)
      joinRoom(hub, viewer, "docker_logs", "docker_logs", undefined)
      publish(hub, "docker_logs", ["3"])
      transport.completeWrites()
      expect(transport.lines).toEqual(["3"])
      expect(recovered(transport)).toEqual([true])
    }))

  it("replays what came after a position", () =>
    withHub((hub) => {
      publish(hub, "docker_logs", ["1", "2"])
      const position = hub.ring("docker_logs").positionAt(1)
      const { transport, viewer } = attach(hub)
      joinRoom(hub, viewer, "docker_logs", "docker_logs", position)
      transport.completeWrites()
      expect(transport.lines).toEqual(["2"])
      expect(recovered(transport)).toEqual([true])
      expect(gaps(transport)).toEqual([])
    }))

  it("reports evicted events as a gap and replays the rest", () =>
    withHub((hub) => {
      publish(hub, "docker_logs", ["1"])
      const position = hub.ring("docker_logs").positionAt(1)
      publish(hub, "docker_logs", ["2", "3", "4"])
      const { transport, viewer } = attach(hub)
      joinRoom(hub, viewer, "docker_logs", "docker_logs", position)
      transport.completeWrites()
      expect(transport.lines).toEqual(["3", "4"])
      expect(recovered(transport)).toEqual([false])
      expect(gaps(transport)).toEqual([
        {
          room: "docker_logs",
          from: 2,
          to: 2,
          reason: "These events are no longer available: the server keeps only the most recent events of a room."
        }
      ])
    }))

  it("reports a gap of unknown size for a position from another epoch", () =>
    withHub((hub) => {
      publish(hub, "docker_logs", ["1", "2", "3"])
      const { transport, viewer } = attach(hub)
      joinRoom(hub, viewer, "docker_logs", "docker_logs", "elsewhere.17")
      transport.completeWrites()
      expect(transport.lines).toEqual(["2", "3"])
      expect(gaps(transport)).toEqual([
        {
          room: "docker_logs",
          from: null,
          to: 1,
          reason: "The server was restarted or dropped this room since then, so it can't tell which events are missing."
        }
      ])
    }))

  it("keeps the place of a viewer that is in the room already", () =>
    withHub((hub) => {
      const { transport, viewer } = attach(hub)
      joinRoom(hub, viewer, "docker_logs", "docker_logs", undefined)
      publish(hub, "docker_logs", ["1", "2"])
      joinRoom(hub, viewer, "docker_logs", "docker_logs", undefined)
      transport.completeWrites()
      transport.completeWrites()
      expect(transport.lines).toEqual(["1", "2"])
      expect(recovered(transport)).toEqual([true, true])
    }))
})

describe("joinRemovedContainer", () => {
  const join = (hub: HubService, position: string | undefined) => {
    const { transport, viewer } = attach(hub)
    const request = { containerId: id, requestedRoom: "container_logs_web", position }
    const joined = joinRemovedContainer(hub, viewer, request, "No such container")
    transport.completeWrites()
    return { joined, transport }
  }

  it("does nothing if neither the room nor a position is left", () =>
    withHub((hub) => {
      const { joined, transport } = join(hub, undefined)
      expect(joined).toBe(false)
      expect(transport.messages).toEqual([])
    }))

  it("reports everything after a position as missing if the room is gone", () =>
    withHub((hub) => {
      const { joined, transport } = join(hub, "elsewhere.17")
      expect(joined).toBe(true)
      expect(transport.messages).toEqual([
        {
          event: "joined",
          room: containerRoom,
          position: "elsewhere.17",
          data: { room: "container_logs_web", canonical: containerRoom, epoch: "", seq: 0, oldest: 1, recovered: false }
        },
        {
          event: "gap",
          room: containerRoom,
          data: { room: containerRoom, from: null, to: null, reason: "No such container" }
        }
      ])
    }))

  it("replays the last lines that the room still has", () =>
    withHub((hub) => {
      publish(hub, containerRoom, ["1", "2", "3"])
      const { joined, transport } = join(hub, undefined)
      expect(joined).toBe(true)
      expect(recovered(transport)).toEqual([true])
      expect(transport.lines).toEqual(["2", "3"])
    }))

  it("reports lines that the room has evicted as a gap", () =>
    withHub((hub) => {
      publish(hub, containerRoom, ["1"])
      const position = hub.ring(containerRoom).positionAt(1)
      publish(hub, containerRoom, ["2", "3", "4"])
      const { transport } = join(hub, position)
      expect(recovered(transport)).toEqual([false])
      expect(transport.lines).toEqual(["3", "4"])
      expect(gaps(transport)).toEqual([
        {
          room: containerRoom,
          from: 2,
          to: 2,
          reason: "The container was removed, and the server keeps only its most recent lines."
        }
      ])
    }))
})
