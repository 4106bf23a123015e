import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { targetContainer, type Routes, jsonResponse } from "../calls/response.js"
import { isRunning } from "../containers/startContainer.js"
import { zeroTime } from "../time/timestamps.js"
import type { EngineState, MemoryContainer } from "../state/engineState.js"
import { streamResponse } from "./logRoutes.js"
import type { ProgramUsage } from "../programs/program.js"
import { errorResponse } from "../state/errorResponse.js"
import { hostMemory, hostCpus } from "./systemRoutes.js"

const second = 1_000_000_000n
/** Bytes in a packet, about. */
const packet = 1000
const cachedMemory = 1024 * 1024

/** What the container's program has used in its run. */
const usage = ({ run }: MemoryContainer, now: bigint): ProgramUsage | undefined => {
  if (run === undefined) return undefined
  const ran = now > run.startedAt ? now - run.startedAt : 0n
  return run.process.usage(Number(ran) / 1e9)
}

const cpu = (container: MemoryContainer, now: bigint) => {
  const total = Math.round((usage(container, now)?.cpuSeconds ?? 0) * 1e9)
  return {
    cpu_usage: { total_usage: total, usage_in_kernelmode: 0, usage_in_usermode: total },
    system_cpu_usage: Number(now) * hostCpus,
    online_cpus: hostCpus,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 }
  }
}

const noCpu = { cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 } }

const sample = (state: EngineState, container: MemoryContainer, now: bigint, withBefore: boolean) => {
  const base = { name: `/${container.name}`, id: container.id, num_procs: 0, storage_stats: {} }
  if (!isRunning(container)) {
    return {
      ...base,
      read: zeroTime,
      preread: zeroTime,
      pids_stats: {},
      blkio_stats: {},
      cpu_stats: noCpu,
      precpu_stats: noCpu,
      memory_stats: {}
    }
  }
  const commands = [...state.execs.values()].filter(
    (exec) => exec.container === container && exec.process !== undefined && exec.exitCode === undefined
  )
  const before = now - second
  const used = usage(container, now)
  const count = (value: number | undefined) => Math.round(value ?? 0)
  return {
    ...base,
    read: nanosTimestamp(now),
    preread: withBefore && before > 0n ? nanosTimestamp(before) : zeroTime,
    pids_stats: { current: 1 + commands.length },
    blkio_stats: {
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: "read", value: count(used?.read) },
        { major: 8, minor: 0, op: "write", value: count(used?.written) }
      ]
    },
    cpu_stats: cpu(container, now),
    precpu_stats: withBefore ? cpu(container, before) : noCpu,
    memory_stats: {
      usage: count(used?.memory) + cachedMemory,
      stats: { inactive_file: cachedMemory },
      limit: container.settings.memory === 0 ? hostMemory : container.settings.memory
    },
    networks: {
      eth0: {
        rx_bytes: count(used?.received),
        rx_packets: Math.ceil(count(used?.received) / packet),
        tx_bytes: count(used?.sent),
        tx_packets: Math.ceil(count(used?.sent) / packet)
      }
    }
  }
}

const encoder = new TextEncoder()

/** `GET /containers/{id}/stats` */
export const statsRoutes: Routes = {
  "GET /containers/{id}/stats": (call) =>
    Effect.gen(function* () {
      const { query, state } = call
      const container = yield* targetContainer(call)
      const streams = query.text("stream") === undefined || query.flag("stream")
      const oneShot = query.flag("one-shot")
      if (streams && oneShot) return yield* errorResponse(400, "cannot have stream=true and one-shot=true")
      if (!streams) return jsonResponse(200, sample(state, container, yield* state.clock.now, !oneShot))
      const samples = Stream.unfoldEffect(0, (count) =>
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
      return streamResponse("application/json", samples)
    })
}
