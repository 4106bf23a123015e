import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest"
import { launchBrowser, openPage } from "../engine/browser.js"
import { engineCall } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"
import {
  startTestContainer,
  type TestContainer,
  type TestContainerOptions,
  uniqueName
} from "../engine/testContainer.js"
import { connectWire, isEvent, type WireClient } from "./wireClient.js"

const printing = ["sh", "-c", "i=0; while true; do i=$((i+1)); echo line $i; usleep 100000; done"]

describeEngine("the names of containers", () => {
  let browser: Browser
  let server: ServerProcess
  let dataDir: string
  const cleanups: Array<() => Promise<unknown>> = []

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "dockwire-"))
    ;[browser, server] = await Promise.all([launchBrowser(), startServer({ endpoint: testEngine().endpoint, dataDir })])
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  const start = async (options: Partial<TestContainerOptions> = {}): Promise<TestContainer> => {
    const made = await startTestContainer({ endpoint: testEngine().endpoint, cmd: printing, ...options })
    cleanups.push(made.remove)
    return made
  }

  const connect = async (): Promise<WireClient> => {
    const client = await connectWire(server.url, { token: server.token })
    cleanups.push(client.cut)
    await client.waitFor(isEvent("engine_status", ({ data }) => data.available))
    return client
  }

  const open = async (name: string) => {
    const { complaints, page } = await openPage(browser)
    cleanups.push(() => page.context().close())
    await page.goto(server.link)
    // Other tests' containers may fill the list, of which only what is in sight is there.
    await page.getByLabel("Filter containers").fill(name)
    await page.getByRole("link", { name }).click()
    await page.getByLabel("Filter containers").fill("")
    await page.getByRole("heading", { name }).waitFor()
    return { complaints, page }
  }

  const rename = (id: string, name: string) =>
    engineCall(testEngine().endpoint, "POST", `/containers/${id}/rename?name=${name}`)

  const renames = (client: WireClient, ...ids: ReadonlyArray<string>) =>
    client.messages
      // The end of their start may be told late.
      .filter(
        isEvent("container_status_change", ({ data }) => ids.includes(data.container_id) && data.action !== "start")
      )
      .map(({ data }) => [data.container_id, data.name, data.status, data.action, data.success])

  it("are their own, also beside the alias that a legacy link adds in front", async () => {
    const db = await start({ name: uniqueName("z") })
    const linker = uniqueName("a")
    await start({ name: linker, hostConfig: { Links: [`${db.name}:db`] } })
    const client = await connect()
    for (const idOrName of [db.name, `${linker}/db`]) {
      client.send({ event: "stream_container_logs", data: { container_id: idOrName } })
      await client.waitFor(isEvent("joined", ({ data }) => data.room === `container_logs_${idOrName}`))
    }
    const log = await client.waitFor(isEvent("docker_log"))
    expect(log.data).toMatchObject({ container_id: db.id, name: db.name })
    const overHttp = (method: string, path: string) =>
      fetch(`${server.url}/api/containers/${encodeURIComponent(`${linker}/db`)}${path}`, {
        method,
        headers: { authorization: `Bearer ${server.token}` }
      })
    const inspected = await overHttp("GET", "")
    expect([inspected.status, await inspected.json()]).toMatchObject([200, { id: db.id, name: db.name }])
    expect((await overHttp("POST", "/start")).status).toBe(204)
    await engineCall(testEngine().endpoint, "POST", `/containers/${db.id}/pause`)
    await client.until(() => renames(client, db.id).length > 0)
    expect(renames(client, db.id)).toEqual([[db.id, db.name, "paused", "pause", true]])
    await engineCall(testEngine().endpoint, "POST", `/containers/${db.id}/unpause`)

    const { complaints, page } = await open(db.name)
    await page.locator("#log .line").first().waitFor()
    await vi.waitFor(async () => expect(await page.locator("#selected-state").textContent()).toBe("running"))
    expect(await page.getByRole("link", { name: `${linker}/db` }).count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it("can change while the log is open: viewers are told, and the log and its row go on under the new name", async () => {
    const made = await start()
    const client = await connect()
    client.send({ event: "stream_container_logs", data: { container_id: made.name } })
    await client.waitFor(isEvent("docker_log"))
    const { complaints, page } = await open(made.name)
    const names = [uniqueName("first"), uniqueName("second"), uniqueName("third")]
    for (const name of names) {
      await rename(made.id, name)
      await page.getByRole("heading", { name }).waitFor()
      await page.getByRole("link", { name }).waitFor()
    }
    await client.until(() => renames(client, made.id).length === 3)
    expect(renames(client, made.id)).toEqual(names.map((name) => [made.id, name, "running", "rename", true]))
    const last = names[2] ?? ""
    await client.waitFor(isEvent("docker_log", ({ data }) => "name" in data && data.name === last))
    const lines = client.lines().length
    await client.until(() => client.lines().length > lines + 3)
    expect(await page.locator("#selected-state").textContent()).toBe("running")
    expect(page.url()).toBe(`${server.url}/#/containers/${last}`)
    expect(await page.locator('#containers a[aria-current="page"] .container-name').textContent()).toBe(last)
    expect(await page.locator("#log .note-text").allTextContents()).toEqual([])
    // The page has only the lines in view.
    await page.locator("#log").evaluate((log) => log.scrollTo(0, 0))
    await vi.waitFor(async () => {
      expect(await page.locator("#log .line .text").first().textContent()).toBe("line 1")
    })
    expect(complaints).toEqual([])
  })

  it("can be swapped: each log goes on with its own container", async () => {
    const cmd = (word: string) => ["sh", "-c", `while true; do echo ${word}; usleep 100000; done`]
    const one = await start({ cmd: cmd("one") })
    const two = await start({ cmd: cmd("two") })
    const client = await connect()
    const { complaints, page } = await open(one.name)
    await page.locator("#log .line").first().waitFor()
    const aside = uniqueName("aside")
    await rename(one.id, aside)
    await rename(two.id, one.name)
    await rename(one.id, two.name)
    await client.until(() => renames(client, one.id, two.id).length === 3)
    expect(renames(client, one.id, two.id)).toEqual([
      [one.id, aside, "running", "rename", true],
      [two.id, one.name, "running", "rename", true],
      [one.id, two.name, "running", "rename", true]
    ])
    await page.getByRole("heading", { name: two.name }).waitFor()
    client.send({ event: "stream_container_logs", data: { container_id: one.name } })
    const joined = await client.waitFor(isEvent("joined"))
    expect(joined.data.canonical).toBe(`container_logs_${two.id}`)
    await client.until(() => client.lines().length > 3)
    expect(new Set(client.lines())).toEqual(new Set(["two"]))
    expect(new Set(await page.locator("#log .line .text").allTextContents())).toEqual(new Set(["one"]))
    expect(await page.locator("#log .note-text").allTextContents()).toEqual([])
    expect(complaints).toEqual([])
  })
})
