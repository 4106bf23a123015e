import * as Schema from "effect/Schema"
import { RawObject, StringRecord } from "../api/decode.js"

/**
 * A subnet of a network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Subnet = Schema.Struct({
  /** CIDR, such as `10.5.0.0/16`. */
  subnet: Schema.String,
  /** Address of the gateway. */
  gateway: Schema.optionalWith(Schema.String, { exact: true }),
  /** CIDR within `subnet` from which containers are assigned addresses. */
  ipRange: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ identifier: "Subnet" })

/**
 * @since 0.1.0
 * @category models
 */
export type Subnet = typeof Subnet.Type

/**
 * A container connected to a network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const NetworkMember = Schema.Struct({
  containerId: Schema.String,
  /** Container name. */
  name: Schema.String,
  /** CIDR, or empty. */
  ipv4Address: Schema.String,
  /** CIDR, or empty. */
  ipv6Address: Schema.String
}).annotations({ identifier: "NetworkMember" })

/**
 * @since 0.1.0
 * @category models
 */
export type NetworkMember = typeof NetworkMember.Type

/**
 * A network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Network = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  driver: Schema.String,
  /** `local`, `global` or `swarm`. */
  scope: Schema.String,
  /** Creation time, RFC 3339. */
  created: Schema.String,
  /** Whether external access is disabled. */
  internal: Schema.Boolean,
  /** Whether IPv6 is enabled. */
  ipv6: Schema.Boolean,
  subnets: Schema.Array(Subnet),
  /** Driver options. */
  options: StringRecord,
  labels: StringRecord,
  /** Connected containers. Filled by `Networks.inspect` only; `Networks.list` leaves it empty. */
  members: Schema.Array(NetworkMember).annotations({
    description: "Connected containers; empty in a list"
  }),
  /** The complete response from the engine. */
  raw: RawObject
}).annotations({ identifier: "Network" })

/**
 * @since 0.1.0
 * @category models
 */
export type Network = typeof Network.Type

/**
 * A network that has just been created.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreatedNetwork = Schema.Struct({
  id: Schema.String,
  /** Warnings from the engine. */
  warnings: Schema.Array(Schema.String)
}).annotations({ identifier: "CreatedNetwork" })

/**
 * @since 0.1.0
 * @category models
 */
export type CreatedNetwork = typeof CreatedNetwork.Type
