/**
 * Runs an operation until it is killed: a program that prints numbers, or compose. Prints the operation's id, and the number of
 * each of its lines with the time at which it was recorded.
 */
import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { streamHostCommand } from "../../packages/core/src/internal/host/hostCommand.js"
import { layerEmbedded } from "../../packages/server/src/operations/libsql/embeddedDatabase.js"
import type { OperationRequest } from "../../packages/server/src/operations/OperationRequest.js"
import { Operations } from "../../packages/server/src/operations/Operations.js"
import { OperationStore } from "../../packages/server/src/operations/OperationStore.js"

const [, , dataDir = "", kind = "", folder = "", endpoint = "", encoded = "{}"] = process.argv
const environment: Readonly<Record<string, string>> = JSON.parse(encoded)

const print = (text: string) => process.stdout.write(`${text}\n`)

/** Tells of the lines after they were recorded. */
const tell = Layer.succeed(LogSink, {
  offer: (events) => {
    for (const event of events) if (event._tag === "OperationLine") print(`${event.seq} ${Date.now()}`)
  },
  flush: Effect.void
})

const script = "sleep 1000 & i=0; while :; do i=$((i+1)); echo number $i; [ $((i % 20)) = 0 ] && sleep 0.01; done"

const numbers: OperationRequest["operation"] = {
  kind: "run_numbers",
  target: { configId: "killed" },
  steps: streamHostCommand({ program: "sh", args: ["-c", script] }).pipe(
    Stream.mapChunks((outputs) =>
      Chunk.filterMap(outputs, (output) =>
        output._tag === "Line" ? Option.some(Operation.line(output.text, "stdout")) : Option.none()
      )
    )
  )
}

const program = Effect.gen(function* () {
  const { start } = yield* Operations
  const compose = yield* Compose
  const operation =
    kind === "up" ? compose.up(folder, { wait: true }) : kind === "pull" ? compose.pull(folder) : numbers
  const { logId } = yield* start({ operation, targets: ["stack:killed"] })
  print(`log_id ${logId}`)
  yield* Effect.never
})

const layer = Operations.layer.pipe(
  Layer.provide(LogSink.merge(OperationStore.layerSink, tell)),
  Layer.provide(OperationStore.layerSql()),
  Layer.provide(layerEmbedded(dataDir)),
  Layer.merge(
    Compose.layerWith({ environment }).pipe(
      Layer.provide(Docker.layer({ endpoint })),
      Layer.provide(RegistryAuth.layerConfig)
    )
  )
)

await Effect.runPromise(program.pipe(Effect.provide(layer)))
