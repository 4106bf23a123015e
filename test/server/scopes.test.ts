import { LogSink, Operation } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash, randomBytes } from "node:crypto"
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { otherRoutes, routeScopes } from "../../packages/server/src/Http/guard/routeScope.js"
import { connectionScope, messageScopes } from "../../packages/server/src/socket/messageScopes.js"
import { type InProcessServer, startInProcess } from "./inProcessServer.js"
import { connectWire, isEvent, openWire } from "./wireClient.js"

type ScopeName = "read" | "operate" | "exec"

const newToken = () => `dw_${randomBytes(32).toString("base64url")}`
const tokens = { reader: newToken(), operator2: newToken(), execer: newToken(), expired: newToken(), brief: newToken() }

const line = (name: keyof typeof tokens, rest: string): string =>
  `${name} sha256:${createHash("sha256").update(tokens[name]).digest("hex")} ${rest}\n`

const lines = {
  reader: line("reader", "read"),
  operator2: line("operator2", "read,operate"),
  execer: line("execer", "exec"),
  expired: line("expired", "read,operate,exec 2020-01-01T00:00:00Z")
}

let folder: string
let file: string
let server: InProcessServer
let readOnly: InProcessServer

/** What the servers have logged. */
const logged: Array<string> = []
const terminal = vi.spyOn(console, "log")

const replaceFile = async (text: string): Promise<void> => {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

beforeAll(async () => {
  terminal.mockImplementation((line: unknown) => void logged.push(String(line)))
  folder = await mkdtemp(join(tmpdir(), "dockwire-scopes-"))
  file = join(folder, "tokens")
  await replaceFile(`# Who may what\n\n${Object.values(lines).join("")}`)
  const endpoint = "unix:///nonexistent/docker.sock"
  ;[server, readOnly] = await Promise.all([
    startInProcess({ endpoint, tokensFile: file }),
    startInProcess({ endpoint, tokensFile: file, readOnly: true, enableExec: true })
  ])
})
afterAll(async () => {
  terminal.mockRestore()
  await Promise.all([server?.stop(), readOnly?.stop()])
  await rm(folder, { recursive: true, force: true })
})

/** Each on a connection of its own. Of a response that may never end, only the status. */
const ask = (at: InProcessServer, method: string, path: string, token?: string, address?: string) =>
  new Promise<{ readonly status: number; readonly body: unknown }>((resolve, reject) => {
    const headers = {
      ...(token === undefined ? {} : { "x-dockwire-token": token }),
      ...(address === undefined ? {} : { "x-forwarded-for": address })
    }
    const sent = request(`${at.url}${path}`, { method, headers, agent: false }, (response) => {
      const status = response.statusCode ?? 0
      if (response.headers["content-type"]?.startsWith("application/json") !== true) {
        response.destroy()
        return resolve({ status, body: undefined })
      }
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (part: string) => (text += part))
      response.on("end", () => resolve({ status, body: text === "" ? undefined : JSON.parse(text) }))
    })
    sent.on("error", reject)
    sent.end()
  })

/** Every endpoint, as `/openapi.json` describes it. */
const described = async (): Promise<
  ReadonlyArray<{ method: string; path: string; scope: ScopeName | "none" | "open" }>
> => {
  const document = await (await fetch(`${server.url}/openapi.json`)).json()
  const paths: Record<
    string,
    Record<string, { security: ReadonlyArray<Record<string, ReadonlyArray<ScopeName>>> }>
  > = document.paths
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, "no-such-thing"),
      scope: security.length === 0 ? ("open" as const) : (security[0]?.["bearer"]?.[0] ?? ("none" as const))
    }))
  )
}

const denied = (scope: ScopeName, name: string, scopes: ReadonlyArray<ScopeName>) => ({
  status: 403,
  body: {
    _tag: "ScopeMissing",
    scope,
    scopes,
    message: expect.stringContaining(`needs the scope ${scope}, and the token "${name}"`)
  }
})

