/**
 * Runs one program three times: its lines go to the console, to a hub with WebSocket viewers, and to a test. Only the layer
 * changes.
 *
 *     npx tsx packages/server/examples/one-program-three-routes.ts <container>
 */
import { Docker, Logs, LogSink, LogSinkRecorder } from "@dockwire/core"
import { Hub, Wire } from "@dockwire/server"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { pathToFileURL } from "node:url"

/** Follows a container until its run ends. The program does not say where the lines go. */
export const program = (containerId: string) =>
  LogSink.drain(Stream.unwrap(Effect.map(Logs, (logs) => logs.read(containerId, { follow: true }))))

/** Writes each line to standard output. */
export const toConsole = (containerId: string) => program(containerId).pipe(Effect.provide(LogSink.layerConsole))

/** Sends each line to the viewers in the container's room. */
export const toHub = (containerId: string) => program(containerId).pipe(Effect.provide(Hub.layerSink))

/** Returns all lines to a test. */
export const toTest = (containerId: string) =>
  program(containerId).pipe(
    Effect.andThen(Effect.flatMap(LogSinkRecorder, (recorder) => recorder.events)),
    Effect.provide(LogSink.layerTest)
  )

const main = (containerId: string) =>
  Effect.gen(function* () {
    yield* toConsole(containerId)

    const hub = yield* Hub
    const frames: Array<Buffer> = []
    // A server does this for each WebSocket.
    const viewer = hub.attach({
      send: (frame, done) => {
        frames.push(frame)
        setImmediate(done)
      },
      close: () => {}
    })
    const room = Wire.containerLogsRoom(containerId)
    hub.join(viewer, room, room)
    yield* toHub(containerId)
    yield* Console.log(`The hub sent ${hub.ring(room).seq} lines in ${frames.length} frames`)

    const events = yield* toTest(containerId)
    yield* Console.log(`The test saw ${events.length} events`)
  })

const [, file, containerId] = process.argv
if (file !== undefined && import.meta.url === pathToFileURL(file).href) {
  if (containerId === undefined) throw new Error("Pass the full id of a container.")
  const engine = Logs.layer.pipe(Layer.provide(Docker.layerConfig))
  await Effect.runPromise(main(containerId).pipe(Effect.provide(Layer.merge(engine, Hub.layer))))
}
