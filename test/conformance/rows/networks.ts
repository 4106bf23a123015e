import { Containers, Networks } from "@dockwire/core"
import { Effect } from "effect"
import { expect } from "vitest"
import type { Bench } from "../bench.js"
import { failsWith, inTurn, type Rows } from "../cell.js"

const missing = "dockwire-nothing"

const on = <A, E>(use: (networks: Effect.Effect.Success<typeof Networks>) => Effect.Effect<A, E>) =>
  Effect.flatMap(Networks, use)

const made = ({ labels, name }: Bench, subnet?: string) =>
  Effect.gen(function* () {
    const wanted = name("network")
    const { id } = yield* Effect.acquireRelease(
      on((networks) =>
        networks.create({ name: wanted, labels, ...(subnet === undefined ? {} : { subnets: [{ subnet }] }) })
      ),
      ({ id }) => Effect.ignore(on((networks) => networks.remove(id)))
    )
    return { id, name: wanted }
  })

/** A subnet that no other cell uses. */
const subnet = () => `10.${200 + Math.floor(Math.random() * 50)}.${Math.floor(Math.random() * 256)}.0/24`

const notFound = { network: missing, detail: `network ${missing} not found` }

const pruned = <A, E extends { readonly message: string }>(
  use: (networks: Effect.Effect.Success<typeof Networks>) => Effect.Effect<A, E>
) => inTurn(on(use))

