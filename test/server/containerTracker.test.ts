import type { ContainerEvent, EngineChange } from "@dockwire/core"
import { Hub } from "@dockwire/server"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { ContainerTracker } from "../../packages/server/src/engine/ContainerTracker.js"
import { RecordingTransport } from "./recordingTransport.js"

const web = "a".repeat(64)
const db = "b".repeat(64)

const event = (action: string, containerId: string, name: string, timeNano = BigInt(Date.now() + 1000) * 1_000_000n) =>
  ({
    _tag: "ContainerEvent",
    action,
    containerId,
    name,
    image: "busybox",
    event: { type: "container", action, id: containerId, attributes: { name }, timeNano }
  }) satisfies ContainerEvent

const added = (id: string, name: string, state: EngineChange["state"] = "running"): EngineChange => ({
  type: "container",
  id,
  name,
  change: "added",
  ...(state === undefined ? {} : { state, after: state })
})

type HubService = Effect.Effect.Success<typeof Hub>

/** A tracker, and the status changes that a viewer of its hub has received: name, status and action. */
const withTracker = (
  use: (tracker: ContainerTracker, changes: () => ReadonlyArray<ReadonlyArray<string>>, hub: HubService) => void
) =>
  Effect.runPromise(
    Effect.map(Hub, (hub) => {
      const transport = new RecordingTransport()
      hub.attach(transport)
      const changes = () =>
        transport.messages.flatMap(({ data, event }) =>
          event === "container_status_change" ? [[data.name, data.status, data.action]] : []
        )
      use(new ContainerTracker(hub), changes, hub)
    }).pipe(Effect.provide(Hub.layer))
  )

describe("ContainerTracker", () => {
  it("does not broadcast the containers that exist at first, but finds them by name and id", () =>
    withTracker((tracker, changes) => {
      tracker.applyChanges([added(web, "web"), added(db, "db", "exited")])
      expect(changes()).toEqual([])
      expect(tracker.find("web")).toEqual({ id: web, name: "web", status: "running" })
      expect(tracker.find(db.slice(0, 12))).toEqual({ id: db, name: "db", status: "stopped" })
      expect(tracker.find("other")).toBeUndefined()
    }))

  it("broadcasts what changed during an outage", () =>
    withTracker((tracker, changes) => {
      tracker.applyChanges([added(web, "web"), added(db, "db")])
      tracker.applyChanges([
        { type: "container", id: db, name: "db", change: "removed", before: "running" },
        {
          type: "container",
          id: web,
          name: "web",
          change: "changed",
          before: "running",
          after: "exited",
          state: "exited"
        },
        added("c".repeat(64), "cache")
      ])
      expect(changes()).toEqual([
        ["db", "removed", "destroy"],
        ["web", "stopped", "stopped"],
        ["cache", "running", "create"]
      ])
    }))

  it("broadcasts events that change a status, and not those that the list already had", () =>
    withTracker((tracker, changes) => {
      tracker.applyChanges([added(web, "web")])
      tracker.applyEvent(event("start", web, "web", 1n))
      tracker.applyEvent(event("exec_start: sh", web, "web"))
      tracker.applyEvent(event("die", web, "web"))
      tracker.applyEvent(event("destroy", web, "web"))
      expect(changes()).toEqual([
        ["web", "stopped", "die"],
        ["web", "removed", "destroy"]
      ])
      expect(tracker.find("web")).toBeUndefined()
    }))

  it("follows and broadcasts names, also when two containers swap theirs", () =>
    withTracker((tracker, changes) => {
      tracker.applyChanges([added(web, "web"), added(db, "db")])
      tracker.applyEvent(event("rename", web, "old"))
      tracker.applyEvent(event("rename", db, "web"))
      tracker.applyEvent(event("rename", web, "db"))
      expect(tracker.find("web")?.id).toBe(db)
      expect(tracker.find("db")?.id).toBe(web)
      expect(tracker.find("old")).toBeUndefined()
      expect(changes()).toEqual([
        ["old", "running", "rename"],
        ["web", "running", "rename"],
        ["db", "running", "rename"]
      ])
      // The list had the first name already.
      tracker.applyEvent(event("rename", web, "db"))
      expect(changes()).toHaveLength(3)
    }))

  it("broadcasts a name that changed during an outage, and that it was the name of a removed container", () =>
    withTracker((tracker, changes, hub) => {
      tracker.applyChanges([added(web, "web"), added(db, "web_new")])
      hub.ring(`container_logs_${web}`)
      tracker.applyEvent(event("destroy", web, "web"))
      tracker.applyChanges([
        { type: "container", id: db, name: "web", change: "changed", after: "paused", state: "paused" }
      ])
      expect(changes()).toEqual([
        ["web", "removed", "destroy"],
        ["web", "running", "rename"],
        ["web", "paused", "paused"]
      ])
      expect(JSON.parse(hub.ring(`container_logs_${web}`).at(1)?.json ?? "{}")).toMatchObject({ mark: "recreated" })
    }))

  it("marks in the room of a removed container that its name was given to a new one", () =>
    withTracker((tracker, _changes, hub) => {
      tracker.applyChanges([added(web, "web")])
      hub.ring(`container_logs_${web}`)
      tracker.applyEvent(event("destroy", web, "web"))
      tracker.applyEvent(event("create", db, "web"))
      expect(JSON.parse(hub.ring(`container_logs_${web}`).at(1)?.json ?? "{}")).toMatchObject({
        container_id: web,
        mark: "recreated"
      })
    }))

  it("broadcasts a failed action with the container's status", () =>
    withTracker((tracker, changes) => {
      tracker.applyChanges([added(web, "web")])
      tracker.reportFailure("web", "stop", "permission denied")
      tracker.reportFailure("other", "stop", "not found")
      expect(changes()).toEqual([["web", "running", "stop"]])
    }))
})
