import { Containers, Networks, System, Volumes } from "@dockwire/core"
import { Effect } from "effect"
import { expect } from "vitest"
import type { Bench } from "../bench.js"
import { failsWith, inTurn, type Rows } from "../cell.js"

const on = <A, E>(use: (system: Effect.Effect.Success<typeof System>) => Effect.Effect<A, E>) =>
  Effect.flatMap(System, use)

const nothingAsked = "it takes no argument, and an engine has always one of it"
const nobodysWay = "it only looks, and is in nobody's way"

/** The cells of what only tells. */
const telling = (call: (system: Effect.Effect.Success<typeof System>) => Effect.Effect<unknown, unknown>) => ({
  call: () => on(call),
  missing: nothingAsked,
  conflict: nobodysWay,
  "bad input": nothingAsked
})

const label = ({ labels }: Bench) => Object.entries(labels).map(([key, value]) => `${key}=${value}`)

/** For calls that must not meet a prune or a removal. */
const undisturbed = <A, E extends { readonly message: string }>(
  use: (system: Effect.Effect.Success<typeof System>) => Effect.Effect<A, E>
) => inTurn(on(use))

const nothing = { containers: [], networks: [], images: [], volumes: [], buildCache: [], spaceReclaimed: 0 }

const refused = (given: Readonly<Record<string, ReadonlyArray<string>>>, detail: string) => {
  // Were it not refused, it would be for nothing that is there.
  const filters = { ...given, label: ["dockwire.nobody"] }
  return failsWith(
    undisturbed((system) => system.prune({ filters })),
    "InvalidRequest",
    { field: "filters", value: JSON.stringify(filters), detail }
  )
}

/** The cells of `System`. */
export const systemRows: Rows = {
  ping: {
    ...telling((system) => system.ping()),
    success: (bench) =>
      Effect.map(
        on((system) => system.ping()),
        ({ apiVersion, ...said }) => {
          expect(apiVersion).toMatch(/^1\.\d+$/)
          const usual = { osType: "linux", builderVersion: expect.stringMatching(/^[12]$/), experimental: false }
          expect(said).toEqual(bench.expected("the fields of a ping", usual))
        }
      )
  },
  version: {
    ...telling((system) => system.version()),
    success: (bench) =>
      Effect.gen(function* () {
        const { components, raw, ...said } = yield* on((system) => system.version())
        const number = expect.stringMatching(/^1\.\d+$/)
        expect(said).toMatchObject({ apiVersion: number, minApiVersion: number, os: "linux" })
        expect(components).toContainEqual({
          name: bench.expected("the name of the engine", "Engine"),
          version: said.version
        })
        expect(raw).toMatchObject({ Version: said.version, ApiVersion: said.apiVersion })
        expect((yield* on((system) => system.ping())).apiVersion).toBe(said.apiVersion)
      })
  },
  info: {
    ...telling((system) => system.info()),
    success: (bench) =>
      Effect.gen(function* () {
        yield* bench.running()
        const { containers, raw, ...said } = yield* on((system) => system.info())
        expect(said).toMatchObject({ osType: "linux", loggingDriver: "json-file", warnings: expect.any(Array) })
        expect(said.images).toBeGreaterThan(0)
        expect(Math.min(said.cpus, said.memory, containers.running)).toBeGreaterThan(0)
        expect(containers.all).toBe(containers.running + containers.paused + containers.stopped)
        expect(raw["ID"]).toBe(said.id)
      })
  },
  diskUsage: {
    ...telling((system) => system.diskUsage()),
    success: (bench) =>
      Effect.gen(function* () {
        const volume = yield* (yield* Volumes).scoped({ labels: bench.labels })
        const { id } = yield* bench.running(["sleep", "300"], { binds: [`${volume.name}:/data`] })
        const stopped = yield* bench.created(["true"])
        const usage = yield* undisturbed((system) => system.diskUsage())
        const listed = { Containers: [{ Id: id }, { Id: stopped.id }], Volumes: [{ Name: volume.name }] }
        for (const [key, items] of Object.entries(listed)) {
          for (const item of items) {
            expect(usage.raw[key]).toEqual(expect.arrayContaining([expect.objectContaining(item)]))
          }
        }
        const { containers, images, volumes } = usage
        expect(Math.min(images.active, containers.active, volumes.active)).toBeGreaterThanOrEqual(1)
        expect(containers.count).toBeGreaterThan(containers.active)
        expect(images.size).toBeGreaterThan(1_000_000)
      })
  },
  prune: {
    call: (bench) => undisturbed((system) => system.prune({ filters: { label: [bench.name("nothing")] } })),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["true"])
        const network = bench.name("network")
        yield* Effect.flatMap(Networks, (networks) => networks.create({ name: network, labels: bench.labels }))
        const volume = yield* Effect.flatMap(Volumes, (volumes) => volumes.create({ labels: bench.labels }))
        const filters = { label: label(bench) }
        expect(yield* undisturbed((system) => system.prune({ filters }))).toEqual({
          ...nothing,
          containers: [id],
          networks: [network],
          spaceReclaimed: bench.expected("the size of a container that never ran", 0)
        })
        expect(yield* undisturbed((system) => system.prune({ filters, volumes: true, allImages: true }))).toEqual({
          ...nothing,
          volumes: [volume.name]
        })
      }),
    missing: (bench) =>
      Effect.map(
        undisturbed((system) =>
          system.prune({ filters: { label: [bench.name("nothing")] }, volumes: true, allImages: true })
        ),
        (result) => expect(result).toEqual(nothing)
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        // What is in use stays, and what is younger than asked.
        const name = bench.name("network")
        yield* Effect.flatMap(Networks, (networks) => networks.scoped({ name, labels: bench.labels }))
        const volume = yield* (yield* Volumes).scoped({ labels: bench.labels })
        const { id } = yield* bench.running(["sleep", "300"], { network: name, binds: [`${volume.name}:/data`] })
        const filters = { label: label(bench) }
        expect(yield* undisturbed((system) => system.prune({ filters, volumes: true }))).toEqual(nothing)
        yield* Effect.flatMap(Containers, (containers) => containers.kill(id))
        yield* Effect.flatMap(Containers, (containers) => containers.wait(id))
        const young = { ...filters, until: ["1h30m"] }
        expect(yield* undisturbed((system) => system.prune({ filters: young }))).toEqual(nothing)
        const old = { ...filters, until: ["0s"] }
        expect(yield* undisturbed((system) => system.prune({ filters: old }))).toMatchObject({ containers: [id] })
      }),
    "bad input": () =>
      Effect.gen(function* () {
        yield* refused({ color: ["red"] }, "invalid filter 'color'")
        yield* refused({ until: ["yesterday"] }, 'failed to parse value as time or duration: "yesterday"')
        yield* refused({ until: ["1h", "2h"] }, "more than one until filter specified")
      })
  }
}
