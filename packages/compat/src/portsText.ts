import type { ContainerPort } from "@dockwire/core/Containers"

const withHost = (ip: string, ports: string) => (ip.includes(":") ? `[${ip}]:${ports}` : `${ip}:${ports}`)

const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const byPort = (a: ContainerPort, b: ContainerPort) =>
  a.privatePort - b.privatePort ||
  text(a.ip ?? "", b.ip ?? "") ||
  (a.publicPort ?? 0) - (b.publicPort ?? 0) ||
  text(a.protocol, b.protocol)

interface Range {
  readonly ip: string | undefined
  readonly protocol: string
  readonly first: number
  last: number
}

const rangeText = ({ first, ip, last, protocol }: Range): string => {
  const ports = first === last ? `${first}` : `${first}-${last}`
  return `${ip === undefined ? ports : `${withHost(ip, ports)}->${ports}`}/${protocol}`
}

/**
 * The ports of a container as `docker ps` writes them: `127.0.0.1:18080->80/tcp, 7000-7003/tcp`. Neighbours are one range,
 * where they are not published or published under their own number; then come those published under another.
 */
export const portsText = (ports: ReadonlyArray<ContainerPort>): string => {
  const closed: Array<string> = []
  const moved: Array<string> = []
  const open = new Map<string, Range>()
  for (const { ip, privatePort, protocol, publicPort } of ports.toSorted(byPort)) {
    if (ip !== undefined && publicPort !== privatePort) {
      moved.push(`${withHost(ip, `${publicPort ?? 0}`)}->${privatePort}/${protocol}`)
      continue
    }
    const key = `${ip ?? ""}/${protocol}`
    const range = open.get(key)
    if (range !== undefined && privatePort === range.last + 1) {
      range.last = privatePort
      continue
    }
    if (range !== undefined) closed.push(rangeText(range))
    // Set on a key that is there keeps its place, as the docker command does.
    open.set(key, { ip, protocol, first: privatePort, last: privatePort })
  }
  return [...closed, ...Array.from(open.values(), rangeText), ...moved].join(", ")
}
