import { request } from "node:http"
import { hostname } from "node:os"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { accessRules, checkAccess } from "../../packages/server/src/access/Access.js"
import { namesInHostsFile } from "../../packages/server/src/access/machineNames.js"
import { type InProcessServer, startInProcess } from "./inProcessServer.js"

type Headers = Record<string, string>

const loopback = accessRules({ host: "127.0.0.1", publicOrigins: ["https://logs.test"] }, ["box"])
const otherPort = accessRules({ host: "127.0.0.1", publicOrigins: ["https://logs.test:8443", "http://plain.test"] }, [])
const everywhere = accessRules({ host: "0.0.0.0", publicOrigins: [] }, ["box", "box.lan.example.com"])
const both = accessRules({ host: "0.0.0.0", publicOrigins: ["https://box"] }, ["box"])

describe("the Host and Origin of a request", () => {
  it.each([
    [loopback, "logs.test", undefined],
    [loopback, "logs.test", "https://logs.test"],
    // nginx: proxy_set_header Host $host:$server_port
    [loopback, "logs.test:443", "https://logs.test"],
    [loopback, "LOGS.test:443", "https://logs.test:443"],
    // A proxy in a container, whose own port differs from the published one.
    [loopback, "logs.test:8443", "https://logs.test"],
    // A proxy that forwards no Host.
    [loopback, "127.0.0.1:7070", "https://logs.test"],
    [loopback, "localhost:80", "http://localhost"],
    [loopback, "localhost", "http://localhost:80"],
    [loopback, "[::1]:7070", "http://[::1]:7070"],
    // nginx: proxy_set_header Host $host, which drops the port.
    [otherPort, "logs.test", "https://logs.test:8443"],
    [otherPort, "logs.test:8443", "https://logs.test:8443"],
    [otherPort, "plain.test", "http://plain.test"],
    [otherPort, "plain.test:80", "http://plain.test"],
    [everywhere, "box:7070", "http://box:7070"],
    [everywhere, "box.lan.example.com:7070", undefined],
    [everywhere, "192.0.2.1:7070", "http://192.0.2.1:7070"],
    [both, "box", "https://box"],
    [both, "box:7070", "http://box:7070"]
  ])("%#. accepts %o %s from %s", (rules, host, origin) => {
    expect(checkAccess(rules, { host, origin })).toBeUndefined()
  })

  it.each([
    [loopback, "logs.test:443", "http://logs.test:443"],
    [loopback, "logs.test", "http://logs.test"],
    [loopback, "logs.test:8443", "http://logs.test:8443"],
    [loopback, "logs.test:8443", "https://logs.test:8443"],
    [loopback, "logs.test", "https://logs.test/path"],
    [loopback, "logs.test", "https://user@logs.test"],
    [loopback, "logs.test", "null"],
    [loopback, "127.0.0.1:443", "https://127.0.0.1"],
    [loopback, "127.0.0.1:7070", "http://localhost:7070"],
    [loopback, "127.0.0.1:7070", "http://127.0.0.1:7071"],
    [otherPort, "logs.test", "https://logs.test"],
    [otherPort, "plain.test", "https://plain.test"],
    [everywhere, "box:7070", "http://evil.test:7070"],
    [both, "box", "http://box"]
  ])("%#. refuses %o %s from %s: the origin", (rules, host, origin) => {
    expect(checkAccess(rules, { host, origin })).toMatchObject({ _tag: "OriginNotAllowed" })
  })

  it.each([
    [loopback, "evil.test"],
    [loopback, "logs.test.evil.test"],
    [loopback, "xlogs.test"],
    [loopback, "logs.test."],
    [loopback, ""],
    [loopback, "logs.test:443:443"],
    [loopback, "logs.test:"],
    [loopback, "evil@logs.test"],
    // Only this machine can connect, so its name is of no use to anyone else.
    [loopback, "box:7070"],
    [everywhere, "box.evil.test:7070"],
    [everywhere, "box.:7070"],
    [everywhere, "lan.example.com:7070"],
    [everywhere, "xbox:7070"]
  ])("%#. refuses %o %s: the host", (rules, host) => {
    expect(checkAccess(rules, { host })).toMatchObject({ _tag: "HostNotAllowed" })
  })

  const suggestions: ReadonlyArray<readonly [Headers, string]> = [
    [{ host: "my.test" }, "https://my.test"],
    [{ host: "my.test:443" }, "https://my.test"],
    [{ host: "my.test:7070" }, "http://my.test:7070"],
    [{ host: "my.test:8443", "sec-fetch-site": "none" }, "https://my.test:8443"],
    [{ host: "my.test:8443", "x-forwarded-proto": "https, http" }, "https://my.test:8443"],
    [{ host: "my.test", "x-forwarded-proto": "http" }, "http://my.test"],
    [{ host: "my.test", origin: "http://my.test" }, "http://my.test"],
    [{ host: "my.test", origin: "https://other.test" }, "https://my.test"]
  ]
  it.each(suggestions)("%o: the message names the origin to add", (headers, origin) => {
    expect(checkAccess(loopback, headers)?.message).toBe(
      `Dockwire does not serve the host ${JSON.stringify(headers["host"])}. If a proxy serves Dockwire under this address, restart Dockwire with --public-origin ${origin} (the address that the browser shows).`
    )
  })

  it("the message fits the case", () => {
    expect(checkAccess(everywhere, { host: "alias:7070" })?.message).toBe(
      'Dockwire does not serve the host "alias:7070". Open this machine by its IP address or its own name, box or box.lan.example.com. To use this address, restart Dockwire with --public-origin http://alias:7070 (the address that the browser shows).'
    )
    expect(checkAccess(loopback, { host: "a b" })?.message).toBe(
      'The Host header "a b" is not a host name with an optional port.'
    )
    expect(checkAccess(loopback, { host: "logs.test", origin: "http://logs.test" })?.message).toBe(
      'Pages from "http://logs.test" may not use this server. Open https://logs.test instead. Or, to allow them, restart Dockwire with --public-origin http://logs.test.'
    )
    expect(checkAccess(loopback, { host: "localhost", origin: "https://my.test" })?.message).toBe(
      'Pages from "https://my.test" may not use this server. To allow them, restart Dockwire with --public-origin https://my.test.'
    )
  })

  it("the machine's qualified name is read from its hosts file", () => {
    const file =
      "# box.comment\n127.0.0.1 localhost\n127.0.1.1\tBox.lan.example.com box # box.late\n192.0.2.1 boxes.x box2\n"
    expect(namesInHostsFile("box", file)).toEqual(["box.lan.example.com"])
    expect(namesInHostsFile("other", file)).toEqual([])
  })
})