/** The cells of `Networks`. */
export const networkRows: Rows = {
  list: {
    call: () => on((networks) => networks.list()),
    success: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* made(bench, subnet())
        const label = Object.entries(bench.labels).map(([key, value]) => `${key}=${value}`)
        const found = yield* on((networks) => networks.list({ filters: { label } }))
        expect(found).toMatchObject([{ id, name, driver: "bridge", scope: "local", members: [], labels: bench.labels }])
        const all = yield* on((networks) => networks.list())
        const builtIn = ["bridge", "host", "none"]
        expect(
          all
            .map(({ name }) => name)
            .filter((name) => builtIn.includes(name))
            .sort()
        ).toEqual(bench.expected("the predefined networks", builtIn))
        const types = yield* Effect.either(on((networks) => networks.list({ filters: { type: ["builtin"] } })))
        expect(types._tag).toBe(bench.expected("the type filter of networks", "Right"))
      }),
    missing: (bench) =>
      Effect.map(
        on((networks) => networks.list({ filters: { name: [bench.name()] } })),
        (found) => expect(found).toEqual([])
      ),
    conflict: "listing conflicts with nothing",
    "bad input": () =>
      Effect.zipRight(
        failsWith(
          on((networks) => networks.list({ filters: { color: ["red"] } })),
          "InvalidRequest",
          {
            detail: "invalid filter 'color'"
          }
        ),
        failsWith(
          on((networks) => networks.list({ filters: { type: ["red"] } })),
          "InvalidRequest",
          { field: "filters", value: '{"type":["red"]}', detail: "invalid filter: 'type'='red'" }
        )
      )
  },
  inspect: {
    call: () => on((networks) => networks.inspect(missing)),
    success: (bench) =>
      Effect.gen(function* () {
        const range = subnet()
        const { id, name } = yield* made(bench, range)
        const network = yield* on((networks) => networks.inspect(name))
        expect(network).toMatchObject({ id, name, internal: false, ipv6: false, options: {}, members: [] })
        expect(network.subnets).toEqual([Object.assign({ subnet: range }, bench.expected("the default gateway", {}))])
        expect((yield* on((networks) => networks.inspect(id.slice(0, 12)))).id).toBe(id)
        // Any text that is not blank is a name. The single letter is random, so that nothing else uses it.
        const letter = String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000))
        if (bench.expected("network names", "all") !== "all") return
        const container = yield* bench.created(["true"])
        for (const word of [letter, ` ${name} b `, `_${name}`, `${name}/é?#%2F`, `-${name}`]) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { id } = yield* Effect.acquireRelease(
                on((networks) => networks.create({ name: word, labels: bench.labels, internal: true })),
                ({ id }) => Effect.ignore(on((networks) => networks.remove(id)))
              )
              expect(yield* on((networks) => networks.inspect(word))).toMatchObject({ id, name: word })
              yield* on((networks) => networks.connect(word, container.id))
              yield* on((networks) => networks.disconnect(word, container.id))
              yield* on((networks) => networks.remove(word))
            })
          )
        }
      }),
    missing: () =>
      failsWith(
        on((networks) => networks.inspect(missing)),
        "NetworkNotFound",
        notFound
      ),
    conflict: "it does not depend on the members",
    "bad input": () =>
      Effect.forEach(["", ".", "..", "a/../b", "a//b", "a\nb", "\ud800", "a b"], (network) =>
        failsWith(
          on((networks) => networks.inspect(network)),
          "NetworkNotFound",
          { network }
        )
      )
  },
  create: {
    call: (bench) => on((networks) => networks.create({ name: bench.name("network"), labels: bench.labels })),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* made(bench)
        expect(id).toMatch(/^[0-9a-f]{64}$/)
        const { subnets } = yield* on((networks) => networks.inspect(id))
        expect(subnets).toHaveLength(1)
        expect(subnets[0]?.gateway).toMatch(/\.0?\.?1$/)
      }),
    missing: (bench) =>
      failsWith(
        on((networks) => networks.create({ name: bench.name(), driver: "foo" })),
        "InvalidRequest",
        {
          field: "driver",
          detail: 'plugin "foo" not found'
        }
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const range = subnet()
        const { name } = yield* made(bench, range)
        yield* failsWith(
          on((networks) => networks.create({ name })),
          "NameConflict",
          {
            name,
            detail: `network with name ${name} already exists`
          }
        )
        yield* failsWith(
          on((networks) => networks.create({ name: bench.name(), subnets: [{ subnet: range }] })),
          "InvalidRequest",
          { field: "subnet", detail: "Pool overlaps with other one on this address space" }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        yield* failsWith(
          on((networks) => networks.create({ name: "bridge" })),
          "InvalidRequest",
          {
            field: "network name",
            detail: "operation is not permitted on predefined bridge network"
          }
        )
        yield* failsWith(
          on((networks) =>
            networks.create({ name: bench.name(), subnets: [{ subnet: "10.198.0.0/24", gateway: "1.2.3.4" }] })
          ),
          "InvalidRequest",
          {
            detail:
              "invalid network config:\ninvalid gateway 1.2.3.4: parent subnet 10.198.0.0/24 doesn't contain this address"
          }
        )
        yield* failsWith(
          on((networks) => networks.create({ name: bench.name(), subnets: [{ subnet: "10.0.0.0/99" }] })),
          "InvalidRequest",
          { field: "subnet" }
        )
      })
  },
  remove: {
    call: () => on((networks) => networks.remove(missing)),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* made(bench, subnet())
        yield* on((networks) => networks.remove(id))
        yield* failsWith(
          on((networks) => networks.inspect(id)),
          "NetworkNotFound"
        )
      }),
    missing: () =>
      failsWith(
        on((networks) => networks.remove(missing)),
        "NetworkNotFound",
        notFound
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* made(bench, subnet())
        yield* bench.running(undefined, { network: name })
        yield* failsWith(
          on((networks) => networks.remove(name)),
          "ResourceInUse",
          {
            resource: name,
            detail: `error while removing network: network ${name} id ${id} has active endpoints`
          }
        )
      }),
    "bad input": (bench) =>
      failsWith(
        on((networks) => networks.remove("bridge")),
        bench.expected("why a predefined network can't be removed", "InvalidRequest"),
        {
          detail: "bridge is a pre-defined network and cannot be removed"
        }
      )
  },
  prune: {
    call: (bench) => pruned((networks) => networks.prune({ filters: { label: [bench.name("nothing")] } })),
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench, subnet())
        const label = Object.entries(bench.labels).map(([key, value]) => `${key}=${value}`)
        expect(yield* pruned((networks) => networks.prune({ filters: { label } }))).toEqual([name])
      }),
    missing: (bench) =>
      Effect.map(
        pruned((networks) => networks.prune({ filters: { label: [bench.name("nothing")] } })),
        (pruned) => expect(pruned).toEqual([])
      ),
    conflict: "it skips what it cannot remove",
    "bad input": () =>
      failsWith(
        pruned((networks) => networks.prune({ filters: { color: ["red"] } })),
        "InvalidRequest",
        {
          detail: "invalid filter 'color'"
        }
      )
  },
  connect: {
    call: () => on((networks) => networks.connect(missing, "dockwire-nobody")),
    success: (bench) =>
      Effect.gen(function* () {
        const range = subnet()
        const { id } = yield* made(bench, range)
        const container = yield* bench.running()
        const ipv4Address = range.replace(/0\/24$/, "7")
        yield* on((networks) => networks.connect(id, container.id, { aliases: ["other"], ipv4Address }))
        expect((yield* on((networks) => networks.inspect(id))).members).toEqual([
          { containerId: container.id, name: container.name, ipv4Address: `${ipv4Address}/24`, ipv6Address: "" }
        ])
      }),
    missing: (bench) =>
      Effect.gen(function* () {
        yield* failsWith(
          on((networks) => networks.connect("bridge", "dockwire-nobody")),
          "ContainerNotFound",
          {
            detail: "No such container: dockwire-nobody"
          }
        )
        const { id } = yield* bench.running()
        yield* failsWith(
          on((networks) => networks.connect(missing, id)),
          "NetworkNotFound",
          notFound
        )
        // For a container that is not running, the engine resolves the network only at the next start.
        const stopped = yield* bench.created(["true"])
        if (bench.expected("when a stopped container's network is resolved", "at its start") !== "at its start") {
          return yield* failsWith(
            on((networks) => networks.connect(missing, stopped.id)),
            "NetworkNotFound",
            notFound
          )
        }
        yield* on((networks) => networks.connect(missing, stopped.id))
        yield* failsWith((yield* Containers).start(stopped.id), "ContainerStateConflict", {
          state: "misconfigured",
          setting: "network",
          detail: expect.stringContaining(notFound.detail)
        })
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* bench.running()
        yield* failsWith(
          on((networks) => networks.connect("bridge", id)),
          "InvalidRequest",
          {
            field: "container",
            detail: `endpoint with name ${name} already exists in network bridge`
          }
        )
        const refusal = bench.expected("connecting to the networks host and none", "InvalidRequest")
        yield* failsWith(
          on((networks) => networks.connect("host", id)),
          refusal,
          {
            detail: "container cannot be disconnected from host network or connected to host network"
          }
        )
        yield* failsWith(
          on((networks) => networks.connect("none", id)),
          refusal,
          {
            detail: "container cannot be connected to multiple networks with one of the networks in private (none) mode"
          }
        )
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const network = yield* made(bench, subnet())
        const { id } = yield* bench.running()
        yield* failsWith(
          on((networks) => networks.connect(network.id, id, { ipv4Address: "1.2.3.4" })),
          "InvalidRequest",
          {
            field: "connection",
            detail: "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 1.2.3.4"
          }
        )
      })
  },
  disconnect: {
    call: () => on((networks) => networks.disconnect(missing, "dockwire-nobody")),
    success: (bench) =>
      Effect.gen(function* () {
        const { id, name } = yield* made(bench, subnet())
        const container = yield* bench.running(undefined, { network: name })
        yield* on((networks) => networks.disconnect(id, container.name))
        expect((yield* on((networks) => networks.inspect(id))).members).toEqual([])
      }),
    missing: () =>
      failsWith(
        on((networks) => networks.disconnect("bridge", "dockwire-nobody")),
        "ContainerNotFound",
        {
          detail: "No such container: dockwire-nobody"
        }
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const network = yield* made(bench, subnet())
        const { id } = yield* bench.running()
        yield* failsWith(
          on((networks) => networks.disconnect(network.name, id)),
          "InvalidRequest",
          {
            field: "container",
            detail: `container ${id} is not connected to network ${network.name}`
          }
        )
      }),
    "bad input": () =>
      failsWith(
        on((networks) => networks.disconnect("a/../b", "dockwire-nobody")),
        "NetworkNotFound",
        { network: "a/../b" }
      )
  },
  scoped: {
    call: (bench) =>
      on((networks) => Effect.scoped(networks.scoped({ name: bench.name("network"), labels: bench.labels }))),
    success: (bench) =>
      Effect.gen(function* () {
        const name = bench.name("network")
        const container = yield* bench.running()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const networks = yield* Networks
            yield* networks.scoped({ name, labels: bench.labels, subnets: [{ subnet: subnet() }] })
            yield* networks.connect(name, container.id)
          })
        )
        yield* failsWith(
          on((networks) => networks.inspect(name)),
          "NetworkNotFound"
        )
      }),
    missing: (bench) =>
      failsWith(
        on((networks) => Effect.scoped(networks.scoped({ name: bench.name(), driver: "foo" }))),
        "InvalidRequest",
        { field: "driver" }
      ),
    conflict: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* made(bench, subnet())
        yield* failsWith(
          on((networks) => Effect.scoped(networks.scoped({ name }))),
          "NameConflict"
        )
      }),
    "bad input": () =>
      failsWith(
        on((networks) => Effect.scoped(networks.scoped({ name: " " }))),
        "InvalidRequest",
        {
          field: "network name"
        }
      )
  }
}
