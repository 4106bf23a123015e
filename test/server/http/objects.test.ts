import { afterAll, beforeAll, expect, it } from "vitest"
import { eventually } from "../../core/eventually.js"
import { type CuttingProxy, startCuttingProxy } from "../../engine/cuttingProxy.js"
import { engineRequest, jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { createTestContainer, uniqueName } from "../../engine/testContainer.js"
import { testLabels } from "../../engine/testRun.js"
import { type ApiServer, readLines, startApi } from "./apiServer.js"

describeEngine("volumes, networks and the system over HTTP", () => {
  let proxy: CuttingProxy
  let server: ApiServer

  beforeAll(async () => {
    proxy = await startCuttingProxy(testEngine().endpoint)
    server = await startApi({ endpoint: proxy.endpoint })
  })
  afterAll(async () => {
    await server.stop()
    await proxy.close()
  })

  it("creates, lists, inspects and removes volumes", async () => {
    const name = uniqueName("volume")
    const labels = testLabels({ [name]: "yes" })
    const path = `/api/volumes/${name}`
    expect(await server.ask("POST", "/api/volumes", { body: { name, labels } })).toMatchObject({
      status: 201,
      json: { name, driver: "local", labels }
    })
    try {
      expect(await server.ask("POST", "/api/volumes", { body: { name, driver: "local" } })).toMatchObject({
        status: 409,
        json: { _tag: "NameConflict" }
      })
      const filters = encodeURIComponent(JSON.stringify({ label: [name] }))
      const { json } = await server.ask("GET", `/api/volumes?filters=${filters}`)
      expect([jsonAt(json, 0, "name"), jsonAt(json, 1), jsonAt(json, 0, "raw")]).toEqual([name, undefined, undefined])
      expect((await server.ask("GET", `${path}?raw`)).json).toMatchObject({ name, raw: { Name: name } })
      const user = await createTestContainer({
        endpoint: testEngine().endpoint,
        cmd: ["true"],
        hostConfig: { Binds: [`${name}:/data`] }
      })
      expect(await server.ask("DELETE", path)).toMatchObject({ status: 409, json: { _tag: "ResourceInUse" } })
      await user.remove()
      const options = { password: "secret", mistake: 1 }
      const wrong = await server.ask("POST", "/api/volumes", { body: { options } })
      expect(wrong).toMatchObject({ status: 400, json: { value: "(secret)" } })
      expect((await server.ask("DELETE", path)).status).toBe(204)
      expect((await server.ask("GET", path)).status).toBe(404)
      expect((await server.ask("DELETE", `${path}?force`)).status).toBe(204)
    } finally {
      await engineRequest(testEngine().endpoint, "DELETE", `/volumes/${name}?force=1`)
    }
  })

  it("creates networks and connects containers to them", async () => {
    const name = uniqueName("network")
    const body = { name, internal: true, labels: testLabels() }
    const created = await server.ask("POST", "/api/networks", { body })
    expect(created).toMatchObject({ status: 201, json: { id: expect.any(String) } })
    const path = `/api/networks/${name}`
    const container = await createTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "1000"] })
    try {
      await container.start()
      expect(await server.ask("POST", "/api/networks", { body })).toMatchObject({ status: 409 })
      const subnets = [{ subnet: "nonsense" }]
      expect(await server.ask("POST", "/api/networks", { body: { name: `${name}2`, subnets } })).toMatchObject({
        status: 400,
        json: { field: "subnet", value: "nonsense" }
      })
      const member = { container: container.name, aliases: ["other"] }
      expect((await server.ask("POST", `${path}/connect`, { body: member })).status).toBe(204)
      expect((await server.ask("GET", path)).json).toMatchObject({ members: [{ containerId: container.id }] })
      expect(await server.ask("DELETE", path)).toMatchObject({ status: 409 })
      const filters = encodeURIComponent(JSON.stringify({ name: [name] }))
      expect((await server.ask("GET", `/api/networks?filters=${filters}`)).json).toMatchObject([
        { name, internal: true }
      ])
      const leave = { container: container.id, force: true }
      expect((await server.ask("POST", `${path}/disconnect`, { body: leave })).status).toBe(204)
      expect(await server.ask("POST", `${path}/connect`, { body: { container: "no-such" } })).toMatchObject({
        status: 404,
        json: { _tag: "ContainerNotFound" }
      })
      expect((await server.ask("DELETE", path)).status).toBe(204)
      expect(await server.ask("GET", path)).toMatchObject({ status: 404, json: { _tag: "NetworkNotFound" } })
    } finally {
      await container.remove()
      await engineRequest(testEngine().endpoint, "DELETE", `/networks/${name}`)
    }
  })

  it("reports the engine's version, configuration and, if asked, its disk usage", async () => {
    const { json } = await server.ask("GET", "/api/system?disk=false")
    expect(json).toMatchObject({ version: { version: expect.any(String) }, info: { containers: {} } })
    expect(jsonAt(json, "disk")).toBeUndefined()
    expect(jsonAt((await server.ask("GET", "/api/system?disk=false&raw")).json, "info", "raw", "ID")).toBeTypeOf(
      "string"
    )
  })

  it("sends the engine's events, each once, over a cut and after the last one that a client has", async () => {
    const label = uniqueName("events")
    const filters = encodeURIComponent(JSON.stringify({ type: ["container"], label: [label] }))
    const path = `/api/events?filters=${filters}`
    const open = async (last?: string) => {
      const response = await server.open("GET", path, last === undefined ? {} : { headers: { "last-event-id": last } })
      expect([
        response.status,
        response.headers.get("content-type"),
        response.headers.get("x-accel-buffering")
      ]).toEqual([200, "text/event-stream; charset=utf-8", "no"])
      return readLines(response)
    }
    const actions = (lines: ReadonlyArray<string>) =>
      lines.flatMap((line) => (line.startsWith("data: ") ? [jsonAt(JSON.parse(line.slice(6)), "action")] : []))
    const container = await createTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sleep", "1000"],
      labels: { [label]: "" }
    })
    try {
      const first = await open()
      // Not the request that only checks the filters, which ends at once.
      const isWatching = () =>
        proxy.openRequests().some((request) => request.includes(label) && !request.includes("until="))
      await eventually(isWatching).toBe(true)
      await container.start()
      await eventually(() => actions(first.lines).includes("start")).toBe(true)
      proxy.cutAll()
      await eventually(() => first.lines.includes("event: disconnected")).toBe(true)
      expect((await server.ask("POST", `/api/containers/${container.id}/pause`)).status).toBe(204)
      await eventually(() => actions(first.lines).includes("pause")).toBe(true)
      await first.cancel()
      const seen = actions(first.lines).filter((action) => action !== undefined)
      expect(seen).toEqual(["start", "pause"])
      expect((await server.ask("POST", `/api/containers/${container.id}/unpause`)).status).toBe(204)
      const last = first.lines.findLast((line) => line.startsWith("id: "))?.slice(4)
      const second = await open(last)
      await eventually(() => actions(second.lines).length).toBeGreaterThan(0)
      await container.remove()
      await eventually(() => actions(second.lines).includes("destroy")).toBe(true)
      await second.cancel()
      expect(actions(second.lines)).toEqual(["unpause", "kill", "die", "destroy"])
      expect(second.lines).not.toContain("event: gap")

      // The engine no longer has what came before.
      const third = await open("1-1")
      await eventually(() => actions(third.lines).includes("destroy")).toBe(true)
      await third.cancel()
      expect(third.lines).toContain("event: gap")
      expect((await server.ask("GET", `/api/events?filters=${encodeURIComponent('{"no":["x"]}')}`)).status).toBe(400)
      expect((await server.ask("GET", path, { headers: { "last-event-id": "x" } })).json).toMatchObject({
        field: "last-event-id"
      })
    } finally {
      await container.remove()
    }
  })
})
