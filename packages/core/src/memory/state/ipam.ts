import { isIPv4 } from "node:net"
import type { EngineState, MemoryNetwork } from "./engineState.js"

/** A range of IPv4 addresses. */
export interface Range {
  readonly base: number
  readonly bits: number
}

const numberOf = (address: string): number =>
  address.split(".").reduce((number, part) => number * 256 + Number(part), 0)

/** The address as it is written. */
export const formatAddress = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".")

/** Reads `10.5.0.0/16`; `undefined` where it is none. */
export const parseCidr = (cidr: string): Range | undefined => {
  const [address = "", bits = "", ...more] = cidr.split("/")
  return isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32 && more.length === 0
    ? { base: numberOf(address), bits: Number(bits) }
    : undefined
}

const size = ({ bits }: Range): number => 2 ** (32 - bits)

/** Whether an address lies in a range. */
export const contains = (range: Range, address: string): boolean =>
  isIPv4(address) && Math.floor(numberOf(address) / size(range)) === Math.floor(range.base / size(range))

/** Whether two ranges have an address in common. */
export const overlaps = (left: Range, right: Range): boolean => {
  const wider = size(left) > size(right) ? left : right
  return Math.floor(left.base / size(wider)) === Math.floor(right.base / size(wider))
}

/** The ranges of all networks. */
export const allocatedRanges = (state: EngineState): ReadonlyArray<Range> =>
  [...state.networks.values()].flatMap(({ subnets }) => subnets.flatMap(({ Subnet }) => parseCidr(Subnet) ?? []))

/** A range that no network has, from those that the engine gives out by itself. */
export const nextFreeSubnet = (
  state: EngineState
): { readonly Subnet: string; readonly Gateway: string } | undefined => {
  const taken = allocatedRanges(state)
  for (let second = 17; second < 32; second++) {
    const range: Range = { base: numberOf(`172.${second}.0.0`), bits: 16 }
    if (taken.every((other) => !overlaps(range, other))) {
      return { Subnet: `172.${second}.0.0/16`, Gateway: `172.${second}.0.1` }
    }
  }
  return undefined
}

/** An address on the network that nobody has, with the length of its prefix; empty where the network has none to give. */
export const nextFreeAddress = (state: EngineState, network: MemoryNetwork): string => {
  const subnet = network.subnets[0]
  const range = subnet === undefined ? undefined : parseCidr(subnet.IPRange ?? subnet.Subnet)
  const whole = subnet === undefined ? undefined : parseCidr(subnet.Subnet)
  if (range === undefined || whole === undefined || network.driver === "null" || network.driver === "host") return ""
  const taken = new Set([
    subnet?.Gateway,
    ...state.members(network).map(({ endpoint }) => endpoint.address.split("/")[0])
  ])
  const first = Math.floor(range.base / size(range)) * size(range)
  for (let number = first + 1; number < first + size(range) - 1; number++) {
    const address = formatAddress(number)
    if (!taken.has(address)) return `${address}/${whole.bits}`
  }
  return ""
}
