import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { launchBrowser, openPage, type WatchedPage } from "../engine/browser.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"

const eventually = <A>(check: () => Promise<A>): Promise<A> => vi.waitFor(check, { timeout: 30_000, interval: 100 })

let browser: Browser
let dataDir: string
let server: ServerProcess
const closing: Array<() => Promise<unknown>> = []

const startDemo = (port = 0): Promise<ServerProcess> =>
  startServer({ dataDir, port, flags: ["--engine", "memory"], environment: { PATH: process.env["PATH"] ?? "" } })

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dockwire-demo-page-"))
  ;[browser, server] = await Promise.all([launchBrowser(), startDemo()])
})
afterEach(() => Promise.all(closing.splice(0).map((close) => close())))
afterAll(async () => {
  await browser?.close()
  await server?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const opened = async (options: BrowserContextOptions = {}): Promise<WatchedPage> => {
  const watched = await openPage(browser, { viewport: { width: 1200, height: 700 }, ...options })
  await watched.page.goto(server.link)
  await watched.page.getByRole("link", { name: "shop-web-1" }).waitFor()
  return watched
}

/** Opens a page that is closed behind the test. */
const open = async (options: BrowserContextOptions = {}): Promise<WatchedPage> => {
  const watched = await opened(options)
  closing.push(() => watched.page.context().close())
  return watched
}

const choose = async (page: Page, name: string): Promise<void> => {
  await page.getByRole("link", { name }).click()
  await page.getByRole("heading", { name }).waitFor()
}

/** The note is in sight, says what this is and what to do, and has nothing that takes it away. */
const expectNote = async (page: Page): Promise<void> => {
  const note = page.getByRole("note")
  await note.getByText("Demo: these containers are not real.").waitFor()
  expect(await note.innerText()).toContain(
    "Dockwire was started with the engine in memory (--engine memory or DOCKWIRE_ENGINE=memory). To see your own containers, start Docker and restart Dockwire without this setting."
  )
  expect(await note.locator("button, a, input, summary").count()).toBe(0)
  const box = await note.boundingBox()
  expect(box?.y).toBe(0)
  expect(box?.height).toBeGreaterThan(20)
  const text = await note.evaluate((element) => element.scrollWidth <= element.clientWidth)
  expect(text).toBe(true)
}

const lines = (page: Page): Promise<ReadonlyArray<string>> => page.locator("#log .line .text").allTextContents()

const notes = async (page: Page): Promise<ReadonlyArray<string>> => page.locator("#log .note-text").allTextContents()

/** Something is written that was not there before. */
const expectMoving = async (page: Page): Promise<void> => {
  const before = (await lines(page)).at(-1)
  await eventually(async () => {
    const all = await lines(page)
    expect(all.length).toBeGreaterThan(0)
    expect(all.at(-1)).not.toBe(before)
  })
}

describe("the page of a demo", () => {
  // The mailer lives for half a minute or so, in which the other tests run.
  let mailerPage: Page
  beforeAll(async () => {
    mailerPage = (await opened()).page
    await choose(mailerPage, "shop-mailer-1")
  })
  afterAll(() => mailerPage?.context().close())

  it.each([
    ["a wide window", { width: 1200, height: 700 }],
    ["a narrow one", { width: 360, height: 700 }]
  ])("says for ever that it is one, in %s", async (_, viewport) => {
    const { complaints, page } = await open({ viewport })
    await expectNote(page)
    await choose(page, "shop-web-1")
    await expectNote(page)
    await page.keyboard.press("Escape")
    await page.reload()
    await expectNote(page)
    await page.goBack()
    await page.getByRole("link", { name: "shop-api-1" }).waitFor()
    await expectNote(page)
    await page.goto(`${server.url}/#/containers/shop-db-1`)
    await page.getByRole("heading", { name: "shop-db-1" }).waitFor()
    await expectNote(page)
    expect(await page.locator("#engine").innerText()).toBe("Demo, no Docker")
    // Nothing is pushed out of the window by it.
    expect(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight)).toBe(true)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    expect(complaints).toEqual([])
  })

  it("shows a site that works, and what comes of stopping a part of it", async () => {
    const { complaints, page } = await open()
    await choose(page, "shop-web-1")
    await expectMoving(page)
    await page
      .locator("#log .text", { hasText: / (GET|POST) |"(GET|POST) / })
      .first()
      .waitFor()

    const state = page.locator("#selected-state")
    await choose(page, "shop-api-1")
    await page.getByRole("button", { name: "Stop", exact: true }).click()
    await eventually(async () => expect(await state.textContent()).toBe("stopped"))
    await eventually(async () => expect(await notes(page)).toContain("Stopped with exit code 0"))
    expect((await lines(page)).at(-1)).toContain("bye")
    await choose(page, "shop-web-1")
    await page.locator("#log .text", { hasText: "(111: Connection refused)" }).first().waitFor({ timeout: 40_000 })
    expect(await lines(page)).toContainEqual(expect.stringMatching(/" 502 559 "/))

    await choose(page, "shop-api-1")
    await page.getByRole("button", { name: "Start", exact: true }).click()
    await eventually(async () => expect(await state.textContent()).toBe("running"))
    await eventually(async () => expect(await notes(page)).toContain("Started"))
    await page.locator("#log .text", { hasText: "listening on 0.0.0.0:3000" }).last().waitFor()
    await expectMoving(page)

    const before = (await notes(page)).length
    await page.getByRole("button", { name: "Restart", exact: true }).click()
    await eventually(async () => expect((await notes(page)).length).toBe(before + 2))
    await eventually(async () => expect(await state.textContent()).toBe("running"))
    expect(complaints).toEqual([])
  }, 120_000)

  it("shows one that ends with a code and is started again", async () => {
    const page = mailerPage
    await page.locator("#log .note-text", { hasText: "Stopped with exit code 1" }).first().waitFor({ timeout: 90_000 })
    await page.locator("#log .note-text", { hasText: "Started" }).first().waitFor()
    await page.locator("#selected-state", { hasText: "running" }).waitFor()
  }, 120_000)

  it("goes on over a restart of the server", async () => {
    const { complaints, page } = await open()
    await choose(page, "shop-web-1")
    await expectMoving(page)
    await server.stop()
    await page.getByText("Reconnecting").waitFor()
    await expectNote(page)
    server = await startDemo(server.port)
    await page.getByText("Live", { exact: true }).waitFor()
    await eventually(async () => expect(await page.locator("#selected-state").textContent()).toBe("running"))
    await expectMoving(page)
    await expectNote(page)
    expect(complaints).toEqual([])
  })
})

describeEngine("the page, when a real engine has come and the server was started again", () => {
  it("is no longer that of a demo", async () => {
    const { complaints, page } = await open()
    await expectNote(page)
    await server.stop()
    server = await startServer({ dataDir, port: server.port, endpoint: testEngine().endpoint })
    await page.locator("#engine", { hasText: /^Docker \d/ }).waitFor()
    expect(await page.getByRole("note").isVisible()).toBe(false)
    await page.locator('a[href="#/containers/shop-web-1"]').waitFor({ state: "detached" })
    expect(complaints).toEqual([])
  })
})
