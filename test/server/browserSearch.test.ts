import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { highlight } from "../../packages/server/src/web/search/highlight.js"
import { launchBrowser, openPage } from "../engine/browser.js"
import { startServer } from "../engine/serverProcess.js"

describe("the search of the page", () => {
  it("finds lines of all containers, shows what is around them, and says what is wrong with a query", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "dockwire-search-"))
    const [browser, server] = await Promise.all([
      launchBrowser(),
      startServer({ dataDir, flags: ["--engine", "memory"] })
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
    await hit.getByText("The log of container shop-web-1").waitFor()
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
