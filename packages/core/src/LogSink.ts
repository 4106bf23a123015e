import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { isOperationEnded, type LogEvent } from "./LogEvent.js"
import { consoleText } from "./internal/logs/consoleText.js"

/** The shape of a `LogSink`. */
export interface LogSinkShape {
  /** Takes events over. Synchronous; never blocks, never throws. What finds no room is counted and said later. */
  readonly offer: (events: ReadonlyArray<LogEvent>) => void
  /** Done when all that was offered before is delivered or counted as dropped; takes seconds at most. */
  readonly flush: Effect.Effect<void>
}

/** How a buffered sink writes. */
export interface WriterOptions<E, R> {
  /** Named in the warning when the writer fails. */
  readonly name: string
  /** Events held while the writer is busy; more are dropped and counted. Default 16,384. */
  readonly capacity?: number
  /** Characters of text held while the writer is busy. Default 16 Mi. */
  readonly capacityCharacters?: number
  /**
   * Writes a batch; while it runs, the next batch gathers. `dropped` is how many events found no room since the last
   * call. A failure is logged, its batch counts as dropped, and the sink goes on.
   */
  readonly write: (events: ReadonlyArray<LogEvent>, dropped: number) => Effect.Effect<void, E, R>
  /** The longest that `flush` waits. Default 5 seconds. */
  readonly flushTimeout?: Duration.DurationInput
}

/** Options of `LogSink.layerConsoleWith`. */
export interface ConsoleOptions {
  /** Where lines go; `process.stdout` when not given. */
  readonly output?: NodeJS.WritableStream
  /** Events held while the terminal or pipe is busy. Default 16,384. */
  readonly capacity?: number
}

/** What `LogSink.layerTest` recorded. */
export class LogSinkRecorder extends Context.Tag("@dockwire/core/LogSinkRecorder")<
  LogSinkRecorder,
  {
    /** All events so far, in order. */
    readonly events: Effect.Effect<ReadonlyArray<LogEvent>>
    /** Done as soon as the events so far satisfy the predicate; gives them. */
    readonly waitFor: (
      predicate: (events: ReadonlyArray<LogEvent>) => boolean
    ) => Effect.Effect<ReadonlyArray<LogEvent>>
  }
>() {}

/** A sink that breaks its promise not to throw must not break the work that it records. */
const isolated = (sink: LogSinkShape): LogSinkShape => {
  let warned = false
  return {
    offer: (events) => {
      try {
        sink.offer(events)
      } catch (error) {
        if (!warned) process.emitWarning(`A log sink throws; its events are lost: ${String(error)}`)
        warned = true
      }
    },
    flush: sink.flush.pipe(
      Effect.interruptible,
      Effect.disconnect,
      // So that it is left alone at its time, even if it can't be interrupted and this runs where nothing can.
      Effect.interruptible,
      Effect.timeoutOption("10 seconds"),
      Effect.catchAllCause((cause) => Effect.logWarning("A log sink could not be flushed", cause)),
      Effect.asVoid
    )
  }
}

const makeBuffered = <E, R>(options: WriterOptions<E, R>): Effect.Effect<LogSinkShape, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const capacity = options.capacity ?? 16_384
    const capacityCharacters = options.capacityCharacters ?? 16 * 1024 * 1024
    const wake = yield* Effect.makeLatch(false)
    let buffer: Array<LogEvent> = []
    let characters = 0
    let dropped = 0
    let failing = false
    /** Batches that have been taken out of the buffer, and those whose writing is over. */
    let taken = 0
    let over = 0
    const waiting = new Set<() => void>()

    const rest = Effect.suspend(() => {
      if (buffer.length > 0) return Effect.void
      wake.unsafeClose()
      return wake.await
    })
    const writeNext = Effect.suspend(() => {
      const batch = buffer
      const missed = dropped
      buffer = []
      characters = 0
      dropped = 0
      if (batch.length === 0 && missed === 0) return Effect.void
      const batchNumber = ++taken
      return Effect.suspend(() => options.write(batch, missed)).pipe(
        Effect.andThen(
          Effect.sync(() => {
            failing = false
          })
        ),
        Effect.catchAllCause((cause) => {
          dropped += batch.length + missed
          if (failing) return Effect.void
          failing = true
          return Effect.logWarning(`The log sink "${options.name}" fails; events are dropped until it recovers`, cause)
        }),
        Effect.andThen(
          Effect.sync(() => {
            over = batchNumber
            for (const check of waiting) check()
          })
        )
      )
    })

    /** Done when what the buffer holds now is written or dropped, whatever is offered meanwhile. */
    const delivered = Effect.async<void>((resume) => {
      const last = buffer.length > 0 ? taken + 1 : taken
      const check = () => {
        if (over < last) return
        waiting.delete(check)
        resume(Effect.void)
      }
      waiting.add(check)
      check()
      return Effect.sync(() => waiting.delete(check))
    })
    const flush = delivered.pipe(
      Effect.interruptible,
      Effect.timeoutOption(options.flushTimeout ?? Duration.seconds(5)),
      Effect.asVoid
    )
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(writeNext, rest)))
    yield* Effect.addFinalizer(() => flush)

    return {
      offer: (events) => {
        for (const event of events) {
          const length = "text" in event ? event.text.length : 0
          const isFull = buffer.length >= capacity || characters + length > capacityCharacters
          // How an operation ended always gets through: there is one such event for each, however much it said.
          if (isFull && !isOperationEnded(event)) {
            dropped++
            continue
          }
          characters += length
          buffer.push(event)
        }
        wake.unsafeOpen()
      },
      flush
    }
  })

