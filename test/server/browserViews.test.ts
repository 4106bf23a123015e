import { randomUUID } from "node:crypto"
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import { createRequire } from "node:module"
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
import { startTestContainer, uniqueName } from "../engine/testContainer.js"
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

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** What axe finds on the page: the rule, and where. `rules` limits it to some. */
const accessProblems = async (page: Page, rules?: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  if (!(await page.evaluate(() => Reflect.has(globalThis, "axe")))) await page.evaluate(axeSource)
  const found: unknown = await page.evaluate(async (only) => {
    const options = { resultTypes: ["violations"], ...(only === undefined ? {} : { runOnly: only }) }
    const { violations } = await Reflect.get(globalThis, "axe").run(document, options)
    return violations.flatMap(({ id, nodes }: { id: string; nodes: ReadonlyArray<{ html: string; any: unknown }> }) =>
      nodes.map(({ any, html }) => `${id}: ${html.slice(0, 200)} ${JSON.stringify(any).slice(0, 300)}`)
    )
  }, rules)
  return Array.isArray(found) ? found.map(String) : ["axe did not answer"]
}

/** The default is last. */
const themes = [
  { colorScheme: "dark", contrast: "no-preference" },
  { colorScheme: "light", contrast: "more" },
  { colorScheme: "dark", contrast: "more" },
  { colorScheme: "light", contrast: "no-preference" }
] as const

