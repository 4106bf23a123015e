import { randomUUID } from "node:crypto"
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, expect, it } from "vitest"
import { formatToken, hashOf } from "../../packages/server/src/access/tokens/tokensFile.js"
import { writeProject } from "../core/compose/projectFiles.js"
import { launchBrowser, openPage } from "../engine/browser.js"
import { describeCompose } from "../engine/describeCompose.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"
import { testProjectName } from "../engine/testRun.js"

const readerToken = "a-token-of-one-who-only-reads"

const service = "image: busybox, command: [sleep, '600'], init: true, network_mode: none, stop_grace_period: 0s"

const newName = (what: string): string => testProjectName(`${what}-${randomUUID().slice(0, 8)}`)

/** Serves whatever text it has last been given. */
const startFiles = async (): Promise<{ readonly server: Server; readonly url: string; text: string }> => {
  const files = { text: "", url: "", server: createServer((_, response) => response.end(files.text)) }
  await new Promise<void>((resolve) => files.server.listen(0, "127.0.0.1", resolve))
  const address = files.server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  files.url = `http://127.0.0.1:${port}/compose.yaml`
  return files
}

describeEngine("the views of the page", () =>
  describeCompose("2.26", "with", (compose) => {
    let browser: Browser
    let server: ServerProcess
    let files: Awaited<ReturnType<typeof startFiles>>
    let [dataDir, folder] = ["", ""]
    const closing: Array<() => Promise<unknown>> = []

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), "dockwire-views-"))
      folder = await realpath(await mkdtemp(join(tmpdir(), "dockwire-allowed-")))
      const tokensFile = join(dataDir, "tokens")
      const reader = formatToken({ name: "reader", hash: hashOf(readerToken), scopes: ["read"] })
      await writeFile(tokensFile, `${reader}\n`, { mode: 0o600 })
      const flags = ["--tokens-file", tokensFile, "--stacks-dir", folder, "--stacks-any-address"]
      const environment = compose().environment
      ;[browser, server, files] = await Promise.all([
        launchBrowser(),
        startServer({ endpoint: testEngine().endpoint, dataDir, flags, environment }),
        startFiles()
      ])
    })
    afterEach(() => Promise.all(closing.splice(0).map((close) => close())))
    afterAll(async () => {
      await browser?.close()
      await server?.stop()
      files?.server.close()
      for (const each of [dataDir, folder]) await rm(each, { recursive: true, force: true })
    })

    const open = async (path: string, token = server.token) => {
      const { complaints, page } = await openPage(browser, { viewport: { width: 1200, height: 700 } })
      closing.push(() => page.context().close())
      await page.goto(`${server.url}/#token=${encodeURIComponent(token)}`)
      await page.getByText("Live", { exact: true }).waitFor()
      await page.goto(`${server.url}/${path}`)
      return { complaints, page }
    }

    const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })

    /** The operation that is shown has this end. */
    const ended = (page: Page, status = "completed") =>
      page.locator(".operation-status", { hasText: status }).waitFor({ timeout: 30_000 })

    const toStack = async (page: Page, name: string): Promise<void> => {
      await page.goto(`${server.url}/#/stacks/${name}`)
      await page.getByRole("heading", { name }).waitFor()
    }

    it("adds a stack from a path, brings it up, stops it, starts it again, and asks for its name before it is removed", async () => {
      const name = newName("page-stack")
      const path = await writeProject(folder, name, { "compose.yaml": `services: { web: { ${service} } }\n` })
      const { complaints, page } = await open("#/stacks")
      await page.getByLabel("URL or path of a compose file").fill(path)
      expect(await page.getByLabel("Name of the stack").inputValue()).toBe(name)
      await page.keyboard.press("Enter")
      await page.getByText("It has no containers. “Up” creates and starts them.").waitFor()
      await button(page, "Up").dblclick()
      await ended(page)
      expect(await page.locator(".progress-tree").innerText()).toContain(`${name}-web-1`)

      await toStack(page, name)
      await page.locator(".view-title").getByText("up", { exact: true }).waitFor()
      await page
        .getByRole("link", { name: `${name}-web-1` })
        .last()
        .waitFor()
      await button(page, "Stop").click()
      await ended(page)
      const stopping = page.url()
      await button(page, "Start again").click()
      await page.waitForURL((url) => url.href !== stopping)
      await ended(page)
      await toStack(page, name)
      await page.locator(".stack-containers").getByText("running").waitFor()

      // What runs without having been added can only be taken down by one who enters its name.
      await button(page, "Remove…").click()
      const dialog = page.getByRole("dialog")
      expect(await dialog.innerText()).toContain("Its containers go on, as a project that was not added.")
      await dialog.getByRole("textbox").fill(name)
      await page.keyboard.press("Enter")
      await page.getByText(`${name} was removed.`).waitFor()
      await page.locator(`.stack[href$="${name}"]`, { hasText: "not added" }).click()
      await button(page, "Down…").click()
      expect(await dialog.getByRole("button", { name: "Take down" }).isDisabled()).toBe(true)
      await dialog.getByRole("textbox").fill(name)
      await page.keyboard.press("Enter")
      await ended(page)
      await toStack(page, name)
      await page.locator("main .banner").getByText(name).waitFor()
      // There is none: the browser tells of each answer that is an error.
      expect(complaints.filter((complaint) => !complaint.includes("404"))).toEqual([])
    }, 60_000)

    it("shows what an update changes before the file is replaced, and to a reader nothing that it may not do", async () => {
      const name = newName("page-url")
      files.text = `services: { web: { ${service} } }\n`
      const { complaints, page } = await open("#/stacks")
      await page.getByLabel("URL or path of a compose file").fill(files.url)
      await page.getByLabel("Name of the stack").fill(name)
      await button(page, "Add stack").click()
      await button(page, "Check for an update").click()
      await page.getByText("The compose file is what its URL leads to.").waitFor()
      files.text = files.text.replace("600", "601")
      await button(page, "Check for an update").click()
      const diff = page.getByRole("region", { name: "The difference" })
      await diff.waitFor()
      expect(await diff.locator("[data-tone=removed]").innerText()).toContain("'600'")
      expect(await diff.locator("[data-tone=added]").innerText()).toContain("'601'")
      await button(page, "Update the file").click()
      await ended(page)
      await toStack(page, name)
      await button(page, "Check for an update").click()
      await page.getByText("The compose file is what its URL leads to.").waitFor()

      const { page: reading } = await open(`#/stacks/${name}`, readerToken)
      await reading.getByText("It has no containers.").waitFor()
      expect(await reading.locator(".view button").count()).toBe(0)
      await reading.getByRole("link", { name: "All stacks" }).click()
      await reading.locator(`.stack[href$="${name}"]`).waitFor()
      expect(await reading.locator(".view :is(form, button)").count()).toBe(0)
      expect(complaints).toEqual([])
    }, 60_000)
  })
)