function merge<Layers extends ReadonlyArray<Layer.Layer<LogSink, unknown, unknown>>>(
  ...layers: Layers
): Layer.Layer<LogSink, Layer.Layer.Error<Layers[number]>, Layer.Layer.Context<Layers[number]>>
function merge(
  ...layers: ReadonlyArray<Layer.Layer<LogSink, unknown, unknown>>
): Layer.Layer<LogSink, unknown, unknown> {
  const build = (layer: Layer.Layer<LogSink, unknown, unknown>) =>
    Effect.map(Layer.build(layer), (context) => isolated(Context.get(context, LogSink)))
  return Layer.scoped(
    LogSink,
    Effect.map(Effect.forEach(layers, build), (sinks) => ({
      offer: (events: ReadonlyArray<LogEvent>) => {
        for (const sink of sinks) sink.offer(events)
      },
      flush: Effect.forEach(sinks, (sink) => sink.flush, { concurrency: "unbounded", discard: true })
    }))
  )
}

const writeTo = (output: NodeJS.WritableStream, text: string): Effect.Effect<void, Error> =>
  Effect.async((resume) => {
    output.write(text, (error) => resume(error ? Effect.fail(error) : Effect.void))
  })

/** A stream tells its errors to the writer and as an event, and one that nobody listens to ends the process. */
const errorsHandled = (output: NodeJS.WritableStream): Effect.Effect<void, never, Scope.Scope> => {
  const handle = () => {}
  return Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => output.on("error", handle)),
      () => Effect.sync(() => output.off("error", handle))
    )
  )
}

/**
 * The one service through which log events leave a program. Choosing where they go is choosing its layer: a program
 * that offers to `LogSink` never changes when its route does.
 *
 * A sink never slows or breaks the work: it has its own bounded buffer, and says what it dropped.
 *
 * @example
 * ```ts
 * import { LogSink, MemoryEngine, Logs } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   yield* LogSink.drain((yield* Logs).read("shop"))
 * })
 *
 * const engine = MemoryEngine.layer({ containers: [{ name: "shop", image: "busybox", command: ["echo", "open"] }] })
 * // The route is a layer: another sink, and the program stays as it is.
 * const live = Layer.merge(Logs.layer.pipe(Layer.provide(engine)), LogSink.layerConsole)
 * await Effect.runPromise(program.pipe(Effect.provide(live)))
 * ```
 */
export class LogSink extends Context.Tag("@dockwire/core/LogSink")<LogSink, LogSinkShape>() {
  /** A sink with a bounded buffer before an effectful writer: the way to make one's own. */
  static readonly buffered = makeBuffered

  /** Writes a line of text for each event, in order, to standard output or the stream given. */
  static readonly layerConsoleWith = (options: ConsoleOptions): Layer.Layer<LogSink> =>
    Layer.scoped(
      LogSink,
      Effect.suspend(() => {
        const output = options.output ?? process.stdout
        return Effect.zipRight(
          errorsHandled(output),
          makeBuffered({
            name: "console",
            ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
            write: (events, dropped) => writeTo(output, consoleText(events, dropped))
          })
        )
      })
    )

  /** Writes a line of text for each event, in order, to standard output. */
  static readonly layerConsole: Layer.Layer<LogSink> = LogSink.layerConsoleWith({})

  /** Keeps every event; `LogSinkRecorder` gives them to the test. */
  static readonly layerTest: Layer.Layer<LogSink | LogSinkRecorder> = Layer.effectContext(
    Effect.sync(() => {
      const events: Array<LogEvent> = []
      const watchers = new Set<() => void>()
      return Context.make(LogSink, {
        offer: (batch) => {
          for (const event of batch) events.push(event)
          for (const watcher of watchers) watcher()
        },
        flush: Effect.void
      }).pipe(
        Context.add(LogSinkRecorder, {
          events: Effect.sync(() => [...events]),
          waitFor: (predicate) =>
            Effect.async<ReadonlyArray<LogEvent>>((resume) => {
              const check = () => {
                if (!predicate(events)) return
                watchers.delete(check)
                resume(Effect.succeed([...events]))
              }
              watchers.add(check)
              check()
              return Effect.sync(() => watchers.delete(check))
            })
        })
      )
    })
  )

  /** Takes everything and does nothing with it. */
  static readonly layerNone: Layer.Layer<LogSink> = Layer.succeed(LogSink, { offer: () => {}, flush: Effect.void })

  /**
   * All of these sinks at once. Each layer is built by itself (`Layer.mergeAll` of one tag would keep the last only),
   * and none can slow or break another.
   */
  static readonly merge = merge

  /**
   * Runs a stream of events into the sink and flushes it when the stream ends, fails or is interrupted. Container logs
   * and operations take the same way.
   */
  static readonly drain = <A extends LogEvent, E, R>(
    stream: Stream.Stream<A, E, R>
  ): Effect.Effect<void, E, R | LogSink> =>
    Effect.flatMap(LogSink, (service) => {
      const sink = isolated(service)
      return stream.pipe(
        Stream.runForEachChunk((chunk) => Effect.sync(() => sink.offer(Chunk.toReadonlyArray(chunk)))),
        Effect.ensuring(sink.flush)
      )
    })

  /** The sink, so guarded that one which throws, fails to flush or never ends flushing does no harm. */
  static readonly isolated = isolated
}