describe("the scopes of tokens", () => {
  it("are enforced at every endpoint of the API", async () => {
    const endpoints = await described()
    expect(endpoints.length).toBeGreaterThan(9)
    // Every endpoint declares one, and the document tells it.
    expect(routeScopes().size).toBe(endpoints.length + Object.keys(otherRoutes).length)
    expect(endpoints.filter(({ scope }) => scope === "open").map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /api/session"
    ])
    const check = async ({ method, path, scope }: (typeof endpoints)[number], index: number) => {
      const name = `${method} ${path}`
      const statusOf = async (token?: string) => [
        name,
        (await ask(server, method, path, token, `192.0.2.${index}`)).status
      ]
      expect(await statusOf()).toEqual([name, 401])
      expect(await statusOf(tokens.expired)).toEqual([name, 401])
      if (scope === "open" || scope === "none") return
      const granted = { reader: ["read"], operator2: ["read", "operate"], execer: ["exec"] } as const
      for (const [who, scopes] of Object.entries(granted)) {
        if (scopes.some((each) => each === scope)) continue
        const token = Object.entries(tokens).find(([each]) => each === who)?.[1]
        const answer = await ask(server, method, path, token)
        const expected = scope === "exec" ? { status: 403, body: { _tag: "ExecDisabled" } } : denied(scope, who, scopes)
        expect({ name, ...answer }).toMatchObject({ name, ...expected })
      }
      const all = await ask(server, method, path, server.token)
      if (scope === "exec") expect(all).toMatchObject({ status: 403, body: { _tag: "ExecDisabled" } })
      else expect([name, 401, 403]).not.toContain(all.status)
      const reading = await ask(readOnly, method, path, readOnly.token)
      if (scope === "read") expect([name, [401, 403].includes(reading.status)]).toEqual([name, false])
      else expect({ name, ...reading }).toMatchObject({ name, status: 403, body: { _tag: "ReadOnly" } })
    }
    await Promise.all(endpoints.map(check))
  })

  it("are enforced at every other route, and what no route has declared does not exist", async () => {
    for (const [route, scope] of Object.entries(otherRoutes)) {
      const [method = "", pattern = ""] = route.split(" ")
      const path = pattern.replace(/^\*$/, "/no-such-page").replace("*", "no-such-thing")
      const statuses = await Promise.all(
        [undefined, tokens.execer, tokens.reader].map(async (token) => (await ask(server, method, path, token)).status)
      )
      const isRefused = statuses.map((status) => status === 401 || status === 403)
      const expected = { open: [false, false, false], none: [true, false, false], read: [true, true, false] }
      expect([route, isRefused]).toEqual([
        route,
        scope === "operate" || scope === "exec" ? [true, true, true] : expected[scope]
      ])
    }
  })

  it("are enforced at the WebSocket, for each of its messages", async () => {
    expect(connectionScope).toBe("read")
    expect(await openWire(server.url, { token: tokens.execer }).closed).toBe(4501)
    expect(await openWire(server.url, { token: tokens.expired }).closed).toBe(4501)
    expect(await openWire(server.url).closed).toBe(4501)
    const client = await connectWire(server.url, { token: tokens.reader })
    await client.waitFor(isEvent("engine_status"))
    for (const [event, scope] of Object.entries(messageScopes)) {
      const about = (message: { data: { about?: string } }) => message.data.about === event
      client.send({ event, data: {} })
      const { data } = await client.waitFor(isEvent("error", about))
      // The messages are not valid, which is looked at first.
      expect([event, scope, data.code]).toEqual([event, "read", "bad_message"])
    }
    await client.close()
  })
})

