/**
 * Where log events go.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { isOperationEnded, type LogEvent } from "./LogEvent.js"
import { consoleText } from "./internal/logs/consoleText.js"

/**
 * The service `LogSink`.
 *
 * @since 0.1.0
 * @category services
 */
export interface LogSinkShape {
  /** Accepts events. Synchronous; never blocks or throws. If the buffer is full, events are dropped and counted. */
  readonly offer: (events: ReadonlyArray<LogEvent>) => void
  /** Completes when all events offered so far are delivered or counted as dropped, within seconds. */
  readonly flush: Effect.Effect<void>
}

/**
 * Options of `LogSink.buffered`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WriterOptions<E, R> {
  /** Names the sink in the warning that is logged when a write fails. */
  readonly name: string
  /** How many events to buffer during a write. Further events are dropped. Default: 16,384. */
  readonly capacity?: number
  /** How many characters of text to buffer during a write. Default: 16 Mi. */
  readonly capacityCharacters?: number
  /**
   * Writes a batch. Events offered during the write form the next batch. `dropped` is the number of events dropped since
   * the last successful write. If the write fails, a warning is logged and the batch counts as dropped.
   */
  readonly write: (events: ReadonlyArray<LogEvent>, dropped: number) => Effect.Effect<void, E, R>
  /** How long `flush` waits at most. Default: 5 seconds. */
  readonly flushTimeout?: Duration.DurationInput
}

/**
 * Options of `LogSink.layerConsoleWith`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConsoleOptions {
  /** Default: `process.stdout`. */
  readonly output?: NodeJS.WritableStream
  /** How many events to buffer while the output is busy. Default: 16,384. */
  readonly capacity?: number
}

/**
 * The events that `LogSink.layerTest` recorded.
 *
 * @since 0.1.0
 * @category tags
 */
export class LogSinkRecorder extends Context.Tag("@dockwire/core/LogSinkRecorder")<
  LogSinkRecorder,
  {
    /** All events so far, in order. */
    readonly events: Effect.Effect<ReadonlyArray<LogEvent>>
    /** Waits until the events so far satisfy the predicate, and returns them. */
    readonly waitFor: (
      predicate: (events: ReadonlyArray<LogEvent>) => boolean
    ) => Effect.Effect<ReadonlyArray<LogEvent>>
  }
>() {}

