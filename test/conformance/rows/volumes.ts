import { Containers, Volumes } from "@dockwire/core"
import { Effect } from "effect"
import { expect } from "vitest"
import type { Bench } from "../bench.js"
import { failsWith, inTurn, type Rows } from "../cell.js"

const missing = "dockwire-nothing"

const on = <A, E>(use: (volumes: Effect.Effect.Success<typeof Volumes>) => Effect.Effect<A, E>) =>
  Effect.flatMap(Volumes, use)

const made = ({ labels, name }: Bench) =>
  Effect.acquireRelease(
    on((volumes) => volumes.create({ name: name("volume"), labels })),
    ({ name }) => Effect.ignore(on((volumes) => volumes.remove(name, { force: true })))
  )

const notFound = { volume: missing, detail: `get ${missing}: no such volume` }

const pruned = <A, E extends { readonly message: string }>(
  use: (volumes: Effect.Effect.Success<typeof Volumes>) => Effect.Effect<A, E>
) => inTurn(on(use))

/** The cells of `Volumes`. */
export const volumeRows: Rows = {
  list: {
    call: () => on((volumes) => volumes.list()),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench)
        const label = Object.entries(bench.labels).map(([key, value]) => `${key}=${value}`)
        const found = yield* on((volumes) => volumes.list({ filters: { label, dangling: ["true"] } }))
        expect(found).toMatchObject([{ name, driver: "local", scope: "local", labels: bench.labels, options: {} }])
      }),
    missing: (bench) =>
      Effect.map(
        on((volumes) => volumes.list({ filters: { name: [bench.name()] } })),
        (found) => expect(found).toEqual([])
      ),
    conflict: "listing conflicts with nothing",
    "bad input": () =>
      Effect.zipRight(
        failsWith(
          on((volumes) => volumes.list({ filters: { color: ["red"] } })),
          "InvalidRequest",
          {
            detail: "invalid filter 'color'"
          }
        ),
        failsWith(
          on((volumes) => volumes.list({ filters: { dangling: ["red"] } })),
          "InvalidRequest",
          {
            detail: "invalid filter 'dangling=[red]'"
          }
        )
      )
  },
  inspect: {
    call: () => on((volumes) => volumes.inspect(missing)),
    success: (bench) =>
      Effect.gen(function* () {
        const volume = yield* made(bench)
        const { raw, ...same } = yield* on((volumes) => volumes.inspect(volume.name))
        expect(volume).toMatchObject(same)
        expect(raw).toMatchObject({ Name: volume.name })
        expect(volume.mountpoint).toMatch(new RegExp(`/volumes/${volume.name}/_data$`))
        expect(volume.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      }),
    missing: () =>
      failsWith(
        on((volumes) => volumes.inspect(missing)),
        "VolumeNotFound",
        notFound
      ),
    conflict: "it does not depend on who uses the volume",
    "bad input": () =>
      Effect.forEach(["", ".", "..", "a/../b", "\ud800", "a b", "a", "é/?#%2F"], (volume) =>
        failsWith(
          on((volumes) => volumes.inspect(volume)),
          "VolumeNotFound",
          { volume }
        )
      )
  },
  create: {
    call: (bench) => on((volumes) => volumes.create({ name: bench.name("volume"), labels: bench.labels })),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench)
        const again = yield* on((volumes) => volumes.create({ name, labels: bench.labels }))
        expect(again.name).toBe(name)
        const anonymous = yield* on((volumes) => volumes.create({ labels: bench.labels }))
        expect(anonymous.name).toMatch(/^[0-9a-f]{64}$/)
        const own = bench.expected("the label of an anonymous volume", { "com.docker.volume.anonymous": "" })
        expect(anonymous.labels).toEqual(Object.assign({}, bench.labels, own))
        yield* on((volumes) => volumes.remove(anonymous.name))
      }),
    missing: (bench) =>
      Effect.suspend(() => {
        const name = bench.name("volume")
        return failsWith(
          on((volumes) => volumes.create({ name, driver: "foo" })),
          "InvalidRequest",
          {
            field: "driver",
            value: "foo",
            detail: `create ${name}: error looking up volume plugin foo: plugin "foo" not found`
          }
        )
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench)
        yield* failsWith(
          on((volumes) => volumes.create({ name, labels: { other: "1" } })),
          "NameConflict",
          { name }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const name = bench.name("volume")
        yield* failsWith(
          on((volumes) => volumes.create({ name: "a b" })),
          "InvalidRequest",
          { field: "volume name" }
        )
        yield* failsWith(
          on((volumes) => volumes.create({ name, options: { foo: "1" } })),
          "InvalidRequest",
          {
            detail: `create ${name}: invalid option: "foo"`
          }
        )
      })
  },
  remove: {
    call: () => on((volumes) => volumes.remove(missing)),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench)
        yield* on((volumes) => volumes.remove(name))
        yield* on((volumes) => volumes.remove(name, { force: true }))
      }),
    missing: () =>
      failsWith(
        on((volumes) => volumes.remove(missing)),
        "VolumeNotFound",
        notFound
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench)
        const { id } = yield* bench.created(["true"], { binds: [`${name}:/data`] })
        const inUse = { resource: name, detail: `remove ${name}: volume is in use - [${id}]` }
        yield* failsWith(
          on((volumes) => volumes.remove(name)),
          "ResourceInUse",
          inUse
        )
        yield* failsWith(
          on((volumes) => volumes.remove(name, { force: true })),
          "ResourceInUse",
          inUse
        )
        yield* (yield* Containers).remove(id)
      }),
    "bad input": () =>
      failsWith(
        on((volumes) => volumes.remove("a b")),
        "VolumeNotFound",
        { volume: "a b" }
      )
  },
  prune: {
    call: (bench) => pruned((volumes) => volumes.prune({ filters: { label: [bench.name("nothing")] } })),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench)
        const anonymous = yield* on((volumes) => volumes.create({ labels: bench.labels }))
        const label = Object.entries(bench.labels).map(([key, value]) => `${key}=${value}`)
        expect(yield* pruned((volumes) => volumes.prune({ filters: { label } }))).toMatchObject({
          deleted: [anonymous.name]
        })
        expect(yield* pruned((volumes) => volumes.prune({ filters: { label, all: ["true"] } }))).toMatchObject({
          deleted: [name]
        })
      }),
    missing: (bench) =>
      Effect.map(
        pruned((volumes) => volumes.prune({ filters: { label: [bench.name("nothing")] } })),
        (pruned) => expect(pruned).toEqual({ deleted: [], spaceReclaimed: 0 })
      ),
    conflict: "it skips what it cannot remove",
    "bad input": () =>
      failsWith(
        pruned((volumes) => volumes.prune({ filters: { color: ["red"] } })),
        "InvalidRequest",
        {
          detail: "invalid filter 'color'"
        }
      )
  },
  scoped: {
    call: (bench) =>
      on((volumes) => Effect.scoped(volumes.scoped({ name: bench.name("volume"), labels: bench.labels }))),
    success: (bench) =>
      Effect.gen(function* () {
        const name = bench.name("volume")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const volumes = yield* Volumes
            yield* volumes.scoped({ name, labels: bench.labels })
            expect((yield* volumes.inspect(name)).name).toBe(name)
          })
        )
        yield* failsWith(
          on((volumes) => volumes.inspect(name)),
          "VolumeNotFound"
        )
      }),
    missing: "as with create: the engine looks for the driver for half a minute",
    conflict: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench)
        yield* failsWith(
          on((volumes) => Effect.scoped(volumes.scoped({ name, labels: { other: "1" } }))),
          "NameConflict"
        )
        expect((yield* on((volumes) => volumes.inspect(name))).name).toBe(name)
      }),
    "bad input": () =>
      failsWith(
        on((volumes) => Effect.scoped(volumes.scoped({ name: "a b" }))),
        "InvalidRequest",
        { field: "volume name" }
      )
  }
}
