import * as Effect from "effect/Effect"
import { isIP, isIPv4 } from "node:net"
import { type EngineError, InvalidRequest, NameConflict } from "../../DockerError.js"
import type { Subnet } from "./networkModels.js"

/**
 * Configuration of a new network.
 *
 * @since 0.1.0
 * @category models
 */
export interface NetworkSpec {
  /** Any text that is not blank. */
  readonly name: string
  /** Default: `bridge`. */
  readonly driver?: string
  /** Chosen by the engine if omitted. */
  readonly subnets?: ReadonlyArray<Subnet>
  /** Whether to disable external access. */
  readonly internal?: boolean
  /** Whether standalone containers can join a swarm-scoped network. */
  readonly attachable?: boolean
  /** Whether to enable IPv6. */
  readonly ipv6?: boolean
  /** Driver options. */
  readonly options?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

const validateCidr = (field: string, value: string): Effect.Effect<void, InvalidRequest> => {
  const [address = "", bits = "", ...more] = value.split("/")
  const longest = isIPv4(address) ? 32 : 128
  return more.length === 0 && isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest
    ? Effect.void
    : Effect.fail(new InvalidRequest({ field, value, detail: "must be in CIDR notation, such as 10.5.0.0/16" }))
}

/** Checks an optional IP address. */
export const validateAddress = (field: string, value: string | undefined): Effect.Effect<void, InvalidRequest> =>
  value === undefined || isIP(value) !== 0
    ? Effect.void
    : Effect.fail(new InvalidRequest({ field, value, detail: "must be an IP address, such as 10.5.0.1" }))

const validateSpec = ({ name, subnets = [] }: NetworkSpec): Effect.Effect<void, InvalidRequest> =>
  Effect.gen(function* () {
    if (name.trim() === "") {
      return yield* new InvalidRequest({ field: "network name", value: name, detail: "must not be blank" })
    }
    for (const { gateway, ipRange, subnet } of subnets) {
      yield* validateCidr("subnet", subnet)
      if (ipRange !== undefined) yield* validateCidr("IP range", ipRange)
      yield* validateAddress("gateway", gateway)
    }
  })

/** Encodes the body of `POST /networks/create`. */
export const encodeNetworkSpec = (spec: NetworkSpec): Effect.Effect<Record<string, unknown>, InvalidRequest> =>
  Effect.as(validateSpec(spec), {
    Name: spec.name,
    Driver: spec.driver ?? "bridge",
    Internal: spec.internal,
    Attachable: spec.attachable,
    EnableIPv6: spec.ipv6,
    // Without it, engines before API 1.44 create a second network of the same name.
    CheckDuplicate: true,
    IPAM:
      spec.subnets === undefined
        ? undefined
        : {
            Config: spec.subnets.map(({ gateway, ipRange, subnet }) => ({
              Subnet: subnet,
              Gateway: gateway,
              IPRange: ipRange
            }))
          },
    Options: spec.options,
    Labels: spec.labels
  })

/** Rule for creating a network. */
export const createNetworkError = (
  spec: NetworkSpec,
  { detail, status }: EngineError
): NameConflict | InvalidRequest | undefined => {
  const invalid = (field: string, value: string) => new InvalidRequest({ field, value, detail })
  if (/already exists|name .* is already (in use|used)/.test(detail))
    return new NameConflict({ name: spec.name, detail })
  if (/overlaps|is already used on the host/.test(detail)) {
    return invalid("subnet", (spec.subnets ?? []).map(({ subnet }) => subnet).join(", "))
  }
  if ((status === 404 && /plugin/.test(detail)) || /^unsupported driver|only one instance of/.test(detail)) {
    return invalid("driver", spec.driver ?? "bridge")
  }
  if (/predefined|pre-defined|conflicts with a valid network mode/.test(detail))
    return invalid("network name", spec.name)
  return status === 400 || /out of range$|: invalid argument$|not in subnet/.test(detail)
    ? invalid("network specification", spec.name)
    : undefined
}
