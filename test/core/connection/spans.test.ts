import { Containers, Docker, type DockerRequest, MemoryEngine } from "@dockwire/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { describe, expect, it } from "vitest"

const inspectMissing = Effect.flatMap(Containers, (containers) => containers.inspect("missing"))

/** Runs a program on an engine in memory, without any containers. */
const run = <A, E>(program: Effect.Effect<A, E, Containers>): Promise<A> =>
  Effect.runPromise(Effect.provide(program, Layer.provide(Containers.layer, MemoryEngine.layer())))

const pretty = <E>(program: Effect.Effect<unknown, E, Containers>): Promise<string> =>
  run(Effect.flip(Effect.sandbox(program)).pipe(Effect.map((cause) => Cause.pretty(cause))))

/** A tracer that keeps the spans that have ended. */
const recorder = () => {
  const spans: Array<{ readonly name: string; readonly parent: string | undefined; readonly exit: string }> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => ({
      _tag: "Span",
      name,
      spanId: name,
      traceId: "trace",
      sampled: true,
      parent,
      context,
      links,
      kind,
      status: { _tag: "Started", startTime },
      attributes: new Map(),
      attribute: () => {},
      event: () => {},
      addLinks: () => {},
      end: (_, exit) => {
        const above = Option.getOrUndefined(parent)
        spans.push({ name, parent: above?._tag === "Span" ? above.name : undefined, exit: exit._tag })
      }
    }),
    context: (continueWith) => continueWith()
  })
  return { spans, layer: Layer.setTracer(tracer) }
}

describe("the span of a call", () => {
  it("reaches a tracer, with its parent and its outcome", async () => {
    const { layer, spans } = recorder()
    const list = Effect.flatMap(Containers, (containers) => containers.list())
    await run(Effect.all([list, Effect.exit(inspectMissing)]).pipe(Effect.withSpan("program"), Effect.provide(layer)))
    expect(spans).toEqual([
      { name: "Containers.list", parent: "program", exit: "Success" },
      { name: "Containers.inspect", parent: "program", exit: "Failure" },
      { name: "program", parent: undefined, exit: "Success" }
    ])
  })

  it("names the call and its place in the trace of a failure without a tracer", async () => {
    expect(await pretty(inspectMissing)).toMatch(/at Containers\.inspect \(.*spans\.test\.ts:\d+:\d+\)/)
  })

  it("stands below the caller's span in the trace of a failure without a tracer", async () => {
    const trace = await pretty(Effect.withSpan(inspectMissing, "program"))
    expect(trace).toMatch(
      /at Containers\.inspect \(.*spans\.test\.ts:\d+:\d+\)\n +at program \(.*spans\.test\.ts:\d+:\d+\)/
    )
  })

  it("is not created if nobody would see it", async () => {
    const seen: Array<string | undefined> = []
    const watched = Layer.effect(
      Docker,
      Effect.map(Docker, (docker) => ({
        ...docker,
        json: (request: DockerRequest) =>
          Effect.flatMap(Effect.option(Effect.currentSpan), (span) => {
            seen.push(Option.getOrUndefined(span)?.name)
            return docker.json(request)
          })
      }))
    )
    const list = Effect.flatMap(Containers, (containers) => containers.list())
    await Effect.runPromise(
      Effect.all([list, Effect.withSpan(list, "program")]).pipe(
        Effect.provide(Containers.layer),
        Effect.provide(watched),
        Effect.provide(MemoryEngine.layer())
      )
    )
    expect(seen).toEqual([undefined, "Containers.list"])
  })
})
