import type { ContainerPort } from "@dockwire/core/Containers"

const withHost = (ip: string, ports: string) => (ip.includes(":") ? `[${ip}]:${ports}` : `${ip}:${ports}`)

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const byPort = (a: ContainerPort, b: ContainerPort) =>
  a.privatePort - b.privatePort ||
  compareText(a.ip ?? "", b.ip ?? "") ||
  (a.publicPort ?? 0) - (b.publicPort ?? 0) ||
  compareText(a.protocol, b.protocol)

interface PortRange {
  readonly ip: string | undefined
  readonly protocol: string
  readonly first: number
  last: number
}

const rangeText = ({ first, ip, last, protocol }: PortRange): string => {
  const ports = first === last ? `${first}` : `${first}-${last}`
  return `${ip === undefined ? ports : `${withHost(ip, ports)}->${ports}`}/${protocol}`
}

/**
 * Formats the ports of a container as `docker ps` does: `127.0.0.1:18080->80/tcp, 7000-7003/tcp`. Adjacent ports form a
 * range if they are unpublished, or published under their own number. Ports published under another number follow.
 */
export const portsText = (ports: ReadonlyArray<ContainerPort>): string => {
  const ranges: Array<string> = []
  const remapped: Array<string> = []
  const open = new Map<string, PortRange>()
  for (const { ip, privatePort, protocol, publicPort } of ports.toSorted(byPort)) {
    if (ip !== undefined && publicPort !== privatePort) {
      remapped.push(`${withHost(ip, `${publicPort ?? 0}`)}->${privatePort}/${protocol}`)
      continue
    }
    const key = `${ip ?? ""}/${protocol}`
    const range = open.get(key)
    if (range !== undefined && privatePort === range.last + 1) {
      range.last = privatePort
      continue
    }
    if (range !== undefined) ranges.push(rangeText(range))
    // Setting an existing key keeps its position in the map: the docker command prints ranges in this order.
    open.set(key, { ip, protocol, first: privatePort, last: privatePort })
  }
  return [...ranges, ...Array.from(open.values(), rangeText), ...remapped].join(", ")
}
