/** Keeps the numbered lines of four containers until it is killed. Prints each number after which a batch was taken, with the time. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { LogStore } from "../../packages/server/src/store/LogStore.js"
import { elementsOf, keepsAll, killedContainers } from "./killedStoreLines.js"

const [, , dataDir = "", program = ""] = process.argv

const batch = 500

const keep = (containerId: string) =>
  Effect.gen(function* () {
    const store = yield* LogStore
    const point = yield* store.resume(containerId)
    let after = Option.match(point, { onNone: () => 0, onSome: ({ number }) => number })
    const source = { engine: "local", project: "killed", name: "web" }
    const step = Effect.gen(function* () {
      const elements = elementsOf(containerId, after, batch)
      yield* store.append({
        source,
        containerId,
        containerName: containerId,
        after,
        elements,
        position: `${after + batch}`
      })
      after += batch
      process.stdout.write(`${containerId} ${after} ${Date.now()}\n`)
    })
    // Until there is room.
    yield* step.pipe(
      Effect.catchTag("LogStoreUnavailable", () => Effect.void),
      Effect.zipRight(Effect.sleep("10 millis")),
      Effect.forever
    )
  })

await Effect.runPromise(
  Effect.all(killedContainers.map(keep), { concurrency: "unbounded" }).pipe(
    Effect.provide(LogStore.layerEmbedded({ dataDir, program: new URL(program), retention: keepsAll }))
  )
)
