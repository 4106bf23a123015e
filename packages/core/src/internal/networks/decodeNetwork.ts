import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest } from "../../Docker.js"
import type { EngineError } from "../../DockerError.js"
import { decodeResponse, decodeWithRaw, nullable, StringRecord } from "../api/decode.js"
import type { Network, Subnet } from "./networkModels.js"

const EngineSubnet = Schema.Struct({
  Subnet: Schema.optional(Schema.String),
  Gateway: Schema.optional(Schema.String),
  IPRange: Schema.optional(Schema.String)
})

const decodeList = decodeResponse(Schema.Array(Schema.Unknown))

const isPresent = (text: string | undefined): text is string => text !== undefined && text !== ""

const subnet = ({ Gateway, IPRange, Subnet }: typeof EngineSubnet.Type): Subnet => ({
  subnet: Subnet ?? "",
  ...(isPresent(Gateway) ? { gateway: Gateway } : {}),
  ...(isPresent(IPRange) ? { ipRange: IPRange } : {})
})

/** Decodes the response of `GET /networks/{id}`. */
export const decodeNetwork = decodeWithRaw(
  Schema.Struct({
    Id: Schema.String,
    Name: Schema.String,
    Driver: Schema.String,
    Scope: Schema.String,
    Created: Schema.String,
    Internal: Schema.optional(Schema.Boolean),
    EnableIPv6: Schema.optional(Schema.Boolean),
    IPAM: nullable(Schema.Struct({ Config: nullable(Schema.Array(EngineSubnet)) })),
    Options: nullable(StringRecord),
    Labels: nullable(StringRecord),
    Containers: nullable(
      Schema.Record({
        key: Schema.String,
        value: Schema.Struct({ Name: Schema.String, IPv4Address: Schema.String, IPv6Address: Schema.String })
      })
    )
  }),
  ({ Containers, Created, Driver, EnableIPv6, IPAM, Id, Internal, Labels, Name, Options, Scope }, raw): Network => ({
    id: Id,
    name: Name,
    driver: Driver,
    scope: Scope,
    created: Created,
    internal: Internal ?? false,
    ipv6: EnableIPv6 ?? false,
    subnets: (IPAM?.Config ?? []).map(subnet),
    options: Options ?? {},
    labels: Labels ?? {},
    members: Object.entries(Containers ?? {}).map(([containerId, { IPv4Address, IPv6Address, Name }]) => ({
      containerId,
      name: Name,
      ipv4Address: IPv4Address,
      ipv6Address: IPv6Address
    })),
    raw
  })
)

/** Decodes the response of `GET /networks`. */
export const decodeNetworks = (
  request: DockerRequest,
  status: number,
  body: unknown
): Effect.Effect<ReadonlyArray<Network>, EngineError> =>
  Effect.flatMap(decodeList(request, status, body), (networks) =>
    Effect.forEach(networks, (network) => decodeNetwork(request, status, network))
  )
