import { Operation } from "@dockwire/core"
import { Operations } from "@dockwire/server"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { afterOpening } from "../../packages/server/src/Http/guard/afterOpening.js"
import { layerEmbedded } from "../../packages/server/src/operations/libsql/embeddedDatabase.js"
import { OperationDatabase } from "../../packages/server/src/operations/OperationDatabase.js"
import { OperationStore } from "../../packages/server/src/operations/OperationStore.js"
import { OperationHistory } from "../../packages/server/src/rooms/OperationHistory.js"

it("while the history is being opened, health checks are answered, what asks for it waits, and nothing is lost", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-opening-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const program = Effect.gen(function* () {
    const mayOpen = yield* Effect.makeLatch(false)
    /** The database, as slow to open as the test likes. */
    const late = Layer.map(layerEmbedded(folder), (context) => {
      const { open } = Context.get(context, OperationDatabase)
      return Context.make(OperationDatabase, { open: Effect.zipRight(mayOpen.await, open) })
    })
    return yield* Effect.gen(function* () {
      const store = yield* OperationStore
      const operations = yield* Operations
      const history = yield* OperationHistory
      const request = (path: string) =>
        afterOpening(store)(Effect.succeed(HttpServerResponse.text(path))).pipe(
          Effect.provideService(
            HttpServerRequest.HttpServerRequest,
            HttpServerRequest.fromWeb(new Request(`http://localhost${path}`))
          )
        )
      expect(store.isOpening()).toBe(true)
      for (const path of ["/healthz", "/readyz", "/healthz?now=1", "/readyz?"])
        expect((yield* request(path)).status).toBe(200)
      const steps = Stream.make(Operation.line("a line", "stdout"), Operation.result(1))
      const answered = yield* Effect.fork(request("/api/operations"))
      const listed = yield* Effect.fork(operations.list())
      const started = yield* Effect.fork(
        operations.start({ operation: { kind: "test", target: {}, steps }, targets: [] })
      )
      // Each of them has begun, and waits.
      yield* Effect.yieldNow()
      for (const fiber of [answered, listed, started]) {
        expect(Option.isNone(yield* Fiber.poll<unknown, unknown>(fiber))).toBe(true)
      }
      yield* mayOpen.open
      expect((yield* Fiber.join(answered)).status).toBe(200)
      expect((yield* Fiber.join(listed)).history).toEqual({ available: true })
      const { logId } = yield* Fiber.join(started)
      expect(store.isOpening()).toBe(false)
      yield* history.flush
      const batches = yield* Stream.runCollect(history.read(`operation_${logId}`, 0))
      return [...batches].flat().flatMap((item) => (item._tag === "Stored" ? [item.event._tag] : []))
    }).pipe(
      Effect.provide(
        Operations.layer.pipe(
          Layer.provide(OperationStore.layerSink),
          Layer.provideMerge(OperationStore.layerSql()),
          Layer.provide(late)
        )
      )
    )
  })
  expect(await Effect.runPromise(program)).toEqual(["OperationLine", "OperationCompleted"])
})
