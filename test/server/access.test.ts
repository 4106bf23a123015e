import { request } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type InProcessServer, startInProcess } from "./inProcessServer.js"
import { connectWire, isEvent, openWire, upgradeStatus } from "./wireClient.js"

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
}

let server: InProcessServer

beforeAll(async () => {
  server = await startInProcess({
    endpoint: "unix:///nonexistent/docker.sock",
    publicOrigins: ["https://logs.example.com"]
  })
})
afterAll(() => server.stop())

const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: server.port, method, path, headers, agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (part: string) => (text += part))
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    sent.on("error", reject)
    sent.end(body)
  })

const bearer = () => ({ authorization: `Bearer ${server.token}` })

const sessionCookie = async (): Promise<string> => {
  const { headers, status } = await ask("POST", "/api/session", bearer())
  expect(status).toBe(204)
  const [cookie = ""] = [headers["set-cookie"] ?? []].flat()
  return cookie
}

const apiPaths: ReadonlyArray<readonly [string, string]> = [
  ["GET", "/api/containers"],
  ["GET", "/api/containers/web"],
  ["POST", "/api/containers/web/start"],
  ["POST", "/api/containers/web/stop"],
  ["POST", "/api/containers/web/restart"],
  ["POST", "/api/ws-ticket"],
  ["GET", "/api/engine"],
  ["POST", "/api/session"],
  ["DELETE", "/api/session"],
  ["GET", "/api/no-such-thing"],
  ["GET", "/%61pi/containers"],
  ["GET", "/api/%63ontainers"],
  ["GET", "/api//containers"],
  ["GET", "/api/containers/../containers"],
  ["HEAD", "/api/containers"],
  ["PUT", "/api/containers"]
]

const openPaths = ["/", "/healthz", "/readyz", "/openapi.json"]

