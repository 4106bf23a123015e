import { Containers, Logs } from "@dockwire/core"
import { ownNameFirst } from "../../../packages/core/src/internal/api/names.js"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { uniqueName } from "../../engine/testContainer.js"
import { testLabels } from "../../engine/testRun.js"
import { describeBothEngines } from "../bothEngines.js"

describe("the names of a container", () => {
  it("begin with its own name, wherever the engine lists it", () => {
    expect(ownNameFirst(["/a/db", "/web", "/z/db"])).toEqual(["web", "a/db", "z/db"])
    expect(ownNameFirst(["/web"])).toEqual(["web"])
    expect(ownNameFirst(["web"])).toEqual(["web"])
    expect(ownNameFirst(["/a/db"])).toEqual(["a/db"])
    expect(ownNameFirst([])).toEqual([])
  })
})

/** A container, and one that reaches it through a legacy link and whose name sorts before it. */
const linked = Effect.gen(function* () {
  const containers = yield* Containers
  const own = uniqueName("z")
  const linker = uniqueName("a")
  const target = yield* containers.scoped({
    image: "busybox:latest",
    name: own,
    command: ["sh", "-c", "echo hello; sleep 300"],
    labels: testLabels()
  })
  yield* containers.scoped({
    image: "busybox:latest",
    name: linker,
    command: ["sleep", "300"],
    labels: testLabels(),
    hostConfig: { Links: [`${own}:db`] }
  })
  return { id: target.id, own, alias: `${linker}/db` }
})

describeBothEngines("the target of a legacy link", {
  "keeps its own name: the alias is no name of it": () =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const { alias, id, own } = yield* linked
      const [summary] = yield* containers.list({ filters: { id: [id] } })
      expect(summary).toMatchObject({ name: own, names: [own, alias] })
      expect((yield* containers.inspect(id)).name).toBe(own)
    }),
  "is found by its alias, and by names with a leading slash": () =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const { alias, id, own } = yield* linked
      yield* containers.waitUntil(id, { log: "hello" })
      for (const name of [alias, `/${alias}`, `/${own}`]) {
        expect(yield* containers.inspect(name), name).toMatchObject({ id, name: own })
      }
      const lines = yield* Stream.runCollect((yield* Logs).read(alias))
      expect(Array.from(lines, ({ text }) => text)).toEqual(["hello"])
      expect(yield* Effect.flip(containers.inspect(`${own}/db`))).toMatchObject({ _tag: "ContainerNotFound" })
    })
})
