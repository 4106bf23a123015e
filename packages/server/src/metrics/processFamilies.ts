/** What the process itself takes. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { monitorEventLoopDelay } from "node:perf_hooks"
import type { MetricFamily } from "./prometheusText.js"

const seconds = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0)

/** Reads the metrics of the process, while the scope is open. The delays of the event loop are those since the last time. */
export const processFamilies: Effect.Effect<() => ReadonlyArray<MetricFamily>, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const delays = monitorEventLoopDelay({ resolution: 20 })
      delays.enable()
      return delays
    }),
    (delays) => Effect.sync(() => delays.disable())
  ),
  (delays) => () => {
    const { heapUsed, rss } = process.memoryUsage()
    const { system, user } = process.cpuUsage()
    const gauge = (name: string, help: string, value: number): MetricFamily => ({
      name,
      help,
      type: "gauge",
      samples: [{ value }]
    })
    const quantiles = [
      ["0.5", delays.percentile(50)],
      ["0.99", delays.percentile(99)],
      ["1", delays.max]
    ] as const
    const samples = quantiles.map(([quantile, value]) => ({ labels: { quantile }, value: seconds(value) }))
    delays.reset()
    return [
      {
        name: "nodejs_eventloop_delay_seconds",
        help: "How late timers were since the last scrape. They are due every 0.02 seconds, which is included.",
        type: "gauge",
        samples
      },
      {
        name: "process_cpu_seconds_total",
        help: "CPU time of the process.",
        type: "counter",
        samples: [{ value: (user + system) / 1e6 }]
      },
      gauge("process_resident_memory_bytes", "Memory of the process.", rss),
      gauge("nodejs_heap_size_used_bytes", "Memory of the process's JavaScript objects.", heapUsed),
      gauge("process_start_time_seconds", "When the process started, since the epoch.", performance.timeOrigin / 1000)
    ]
  }
)