describe("/metrics", () => {
  it("has figures of the server and of its process, in the format of Prometheus", async () => {
    const figures = async () => {
      const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${tokens.reader}` } })
      expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
      return (await response.text()).trimEnd().split("\n")
    }
    const valueOf = (lines: ReadonlyArray<string>, name: string) =>
      Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length))
    const before = await figures()
    const client = await connectWire(server.url, { token: tokens.reader })
    client.send({ event: "join", data: { room: "docker_logs" } })
    await client.waitFor(isEvent("joined"))
    const run = Operation.run({
      kind: "greet",
      target: {},
      steps: Stream.make(Operation.line("a"), Operation.line("b"), Operation.result(1))
    })
    await Effect.runPromise(Effect.provideService(run, LogSink, server.sink))
    await client.waitFor(isEvent("docker_log_complete"))
    const lines = await figures()
    const format =
      /^(# HELP [a-z]\w* [^\n]+|# TYPE [a-z]\w* (counter|gauge|histogram|summary)|[a-z]\w*(\{(\w+="[^"\n]*",?)+\})? -?[\d.e+-]+)$/
    expect(lines.filter((each) => !format.test(each))).toEqual([])
    const families = lines.flatMap((each) => /^# TYPE (\S+)/.exec(each)?.[1] ?? [])
    expect(new Set(families).size).toBe(families.length)
    expect(lines).toEqual(expect.arrayContaining(["dockwire_viewers 1", "dockwire_engine_available 0"]))
    const counted = { dockwire_room_events_total: 6, dockwire_sent_events_total: 3, dockwire_viewers: 1 }
    for (const [name, count] of Object.entries(counted)) {
      expect(valueOf(lines, name) - valueOf(before, name), name).toBe(count)
    }
    expect(valueOf(lines, "dockwire_rooms")).toBeGreaterThanOrEqual(2)
    for (const name of [
      "process_resident_memory_bytes",
      "process_cpu_seconds_total",
      "nodejs_eventloop_delay_seconds"
    ]) {
      expect(families).toContain(name)
    }
    await client.close()
  })
})

describe("the audit log", () => {
  it("has a line for each request that may change something, without its query", async () => {
    logged.length = 0
    const path = "/api/containers/no-such-thing/stop"
    await ask(server, "POST", `${path}?secret=1`, tokens.operator2)
    await ask(server, "POST", path, tokens.reader)
    await ask(server, "POST", path, tokens.expired)
    await ask(server, "GET", "/api/engine", tokens.reader)
    const lines = logged.filter((each) => each.includes("message=audit"))
    expect(lines).toHaveLength(2)
    for (const part of ["who=operator2", "address=127.0.0.1", "method=POST", `path=${path} `, "scope=operate"]) {
      expect(lines[0]).toContain(part)
    }
    expect(lines[0]).toMatch(/ milliseconds=\d+/)
    expect(lines[0]).not.toContain("status=403")
    expect(lines[1]).toContain("who=reader")
    expect(lines[1]).toContain("status=403")
    for (const token of Object.values(tokens)) expect(logged.join("\n")).not.toContain(token)
  })
})

describe("GET /api/session", () => {
  it("tells who one is and what one may do", async () => {
    expect(await ask(server, "GET", "/api/session", tokens.operator2)).toEqual({
      status: 200,
      body: {
        name: "operator2",
        credential: "token",
        scopes: ["read", "operate"],
        allowed: ["read", "operate"],
        readOnly: false,
        execEnabled: false
      }
    })
    expect(await ask(server, "GET", "/api/session", server.token)).toMatchObject({
      body: { name: "operator", scopes: ["read", "operate", "exec"], allowed: ["read", "operate"] }
    })
    expect(await ask(readOnly, "GET", "/api/session", tokens.execer)).toMatchObject({
      body: { name: "execer", scopes: ["exec"], allowed: [], readOnly: true, execEnabled: true }
    })
  })
})

describe("a token of the file", () => {
  it("opens sessions and WebSockets, which end with it", async () => {
    const brief = line("brief", "read")
    const hasStatus = (status: number, token: string) =>
      expect
        .poll(async () => (await ask(server, "GET", "/api/session", token)).status, { timeout: 20_000 })
        .toBe(status)
    await replaceFile(Object.values(lines).join("") + brief)
    await hasStatus(200, tokens.brief)
    const opened = await fetch(`${server.url}/api/session`, {
      method: "POST",
      headers: { "x-dockwire-token": tokens.brief }
    })
    const cookie = opened.headers.get("set-cookie")?.split(";")[0] ?? ""
    const withCookie = { cookie, origin: server.url }
    const session = async () => (await fetch(`${server.url}/api/session`, { headers: withCookie })).status
    const whose = await fetch(`${server.url}/api/session`, { headers: withCookie })
    expect(await whose.json()).toMatchObject({ name: "brief", credential: "session", scopes: ["read"] })
    const ticketOf = async () => {
      const response = await fetch(`${server.url}/api/ws-ticket`, { method: "POST", headers: withCookie })
      return ["dockwire.v1", `dockwire.ticket.${(await response.json()).ticket}`]
    }
    const clients = [
      await connectWire(server.url, { token: tokens.brief }),
      await connectWire(server.url, { headers: withCookie }),
      await connectWire(server.url, { protocols: await ticketOf() })
    ]
    const other = await connectWire(server.url, { token: tokens.reader })
    const unused = await ticketOf()
    // A file that is being written is not believed.
    await replaceFile(`${lines.reader}brief sha256:12`)
    await expect
      .poll(() => logged.filter((each) => each.includes(`${file} cannot be used. Line 2:`)).length, { timeout: 20_000 })
      .toBe(2)
    expect(await session()).toBe(200)
    await replaceFile(Object.values(lines).join(""))
    expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual([4501, 4501, 4501])
    expect([await session(), (await ask(server, "GET", "/api/session", tokens.brief)).status]).toEqual([401, 401])
    expect(await openWire(server.url, { protocols: unused }).closed).toBe(4501)
    expect((await ask(server, "GET", "/api/session", tokens.reader)).status).toBe(200)
    // One that expires ends at its time.
    const expires = new Date(Date.now() + 4_000).toISOString()
    await replaceFile(Object.values(lines).join("") + line("brief", `read ${expires}`))
    await hasStatus(200, tokens.brief)
    const expiring = await connectWire(server.url, { token: tokens.brief })
    expect(await expiring.closed).toBe(4501)
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires))
    expect((await ask(server, "GET", "/api/session", tokens.brief)).status).toBe(401)
    expect(other.socket.readyState).toBe(other.socket.OPEN)
    await other.close()
  })

  it("is not needed to close one's session, which ends its WebSocket", async () => {
    const opened = await fetch(`${server.url}/api/session`, {
      method: "POST",
      headers: { "x-dockwire-token": server.token }
    })
    const headers = { cookie: opened.headers.get("set-cookie")?.split(";")[0] ?? "", origin: server.url }
    const client = await connectWire(server.url, { headers })
    expect((await fetch(`${server.url}/api/session`, { method: "DELETE", headers })).status).toBe(204)
    expect(await client.closed).toBe(4501)
  })
})
