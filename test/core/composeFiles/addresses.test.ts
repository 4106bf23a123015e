import { ComposeFiles } from "@dockwire/core"
import { Effect, FastCheck, Layer } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { HostLookup } from "../../../packages/core/src/internal/compose/files/download/connection.js"
import { isPublicAddress } from "../../../packages/core/src/internal/compose/files/download/publicAddress.js"
import { failureWith, runWith } from "../runWith.js"
import { type FileServer, startFileServer } from "./fileServer.js"
import { filesIn, temporaryFolder } from "./projectsFolder.js"

const publicAddresses = [
  "1.1.1.1",
  "8.8.8.8",
  "100.63.255.255",
  "100.128.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "169.253.255.255",
  "192.169.0.0",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001:828::200e",
  "2001:200::1"
]

const otherAddresses = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.0",
  "100.100.100.200",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.255.255",
  "168.63.129.16",
  "169.254.169.254",
  "172.16.0.0",
  "172.31.255.255",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.1.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::7f00:1",
  "::ffff:127.0.0.1",
  "::ffff:8.8.8.8",
  "::ffff:0:127.0.0.1",
  "64:ff9b::7f00:1",
  "64:ff9b::808:808",
  "64:ff9b:1::1",
  "100::1",
  "2001::1",
  "2001:10::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "3fff::1",
  "5f00::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
  "",
  "example.com",
  "127.1"
]

/** URLs with loopback addresses, as they are and in disguise. */
const loopbackUrls = (port: number): ReadonlyArray<string> => [
  `http://127.0.0.1:${port}/`,
  `http://127.1:${port}/`,
  `http://2130706433:${port}/`,
  `http://0x7f000001:${port}/`,
  `http://0177.0.0.1:${port}/`,
  `http://0.0.0.0:${port}/`,
  `http://0:${port}/`,
  `http://127.0.0.1.:${port}/`,
  `http://１２７.0.0.1:${port}/`,
  `http://[::1]:${port}/`,
  `http://[::ffff:127.0.0.1]:${port}/`,
  `http://[::ffff:7f00:1]:${port}/`,
  `http://[64:ff9b::7f00:1]:${port}/`,
  `http://localhost:${port}/`,
  `http://LOCALHOST:${port}/`
]

describe("the addresses of the public internet", () => {
  it.for(publicAddresses)("include %s", (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.for(otherAddresses)("do not include %s", (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it("include no IPv4 address in any of its IPv6 forms, and nothing that is not an address", () => {
    const byte = FastCheck.integer({ min: 0, max: 255 })
    FastCheck.assert(
      FastCheck.property(FastCheck.tuple(byte, byte, byte, byte), ([a, b, c, d]) => {
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
        const forms = [
          `::${hex}`,
          `::ffff:${hex}`,
          `::ffff:${[a, b, c, d].join(".")}`,
          `64:ff9b::${hex}`,
          `2002:${hex}::`
        ]
        expect(forms.filter(isPublicAddress)).toEqual([])
      })
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.string(), (text) => {
        if (!/^[\d.]+$|:/.test(text)) expect(isPublicAddress(text)).toBe(false)
      })
    )
  })
})

describe("a download from public addresses only", () => {
  let server: FileServer
  const moved = new Map<string, string>()
  beforeAll(async () => {
    server = await startFileServer((request, response) => {
      const location = moved.get(request.url ?? "")
      if (location === undefined) response.end("services: { web: { image: x } }\n")
      else response.writeHead(302, { Location: location }).end()
    })
  })
  afterAll(() => server.close())

  const download = (url: string) => Effect.flatMap(ComposeFiles, (files) => files.download(url, "web"))

  it("connects to nothing else, however the URL is written", async () => {
    const layer = filesIn(await temporaryFolder(), { addresses: "public" })
    const asked = server.requests.length
    for (const url of loopbackUrls(server.port)) {
      expect(await failureWith(layer, download(url)), url).toMatchObject({ reason: "AddressRefused" })
    }
    expect(server.requests).toHaveLength(asked)
  })

  /** Hosts whose addresses are those of a table. Each is looked up once: later there is another address. */
  const withHosts = <A, E, R>(
    hosts: Readonly<Record<string, ReadonlyArray<string>>>,
    effect: Effect.Effect<A, E, R>
  ) => {
    const lookups = new Map<string, number>()
    return Effect.provideService(effect, HostLookup, {
      resolve: (host, callback) => {
        const count = lookups.get(host) ?? 0
        lookups.set(host, count + 1)
        const found = count === 0 ? (hosts[host] ?? []) : ["127.0.0.1"]
        callback(
          null,
          found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
        )
      }
    })
  }

  it("looks at all addresses of a host, once", async () => {
    const layer = filesIn(await temporaryFolder(), { addresses: "public", timeout: 500 })
    const url = `http://files.example:${server.port}/`
    for (const [addresses, reason] of [
      [["127.0.0.1"], "AddressRefused"],
      [["8.8.8.8", "10.0.0.1"], "AddressRefused"],
      [["2606:4700:4700::1111", "::1"], "AddressRefused"],
      [[], "HostNotFound"]
    ] as const) {
      const failure = await failureWith(layer, withHosts({ "files.example": addresses }, download(url)))
      expect(failure, addresses.join()).toMatchObject({ reason })
    }
    const asked = server.requests.length
    // This address is public, and nobody answers at this port. The second answer of the lookup is never used.
    const failure = await failureWith(layer, withHosts({ "files.example": ["192.0.3.1"] }, download(url)))
    expect(failure).toMatchObject({ reason: expect.stringMatching(/^(TimedOut|Unreachable)$/) })
    expect(server.requests).toHaveLength(asked)
  })

  it("is asked for: otherwise any address will do, and redirects are followed to another host without credentials", async () => {
    const other = await startFileServer((_, response) => response.end("services: { web: { image: y } }\n"))
    try {
      moved.set("/here", "/there?a=b")
      moved.set("/there?a=b", `http://localhost:${other.port}/file`)
      const layer = Layer.fresh(filesIn(await temporaryFolder()))
      const before = server.requests.length
      const hosts = { localhost: ["127.0.0.1"] }
      const url = server.url.replace("//", "//ann:p%40ss@")
      expect(await runWith(layer, withHosts(hosts, download(`${url}/here`)))).toMatchObject({ changed: true })
      const sent = server.requests.slice(before).map(({ headers, url }) => [url, headers.authorization])
      const credentials = `Basic ${Buffer.from("ann:p@ss").toString("base64")}`
      expect(sent).toEqual([
        ["/here", credentials],
        ["/there?a=b", credentials]
      ])
      expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
    } finally {
      await other.close()
    }
  })
})