const twoThemes = [themes[3], themes[0]]

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
        startServer({ endpoint: testEngine().endpoint, dataDir, flags, environment, keepsLogs: true }),
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

    it("have nothing that axe finds, in any theme, move nothing by themselves, and work without a mouse", async () => {
      const name = uniqueName("views")
      const script =
        "for c in 31 32 33 34 35 36 90 91; do printf '\\033[%smcolor %s\\033[0m plain\\n' $c $c; done; echo err >&2; echo level=error msg=broken; sleep 600"
      const { endpoint } = testEngine()
      const [made, silent] = await Promise.all([
        startTestContainer({ endpoint, name, cmd: ["sh", "-c", script] }),
        startTestContainer({ endpoint, name: uniqueName("silent"), cmd: ["sleep", "600"] })
      ])
      closing.push(() => Promise.all([made.remove(), silent.remove()]))
      const stack = newName("page-access")
      const path = await writeProject(folder, stack, { "compose.yaml": `services: { web: { ${service} } }\n` })
      const { complaints, page } = await open("#/")
      await page.addInitScript(() => {
        const shifts: Array<string> = []
        Reflect.set(globalThis, "shifts", shifts)
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            if (Reflect.get(entry, "hadRecentInput") === true) continue
            const sources: ReadonlyArray<{ node?: Element }> = Reflect.get(entry, "sources")
            shifts.push(sources.map(({ node }) => node?.id || node?.textContent || "removed").join(", "))
          }
        }).observe({ type: "layout-shift", buffered: true })
      })
      const found: Array<string> = []
      // What consists of the same parts as another view is looked at in two themes.
      const check = async (state: string, some = themes.toReversed()): Promise<void> => {
        for (const theme of some) {
          await page.emulateMedia({ ...theme, reducedMotion: "reduce" })
          // The log takes its colors from the theme in the next frame.
          await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
          const isFirst = theme === themes.at(-1)
          const problems = await accessProblems(page, isFirst ? undefined : ["color-contrast"])
          found.push(...problems.map((problem) => `${state}, ${theme.colorScheme}, ${theme.contrast}: ${problem}`))
        }
        await page.emulateMedia({ colorScheme: "light", contrast: "no-preference" })
      }
      const keyboard = page.keyboard
      await page.reload()
      await page.getByText("Live", { exact: true }).waitFor()
      await page.locator("#containers .container").first().waitFor()
      expect(await page.evaluate(() => Reflect.get(globalThis, "shifts"))).toEqual([])
      await check("the start")
      await keyboard.press("c")
      await keyboard.type(name)
      await page.getByRole("link", { name }).waitFor()
      await keyboard.press("ArrowDown")
      await keyboard.press("Enter")
      await page.locator("#log .line.stderr").waitFor()
      await keyboard.press("x")
      await keyboard.press("Shift+Tab")
      await keyboard.press("Enter")
      await page.locator("#stats canvas").nth(2).waitFor()
      await check("a log with stats")
      await page.locator(".row", { hasText: name }).getByText("1 error in the last 5 minutes").waitFor()
      await page
        .locator(".row", { hasText: name })
        .getByRole("img", { name: /lines per second$/ })
        .waitFor()
      for (const [zone, time] of [
        ["utc", /^\d\d:\d\d:\d\d\.\d{3}Z$/],
        ["relative", / ago$/],
        ["local", /^\d\d:\d\d:\d\d\.\d{3}$/]
      ] as const) {
        await page.getByLabel("Times", { exact: true }).selectOption(zone)
        await expect.poll(() => page.locator("#log time").first().textContent()).toMatch(time)
      }
      await page.locator("#log").focus()
      await keyboard.press("t")
      await keyboard.press("w")
      expect(await page.locator("#log.times.wrap").count()).toBe(1)
      await keyboard.press("?")
      await page.getByRole("dialog").getByText("Follow the end").waitFor()
      await check("the keys", twoThemes)
      await keyboard.press("Space")
      await keyboard.press("Escape")
      await page.locator("#log").focus()
      await keyboard.press("t")
      expect(await page.locator("#log.times").count()).toBe(1)
      await keyboard.press("?")
      await keyboard.press("Space")
      await keyboard.press("Escape")
      await page.getByRole("button", { name: `Actions for ${name}` }).focus()
      await keyboard.press("Enter")
      await page.getByRole("menuitem", { name: "Remove…" }).waitFor()
      await check("a menu", twoThemes)
      await keyboard.press("ArrowUp")
      await keyboard.press("Enter")
      await page.getByRole("dialog").waitFor()
      await check("a question", twoThemes)
      await keyboard.press("Escape")
      await page.getByLabel("Filter lines").fill("nothing like this")
      await page.getByText("No lines match").waitFor()
      await check("no match", twoThemes)
      await page.locator("#log").focus()
      await keyboard.press("s")
      await page.getByLabel("URL or path of a compose file").fill("/nowhere")
      await keyboard.press("Enter")
      await page.getByRole("alert").waitFor()
      await page.getByLabel("URL or path of a compose file").fill(path)
      await page.getByLabel("Name of the stack").fill(stack)
      await check("stacks")
      await keyboard.press("Enter")
      await page.getByText("It has no containers.").waitFor()
      await check("a stack", twoThemes)
      await page.locator("h1").first().waitFor()
      await button(page, "Pull").focus()
      await keyboard.press("Enter")
      await page.locator(".operation-status", { hasText: /completed|failed/ }).waitFor()
      await check("an operation")
      await keyboard.press("o")
      await page.locator(".operation").first().waitFor()
      await check("operations", twoThemes)
      await keyboard.press("Control+k")
      await page.locator("#search-input").fill(name)
      await check("a search")
      await page.setViewportSize({ width: 320, height: 640 })
      for (const address of ["#/", `#/containers/${name}`, "#/stacks", `#/stacks/${stack}`, "#/operations"]) {
        await page.goto(`${server.url}/${address}`)
        await page.waitForFunction(() =>
          document.querySelector(".view, #operations, #selected:not([hidden]), #welcome")
        )
        const wide = await page.evaluate(() =>
          Array.from(document.querySelectorAll("#page > :not(#side) *"))
            .filter((each) => each.closest("#log, #operation-filters, .line") === null)
            .filter((each) => document.documentElement.scrollWidth > 320 && each.getBoundingClientRect().right > 320)
            .map((each) => each.outerHTML.slice(0, 150))
        )
        expect([address, await page.evaluate(() => document.documentElement.scrollWidth), wide]).toEqual([
          address,
          320,
          []
        ])
      }
      await page.getByRole("link", { name: "All containers" }).first().waitFor()
      await page.goto(`${server.url}/#/containers/${silent.name}`)
      await page.getByText(/^No log output yet: running, silent for .*\. New lines appear here/).waitFor()
      const icons = await page.evaluate(async () => {
        const address = document.querySelector<HTMLLinkElement>("link[rel=manifest]")?.href ?? ""
        const manifest: { icons: ReadonlyArray<{ src: string }>; start_url: string } = await (
          await fetch(address)
        ).json()
        const answers = manifest.icons.map(async ({ src }) =>
          (await fetch(new URL(src, address))).headers.get("content-type")
        )
        return [new URL(manifest.start_url, address).href, ...(await Promise.all(answers))]
      })
      expect(icons).toEqual([`${server.url}/`, "image/svg+xml", "image/png", "image/png", "image/png"])
      const signedOut = await openPage(browser)
      closing.push(() => signedOut.page.context().close())
      await signedOut.page.goto(server.url)
      await signedOut.page.getByText("This browser is not signed in").waitFor()
      found.push(...(await accessProblems(signedOut.page)))
      expect(found).toEqual([])
      // The file that is nowhere: the browser tells of each answer that is an error.
      expect(complaints.filter((complaint) => !/\b4(00|22)\b/.test(complaint))).toEqual([])
    }, 90_000)
  })
)
