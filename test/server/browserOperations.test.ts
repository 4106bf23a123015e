import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import type { Browser, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { formatToken, hashOf } from "../../packages/server/src/access/tokens/tokensFile.js"
import { type Progress, progressNodes } from "../../packages/server/src/web/operations/progressNodes.js"
import { parseRoute, routeToOperation, routeToOperations } from "../../packages/server/src/web/Route.js"
import { type RailRow, railRows } from "../../packages/server/src/web/rail/railRows.js"
import { launchBrowser, openPage } from "../engine/browser.js"
import { engineRequest } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../engine/registryFront.js"
import { registryImage } from "../engine/registryImage.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"
import { startTestContainer, uniqueName } from "../engine/testContainer.js"

const readerToken = "a-token-of-one-who-only-reads"

const container = (id: number, labels: Record<string, string>, state = "running") => ({
  id: String(id).padStart(64, "0"),
  name: `many-${id}`,
  names: [`many-${id}`],
  image: "busybox",
  imageId: "sha256:0",
  command: "sleep",
  created: 0,
  state,
  status: state === "running" ? "Up 3 hours (healthy)" : "Exited (0) 2 hours ago",
  ports: [],
  labels
})

/** Waits as long as a machine with much to do needs. */
const poll = <A>(value: () => Promise<A>) => expect.poll(value, { timeout: 20_000 })

describeEngine("the page", () => {
  const { endpoint } = testEngine()
  let browser: Browser
  let dataDir: string
  let front: RegistryFront
  let server: ServerProcess
  const closing: Array<() => Promise<unknown>> = []

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "dockwire-page-"))
    const tokensFile = join(dataDir, "tokens")
    const reader = formatToken({ name: "reader", hash: hashOf(readerToken), scopes: ["read"] })
    await writeFile(tokensFile, `${reader}\n`, { mode: 0o600 })
    ;[browser, server, front] = await Promise.all([
      launchBrowser(),
      startServer({ endpoint, dataDir, flags: ["--tokens-file", tokensFile] }),
      startRegistryFront()
    ])
  })
  afterEach(() => Promise.all(closing.splice(0).map((close) => close())))
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await front?.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  const open = async (path = "", before: (page: Page) => Promise<unknown> = async () => undefined) => {
    const { complaints, page } = await openPage(browser, { viewport: { width: 1200, height: 700 } })
    closing.push(() => page.context().close())
    await before(page)
    await page.goto(server.link)
    await page.getByText("Live", { exact: true }).waitFor()
    if (path !== "") await page.goto(`${server.url}/${path}`)
    return { complaints, page }
  }

  /** The name of an image with one layer, which the registry has. */
  const newImage = (size: number): string => {
    const repository = uniqueName("page/pull")
    front.add(repository, "1", registryImage({ layers: [32, size] }))
    const image = `${front.host}/${repository}:1`
    closing.push(() => engineRequest(endpoint, "DELETE", `/images/${image}?force=1`))
    return image
  }

  it("lists 2,000 containers by project and service in 200 ms, filters them, and moves through them", async () => {
    const all = Array.from({ length: 2000 }, (_, index) => {
      const project = { "com.docker.compose.project": `project-${index % 20}` }
      const labels = index % 3 === 0 ? {} : { ...project, "com.docker.compose.service": `service-${index % 5}` }
      return container(index, labels, index % 4 === 0 ? "exited" : "running")
    })
    const { complaints, page } = await open("", (opened) =>
      opened.route("**/api/containers", (route) => route.fulfill({ json: all }))
    )
    const times: Array<number> = []
    while (times.length < 3) {
      if (times.length > 0) await page.reload()
      await page.locator("#containers-note").getByText("1500 of 2000 running").waitFor()
      times.push(
        await page.evaluate(() => {
          const loaded = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/api/containers"))
          const shown = performance.getEntriesByName("containers shown")[0]
          if (!(loaded instanceof PerformanceResourceTiming) || shown === undefined) return Infinity
          return shown.startTime - loaded.responseEnd
        })
      )
    }
    expect(Math.min(...times)).toBeLessThan(200)
    expect(await page.locator("#containers .row").count()).toBeLessThan(60)
    await page.getByRole("button", { name: "project-0", exact: false }).first().click()
    await page.getByLabel("Filter containers").fill("many-1999 healthy")
    await poll(() => page.locator("#containers .container").count()).toBe(1)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    await poll(() => page.evaluate(() => document.activeElement?.textContent)).toContain("many-1999")
    await page.getByLabel("Filter containers").fill("nothing like this")
    await page.getByRole("button", { name: "Clear the filter" }).click()
    await page.getByRole("button", { name: "Running", exact: true }).click()
    await page.getByLabel("Filter containers").fill("many-1996")
    await page.getByText("No container matches “many-1996”.").waitFor()
    expect(complaints).toEqual([])
  })

  it("pulls an image once however often one clicks, shows its layers, and is left and come back to", async () => {
    const image = newImage(400_000)
    front.break(undefined, { kind: "throttle", bytesPerSecond: 60_000 })
    const { complaints, page } = await open("#/operations")
    const field = page.getByLabel("Image to pull")
    await field.fill(image)
    await page.getByRole("button", { name: "Pull image" }).dblclick()
    await page.getByRole("heading", { name: `Pull image ${image}` }).waitFor()
    const address = page.url()
    await page.locator(".progress-tree progress").first().waitFor()
    expect(await page.locator(".progress-tree li").count()).toBeGreaterThan(1)

    // Another request for the same image leads to the one that runs.
    await page.getByRole("link", { name: "Operations" }).first().click()
    await page.getByLabel("Filter operations").fill(image)
    await poll(() => page.locator(".operation").count()).toBe(1)
    expect(await page.locator(".operation").textContent()).toMatch(/^running/)
    await field.fill(image)
    await page.getByRole("button", { name: "Pull image" }).click()
    await page.getByRole("alert").getByText("pull_image is still running on").waitFor()
    await page.getByRole("link", { name: "Show the one that runs" }).click()
    await page.getByRole("heading", { name: `Pull image ${image}` }).waitFor()
    expect(page.url()).toBe(address)

    await page.getByRole("button", { name: "Cancel" }).click()
    await page.locator(".operation-status", { hasText: "interrupted" }).waitFor()
    front.break(undefined)
    await page.getByRole("button", { name: "Try again" }).click()
    await page.locator(".operation-status", { hasText: "completed" }).waitFor()
    expect(page.url()).not.toBe(address)
    // What it printed is still there after all of it is loaded again.
    const printed = await page.locator(".output .line .text").allTextContents()
    expect(printed.join("\n")).toContain("Digest: sha256:")
    await page.reload()
    await poll(() => page.locator(".output .line .text").allTextContents()).toEqual(printed)
    await page.goto(`${server.url}/${routeToOperations({ text: image, status: "interrupted" })}`)
    await poll(() => page.locator(".operation").count()).toBe(1)
    // The conflict is one: the browser tells of each answer that is an error.
    expect(complaints.filter((complaint) => !complaint.includes("409"))).toEqual([])
  })

  it("leads with the reason of a failure", async () => {
    const { page } = await open("#/operations")
    const image = `${front.host}/${uniqueName("page/nowhere")}:1`
    await page.getByLabel("Image to pull").fill(image)
    await page.keyboard.press("Enter")
    const alert = page.getByRole("alert")
    await alert.waitFor()
    expect(await alert.innerText()).toContain(image)
    expect(await alert.innerText()).toMatch(/Image\s+127/)
    const [failure, output] = await Promise.all([alert.boundingBox(), page.locator(".output").boundingBox()])
    expect(failure?.y).toBeLessThan(output?.y ?? 0)
    await page.getByRole("link", { name: "All operations" }).waitFor({ state: "hidden" })
  })

  it("stops, starts again and removes a container from its row, if the reader enters its name", async () => {
    const name = uniqueName("row")
    const made = await startTestContainer({ endpoint, name, cmd: ["sleep", "600"] })
    closing.push(() => made.remove())
    const { complaints, page } = await open()
    await page.getByLabel("Filter containers").fill(name)
    const row = page.getByRole("link", { name })
    const menu = page.getByRole("button", { name: `Actions for ${name}` })
    const choose = async (action: string): Promise<void> => {
      await menu.click()
      await page.getByRole("menuitem", { name: action }).click()
    }
    await row.getByText("running").waitFor()
    await menu.click()
    await page.keyboard.press("Escape")
    expect(await menu.evaluate((button) => button === document.activeElement)).toBe(true)
    await page.route("**/stop", (route) => route.continue({ url: `${route.request().url()}?timeout=0` }))
    await choose("Stop")
    await row.getByText("stopped").waitFor()
    await page.getByRole("button", { name: "Start again" }).click()
    await row.getByText("running").waitFor()

    await choose("Remove…")
    const confirm = page.getByRole("dialog").getByRole("button", { name: "Remove" })
    await page.getByRole("dialog").getByRole("textbox").fill(name.slice(0, -1))
    expect(await confirm.isDisabled()).toBe(true)
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await choose("Remove…")
    await page.getByRole("dialog").getByRole("textbox").fill(name)
    await confirm.click()
    await row.waitFor({ state: "detached" })
    await page.getByRole("status").getByText(`${name} was removed.`).waitFor()
    expect(complaints).toEqual([])
  })

  it("shows nothing that the token may not do, and the colors that one chooses", async () => {
    const name = uniqueName("seen")
    const made = await startTestContainer({ endpoint, name, cmd: ["sh", "-c", "echo seen; sleep 600"] })
    closing.push(() => made.remove())
    const { complaints, page } = await openPage(browser)
    closing.push(() => page.context().close())
    await page.goto(`${server.url}/#token=${readerToken}`)
    await page.getByText("Read-only").waitFor()
    await page.getByLabel("Filter containers").fill(name)
    await page.getByRole("link", { name }).click()
    await page.locator("#log .line").first().waitFor()
    expect(await page.locator(".row-menu, #actions").count()).toBe(0)
    await page.getByRole("link", { name: "Operations" }).click()
    await page.getByRole("heading", { name: "Operations" }).waitFor()
    expect(await page.locator("#pull").count()).toBe(0)

    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const seen: Array<string> = []
    for (const name of ["Light", "Dark", "High contrast"]) {
      await page.getByLabel("Colors").selectOption({ label: name })
      seen.push(await ground())
    }
    expect(seen).toEqual(["rgb(245, 247, 248)", "rgb(18, 24, 28)", "rgb(255, 255, 255)"])
    await page.reload()
    await page.getByText("Read-only").waitFor()
    expect(await ground()).toBe("rgb(255, 255, 255)")
    expect(complaints).toEqual([])
  })
})

