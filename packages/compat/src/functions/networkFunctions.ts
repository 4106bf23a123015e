/**
 * The old functions for networks.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { isIP, isIPv4 } from "node:net"
import type { NetworksShape } from "@dockwire/core/Networks"
import { containerArgument, InvalidArgument, nameArgument, optionalText } from "../run/arguments.js"
import type { Failure } from "../run/failureText.js"
import { listOutcome, type ObjectOutcome, objectOutcome, type Outcome, outcome } from "../run/outcome.js"
import { networks } from "../run/services.js"
import { naturalOrder } from "../text/naturalOrder.js"
import { type NetworkRow, networkRow } from "../text/networkRow.js"

/**
 * Lists the networks, sorted by name. When the engine can't list them, the list is empty and the reason goes to the `warn`
 * option.
 *
 * @since 0.1.0
 * @category networks
 */
export const get_networks = (): Promise<Array<NetworkRow>> =>
  listOutcome(
    Effect.flatMap(networks, ({ list }) =>
      Effect.map(list(), (all) => all.map(networkRow).toSorted((a, b) => naturalOrder(a.name, b.name)))
    )
  )

const isCidr = (text: string): boolean => {
  const [address = "", bits = "", ...more] = text.split("/")
  return (
    more.length === 0 && isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128)
  )
}

const subnetsArgument = (subnet: unknown, gateway: unknown) =>
  Effect.gen(function* () {
    const [network, router] = [yield* optionalText("subnet", subnet), yield* optionalText("gateway", gateway)]
    const invalid = (name: string, value: string | undefined, detail: string) =>
      new InvalidArgument({ name, value, detail })
    if (network !== undefined && !isCidr(network)) {
      return yield* invalid("subnet", network, "it must be in CIDR notation, such as 10.5.0.0/16")
    }
    if (router !== undefined && isIP(router) === 0) {
      return yield* invalid("gateway", router, "it must be an IP address, such as 10.5.0.1")
    }
    if (network !== undefined)
      return { subnets: [{ subnet: network, ...(router === undefined ? {} : { gateway: router }) }] }
    return router === undefined
      ? {}
      : yield* invalid("gateway", router, "every ip-range or gateway must have a corresponding subnet")
  })

/**
 * Creates a network. The output is its full id.
 *
 * @since 0.1.0
 * @category networks
 */
export const create_network = (
  name: string,
  driver: string = "bridge",
  subnet?: string | null,
  gateway?: string | null
): Promise<Outcome> =>
  outcome(
    Effect.gen(function* () {
      const network = yield* nameArgument("name", name)
      const wanted = (yield* optionalText("driver", driver)) ?? "bridge"
      const created = yield* (yield* networks).create({
        name: network,
        driver: wanted,
        ...(yield* subnetsArgument(subnet, gateway))
      })
      return `${created.id}\n`
    })
  )

/**
 * Removes a network that no container is connected to. The output is its name as given.
 *
 * @since 0.1.0
 * @category networks
 */
export const remove_network = (name: string): Promise<Outcome> =>
  outcome(
    Effect.gen(function* () {
      const network = yield* nameArgument("name", name)
      yield* (yield* networks).remove(network)
      return `${network}\n`
    }),
    () => "exit status 1\n"
  )

/**
 * Returns the engine's own inspect object of a network, or `{}` if there is none.
 *
 * @since 0.1.0
 * @category networks
 */
export const inspect_network = (name: string): Promise<ObjectOutcome> =>
  objectOutcome(
    Effect.gen(function* () {
      const network = yield* nameArgument("name", name)
      return { ...(yield* (yield* networks).inspect(network)).raw }
    })
  )

const withBoth = (
  container_id: string,
  network_id: string,
  effect: (service: NetworksShape, network: string, container: string) => Effect.Effect<void, Failure>
): Promise<Outcome> =>
  outcome(
    Effect.gen(function* () {
      const container = yield* containerArgument("container_id", container_id)
      const network = yield* nameArgument("network_id", network_id)
      yield* effect(yield* networks, network, container)
      return ""
    })
  )

/**
 * Connects a container to a network. The output is empty.
 *
 * @since 0.1.0
 * @category networks
 */
export const connect_container_to_network = (container_id: string, network_id: string): Promise<Outcome> =>
  withBoth(container_id, network_id, ({ connect }, network, container) => connect(network, container))

/**
 * Disconnects a container from a network. The output is empty.
 *
 * @since 0.1.0
 * @category networks
 */
export const disconnect_container_from_network = (container_id: string, network_id: string): Promise<Outcome> =>
  withBoth(container_id, network_id, ({ disconnect }, network, container) => disconnect(network, container))