describe("access to the server", () => {
  it.each(apiPaths)(
    "%s %s responds with 401 without a credential, with a wrong one and with a forged cookie",
    async (method, path) => {
      const [name = ""] = (await sessionCookie()).split("=")
      const forged = `${name}=${Math.floor(Date.now() / 1000) + 1000}.AAAA.BBBB`
      const wrong: ReadonlyArray<Record<string, string>> = [
        {},
        { authorization: "Bearer wrong" },
        { authorization: "Basic eDp5" },
        { "x-dockwire-token": "wrong" },
        { cookie: forged }
      ]
      for (const headers of wrong) {
        const answer = await ask(method, path, headers)
        expect([path, answer.status]).toEqual([path, 401])
        if (method !== "HEAD") {
          expect(JSON.parse(answer.text)).toMatchObject({
            _tag: "NotAllowed",
            message: expect.stringContaining("token")
          })
        }
      }
    }
  )

  it.each([...apiPaths.map(([, path]) => path), ...openPaths, "/ws"])(
    "%s responds with 403 for a wrong host or origin",
    async (path) => {
      const own = `127.0.0.1:${server.port}`
      const wrong: ReadonlyArray<Record<string, string>> = [
        { host: "evil.example.com" },
        { host: `evil.example.com:${server.port}` },
        { host: `127.0.0.1.evil.example.com:${server.port}` },
        { host: `localhost.:${server.port}` },
        { host: `user@localhost:${server.port}` },
        { host: "10.0.0.1" },
        { host: own, origin: "https://evil.example.com" },
        { host: own, origin: "null" },
        { host: own, origin: `http://127.0.0.1:${server.port + 1}` },
        { host: own, origin: `https://${own}` },
        { host: own, origin: `http://localhost:${server.port}` }
      ]
      for (const headers of wrong) {
        const answer = await ask("GET", path, { ...bearer(), ...headers })
        expect([headers, answer.status]).toEqual([headers, 403])
        expect(JSON.parse(answer.text)).toMatchObject({ _tag: expect.stringMatching(/^(Host|Origin)NotAllowed$/) })
      }
    }
  )

  it("accepts its own hosts and origins, and those of a proxy", async () => {
    for (const host of [`127.0.0.1:${server.port}`, "localhost:8080", `[::1]:${server.port}`, "logs.example.com"]) {
      expect([host, (await ask("GET", "/healthz", { host })).status]).toEqual([host, 200])
    }
    const origin = `http://127.0.0.1:${server.port}`
    expect((await ask("GET", "/healthz", { host: `127.0.0.1:${server.port}`, origin })).status).toBe(200)
    const proxied = { host: "logs.example.com", origin: "https://logs.example.com" }
    expect((await ask("GET", "/healthz", proxied)).status).toBe(200)
    // A page loaded from the same host without TLS could be anyone's.
    expect((await ask("GET", "/healthz", { ...proxied, origin: "http://logs.example.com" })).status).toBe(403)
  })

  it("serves health checks to everyone without detail, and sets security headers on everything", async () => {
    expect(await ask("GET", "/healthz")).toMatchObject({ status: 200, text: "ok\n" })
    expect(await ask("GET", "/readyz")).toMatchObject({ status: 503, text: "not ready\n" })
    for (const path of ["/", "/healthz", "/api/containers", "/no-such-page"]) {
      const { headers } = await ask("GET", path)
      expect(headers["content-security-policy"]).toContain("default-src 'none'")
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'")
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" })
    }
  })

  it("serves only known files, and responds with 304 if a file has not changed", async () => {
    const page = await ask("GET", "/")
    expect(page.status).toBe(200)
    expect(page.headers["content-type"]).toContain("text/html")
    const again = await ask("GET", "/", { "if-none-match": String(page.headers["etag"]) })
    expect(again).toMatchObject({ status: 304, text: "" })
    expect((await ask("HEAD", "/")).status).toBe(200)
    for (const path of [
      "/../package.json",
      "/assets/../../package.json",
      "/assets/%2e%2e/index.html",
      "/index.html",
      "/assets/"
    ]) {
      expect([path, (await ask("GET", path)).status]).toEqual([path, 404])
    }
  })

  it("trades the token for a cookie that does not contain it and ends with the session", async () => {
    const cookie = await sessionCookie()
    expect(cookie).toMatch(
      new RegExp(`^dockwire_${server.port}_[\\w-]{8}=[^;]+; Path=/; HttpOnly; SameSite=Strict; Max-Age=\\d+$`)
    )
    expect(cookie).not.toContain(server.token)
    const [pair = ""] = cookie.split(";")
    // 503: the request was let through to the engine, which is down.
    expect((await ask("GET", "/api/containers", { cookie: pair })).status).toBe(503)
    const own = { cookie: pair, origin: `http://127.0.0.1:${server.port}` }
    expect((await ask("DELETE", "/api/session", own)).status).toBe(204)
    expect((await ask("GET", "/api/containers", { cookie: pair })).status).toBe(401)
  })

  it("takes the token in a header of its own or in the body, so that a proxy can use Authorization", async () => {
    const basic = { authorization: "Basic eDp5" }
    const own = { ...basic, "x-dockwire-token": server.token }
    expect((await ask("GET", "/api/containers", own)).status).toBe(503)
    expect((await ask("POST", "/api/session", own)).status).toBe(204)
    const json = { ...basic, "content-type": "application/json" }
    const opened = await ask("POST", "/api/session", json, JSON.stringify({ token: server.token }))
    expect(opened.status).toBe(204)
    const [cookie = ""] = [opened.headers["set-cookie"] ?? []].flat().map((text) => text.split(";")[0] ?? "")
    // The browser sends the proxy's credential beside the cookie.
    expect((await ask("GET", "/api/containers", { ...basic, cookie })).status).toBe(503)
    expect((await ask("GET", "/api/containers", { ...basic, cookie: `other=1; ${cookie}` })).status).toBe(503)
    const wire = await connectWire(server.url, {
      headers: { ...basic, cookie, origin: `http://127.0.0.1:${server.port}` }
    })
    await wire.waitFor(isEvent("engine_status"))
    await wire.close()
    const withToken = await connectWire(server.url, { headers: own })
    await withToken.waitFor(isEvent("engine_status"))
    await withToken.close()
  })

  it("refuses a session for a body without the token, and says what is wrong", async () => {
    const bodies: ReadonlyArray<readonly [string | undefined, string]> = [
      [JSON.stringify({ token: "wrong" }), "The server does not accept this token."],
      [JSON.stringify({ token: 7 }), "Opening a session requires the token"],
      [JSON.stringify(null), "Opening a session requires the token"],
      ["not JSON", "Opening a session requires the token"],
      [JSON.stringify({ token: server.token, more: "x".repeat(20_000) }), "Opening a session requires the token"],
      [undefined, "Opening a session requires the token"]
    ]
    for (const [body, message] of bodies) {
      const answer = await ask("POST", "/api/session", { "content-type": "application/json" }, body)
      expect([body, answer.status]).toEqual([body, 401])
      expect(JSON.parse(answer.text)).toEqual({ _tag: "NotAllowed", message: expect.stringContaining(message) })
    }
    // The exception is for this request only.
    for (const path of ["/api/session/", "/api//session", "/api/session/x", "/api/%73ession"]) {
      expect([path, (await ask("POST", path)).status]).toEqual([path, 401])
    }
  })

  it("makes an address wait after ten wrong tokens, however they are presented, but nobody with a session", async () => {
    const [cookie = ""] = (await sessionCookie()).split(";")
    const proxied = (address: string) => ({ "x-forwarded-for": `198.51.100.1, ${address}` })
    const attacker = proxied("203.0.113.9")
    const wrongBody = JSON.stringify({ token: "wrong" })
    const json = { "content-type": "application/json" }
    const attempts = [
      () => ask("POST", "/api/session", { ...attacker, ...json }, wrongBody),
      () => ask("POST", "/api/session", { ...attacker, "x-dockwire-token": "wrong" }),
      () => ask("GET", "/api/containers", { ...attacker, authorization: "Bearer wrong" })
    ]
    for (let attempt = 0; attempt < 10; attempt++) {
      expect((await attempts[attempt % attempts.length]?.())?.status).toBe(401)
    }
    // Even the right token has to wait: otherwise the limit would be none.
    const early = [
      ...attempts,
      () => ask("GET", "/api/containers", { ...attacker, ...bearer() }),
      () => ask("POST", "/api/session", { ...attacker, ...json }, JSON.stringify({ token: server.token }))
    ]
    for (const attempt of early) {
      const { headers, status, text } = await attempt()
      expect([status, headers["retry-after"]]).toEqual([429, "1"])
      expect(JSON.parse(text)).toEqual({
        _tag: "TooManyAttempts",
        message: "Too many wrong tokens came from this address. Try again in 1 second."
      })
    }
    expect(await upgradeStatus(server.url, { token: server.token, headers: attacker })).toBe(429)
    // 503: let through to the engine, which is down.
    const session = { ...attacker, cookie, "sec-fetch-site": "same-origin" }
    expect((await ask("GET", "/api/containers", session)).status).toBe(503)
    expect((await ask("GET", "/api/containers", { ...session, authorization: "Bearer wrong" })).status).toBe(503)
    // Requests without a token, and other addresses.
    expect((await ask("GET", "/api/containers", attacker)).status).toBe(401)
    expect((await ask("GET", "/api/containers", { ...proxied("203.0.113.10"), ...bearer() })).status).toBe(503)
    await expect
      .poll(async () => (await ask("GET", "/api/containers", { ...attacker, ...bearer() })).status, { timeout: 10_000 })
      .toBe(503)
  })

  it("names the cookie after the port that the browser sees", async () => {
    const cookieAt = async (host: string): Promise<string> => {
      const { headers } = await ask("POST", "/api/session", { ...bearer(), host })
      return String(headers["set-cookie"]).split("=")[0] ?? ""
    }
    expect(await cookieAt("localhost:7181")).toMatch(/^dockwire_7181_[\w-]{8}$/)
    expect(await cookieAt("localhost:7182")).toMatch(/^dockwire_7182_[\w-]{8}$/)
    expect(await cookieAt("logs.example.com")).toMatch(/^dockwire_[\w-]{8}$/)
  })

  it("refuses a cookie that another page sent", async () => {
    const [cookie = ""] = (await sessionCookie()).split(";")
    const act = (headers: Record<string, string>) => ask("POST", "/api/containers/web/stop", { cookie, ...headers })
    expect((await act({})).status).toBe(403)
    expect((await act({ "sec-fetch-site": "same-site" })).status).toBe(403)
    expect((await act({ "sec-fetch-site": "cross-site" })).status).toBe(403)
    expect((await act({ "sec-fetch-site": "none" })).status).toBe(403)
    expect((await ask("GET", "/api/containers", { cookie, "sec-fetch-site": "same-site" })).status).toBe(403)
    expect((await act({ "sec-fetch-site": "same-origin" })).status).toBe(503)
    expect((await act({ origin: `http://127.0.0.1:${server.port}` })).status).toBe(503)
  })

  it("reports why the engine is unavailable", async () => {
    const answer = await ask("GET", "/api/containers", bearer())
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.text)).toMatchObject({
      _tag: "EngineUnavailable",
      endpoint: "unix:///nonexistent/docker.sock",
      reason: "NotFound",
      message:
        "Docker engine at unix:///nonexistent/docker.sock unavailable: no such socket or host. Check that Docker is installed and running, and that DOCKER_HOST is correct. (connect ENOENT /nonexistent/docker.sock)"
    })
  })

  it("describes every endpoint and every status that it responds with", async () => {
    const { paths } = JSON.parse((await ask("GET", "/openapi.json")).text)
    const described = Object.entries<Record<string, { readonly responses: object }>>(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => ({ path, method: method.toUpperCase(), responses }))
    )
    expect(described.length).toBeGreaterThan(10)
    expect(paths["/api/session"].post.requestBody).toMatchObject({ required: false })
    for (const { method, path, responses } of described) {
      const answer = await ask(method, path.replace("{id}", "web"), bearer())
      expect(Object.keys(responses)).toEqual(expect.arrayContaining([String(answer.status), "401", "403"]))
    }
  })

  it("rejects an invalid id", async () => {
    const answer = await ask("GET", "/api/containers/%20a", bearer())
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text)).toMatchObject({
      message: expect.stringContaining("Pass a container's name, its full id or the start of its id.")
    })
  })
})

