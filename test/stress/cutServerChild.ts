/**
 * A server of its own process. Prints its address; for each number on its input, starts an operation that prints so many numbers,
 * and prints its room. Ends at SIGTERM.
 */
import { Operation } from "@dockwire/core"
import { Operations, Server } from "@dockwire/server"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createInterface } from "node:readline"
import { streamHostCommand } from "../../packages/core/src/internal/host/hostCommand.js"

const [, , dataDir = "", port = "0", endpoint = "", token = ""] = process.argv

const say = (value: unknown) => Effect.sync(() => void process.stdout.write(`${JSON.stringify(value)}\n`))

const script = (count: number) =>
  `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo number $i; [ $((i % 100)) = 0 ] && sleep 0.03; done`

const printing = (count: number) =>
  Stream.concat(
    streamHostCommand({ program: "sh", args: ["-c", script(count)] }).pipe(
      Stream.mapChunks((outputs) =>
        Chunk.filterMap(outputs, (output) =>
          output._tag === "Line" ? Option.some(Operation.line(output.text, "stdout")) : Option.none()
        )
      )
    ),
    Stream.make(Operation.result(1))
  )

const program = Effect.gen(function* () {
  const server = yield* Server
  const operations = yield* Operations
  yield* say({ url: server.url, port: server.port })
  const commands = Stream.fromAsyncIterable(createInterface({ input: process.stdin }), String)
  yield* Stream.runForEach(commands, (count) => {
    const operation = { kind: "print", target: {}, steps: printing(Number(count)) }
    return Effect.flatMap(operations.start({ operation, targets: [] }), ({ room }) => say({ room }))
  })
  yield* Effect.never
})

const server = Server.layer({
  host: "127.0.0.1",
  port: Number(port),
  dockerHost: endpoint,
  dataDir,
  insecure: false,
  keepLogs: false,
  publicOrigins: [],
  token: Redacted.make(token)
})

const fiber = Effect.runFork(Effect.provide(program, server))
process.once("SIGTERM", () => void Effect.runPromise(Fiber.interrupt(fiber)).then(() => process.exit(0)))
