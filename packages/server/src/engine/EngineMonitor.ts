/** Watches the engine: whether it answers, and what its containers do, whoever causes it. */
import { Containers, type ContainerState, type ContainerSummary } from "@dockwire/core/Containers"
import { Docker } from "@dockwire/core/Docker"
import { type EngineEvent, Events } from "@dockwire/core/Events"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Hub } from "../rooms/Hub.js"
import { recreatedMark } from "../rooms/containerEvents.js"
import { containerLogsRoom, type ContainerStatusChange, type EngineStatus } from "../Wire.js"

/** What is known of a container without asking. */
export interface KnownContainer {
  readonly id: string
  readonly name: string
  /** As in `container_status_change`. */
  readonly status: string
}

/** How to watch. */
export interface EngineMonitorOptions {
  /** What viewers are told where the engine is a demo: as in `engine_status`. */
  readonly demo?: string
}

/** The shape of the monitor. */
export interface EngineMonitorShape {
  /** Whether the engine answers, as far as is known now. */
  readonly status: () => EngineStatus
  /** Done as soon as the engine answers. */
  readonly whenAvailable: Effect.Effect<void>
  /** Done when the engine was asked for the first time, whatever it answered. */
  readonly whenAsked: Effect.Effect<void>
  /** The container of this full id, unambiguous beginning of an id, or name; `undefined` where the engine must be asked. */
  readonly find: (idOrName: string) => KnownContainer | undefined
  /** An action on a container failed: tells every viewer. */
  readonly reportFailure: (idOrName: string, action: string, error: string) => void
}

const states: Record<ContainerState, string> = {
  created: "created",
  running: "running",
  paused: "paused",
  restarting: "restarting",
  removing: "removing",
  exited: "stopped",
  dead: "dead"
}

/** What a container's status is after an event of the engine; the events that don't change it are not here. */
const statusAfter: Readonly<Record<string, string>> = {
  create: "created",
  start: "running",
  restart: "running",
  unpause: "running",
  pause: "paused",
  die: "stopped",
  stop: "stopped",
  destroy: "removed"
}

const Version = Schema.decodeUnknownOption(Schema.Struct({ Version: Schema.String }))