describe("access to the WebSocket", () => {
  it("refuses a wrong host or origin before the upgrade", async () => {
    for (const headers of [{ host: "evil.example.com" }, { origin: "https://evil.example.com" }, { origin: "null" }]) {
      expect(await upgradeStatus(server.url, { token: server.token, headers })).toBe(403)
    }
    const sibling = { origin: `http://127.0.0.1:${server.port + 1}` }
    const [cookie = ""] = (await sessionCookie()).split(";")
    expect(await upgradeStatus(server.url, { headers: { ...sibling, cookie } })).toBe(403)
  })

  it("accepts a client without a valid credential and closes with 4501", async () => {
    expect(await openWire(server.url).closed).toBe(4501)
    expect(await openWire(server.url, { token: "wrong" }).closed).toBe(4501)
    const protocols = ["dockwire.v1", "dockwire.ticket.wrong"]
    expect(await openWire(server.url, { protocols }).closed).toBe(4501)
  })

  it("closes a client of another protocol with 4502", async () => {
    expect(await openWire(server.url, { token: server.token, protocols: ["other.v1"] }).closed).toBe(4502)
    expect(await openWire(server.url, { token: server.token, protocols: [] }).closed).toBe(4502)
  })

  it("accepts the token, the cookie, and a ticket once", async () => {
    const [cookie = ""] = (await sessionCookie()).split(";")
    const origin = `http://127.0.0.1:${server.port}`
    for (const options of [{ token: server.token }, { headers: { cookie, origin } }]) {
      const client = await connectWire(server.url, options)
      await client.waitFor(isEvent("engine_status"))
      await client.close()
    }
    const answer = await ask("POST", "/api/ws-ticket", bearer())
    const { ticket } = JSON.parse(answer.text)
    const protocols = ["dockwire.v1", `dockwire.ticket.${ticket}`]
    const client = await connectWire(server.url, { protocols })
    await client.waitFor(isEvent("engine_status"))
    await client.close()
    expect(await openWire(server.url, { protocols }).closed).toBe(4501)
  })

  it("responds to a plain GET with 426, and to an invalid handshake with 400", async () => {
    expect((await ask("GET", "/ws", bearer())).status).toBe(426)
    const broken = { ...bearer(), connection: "upgrade", upgrade: "websocket", "sec-websocket-key": "x" }
    expect((await ask("GET", "/ws", broken)).status).toBe(400)
  })
})
