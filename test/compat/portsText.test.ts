import { describe, expect, it } from "vitest"
import { portsText } from "../../packages/compat/src/text/portsText.js"

const tcp = (privatePort: number, publicPort?: number, ip?: string) => ({
  privatePort,
  protocol: "tcp",
  ...(publicPort === undefined ? {} : { publicPort }),
  ...(ip === undefined ? {} : { ip })
})

describe("the text of a container's ports", () => {
  it("is empty without ports", () => {
    expect(portsText([])).toBe("")
  })

  it("shows the address of a published port", () => {
    expect(portsText([tcp(80, 18080, "127.0.0.1")])).toBe("127.0.0.1:18080->80/tcp")
    expect(portsText([tcp(80, 18080, "::")])).toBe("[::]:18080->80/tcp")
  })

  it("joins adjacent ports of the same protocol and address to a range", () => {
    const udp = { privatePort: 7000, protocol: "udp" }
    expect(portsText([tcp(7002), udp, tcp(7000), tcp(7001), tcp(7005)])).toBe("7000-7002/tcp, 7005/tcp, 7000/udp")
    expect(portsText([tcp(81, 81, "0.0.0.0"), tcp(80, 80, "0.0.0.0"), tcp(80, 80, "::")])).toBe(
      "0.0.0.0:80-81->80-81/tcp, [::]:80->80/tcp"
    )
  })

  it("lists ports published under another number last, one by one", () => {
    expect(portsText([tcp(81, 18081, "0.0.0.0"), tcp(80, 18080, "0.0.0.0"), tcp(90)])).toBe(
      "90/tcp, 0.0.0.0:18080->80/tcp, 0.0.0.0:18081->81/tcp"
    )
  })
})
