import { request } from "node:http"
import { afterAll, beforeAll, expect, it } from "vitest"
import { eventually } from "../../core/eventually.js"
import { type CuttingProxy, startCuttingProxy } from "../../engine/cuttingProxy.js"
import { jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import {
  startTestContainer,
  type TestContainer,
  type TestContainerOptions,
  uniqueName
} from "../../engine/testContainer.js"
import { connectWire, isEvent } from "../wireClient.js"
import { type ApiServer, readLines, startApi } from "./apiServer.js"

const jsonLines = "application/x-ndjson"

describeEngine("containers over HTTP", () => {
  let proxy: CuttingProxy
  let server: ApiServer
  /** A server behind the proxy, for tests that watch or cut its connections. */
  let proxied: ApiServer
  const made: Array<TestContainer> = []
  const label = uniqueName("label")

  const start = async (options: Omit<TestContainerOptions, "endpoint">): Promise<TestContainer> => {
    const container = await startTestContainer({
      endpoint: testEngine().endpoint,
      labels: { [label]: "yes" },
      ...options
    })
    made.push(container)
    return container
  }
  let sleeping: TestContainer
  /** Its log has six lines, of both outputs. */
  let printed: TestContainer

  beforeAll(async () => {
    proxy = await startCuttingProxy(testEngine().endpoint)
    proxied = await startApi({ endpoint: proxy.endpoint })
    server = await startApi({ endpoint: testEngine().endpoint, enableExec: true })
    sleeping = await start({ cmd: ["sleep", "1000"] })
    printed = await start({ cmd: ["sh", "-c", "for i in 1 2 3; do echo out $i; usleep 1000; echo err $i >&2; done"] })
    await printed.wait()
  })
  afterAll(async () => {
    await server.stop()
    await proxied.stop()
    await proxy.close()
    await Promise.all(made.map((container) => container.remove()))
  })

  it("lists by filters and inspects, with the engine's complete response only if asked to", async () => {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }))
    const names = async (query: string) => {
      const { json } = await server.ask("GET", `/api/containers?filters=${filters}${query}`)
      return Array.isArray(json) ? json.map((each) => jsonAt(each, "name")) : json
    }
    expect(await names("")).toEqual([printed.name, sleeping.name])
    expect(await names("&all=false")).toEqual([sleeping.name])
    expect(await names("&limit=1&size")).toEqual([printed.name])

    const { json, status } = await server.ask("GET", `/api/containers/${sleeping.name}`)
    expect([status, jsonAt(json, "id"), jsonAt(json, "raw")]).toEqual([200, sleeping.id, undefined])
    const raw = await server.ask("GET", `/api/containers/${sleeping.id.slice(0, 12)}?raw`)
    expect(jsonAt(raw.json, "raw", "Id")).toBe(sleeping.id)
  })

  it("operates, and tells every viewer of a failure", async () => {
    const container = await start({ cmd: ["sh", "-c", "trap 'exit 3' HUP; while :; do sleep 0.05; done"] })
    const viewer = await connectWire(server.url, { token: server.token })
    const act = async (action: string) => (await server.ask("POST", `/api/containers/${container.id}/${action}`)).status
    expect(await act("pause")).toBe(204)
    expect(await act("pause")).toBe(409)
    await viewer.waitFor(
      isEvent("container_status_change", ({ data }) => data.action === "pause" && data.success === false)
    )
    await viewer.close()
    expect(await act("unpause")).toBe(204)
    expect(await act("kill?signal=HUP")).toBe(204)
    expect(await container.wait()).toBe(3)
    expect(await act("kill")).toBe(409)
    expect(await act("start")).toBe(204)
    expect(await act("kill?signal=NO")).toBe(400)
    expect(await act("restart?timeout=0")).toBe(204)
    expect(await act("stop?timeout=5&signal=SIGHUP")).toBe(204)
    expect(jsonAt(await container.inspect(), "State", "ExitCode")).toBe(3)
    expect(await act("start")).toBe(204)
    expect((await server.ask("DELETE", `/api/containers/${container.id}`)).status).toBe(409)
    expect((await server.ask("DELETE", `/api/containers/${container.id}?force&volumes`)).status).toBe(204)
    expect((await server.ask("DELETE", `/api/containers/${container.id}`)).status).toBe(404)
  })

  it("says what is wrong with a request", async () => {
    const exec = `/api/containers/${sleeping.id}/exec`
    const cases: ReadonlyArray<readonly [method: string, path: string, body: unknown, field: string, detail: string]> =
      [
        ["GET", "/api/containers?filter=x", undefined, "filter", "This endpoint takes: all, filters, limit, size."],
        ["GET", "/api/engine?x=1", undefined, "x", "This endpoint takes none."],
        ["GET", "/api/containers?all=maybe", undefined, "all", 'must be "true", "1", "false", "0" or empty'],
        ["GET", "/api/containers?limit=-1", undefined, "limit", "must be a whole number, 1 or more"],
        ["GET", "/api/containers?limit=1.5", undefined, "limit", "must be a whole number, 1 or more"],
        ["GET", "/api/containers?limit=1&limit=2", undefined, "limit", "may be given once only"],
        ["GET", "/api/containers?filters=x", undefined, "filters", "must be JSON of the engine's filters"],
        [
          "GET",
          `/api/containers?filters=${encodeURIComponent('{"no":["x"]}')}`,
          undefined,
          "filters",
          "invalid filter"
        ],
        ["GET", "/api/containers/%20a", undefined, "id", "Pass a container's name"],
        ["GET", `/api/containers/${printed.id}/logs?since=now`, undefined, "since", "RFC 3339"],
        ["GET", `/api/containers/${printed.id}/logs?stream=out`, undefined, "stream", 'must be "stdout", "stderr"'],
        ["GET", `/api/containers/${printed.id}/logs?position=x`, undefined, "position", "needs follow=true"],
        ["GET", `/api/containers/${printed.id}/logs?follow&position=x`, undefined, "position", "not a log position"],
        ["POST", exec, { command: [] }, "command.0", "missing"],
        ["POST", exec, { command: ["true"], tty: true }, "tty", "there is no such field"],
        ["POST", exec, { command: ["true"], user: 1 }, "user", "Expected string"],
        ["POST", exec, "{", "body", "must be JSON"],
        ["POST", exec, "", "body", "must be JSON, but is empty"]
      ]
    for (const [method, path, body, field, detail] of cases) {
      const { json, status } = await server.ask(method, path, { body })
      expect({ path, status, json }).toMatchObject({
        path,
        status: 400,
        json: { _tag: "InvalidRequest", field, detail: expect.stringContaining(detail), message: expect.any(String) }
      })
    }
    const type = await server.ask("POST", exec, {
      body: "command=true",
      contentType: "application/x-www-form-urlencoded"
    })
    expect(type).toMatchObject({ status: 415, json: { accepted: ["application/json"] } })
    const large = await server.ask("POST", exec, { body: { command: ["true"], stdin: "x".repeat(2 ** 20) } })
    expect(large).toMatchObject({ status: 413, json: { limit: 2 ** 20 } })
    // Of a body that does not tell its length, the rest is still being sent when the server responds.
    const status = await new Promise((resolve) => {
      const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json" }
      const upload = request(`${server.url}${exec}`, { method: "POST", headers }, (response) =>
        resolve(response.statusCode)
      )
      upload.on("error", resolve)
      for (let sent = 0; sent < 40; sent++) upload.write(Buffer.alloc(2 ** 16, 32))
      upload.end()
    })
    expect(status).toBe(413)
  })

  it("reads a log as text and as JSON lines", async () => {
    const logs = (query: string, accept?: string) =>
      server.ask("GET", `/api/containers/${printed.name}/logs?${query}`, accept === undefined ? {} : { accept })
    const text = await logs("")
    expect(text.headers.get("content-type")).toBe("text/plain; charset=utf-8")
    expect(text.text.split("\n").toSorted()).toEqual(["", "err 1", "err 2", "err 3", "out 1", "out 2", "out 3"])
    expect((await logs("stream=stderr")).text).toBe("err 1\nerr 2\nerr 3\n")
    expect((await logs("tail=2")).text.split("\n")).toHaveLength(3)
    const { headers, json } = await logs("stream=stdout", jsonLines)
    expect(headers.get("content-type")).toBe(jsonLines)
    expect(json).toMatchObject([1, 2, 3].map((i) => ({ _tag: "LogLine", stream: "stdout", text: `out ${i}` })))
    const since = String(jsonAt(json, 1, "timestamp"))
    expect((await logs(`stream=stdout&timestamps&since=${since}&until=${since}`)).text).toBe(`${since} out 2\n`)
    expect((await server.ask("GET", "/api/containers/no-such/logs?follow")).json).toMatchObject({
      _tag: "ContainerNotFound"
    })
    const mute = await start({ cmd: ["true"], logConfig: { Type: "none" } })
    for (const query of ["", "?follow"]) {
      expect(await server.ask("GET", `/api/containers/${mute.id}/logs${query}`)).toMatchObject({
        status: 422,
        json: { _tag: "LogsUnreadable" }
      })
    }
  })

  it("follows a log over a restart and a cut, and goes on from a position: each line once", async () => {
    const container = await start({
      cmd: ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $(hostname) $i; usleep 2000; done"]
    })
    const path = `/api/containers/${container.id}/logs?follow`
    const first = readLines(await proxied.open("GET", path, { accept: jsonLines }))
    const text = readLines(await proxied.open("GET", path))
    await eventually(() => first.lines.length).toBeGreaterThan(50)
    expect((await server.ask("POST", `/api/containers/${container.id}/restart?timeout=0`)).status).toBe(204)
    await eventually(() => first.lines.filter((line) => line.includes('"started"')).length).toBeGreaterThan(0)
    const restarted = first.lines.length
    await eventually(() => first.lines.slice(restarted + 100).some((line) => line.includes('"Position"'))).toBe(true)
    await first.cancel()

    const elements = first.lines.map((line): unknown => JSON.parse(line))
    const last = elements.findLastIndex((element) => jsonAt(element, "_tag") === "Position")
    const position = String(jsonAt(elements[last], "position"))
    const second = readLines(await proxied.open("GET", `${path}&position=${position}`, { accept: jsonLines }))
    await eventually(() => second.lines.length).toBeGreaterThan(50)
    proxy.cutAll()
    const cut = second.lines.length
    await eventually(() => second.lines.length).toBeGreaterThan(cut + 50)
    expect((await server.ask("POST", `/api/containers/${container.id}/kill`)).status).toBe(204)
    // What they have not read by then goes with the container.
    await eventually(() => second.lines.filter((line) => line.includes('"stopped"')).length).toBe(1)
    await eventually(() => text.lines.filter((line) => line.startsWith("-- stopped")).length).toBe(2)
    expect((await server.ask("DELETE", `/api/containers/${container.id}`)).status).toBe(204)
    await second.ended
    await text.ended

    const all = [...elements.slice(0, last), ...second.lines.map((line): unknown => JSON.parse(line))]
    const texts = all.flatMap((element) =>
      jsonAt(element, "_tag") === "LogLine" ? [Number(String(jsonAt(element, "text")).split(" ")[1])] : []
    )
    const run = texts.lastIndexOf(1)
    expect(run).toBeGreaterThan(50)
    expect(texts).toEqual([
      ...Array.from({ length: run }, (_, index) => index + 1),
      ...Array.from({ length: texts.length - run }, (_, index) => index + 1)
    ])
    expect(all.flatMap((element) => (jsonAt(element, "_tag") === "LogMark" ? [jsonAt(element, "mark")] : []))).toEqual([
      "stopped",
      "started",
      "stopped",
      "removed"
    ])
    expect(text.lines.filter((line) => !line.startsWith("-- ")).map((line) => Number(line.split(" ")[1]))).toEqual(
      texts
    )
    expect(text.lines.filter((line) => line.startsWith("-- "))).toEqual([
      "-- stopped, exit code 137",
      "-- started",
      "-- stopped, exit code 137",
      "-- removed"
    ])
  })

  it("reads no faster than the client, and closes the engine's stream when the client leaves", async () => {
    const busy = await start({ cmd: ["sh", "-c", "yes 0123456789012345678901234567890123456789 | head -n 1000000"] })
    await busy.wait()
    const passedBefore = proxy.passed()
    const isOpen = () => proxy.openRequests().some((request) => request.includes(`${busy.id}/logs`))
    const reading = new AbortController()
    const response = await proxied.open("GET", `/api/containers/${busy.id}/logs`, { signal: reading.signal })
    let last = 0
    // Others use the engine too, so that something always passes.
    const moved = () => {
      const before = last
      last = proxy.passed() - passedBefore
      return last > 500_000 ? last - before : Infinity
    }
    await expect.poll(moved, { timeout: 30_000, interval: 300 }).toBeLessThan(50_000)
    // A quarter of the log, which has 80 MB as the engine sends it.
    expect(last).toBeLessThan(20_000_000)
    expect(isOpen()).toBe(true)
    reading.abort()
    await eventually(isOpen).toBe(false)
    expect(response.status).toBe(200)
  })

  it("reads the usage once, as JSON lines and as events", async () => {
    const path = `/api/containers/${sleeping.id}/stats`
    expect((await server.ask("GET", path)).json).toMatchObject({ _tag: "Running", name: sleeping.name })
    expect((await server.ask("GET", `/api/containers/${printed.id}/stats`)).json).toMatchObject({ _tag: "Stopped" })
    const lines = readLines(await server.open("GET", `${path}?stream`))
    const events = readLines(await server.open("GET", `${path}?stream`, { accept: "text/event-stream" }))
    await eventually(() => lines.lines.length).toBeGreaterThan(0)
    await eventually(() => events.lines.length).toBeGreaterThan(1)
    await lines.cancel()
    await events.cancel()
    expect(JSON.parse(lines.lines[0] ?? "")).toMatchObject({ _tag: "Running", containerId: sleeping.id })
    expect(JSON.parse((events.lines[0] ?? "").replace(/^data: /, ""))).toMatchObject({ _tag: "Running" })
    expect((await server.ask("GET", "/api/containers/no-such/stats?stream")).status).toBe(404)
  })

  it("runs commands", async () => {
    const path = `/api/containers/${sleeping.id}/exec`
    const command = ["sh", "-c", 'cat; echo "$GREETING $(pwd)" >&2; exit 4']
    const body = { command, stdin: "Grüße", environment: { GREETING: "hello" }, workingDirectory: "/tmp", user: "0:0" }
    const answer = { exitCode: 4, stdout: "Grüße", stderr: "hello /tmp\n", truncated: false }
    expect(await server.ask("POST", path, { body })).toMatchObject({ status: 200, json: answer })
    const streamed = await server.ask("POST", path, { body, accept: jsonLines })
    expect(streamed.json).toEqual(
      expect.arrayContaining([
        { _tag: "Output", stream: "stdout", text: "Grüße" },
        { _tag: "Output", stream: "stderr", text: "hello /tmp\n" },
        { _tag: "Exit", exitCode: 4 }
      ])
    )
    const much = await server.ask("POST", path, { body: { command: ["head", "-c", "3000000", "/dev/zero"] } })
    expect(much.json).toMatchObject({ exitCode: 0, truncated: true })
    expect(String(jsonAt(much.json, "stdout")).length).toBe(2 ** 20)
    for (const accept of ["application/json", jsonLines]) {
      const missing = await server.ask("POST", path, { body: { command: ["no-such-program"] }, accept })
      expect(missing).toMatchObject({ status: 422, json: { _tag: "ExecFailed" } })
    }
    const stopped = await server.ask("POST", `/api/containers/${printed.id}/exec`, { body: { command: ["true"] } })
    expect(stopped).toMatchObject({ status: 409, json: { _tag: "ContainerStateConflict" } })
  })
})
