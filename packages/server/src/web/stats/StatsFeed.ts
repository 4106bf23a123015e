import { signal } from "@preact/signals"
import type { Listener, SocketEvents } from "../../client/SocketEvents.js"
import type { Socket } from "../../client/Socket.js"

/** How many readings are kept: five minutes of them. */
const maxReadings = 150

/** Time between two readings, in milliseconds. */
const interval = 2000

type Stats = SocketEvents["container_stats"]["stats"]
type RunningStats = Extract<Stats, { readonly status: "running" }>

/** How much a container used at a time. */
export interface Reading {
  /** Seconds since 1970. */
  readonly time: number
  /** 100 is one core. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  readonly memoryLimit: number
  /** Bytes per second; undefined for the first reading, and for the first after a restart. */
  readonly received: number | undefined
  readonly sent: number | undefined
}

const rate = (before: number, after: number, seconds: number): number | undefined =>
  seconds <= 0 || after < before ? undefined : (after - before) / seconds

/** What a container uses, as long as it is watched. */
export class StatsFeed {
  readonly readings = signal<ReadonlyArray<Reading>>([])
  /** Whether the container has processes; undefined until the server has said so. */
  readonly status = signal<Stats["status"] | undefined>(undefined)
  readonly #socket: Socket
  readonly #id: string
  #last: { readonly time: number; readonly stats: RunningStats } | undefined

  constructor(socket: Socket, id: string) {
    this.#socket = socket
    this.#id = id
    socket.on("container_stats", this.#onStats)
    socket.emit("stream_container_stats", { container_id: id, interval })
  }

  close(): void {
    this.#socket.emit("stop_container_stats", { container_id: this.#id })
    this.#socket.off("container_stats", this.#onStats)
  }

  readonly #onStats: Listener<"container_stats"> = ({ container_id, stats, timestamp }) => {
    if (container_id !== this.#id) return
    this.status.value = stats.status
    if (stats.status !== "running") {
      this.#last = undefined
      return
    }
    const time = Date.parse(timestamp) / 1000
    const last = this.#last
    if (last !== undefined && time <= last.time) return
    this.#last = { time, stats }
    const seconds = last === undefined ? 0 : time - last.time
    const reading: Reading = {
      time,
      cpu: stats.cpu_percent,
      memory: stats.memory_usage,
      memoryLimit: stats.memory_limit,
      received: rate(last?.stats.network_received ?? 0, stats.network_received, seconds),
      sent: rate(last?.stats.network_sent ?? 0, stats.network_sent, seconds)
    }
    this.readings.value = [...this.readings.value, reading].slice(-maxReadings)
  }
}
