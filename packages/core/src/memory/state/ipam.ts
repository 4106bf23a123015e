import * as Schema from "effect/Schema"
import { isIPv4 } from "node:net"

/** A subnet as a network is configured with it; all addresses are text. */
export const IpamConfig = Schema.Struct({
  Subnet: Schema.optional(Schema.String),
  IPRange: Schema.optional(Schema.String),
  Gateway: Schema.optional(Schema.String)
})

/** A configured subnet. */
export interface Subnet extends Schema.Schema.Type<typeof IpamConfig> {
  readonly Subnet: string
}

/** A range of IPv4 addresses. */
export interface AddressRange {
  readonly base: number
  /** The prefix length. */
  readonly bits: number
}

const parseAddress = (address: string): number =>
  address.split(".").reduce((number, octet) => number * 256 + Number(octet), 0)

const formatAddress = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".")

/** Parses an IPv4 range such as `10.5.0.0/16`. */
export const parseCidr = (cidr: string): AddressRange | undefined => {
  const [address = "", bits = "", ...rest] = cidr.split("/")
  return isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32 && rest.length === 0
    ? { base: parseAddress(address), bits: Number(bits) }
    : undefined
}

const sizeOf = ({ bits }: AddressRange): number => 2 ** (32 - bits)

/** Whether an address is in a range. */
export const contains = (range: AddressRange, address: string): boolean =>
  isIPv4(address) && Math.floor(parseAddress(address) / sizeOf(range)) === Math.floor(range.base / sizeOf(range))

/** Whether two ranges overlap. */
export const overlaps = (left: AddressRange, right: AddressRange): boolean => {
  const size = Math.max(sizeOf(left), sizeOf(right))
  return Math.floor(left.base / size) === Math.floor(right.base / size)
}

/** The next free subnet of the engine's default address pool; `undefined` when the pool is exhausted. */
export const nextFreeSubnet = (allocated: ReadonlyArray<AddressRange>): Subnet | undefined => {
  for (let second = 17; second < 32; second++) {
    const range: AddressRange = { base: parseAddress(`172.${second}.0.0`), bits: 16 }
    if (allocated.every((other) => !overlaps(range, other))) {
      return { Subnet: `172.${second}.0.0/16`, Gateway: `172.${second}.0.1` }
    }
  }
  return undefined
}

/** The next free address of a subnet, with its prefix length; empty when there is none. */
export const nextFreeAddress = (subnet: Subnet, allocated: ReadonlyArray<string>): string => {
  const range = parseCidr(subnet.IPRange ?? subnet.Subnet)
  const network = parseCidr(subnet.Subnet)
  if (range === undefined || network === undefined) return ""
  const taken = new Set([subnet.Gateway, ...allocated.map((address) => address.split("/")[0])])
  const first = Math.floor(range.base / sizeOf(range)) * sizeOf(range)
  for (let number = first + 1; number < first + sizeOf(range) - 1; number++) {
    const address = formatAddress(number)
    if (!taken.has(address)) return `${address}/${network.bits}`
  }
  return ""
}
