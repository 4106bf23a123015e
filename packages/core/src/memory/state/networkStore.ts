import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { EngineClock } from "../time/engineClock.js"
import { type ErrorResponse, errorResponse } from "./errorResponse.js"
import { type AddressRange, nextFreeSubnet, parseCidr, type Subnet } from "./ipam.js"
import { newId } from "./objectId.js"

/** A network. */
export interface MemoryNetwork {
  readonly id: string
  readonly name: string
  readonly driver: string
  readonly created: bigint
  readonly internal: boolean
  readonly attachable: boolean
  readonly ipv6: boolean
  readonly subnets: ReadonlyArray<Subnet>
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Whether it is one of `bridge`, `host` and `none`. */
  readonly predefined: boolean
}

/** The engine's networks, by id. */
export class NetworkStore extends Map<string, MemoryNetwork> {
  /** Finds a network by id, name, or unambiguous id prefix. */
  find(reference: string): Either.Either<MemoryNetwork, ErrorResponse> {
    const all = [...this.values()]
    const exact = this.get(reference) ?? all.find(({ name }) => name === reference)
    if (exact !== undefined) return Either.right(exact)
    const [match, ...others] = all.filter(({ id }) => id.startsWith(reference))
    if (match === undefined) return Either.left(errorResponse(404, `network ${reference} not found`))
    return others.length === 0
      ? Either.right(match)
      : Either.left(
          errorResponse(
            400,
            `network ${reference} is ambiguous (${others.length + 1} matches found based on ID prefix)`
          )
        )
  }

  /** The IPv4 ranges of all networks. */
  get allocatedRanges(): ReadonlyArray<AddressRange> {
    return [...this.values()].flatMap(({ subnets }) => subnets.flatMap(({ Subnet }) => parseCidr(Subnet) ?? []))
  }

  /** Adds the networks that every engine has: `bridge`, `host` and `none`. */
  addPredefined(clock: EngineClock): Effect.Effect<void> {
    const drivers = { bridge: "bridge", host: "host", none: "null" }
    return Effect.forEach(
      Object.entries(drivers),
      ([name, driver]) =>
        Effect.map(clock.now, (created) => {
          const subnet = driver === "bridge" ? nextFreeSubnet(this.allocatedRanges) : undefined
          const network: MemoryNetwork = {
            id: newId(),
            name,
            driver,
            created,
            internal: false,
            attachable: false,
            ipv6: false,
            subnets: subnet === undefined ? [] : [subnet],
            options: {},
            labels: {},
            predefined: true
          }
          this.set(network.id, network)
        }),
      { discard: true }
    )
  }
}
