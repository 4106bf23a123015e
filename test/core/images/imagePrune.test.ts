import { Docker, Images, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, beforeAll, expect, it } from "vitest"
import { engineCall, jsonAt } from "../../engine/engineRequest.js"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { describeKillableEngine } from "../../engine/realEngine.js"
import { runBuild } from "../build/runBuild.js"
import { runWith } from "../runWith.js"

describeKillableEngine("on an engine of its own", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ name: "prune" })
  })
  afterAll(() => engine?.dispose())

  const use = <A, E>(call: (images: Effect.Effect.Success<typeof Images>) => Effect.Effect<A, E>) =>
    runWith(
      Images.layer.pipe(Layer.provide([Docker.layer({ endpoint: engine.endpoint }), RegistryAuth.layer()])),
      Effect.flatMap(Images, call)
    )
  const build = async (lines: ReadonlyArray<string>, tag?: string) => {
    const dockerfile = { text: ["FROM busybox", ...lines].join("\n") }
    const built = await runBuild(
      { dockerfile, ...(tag === undefined ? {} : { tags: [tag] }) },
      { endpoint: engine.endpoint, isClassic: true }
    )
    return built.image().id
  }
  const parentsOf = async (id: string): Promise<ReadonlyArray<string>> => {
    const all = await use((images) => images.list({ all: true }))
    const parents: Array<string> = []
    const parentOf = (child: string) => all.find((image) => image.id === child)?.parent
    for (let parent = parentOf(id); parent !== undefined; parent = parentOf(parent)) parents.push(parent)
    // The last one is busybox.
    return parents.slice(0, -1)
  }
  const ids = async () => (await use((images) => images.list({ all: true }))).map(({ id }) => id)

  it("the build cache is deleted, but what is to be kept of it", async () => {
    const size = 3_000_000
    const dockerfile = { text: `FROM busybox\nRUN head -c ${size} /dev/urandom > /random\n` }
    const built = await runBuild({ dockerfile }, { endpoint: engine.endpoint })
    await use((images) => images.remove(built.image().id, { force: true }))
    const cached = async () => {
      const { json } = await engineCall(engine.endpoint, "GET", "/system/df?type=build-cache")
      const entries = jsonAt(json, "BuildCache")
      return Array.isArray(entries) ? entries.map((entry) => String(jsonAt(entry, "ID"))).toSorted() : []
    }
    const before = await cached()
    expect(before).not.toEqual([])
    expect(await use((images) => images.pruneBuildCache({ keepStorage: 1_000_000_000 }))).toEqual({
      deleted: [],
      spaceReclaimed: 0
    })
    expect(await use((images) => images.pruneBuildCache({ filters: { until: ["24h"] } }))).toEqual({
      deleted: [],
      spaceReclaimed: 0
    })
    expect(await cached()).toEqual(before)
    const report = await use((images) => images.pruneBuildCache({ all: true }))
    expect(report.deleted.toSorted()).toEqual(before)
    expect(report.spaceReclaimed).toBeGreaterThanOrEqual(size)
    expect(await cached()).toEqual([])
    expect(await use((images) => images.pruneBuildCache({ all: true }))).toEqual({ deleted: [], spaceReclaimed: 0 })
  })

  it("an image is pruned with its parents, up to the one that another image has", async () => {
    const common = ["LABEL common=1"]
    const kept = await build([...common, "LABEL of=kept"], "kept:1")
    const dangling = await build([...common, "LABEL of=dangling", "LABEL and=more", "RUN echo x > /x"])
    const own = (await parentsOf(dangling)).slice(0, -1)
    const [shared = "", ...keptParents] = (await parentsOf(kept)).toReversed()
    expect((await parentsOf(dangling)).at(-1)).toBe(shared)
    expect(own.length).toBeGreaterThan(1)
    const report = await use((images) => images.prune())
    // Besides the images, the report has the layer.
    expect(report.deleted).toEqual(expect.arrayContaining([dangling, ...own]))
    expect(report.deleted).not.toContain(shared)
    expect(report.spaceReclaimed).toBeGreaterThan(0)
    expect(await ids()).toEqual(expect.arrayContaining([kept, ...keptParents, shared]))
    expect((await ids()).filter((id) => [dangling, ...own].includes(id))).toEqual([])
    expect(await use((images) => images.remove("kept:1"))).toEqual({
      untagged: ["kept:1"],
      deleted: [kept, ...keptParents.toReversed(), shared]
    })
  })

  it("an image is removed with its parents, unless they are to stay", async () => {
    const lines = ["LABEL one=1", "LABEL two=2"]
    const first = await build(lines, "parents:1")
    const parents = await parentsOf(first)
    expect(parents.length).toBeGreaterThan(0)
    expect(await use((images) => images.remove("parents:1", { pruneParents: false }))).toEqual({
      untagged: ["parents:1"],
      deleted: [first]
    })
    expect(await ids()).toEqual(expect.arrayContaining([...parents]))
    const again = await build(lines, "parents:1")
    const removed = await use((images) => images.remove("parents:1"))
    expect(removed).toEqual({ untagged: ["parents:1"], deleted: [again, ...parents] })
    expect((await ids()).filter((id) => parents.includes(id))).toEqual([])
  })
})
