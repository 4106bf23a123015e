import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { highlight } from "../../packages/server/src/web/search/highlight.js"
import { launchBrowser, openPage } from "../engine/browser.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startServer } from "../engine/serverProcess.js"
import { startTestContainer, uniqueName } from "../engine/testContainer.js"
import { poll } from "./wireClient.js"

describeEngine("the log of the page", () => {
  it("goes on into what is kept as one scrolls up, also of the containers before, each line once, and nothing moves", async () => {
    const { endpoint } = testEngine()
    const name = uniqueName("older")
    const dataDir = await mkdtemp(join(tmpdir(), "dockwire-older-"))
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
    const [browser, server] = await Promise.all([
      launchBrowser(),
      startServer({ endpoint, dataDir, flags: ["--keep-logs", name] })
    ])
    onTestFinished(async () => {
      await browser.close()
      await server.stop()
    })
    const print = async (from: number, to: number) => {
      const script = `i=${from - 1}; while [ $i -lt ${to} ]; do i=$((i+1)); echo line $i; done; sleep 1000`
      const container = await startTestContainer({ endpoint, name, cmd: ["sh", "-c", script] })
      onTestFinished(container.remove)
      const isKept = async () => {
        const query = new URLSearchParams({ container: container.id, direction: "backward", limit: "1" })
        const headers = { "x-dockwire-token": server.token }
        return (await (await fetch(`${server.url}/api/logs?${query}`, { headers })).text()).includes(`line ${to}`)
      }
      await poll(`line ${to} is kept`, isKept, 30_000)
      return container
    }
    await (await print(1, 1_500)).remove()
    await print(1_501, 4_000)
    const { page } = await openPage(browser, { viewport: { width: 1200, height: 700 } })
    await page.goto(server.link)
    await page.goto(`${server.url}/#/containers/${name}`)
    await page.getByText("line 4000", { exact: true }).waitFor()
    /** The row at the top: what it says, and where it is. */
    const top = () =>
      page.evaluate(async () => {
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
        const box = document.querySelector("#log")?.getBoundingClientRect()
        const row = document.elementFromPoint((box?.left ?? 0) + 200, (box?.top ?? 0) + 30)?.closest(".line, .note")
        return `${row?.textContent} at ${Math.round(row?.getBoundingClientRect().top ?? 0)}`
      })
    const count = page.locator("#count")
    const log = page.locator("#log")
    let lines = 1_000
    while (lines < 4_000) {
      await log.evaluate((box) => box.dispatchEvent(new WheelEvent("wheel", { deltaY: -100 })))
      await log.evaluate((box) => box.scrollTo({ top: 1_000 }))
      const before = await top()
      const text = lines
      await expect
        .poll(async () => Number((await count.innerText()).replaceAll(/\D/g, "")), { timeout: 20_000 })
        .toBeGreaterThan(text)
      expect(await top()).toBe(before)
      lines = Number((await count.innerText()).replaceAll(/\D/g, ""))
    }
    await log.evaluate((box) => box.scrollTo({ top: 0 }))
    await page
      .getByText(/^The kept log of container/)
      .first()
      .waitFor()
    await page.getByText("line 1", { exact: true }).waitFor()
    expect(lines).toBe(4_000)
    /** Every row, by scrolling through all of them. */
    const seen = await log.evaluate(async (box) => {
      const texts = new Map<string, number>()
      for (let at = 0; at < box.scrollHeight; at += box.clientHeight) {
        box.scrollTo({ top: at })
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
        for (const row of box.querySelectorAll<HTMLElement>(".line")) {
          texts.set(row.querySelector(".text")?.textContent ?? "", Number(row.dataset["index"]))
        }
      }
      return [...texts].toSorted(([, one], [, other]) => one - other).map(([text]) => text)
    })
    expect(seen).toEqual(Array.from({ length: 4_000 }, (_, index) => `line ${index + 1}`))
  })
})

describe("the search of the page", () => {
  it("finds lines of all containers, shows what is around them, and says what is wrong with a query", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "dockwire-search-"))
    const [browser, server] = await Promise.all([
      launchBrowser(),
      startServer({ dataDir, flags: ["--engine", "memory"], keepsLogs: true })
    ])
    onTestFinished(async () => {
      await browser.close()
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    })
    const { page } = await openPage(browser, { viewport: { width: 1200, height: 700 } })
    await page.goto(server.link)
    await page.getByText("Live", { exact: true }).waitFor()
    await page.keyboard.press("Control+k")
    const input = page.getByLabel("Search containers and all kept logs")
    await input.fill("mailer")
    await page
      .getByRole("navigation", { name: "Containers that fit" })
      .getByRole("link", { name: "shop-mailer-1" })
      .waitFor()

    await input.fill("using the -warn source:shop/*")
    await page.keyboard.press("Enter")
    const hit = page.locator(".hit").first()
    await hit.getByText("using the").waitFor()
    expect(await hit.locator("mark").allTextContents()).toEqual(["using the"])
    expect(await hit.locator(".found-line").count()).toBe(1)
    await hit.getByRole("button", { name: "Show what is around" }).click()
    await hit.getByText("The kept log of container shop-web-1").waitFor()
    expect(await hit.locator(".found-line").count()).toBeGreaterThan(3)
    expect(await hit.locator("mark").allTextContents()).toEqual(["using the"])
    await page.getByText(/^\d+ lines? in all that is kept\.$/).waitFor()

    // The address has the query, so that the way back leads to it.
    await hit.getByRole("link", { name: "shop/web" }).click()
    await page.getByRole("heading", { name: "shop-web-1" }).waitFor()
    await page.goBack()
    expect(await input.inputValue()).toBe("using the -warn source:shop/*")
    await hit.locator("mark").first().waitFor()

    await input.fill("no such line anywhere")
    await page.keyboard.press("Enter")
    await page.getByText("No line in all that is kept.").waitFor()
    await input.fill("/a(b/")
    await page.keyboard.press("Enter")
    await page.getByRole("alert").getByText('Invalid regex "a(b": missing closing )').waitFor()
  })

  it.each([
    ["one two one", "one", "[one] two [one]"],
    ["One TWO", 'one -two +"tw"', "[One] [TW]O"],
    ["a.b axb", "a.b", "[a.b] axb"],
    ["status=500", "status>=500", "status=500"],
    ["aaa", "/a+/", "aaa"],
    [`${"x".repeat(5_000)}needle`, "needle", `…${"x".repeat(200)}[needle]`],
    ["y".repeat(2_001), "nothing", `${"y".repeat(2_000)}…`]
  ])("marks literal texts: %#", (text, query, expected) => {
    expect(
      highlight(text, query)
        .map((part) => (part.isHit ? `[${part.text}]` : part.text))
        .join("")
    ).toBe(expected)
  })
})
