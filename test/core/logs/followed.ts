import { type FollowElement, type FollowOptions, Logs, type LogsError } from "@dockwire/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { runCore } from "../runCore.js"

/** An element as a short text: the text of a line, or `<stopped 3>` for a mark. */
export const shown = (element: FollowElement): string => {
  if (element._tag === "LogLine") {
    const { part, stream, text } = element
    const words = text.length <= 80 ? text : `${text.length}:${createHash("sha256").update(text).digest("hex")}`
    const parts = part === undefined ? "" : ` [${part.index}${part.last ? " last" : ""}]`
    return `${stream === "stderr" ? "! " : ""}${words}${parts}`
  }
  if (element.mark === "stopped") return `<stopped ${element.exitCode ?? "?"}>`
  return element.mark === "engine_error" ? `<engine_error ${element.message}>` : `<${element.mark}>`
}

/** A follow that runs in the background of a test. */
export interface Followed {
  readonly elements: ReadonlyArray<FollowElement>
  /** The elements, each as `shown`. */
  readonly shown: () => ReadonlyArray<string>
  /** Resolves when the condition holds. Fails with the last elements after a minute without any, or when the follow ends. */
  readonly until: (holds: (elements: ReadonlyArray<FollowElement>) => boolean) => Promise<void>
  /** The error that it failed with; `undefined` if it ended by itself. */
  readonly ended: Promise<LogsError | undefined>
  /** Interrupts it. */
  readonly stop: () => Promise<void>
}

/** A clock on which time passes faster, for what waits long. */
const fastClock = (factor: number): Clock.Clock => {
  const real = Clock.make()
  const start = Date.now()
  return {
    ...real,
    unsafeCurrentTimeMillis: () => start + (Date.now() - start) * factor,
    currentTimeMillis: Effect.sync(() => start + (Date.now() - start) * factor),
    sleep: (duration) => real.sleep(Duration.times(duration, 1 / factor))
  }
}

/** Follows a container's log in a runtime of its own, in which time passes `speed` times as fast. */
export const followed = (endpoint: string, id: string, options: FollowOptions = {}, speed = 1): Followed => {
  const elements: Array<FollowElement> = []
  let over = false
  const abort = new AbortController()
  const program = Effect.gen(function* () {
    const logs = yield* Logs
    const fiber = yield* Effect.fork(
      Stream.runForEach(logs.followBatches(id, options), (batch) =>
        Effect.sync(() => {
          for (const element of batch) elements.push(element)
        })
      ).pipe(
        Effect.as(undefined),
        Effect.catchAll((error) => Effect.succeed(error))
      )
    )
    return yield* Fiber.join(fiber)
  })
  const timed = speed === 1 ? program : Effect.withClock(program, fastClock(speed))
  const ended = runCore(endpoint, timed, abort.signal).finally(() => {
    over = true
  })
  let how = ""
  ended.then(
    (failure) => {
      how = failure === undefined ? "" : ` with ${failure._tag}: ${failure.message}`
    },
    (error: unknown) => {
      how = ` with ${String(error)}`
    }
  )
  return {
    elements,
    shown: () => elements.map(shown),
    until: async (holds) => {
      let deadline = Date.now() + 60_000
      let count = elements.length
      for (let wasOver = over; !holds(elements); wasOver = over) {
        if (elements.length > count) deadline = Date.now() + 60_000
        count = elements.length
        if (wasOver || Date.now() > deadline) {
          const last = elements.slice(-20).map(shown).join("\n")
          throw new Error(
            `The follow ${wasOver ? `ended${how}` : "is stuck"} after ${elements.length} elements, the last:\n${last}`
          )
        }
        await sleep(5)
      }
    },
    ended,
    stop: async () => {
      abort.abort()
      await ended.catch(() => {})
    }
  }
}
