import { type BuildSpec, Images, LogSink, Operation } from "@dockwire/core"
import { Effect } from "effect"
import { expect } from "vitest"
import type { Bench } from "../bench.js"
import { failsWith, type Rows } from "../cell.js"

const build = (spec: BuildSpec) =>
  Effect.flatMap(Images, (images) => Operation.run(images.build(spec))).pipe(Effect.provide(LogSink.layerNone))

const from = (...lines: ReadonlyArray<string>): BuildSpec => ({ dockerfile: { text: lines.join("\n") } })

/** The image that a spec describes, which is removed with the scope. */
const built = ({ labels, name }: Bench, spec: BuildSpec) =>
  Effect.suspend(() => {
    const tag = `${name("build")}:1`
    return Effect.acquireRelease(build({ ...spec, tags: [tag], labels }), () =>
      Effect.ignore(Effect.flatMap(Images, (images) => images.remove(tag, { force: true })))
    )
  })

/** The row of `Images.build`. */
export const imageBuildRows: Rows = {
  build: {
    call: () => build(from("FROM busybox")),
    success: (bench) =>
      Effect.gen(function* () {
        const spec = from("FROM busybox", "ARG WORD", "RUN echo $WORD > /word", 'CMD ["cat", "/word"]')
        const image = yield* built(bench, { ...spec, buildArgs: { WORD: "said" } })
        const { defaults, id, tags } = yield* Effect.flatMap(Images, (images) => images.inspect(image.id))
        expect(image.id).toBe(id)
        expect(tags.some((tag) => tag.endsWith(image.tags[0] ?? "nothing"))).toBe(true)
        expect(defaults.command).toEqual(["cat", "/word"])
        expect(defaults.labels).toMatchObject(bench.labels)
      }),
    missing: () =>
      failsWith(build(from("FROM 127.0.0.1:1/nothing:1")), "RegistryError", {
        registry: "127.0.0.1:1",
        image: "127.0.0.1:1/nothing:1",
        reason: "Unreachable"
      }),
    conflict: "builds do not conflict: the last one takes the tag",
    "bad input": (bench) =>
      Effect.gen(function* () {
        yield* failsWith(build({ ...from("FROM busybox"), tags: ["Upper"] }), "InvalidRequest", {
          field: "tags",
          value: "Upper"
        })
        yield* failsWith(build(from("FROM busybox", "NONSENSE x")), "BuildFailed", {
          detail: expect.stringMatching(/unknown instruction: "?NONSENSE/i)
        })
        if (bench.expected("what RUN instructions do", "run") !== "run") return
        yield* failsWith(build(from("FROM busybox", "RUN echo said; exit 7")), "BuildFailed", {
          step: expect.stringMatching(/RUN echo said; exit 7$/),
          exitCode: 7,
          lastLines: ["said"]
        })
      })
  }
}