const isoNanos = (nanos: bigint): string => {
  const seconds = nanos / 1_000_000_000n
  const rest = String(nanos % 1_000_000_000n).padStart(9, "0")
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${rest}Z`
}

const maxRemembered = 1_000

/** The containers as far as events and lists tell. */
class KnownContainers {
  private readonly byId = new Map<string, KnownContainer>()
  private readonly byName = new Map<string, string>()
  /** Which container had a name when it was removed. */
  private readonly removed = new Map<string, string>()

  find(idOrName: string): KnownContainer | undefined {
    const named = this.byName.get(idOrName)
    if (named !== undefined) return this.byId.get(named)
    const exact = this.byId.get(idOrName)
    if (exact !== undefined || !/^[0-9a-f]{12,63}$/.test(idOrName)) return exact
    let found: KnownContainer | undefined
    for (const container of this.byId.values()) {
      if (!container.id.startsWith(idOrName)) continue
      if (found !== undefined) return undefined
      found = container
    }
    return found
  }

  set(container: KnownContainer): void {
    const before = this.byId.get(container.id)
    if (before !== undefined && before.name !== container.name) this.byName.delete(before.name)
    this.byId.set(container.id, container)
    this.byName.set(container.name, container.id)
  }

  remove(id: string): void {
    const container = this.byId.get(id)
    if (container === undefined) return
    this.byId.delete(id)
    if (this.byName.get(container.name) === id) this.byName.delete(container.name)
    this.removed.delete(container.name)
    this.removed.set(container.name, id)
    const [oldest] = this.removed.keys()
    if (this.removed.size > maxRemembered && oldest !== undefined) this.removed.delete(oldest)
  }

  /** The container that had this name before, once. */
  takePredecessor(name: string): string | undefined {
    const id = this.removed.get(name)
    this.removed.delete(name)
    return id
  }

  get all(): ReadonlyArray<KnownContainer> {
    return [...this.byId.values()]
  }
}

const make = Effect.fnUntraced(function* ({ demo }: EngineMonitorOptions) {
  const docker = yield* Docker
  const containers = yield* Containers
  const events = yield* Events
  const hub = yield* Hub
  const known = new KnownContainers()
  const available = yield* Effect.makeLatch(false)
  const asked = yield* Effect.makeLatch(false)
  /** The same at all times. */
  const told = { endpoint: docker.endpoint, ...(demo === undefined ? {} : { demo }) }
  let listed = false
  let status: EngineStatus = {
    available: false,
    ...told,
    reason: `The Docker engine at ${docker.endpoint} has not answered yet.`,
    timestamp: new Date().toISOString()
  }

  const setStatus = (next: Omit<EngineStatus, "endpoint" | "demo" | "timestamp">) =>
    Effect.sync(() => {
      const changed =
        next.available !== status.available || next.reason !== status.reason || next.version !== status.version
      status = { ...next, ...told, timestamp: new Date().toISOString() }
      if (changed) hub.broadcast({ event: "engine_status", data: status })
      if (next.available) available.unsafeOpen()
      else available.unsafeClose()
      asked.unsafeOpen()
    })

  const report = (data: ContainerStatusChange["data"]) => hub.broadcast({ event: "container_status_change", data })

  const onCreated = (name: string, timestamp: string) => {
    const predecessor = known.takePredecessor(name)
    if (predecessor === undefined) return
    const room = containerLogsRoom(predecessor)
    if (hub.findRing(room) !== undefined) hub.publish(room, [recreatedMark(predecessor, timestamp)])
  }

  const onEvent = (event: EngineEvent, listedAt: bigint) => {
    const name = event.attributes["name"] ?? event.id.slice(0, 12)
    if (event.action === "rename") {
      const before = known.find(event.id)
      if (before !== undefined) known.set({ ...before, name })
      if (hub.findRing(containerLogsRoom(event.id)) !== undefined) hub.setContainerName(event.id, name)
      return
    }
    const status = statusAfter[event.action]
    if (status === undefined) return
    // The list that was read after this event has told it already.
    if (event.timeNano <= listedAt && (known.find(event.id)?.status ?? "removed") === status) return
    const timestamp = isoNanos(event.timeNano)
    if (event.action === "create") onCreated(name, timestamp)
    if (event.action === "destroy") known.remove(event.id)
    else known.set({ id: event.id, name, status })
    report({ container_id: event.id, name, status, action: event.action, success: true, timestamp })
  }

  /** Takes a list in; what differs from what was known is reported, but for the very first list. */
  const takeList = (list: ReadonlyArray<ContainerSummary>) => {
    const timestamp = new Date().toISOString()
    const here = new Set(list.map((container) => container.id))
    const changed = (container: KnownContainer, action: string) => {
      if (!listed) return
      const { id, name, status } = container
      report({ container_id: id, name, status, action, success: true, timestamp })
    }
    for (const container of known.all) {
      if (here.has(container.id)) continue
      known.remove(container.id)
      changed({ ...container, status: "removed" }, "destroy")
    }
    for (const summary of list) {
      const before = known.find(summary.id)
      const name = summary.names[0] ?? summary.id.slice(0, 12)
      const container = { id: summary.id, name, status: states[summary.state] }
      if (before === undefined && listed) onCreated(name, timestamp)
      known.set(container)
      if (before?.status !== container.status) changed(container, before === undefined ? "create" : container.status)
    }
    listed = true
  }

  const askVersion = Effect.gen(function* () {
    const { body } = yield* docker.json({ method: "GET", path: "/version", timeout: "5 seconds" })
    const version = Version(body)
    return version._tag === "Some" ? version.value.Version : "unknown"
  })

  /** Until the engine is lost: events first, so that nothing falls between them and the list. */
  const watch = Effect.gen(function* () {
    const version = yield* askVersion
    const from = new Date()
    const list = yield* containers.list({ all: true })
    const listedAt = BigInt(Date.now()) * 1_000_000n
    takeList(list)
    yield* setStatus({ available: true, version })
    const follow = events
      .stream({ since: from, filters: { type: ["container"] } })
      .pipe(Stream.runForEach((event) => Effect.sync(() => onEvent(event, listedAt))))
    // A connection that is dead without having been closed says nothing: so ask now and then.
    const ask = Effect.forever(Effect.andThen(Effect.sleep("10 seconds"), askVersion))
    yield* Effect.raceFirst(follow, ask)
  })

  let failures = 0
  const loop = watch.pipe(
    Effect.matchEffect({
      onSuccess: () => Effect.succeed("The engine ended its stream of events."),
      onFailure: (error) => Effect.succeed(error.message)
    }),
    Effect.flatMap((reason) =>
      Effect.suspend(() => {
        failures = status.available ? 0 : failures + 1
        return Effect.andThen(
          setStatus({ available: false, reason }),
          Effect.sleep(Duration.millis(Math.min(5_000, 250 * 2 ** Math.min(failures, 8))))
        )
      })
    ),
    Effect.forever
  )
  yield* Effect.forkScoped(loop)

  return {
    status: () => status,
    whenAvailable: available.await,
    whenAsked: asked.await,
    find: (idOrName: string) => (status.available ? known.find(idOrName) : undefined),
    reportFailure: (idOrName: string, action: string, error: string) => {
      const container = known.find(idOrName)
      if (container === undefined) return
      const { id, name, status } = container
      report({ container_id: id, name, status, action, success: false, error, timestamp: new Date().toISOString() })
    }
  } satisfies EngineMonitorShape
})

/**
 * Watches the engine as long as the layer lives. `engine_status` and `container_status_change` go to every viewer of the
 * hub; after a break the containers are listed again, and what differs is reported.
 */
export class EngineMonitor extends Context.Tag("@dockwire/server/EngineMonitor")<EngineMonitor, EngineMonitorShape>() {
  /** A monitor of the engine behind `Docker`. */
  static readonly layerWith = (
    options: EngineMonitorOptions
  ): Layer.Layer<EngineMonitor, never, Docker | Containers | Events | Hub> => Layer.scoped(EngineMonitor, make(options))

  /** The monitor of the engine behind `Docker`. */
  static readonly layer = EngineMonitor.layerWith({})
}