/** A sink that throws, although it must not, must not break the work that it records. */
const isolated = (sink: LogSinkShape): LogSinkShape => {
  let warned = false
  return {
    offer: (events) => {
      try {
        sink.offer(events)
      } catch (error) {
        if (!warned) process.emitWarning(`A log sink threw an error, and its events are lost: ${String(error)}`)
        warned = true
      }
    },
    flush: sink.flush.pipe(
      Effect.interruptible,
      Effect.disconnect,
      // Without this, the timeout would wait for a flush that can't be interrupted if the caller can't be either.
      Effect.interruptible,
      Effect.timeoutOption("10 seconds"),
      Effect.catchAllCause((cause) => Effect.logWarning("Flushing a log sink failed", cause)),
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
    /** Numbers of the last batch taken from the buffer, and of the last one that was written or failed. */
    let taken = 0
    let finished = 0
    const flushChecks = new Set<() => void>()

    const untilOffered = Effect.suspend(() => {
      if (buffer.length > 0) return Effect.void
      wake.unsafeClose()
      return wake.await
    })
    const writeNext = Effect.suspend(() => {
      const batch = buffer
      const droppedBefore = dropped
      buffer = []
      characters = 0
      dropped = 0
      if (batch.length === 0 && droppedBefore === 0) return Effect.void
      const batchNumber = ++taken
      return Effect.suspend(() => options.write(batch, droppedBefore)).pipe(
        Effect.andThen(
          Effect.sync(() => {
            failing = false
          })
        ),
        Effect.catchAllCause((cause) => {
          dropped += batch.length + droppedBefore
          if (failing) return Effect.void
          failing = true
          return Effect.logWarning(
            `Log sink "${options.name}" failed to write. Events are dropped until a write succeeds.`,
            cause
          )
        }),
        Effect.andThen(
          Effect.sync(() => {
            finished = batchNumber
            for (const check of flushChecks) check()
          })
        )
      )
    })

    /** Completes when the present contents of the buffer are written or dropped, whatever is offered later. */
    const delivered = Effect.async<void>((resume) => {
      const last = buffer.length > 0 ? taken + 1 : taken
      const check = () => {
        if (finished < last) return
        flushChecks.delete(check)
        resume(Effect.void)
      }
      flushChecks.add(check)
      check()
      return Effect.sync(() => flushChecks.delete(check))
    })
    const flush = delivered.pipe(
      Effect.interruptible,
      Effect.timeoutOption(options.flushTimeout ?? Duration.seconds(5)),
      Effect.asVoid
    )
    const writing = Effect.forever(Effect.zipRight(writeNext, untilOffered))
    yield* Effect.acquireRelease(Effect.forkDaemon(Effect.interruptible(writing)), (writer) =>
      flush.pipe(
        Effect.zipRight(Fiber.interruptFork(writer)),
        // A write that can't be interrupted is left behind.
        Effect.zipRight(Effect.timeoutOption(Effect.interruptible(Fiber.await(writer)), "1 second"))
      )
    )

    return {
      offer: (events) => {
        for (const event of events) {
          const length = "text" in event ? event.text.length : 0
          const isFull = buffer.length >= capacity || characters + length > capacityCharacters
          // The last event of an operation is never dropped. There is only one for each.
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

/** A failed write also emits an `error` event, which would end the process if nothing listened for it. */
const ignoreErrorEvents = (output: NodeJS.WritableStream): Effect.Effect<void, never, Scope.Scope> => {
  const ignore = () => {}
  return Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => output.on("error", ignore)),
      () => Effect.sync(() => output.off("error", ignore))
    )
  )
}

/**
 * Receives the log events of a program. Where the events go is the choice of a layer; the program stays the same.
 *
 * A sink never slows or breaks the work that it records: it has a bounded buffer and reports how many events it dropped.
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
 * // Another layer sends the lines elsewhere.
 * const live = Layer.merge(Logs.layer.pipe(Layer.provide(engine)), LogSink.layerConsole)
 * await Effect.runPromise(program.pipe(Effect.provide(live)))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class LogSink extends Context.Tag("@dockwire/core/LogSink")<LogSink, LogSinkShape>() {
  /** Creates a sink that buffers events for an effectful writer. Use it to write a sink of your own. */
  static readonly buffered = makeBuffered

  /** Writes each event as a line of text to standard output or another stream. */
  static readonly layerConsoleWith = (options: ConsoleOptions): Layer.Layer<LogSink> =>
    Layer.scoped(
      LogSink,
      Effect.suspend(() => {
        const output = options.output ?? process.stdout
        return Effect.zipRight(
          ignoreErrorEvents(output),
          makeBuffered({
            name: "console",
            ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
            write: (events, dropped) => writeTo(output, consoleText(events, dropped))
          })
        )
      })
    )

  /** Writes each event as a line of text to standard output. */
  static readonly layerConsole: Layer.Layer<LogSink> = LogSink.layerConsoleWith({})

  /** Records every event, for tests. Read them with `LogSinkRecorder`. */
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

  /** Discards all events. */
  static readonly layerNone: Layer.Layer<LogSink> = Layer.succeed(LogSink, { offer: () => {}, flush: Effect.void })

  /**
   * Sends events to several sinks. Use it instead of `Layer.mergeAll`, which keeps only the last layer of a tag. A slow or
   * broken sink does not affect the others.
   */
  static readonly merge = merge

  /**
   * Runs a stream of events, such as container logs, into the sink. Flushes the sink when the stream ends, fails or is
   * interrupted.
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

  /** Guards a sink, so that it does no harm if it throws, or if flushing it fails or never completes. */
  static readonly isolated = isolated
}