it("the first load of the page travels in 120 kB", async () => {
  const built = fileURLToPath(new URL("../../packages/server/dist/web/", import.meta.url))
  const files = ["index.html", "assets/page.css", "assets/page.js", "assets/icon.svg"]
  const contents = await Promise.all(files.map((file) => readFile(join(built, file))))
  const total = contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0)
  expect(total).toBeGreaterThan(10_000)
  expect(total).toBeLessThan(120_000)
})

it("an address can name any operation and filter", () => {
  const filter = { text: "a b&c=ü#?", kind: "pull_image", status: "failed" }
  expect(parseRoute(routeToOperations(filter))).toEqual({ view: "operations", filter })
  expect(parseRoute(routeToOperations({ text: "" }))).toEqual({ view: "operations", filter: {} })
  expect(parseRoute(routeToOperation("a/b"))).toEqual({ view: "operation", id: "a/b" })
  for (const hash of ["", "#/", "#/operation", "#/operationsx", "#/operations/%", "#/containers/"])
    expect(parseRoute(hash)).toEqual({ view: "home" })
})

describe("the parts of an operation", () => {
  const shape = (all: ReadonlyArray<Progress>) =>
    progressNodes(all).map(({ children, name, share, state }) => [
      name,
      state,
      share,
      children.map((each) => each.name)
    ])

  it("stand below those that they belong to, in whatever order they come", () => {
    const all: ReadonlyArray<Progress> = [
      {
        id: "aaa",
        status: "Downloading",
        current: 5,
        total: 10,
        resource: { kind: "layer", name: "aaa", parent: "web" }
      },
      { id: "web", status: "Pulling", resource: { kind: "service", name: "web" } },
      { id: "bbb", status: "Pull complete", resource: { kind: "layer", name: "bbb", parent: "web" } },
      { id: "Container db", status: "Error", resource: { kind: "container", name: "db", detail: "port is in use" } },
      { id: "s1", status: "done", resource: { kind: "step", name: "[build 1/2] FROM", parent: "build" } },
      { id: "s2", status: "running", resource: { kind: "step", name: "[build 2/2] RUN", parent: "build" } }
    ]
    const web = ["web", "running", undefined, ["aaa", "bbb"]]
    const db = ["db", "failed", undefined, []]
    const build = ["build", "running", undefined, ["[build 1/2] FROM", "[build 2/2] RUN"]]
    expect(shape(all)).toEqual([web, db, build])
    const reversed = [build.with(3, ["[build 2/2] RUN", "[build 1/2] FROM"]), db, web.with(3, ["bbb", "aaa"])]
    expect(shape(all.toReversed())).toEqual(expect.arrayContaining(reversed))
    expect(shape([{ id: "x", status: "Downloading", current: 20, total: 10 }])).toEqual([["x", "running", 1, []]])
  })
})

