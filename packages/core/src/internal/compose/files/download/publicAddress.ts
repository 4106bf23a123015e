import { BlockList, isIPv4, isIPv6 } from "node:net"

/** IPv4 networks that are not public: IANA's special-purpose registry, multicast, and an address with which Azure serves its machines. */
const notPublic4: ReadonlyArray<readonly [network: string, prefix: number]> = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4]
]

/** All public IPv6 addresses are in here. Not those that stand for IPv4 addresses, such as mapped ones and NAT64. */
const global6 = ["2000::", 3] as const

/** What is not public in there: protocols (Teredo among them), documentation, and 6to4, which stands for IPv4 addresses. */
const notPublic6: ReadonlyArray<readonly [network: string, prefix: number]> = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20]
]

const listOf = (
  networks: ReadonlyArray<readonly [network: string, prefix: number]>,
  family: "ipv4" | "ipv6"
): BlockList => {
  const list = new BlockList()
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family)
  return list
}

const blocked4 = listOf(notPublic4, "ipv4")
const allowed6 = listOf([global6], "ipv6")
const blocked6 = listOf(notPublic6, "ipv6")

/** Whether an IP address is one of the public internet. Everything that is not known to be is not. */
export const isPublicAddress = (address: string): boolean => {
  if (isIPv4(address)) return !blocked4.check(address, "ipv4")
  return isIPv6(address) && allowed6.check(address, "ipv6") && !blocked6.check(address, "ipv6")
}
