import { Docker, Exec, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** The services that `useEngine` needs. */
export const engineServices = Layer.mergeAll(Exec.layer, Logs.layer)

/**
 * Makes every kind of request: short ones, concurrent ones, a stream that never ends, and an upgraded connection whose input
 * ends before its output.
 */
export const useEngine = (containerId: string) =>
  Effect.gen(function* () {
    const docker = yield* Docker
    const exec = yield* Exec
    const logs = yield* Logs
    const version = yield* docker.json({ method: "GET", path: "/version" })
    const pings = yield* Effect.all(
      Array.from({ length: 5 }, () => docker.json({ method: "GET", path: "/_ping" })),
      { concurrency: "unbounded" }
    )
    const lines = yield* Stream.runCollect(Stream.take(logs.follow(containerId), 5))
    const input = "x".repeat(200_000)
    const counted = yield* exec.run(containerId, ["sh", "-c", "sleep 0.2; wc -c; echo complaint >&2; exit 3"], {
      stdin: Stream.make(input, "\n")
    })
    return {
      status: version.status,
      pings: pings.map(({ body }) => body),
      lines: Array.from(lines, (line) => (line._tag === "LogLine" ? line.text : line.mark)),
      counted: { ...counted, stdout: counted.stdout.trim() }
    }
  })

/** What `useEngine` returns with a container that runs `tickingCommand`. */
export const expectedUse = {
  status: 200,
  pings: ["OK", "OK", "OK", "OK", "OK"],
  lines: ["tick 0", "tick 1", "tick 2", "tick 3", "tick 4"],
  counted: { exitCode: 3, stdout: "200001", stderr: "complaint\n" }
}

/** Prints `tick 0`, `tick 1`, ... forever. */
export const tickingCommand = ["sh", "-c", "i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.05; done"]