it("rows of the rail are in order, and those of a folded group are not there", () => {
  const at = (name: string, project?: string, service?: string, state = "running") => ({
    id: name,
    name,
    image: "i",
    status: "",
    state,
    health: undefined,
    project,
    service
  })
  const all = [
    at("z"),
    at("b-web-10", "b", "web"),
    at("b-web-9", "b", "web"),
    at("b-db-1", "b", "db", "exited"),
    at("a-x-1", "a", "x")
  ]
  const options = { filter: "", hideStopped: false, folded: new Set<string>(), selected: undefined }
  const names = (rows: ReadonlyArray<RailRow>) =>
    rows.map((row) => (row.kind === "group" ? `${row.key} ${row.running}/${row.total}` : row.container.name))
  expect(names(railRows(all, options))).toEqual([
    "a 1/1",
    "a-x-1",
    "b 2/3",
    "b-db-1",
    "b/web 2/2",
    "b-web-9",
    "b-web-10",
    " 1/1",
    "z"
  ])
  expect(names(railRows(all, { ...options, folded: new Set(["b", ""]) }))).toEqual(["a 1/1", "a-x-1", "b 2/3", " 1/1"])
  expect(names(railRows(all, { ...options, hideStopped: true, selected: "b-db-1" }))).toContain("b-db-1")
  expect(names(railRows(all, { ...options, hideStopped: true }))).not.toContain("b-db-1")
  // What is folded is found, too.
  expect(names(railRows(all, { ...options, filter: "B  stopped", folded: new Set(["b"]) }))).toEqual([
    "b 0/1",
    "b-db-1"
  ])
  expect(names(railRows([at("z")], options))).toEqual(["z"])
})