describe("a refused request", () => {
  let server: InProcessServer
  beforeAll(async () => {
    server = await startInProcess({
      endpoint: "unix:///nonexistent/docker.sock",
      host: "0.0.0.0",
      token: "a-token-of-my-own"
    })
  })
  afterAll(() => server.stop())

  const get = (headers: Headers): Promise<{ status: number; type: string; policy: string; text: string }> =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port: server.port, path: "/", headers, agent: false }, (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (part: string) => (text += part))
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            type: String(response.headers["content-type"]),
            policy: String(response.headers["content-security-policy"]),
            text
          })
        )
      })
        .on("error", reject)
        .end()
    })

  it("is answered with a page for a browser, and with JSON for anything else", async () => {
    const host = "logs.test"
    const page = await get({ host, accept: "text/html,application/xhtml+xml,*/*;q=0.8" })
    expect(page).toMatchObject({ status: 403, type: "text/html; charset=utf-8" })
    expect(page.text).toContain("--public-origin https://logs.test ")
    expect(page.text).not.toContain("<script")
    expect(page.policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'/)
    for (const accept of ["*/*", "application/json"]) {
      const json = await get({ host, accept })
      expect(json.status).toBe(403)
      expect(JSON.parse(json.text)).toMatchObject({
        _tag: "HostNotAllowed",
        message: expect.stringContaining("--public-origin https://logs.test ")
      })
    }
  })

  it("has nothing of the request in its markup", async () => {
    const page = await get({ host: "<img/src=x>.test", accept: "text/html" })
    expect(page.status).toBe(403)
    expect(page.text).not.toContain("<img")
    const origin = await get({ host: "localhost", origin: "<b>&'", accept: "text/html" })
    expect(origin.text).toContain("&#60;b&#62;&#38;&#39;")
  })

  it("is not one for the machine's own name, if other machines can connect", async () => {
    expect((await get({ host: `${hostname()}:${server.port}` })).status).toBe(200)
    expect((await get({ host: `${hostname()}.evil.test:${server.port}` })).status).toBe(403)
  })
})
