import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { type Call, type Routes, targetContainer } from "../calls/call.js"
import { jsonResponse, streamResponse } from "../calls/response.js"
import type { ProgramUsage } from "../programs/program.js"
import { type EngineState, hostCpus, hostMemory } from "../state/engineState.js"
import { errorResponse } from "../state/errorResponse.js"
import { isRunning, type MemoryContainer } from "../state/memoryContainer.js"
import { zeroTime } from "../time/timestamps.js"

const secondNanos = 1_000_000_000n
/** An estimate, in bytes. */
const packetSize = 1000
const pageCacheSize = 1024 * 1024

/** What the container's program has used in the current run. */
const usageAt = ({ run }: MemoryContainer, now: bigint): ProgramUsage | undefined => {
  if (run === undefined) return undefined
  const nanos = now > run.startedAt ? now - run.startedAt : 0n
  return run.process.usage(Number(nanos) / 1e9)
}

const cpuStats = (container: MemoryContainer, now: bigint) => {
  const total = Math.round((usageAt(container, now)?.cpuSeconds ?? 0) * 1e9)
  return {
    cpu_usage: { total_usage: total, usage_in_kernelmode: 0, usage_in_usermode: total },
    system_cpu_usage: Number(now) * hostCpus,
    online_cpus: hostCpus,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 }
  }
}

const noCpuStats = { cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 } }

const sample = (state: EngineState, container: MemoryContainer, now: bigint, withPrevious: boolean) => {
  const base = { name: `/${container.name}`, id: container.id, num_procs: 0, storage_stats: {} }
  if (!isRunning(container)) {
    return {
      ...base,
      read: zeroTime,
      preread: zeroTime,
      pids_stats: {},
      blkio_stats: {},
      cpu_stats: noCpuStats,
      precpu_stats: noCpuStats,
      memory_stats: {}
    }
  }
  const previous = now - secondNanos
  const used = usageAt(container, now)
  const count = (value: number | undefined) => Math.round(value ?? 0)
  return {
    ...base,
    read: nanosTimestamp(now),
    preread: withPrevious && previous > 0n ? nanosTimestamp(previous) : zeroTime,
    pids_stats: { current: 1 + state.runningExecs(container).length },
    blkio_stats: {
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: "read", value: count(used?.read) },
        { major: 8, minor: 0, op: "write", value: count(used?.written) }
      ]
    },
    cpu_stats: cpuStats(container, now),
    precpu_stats: withPrevious ? cpuStats(container, previous) : noCpuStats,
    memory_stats: {
      usage: count(used?.memory) + pageCacheSize,
      stats: { inactive_file: pageCacheSize },
      limit: container.settings.limits.memory === 0 ? hostMemory : container.settings.limits.memory
    },
    networks: {
      eth0: {
        rx_bytes: count(used?.received),
        rx_packets: Math.ceil(count(used?.received) / packetSize),
        tx_bytes: count(used?.sent),
        tx_packets: Math.ceil(count(used?.sent) / packetSize)
      }
    }
  }
}

const encoder = new TextEncoder()

/** A sample every second, until the container is removed. */
const samples = (state: EngineState, container: MemoryContainer) =>
  Stream.unfoldEffect(0, (count) =>
    Effect.gen(function* () {
      if (count > 0) {
        yield* Effect.raceFirst(
          Clock.sleep("1 second"),
          container.changed.waitUntil(() => container.removed)
        )
      }
      if (container.removed) return Option.none()
      const line = JSON.stringify(sample(state, container, yield* state.clock.now, count > 0))
      return Option.some([encoder.encode(`${line}\n`), count + 1] as const)
    })
  )

const stats = (call: Call) =>
  Effect.gen(function* () {
    const { query, state } = call
    const container = yield* targetContainer(call)
    const streams = query.text("stream") === undefined || query.flag("stream")
    const oneShot = query.flag("one-shot")
    if (streams && oneShot) return yield* errorResponse(400, "cannot have stream=true and one-shot=true")
    return streams
      ? streamResponse("application/json", samples(state, container))
      : jsonResponse(200, sample(state, container, yield* state.clock.now, !oneShot))
  })

/** The route of `GET /containers/{id}/stats`. */
export const statsRoutes: Routes = {
  "GET /containers/{id}/stats": stats
}
