import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest"
import { launchBrowser, openPage } from "../engine/browser.js"
import { engineCall } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import type { ServerProcess } from "../engine/serverProcess.js"
import { startServer } from "../engine/serverProcess.js"
import type { TestContainer } from "../engine/testContainer.js"
import { startTestContainer, uniqueName } from "../engine/testContainer.js"

const eventually = <A>(check: () => Promise<A>): Promise<A> => vi.waitFor(check, { timeout: 20_000, interval: 100 })

/** A shell script that prints numbered lines. */
const numbered = (from: string, to: number, pause: string): string =>
  `i=${from}; while [ $i -le ${to} ]; do echo "number $i"; i=$((i+1)); ${pause}; done`

/** Does this, and runs until it is told to end, which it can be as soon as it does that. */
const lasting = (script: string): string => `trap "exit 3" TERM; ${script}; while :; do sleep 0.2; done`

/** Scrolls through the whole log and collects its rows: only the visible ones are in the document. */
const allLines = async (page: Page): Promise<ReadonlyArray<string>> => {
  const found = new Map<number, string>()
  await page.locator("#log").evaluate((log) => log.scrollTo(0, 0))
  // What was kept before comes above, and with it the rows get other numbers.
  await page
    .getByText(/^The kept log of container/)
    .first()
    .waitFor()
  for (;;) {
    await page.waitForTimeout(60)
    const rows = await page
      .locator("#log .line, #log .note")
      .evaluateAll((all) =>
        all.map((row) => [row.getAttribute("data-index"), row.querySelector(".text, .note-text")?.textContent])
      )
    for (const [index, text] of rows) found.set(Number(index), text ?? "")
    const more = await page.locator("#log").evaluate((log) => {
      log.scrollBy(0, log.clientHeight * 0.8)
      return log.scrollTop + log.clientHeight < log.scrollHeight - 1
    })
    if (!more) {
      await page.waitForTimeout(60)
      const last = await page
        .locator("#log .line, #log .note")
        .evaluateAll((all) =>
          all.map((row) => [row.getAttribute("data-index"), row.querySelector(".text, .note-text")?.textContent])
        )
      for (const [index, text] of last) found.set(Number(index), text ?? "")
      return Array.from(found)
        .sort(([one], [other]) => one - other)
        .map(([, text]) => text)
    }
  }
}

describeEngine("the page", () => {
  let browser: Browser
  let server: ServerProcess
  let dataDir: string
  const containers: Array<TestContainer> = []
  const closing: Array<() => Promise<unknown>> = []

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "dockwire-"))
    ;[browser, server] = await Promise.all([launchBrowser(), startServer({ endpoint: testEngine().endpoint, dataDir })])
  })

  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()))
    await Promise.all(containers.splice(0).map((container) => container.remove()))
  })

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  const run = async (script: string, word: string): Promise<TestContainer> => {
    const container = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sh", "-c", script],
      name: uniqueName(word)
    })
    containers.push(container)
    return container
  }

  const open = async (address = server.link, options: Parameters<typeof openPage>[1] = {}) => {
    const { complaints, page } = await openPage(browser, { viewport: { width: 1200, height: 700 }, ...options })
    closing.push(() => page.context().close())
    await page.goto(address)
    return { complaints, page }
  }

  /** Filters the rail, so that the container is in sight, whatever else there is. */
  const find = async (page: Page, container: TestContainer): Promise<void> => {
    await page.getByLabel("Filter containers").fill(container.name)
    await page.getByRole("link", { name: container.name }).waitFor()
  }

  const choose = async (page: Page, container: TestContainer): Promise<void> => {
    await find(page, container)
    await page.getByRole("link", { name: container.name }).click()
    await page.getByRole("heading", { name: container.name }).waitFor()
  }

  const texts = (page: Page): Promise<ReadonlyArray<string>> => page.locator("#log .line .text").allTextContents()

  const notes = (page: Page): Promise<ReadonlyArray<string>> => page.locator("#log .note-text").allTextContents()

  test("tells a browser that is not signed in how to sign in", async () => {
    const { page } = await open(server.url)
    await page.getByText("Open the link that Dockwire printed in the terminal").waitFor()
    expect(await page.locator("#side").isVisible()).toBe(false)
    await page.goto(`${server.url}/#token=wrong`)
    await page.reload()
    await page.getByText("Open the link that Dockwire printed in the terminal").waitFor()
    expect(page.url()).not.toContain("wrong")
  })

  test("the link signs the browser in for good, and the token leaves the address bar", async () => {
    const container = await run(lasting("echo hello"), "hello")
    const { complaints, page } = await open()
    await find(page, container)
    expect(page.url()).toBe(`${server.url}/`)
    await page.reload()
    await choose(page, container)
    await eventually(async () => expect(await texts(page)).toEqual(["hello"]))
    expect(page.url()).toBe(`${server.url}/#/containers/${container.name}`)
    expect(await page.title()).toContain(container.name)
    // The address alone is enough to get back to the log.
    await page.reload()
    await eventually(async () => expect(await texts(page)).toEqual(["hello"]))
    expect(complaints).toEqual([])
  })

  test("a line is shown as text and colors only, whatever it contains", async () => {
    const evil = `<img src=x onerror="alert(1)"><script>alert(2)</script>`
    const script = [
      `printf '%s\\n' '${evil}'`,
      `printf '\\033]8;;javascript:alert(3)\\007link\\033]8;;\\007 \\033[1;31mred\\033[0m plain\\n'`,
      `printf 'to stderr\\n' >&2`
    ].join("; ")
    const container = await run(lasting(script), "evil")
    const { complaints, page } = await open()
    await choose(page, container)
    await eventually(async () => {
      expect([...(await texts(page))].sort()).toEqual([evil, "link red plain", "to stderr"])
    })
    expect(await page.locator("#log img, #log script, #log a").count()).toBe(0)
    expect(await page.locator("#log .bold").evaluate((bold) => getComputedStyle(bold).color)).toBe("rgb(187, 0, 0)")
    const mark = page.locator(".line.stderr", { hasText: "to stderr" }).locator(".stream")
    expect(await mark.evaluate((element) => getComputedStyle(element, "::before").content)).toBe('"err"')
    expect(complaints).toEqual([])
  })

  test("stops and starts a container, and shows its state", async () => {
    const container = await run(lasting("echo here"), "stop")
    const { complaints, page } = await open()
    await choose(page, container)
    const state = page.locator("#selected-state")
    await eventually(async () => expect(await state.textContent()).toBe("running"))
    await eventually(async () => expect(await texts(page)).toEqual(["here"]))
    await page.getByRole("button", { name: "Stop", exact: true }).click()
    await eventually(async () => expect(await state.textContent()).toBe("stopped"))
    await eventually(async () => expect(await notes(page)).toEqual(["Stopped with exit code 3"]))
    const entry = page.getByRole("link", { name: container.name })
    await eventually(async () => expect(await entry.textContent()).toContain("stopped"))
    await eventually(async () => expect(await entry.getAttribute("title")).toContain("Exited (3)"))

    await page.getByRole("button", { name: "Start", exact: true }).click()
    await eventually(async () => expect(await state.textContent()).toBe("running"))
    await eventually(async () => expect(await texts(page)).toEqual(["here", "here"]))
    expect(await notes(page)).toEqual(["Stopped with exit code 3", "Started"])
    expect(complaints).toEqual([])
  })

  test("explains why an action failed", async () => {
    const container = await run("exit 0", "gone")
    const { page } = await open()
    await choose(page, container)
    await page.getByRole("button", { name: "Start", exact: true }).waitFor()
    await container.remove()
    await eventually(async () => expect(await page.locator("#selected-state").textContent()).toBe("removed"))
    await page.getByRole("button", { name: "Start", exact: true }).waitFor({ state: "hidden" })
    await eventually(async () => expect(await page.getByRole("link", { name: container.name }).count()).toBe(0))

    const other = await run("exit 0", "broken")
    await choose(page, other)
    await page.route("**/start", (route) =>
      route.fulfill({
        status: 409,
        contentType: "application/json",
        body: JSON.stringify({ _tag: "X", message: "It is tired." })
      })
    )
    await page.getByRole("button", { name: "Start", exact: true }).click()
    await page.getByRole("alert").getByText(`Could not start ${other.name}: It is tired.`).waitFor()
    await page.getByRole("button", { name: "Close" }).click()
    await page.getByRole("alert").waitFor({ state: "hidden" })
  })

  test("continues with a new container of the same name", async () => {
    const first = await run(lasting("echo first"), "again")
    const { complaints, page } = await open()
    await choose(page, first)
    await eventually(async () => expect(await texts(page)).toEqual(["first"]))
    await first.remove()
    await eventually(async () => expect(await page.locator("#selected-state").textContent()).toBe("removed"))
    const second = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sh", "-c", lasting("echo second")],
      name: first.name
    })
    containers.push(second)
    await eventually(async () => expect(await texts(page)).toEqual(["first", "second"]))
    await eventually(async () => expect(await page.locator("#selected-state").textContent()).toBe("running"))
    expect(await page.locator("#selected-facts").textContent()).toContain(second.id.slice(0, 12))
    expect((await notes(page)).join("; ")).toContain(`Continues with the new container ${second.id.slice(0, 12)}`)
    expect(complaints).toEqual([])
  })

  test("continues across restarts of the server, with no line missing or repeated", async () => {
    const counting =
      "trap end=1 USR1; i=0; while [ -z $end ]; do i=$((i+1)); echo number $i; sleep 0.02; done; echo end"
    const container = await run(lasting(counting), "count")
    // A server of its own, so that other tests keep theirs.
    const ownData = await mkdtemp(join(tmpdir(), "dockwire-"))
    const { endpoint } = testEngine()
    const flags = ["--keep-logs", container.name]
    let restarted = await startServer({ endpoint, dataDir: ownData, flags })
    closing.push(() => restarted.stop("SIGKILL").then(() => rm(ownData, { recursive: true, force: true })))
    const { complaints, page } = await open(restarted.link)
    await choose(page, container)
    await eventually(async () => expect((await texts(page)).length).toBeGreaterThan(20))
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await restarted.stop(signal)
      await page.getByText("Reconnecting").waitFor()
      await page.waitForTimeout(500)
      restarted = await startServer({ endpoint, dataDir: ownData, flags, port: restarted.port })
      await page.getByText("Live", { exact: true }).waitFor()
      await page.waitForTimeout(500)
    }
    await engineCall(endpoint, "POST", `/containers/${container.id}/kill?signal=USR1`)
    await page.locator("#log .text", { hasText: "end" }).waitFor()
    const [first = "", ...lines] = await allLines(page)
    expect(first).toMatch(/^The kept log of container/)
    expect(lines).toEqual([...Array.from(lines.slice(1), (_, index) => `number ${index + 1}`), "end"])
    expect(complaints).toEqual([])
  }, 120_000)

  test("pauses, filters, keeps the reader's position, and jumps to the end", async () => {
    const container = await run(`${numbered("1", 100_000, "[ $i -le 300 ] || sleep 0.02")}`, "tools")
    const { complaints, page } = await open()
    await choose(page, container)
    await eventually(async () => expect((await texts(page)).length).toBeGreaterThan(20))

    await page.keyboard.press("Space")
    const resume = page.getByRole("button", { name: /^Resume \(\d+ waiting\)$/ })
    await resume.waitFor()
    const held = await texts(page)
    await page.waitForTimeout(300)
    expect(await texts(page)).toEqual(held)
    await resume.click()
    await page.getByRole("button", { name: "Pause" }).waitFor()

    const jump = page.locator("#jump")
    expect(await jump.isVisible()).toBe(false)
    await page.locator("#log").hover()
    await page.mouse.wheel(0, -1500)
    await jump.getByText(/\d+ new/).waitFor()
    const there = await texts(page)
    await page.waitForTimeout(500)
    expect(await texts(page)).toEqual(there)
    await jump.click()
    await eventually(async () => expect(await jump.isVisible()).toBe(false))

    await page.keyboard.press("/")
    await page.keyboard.type("NUMBER 10")
    await page.getByText("No lines match the filter.").waitFor()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("number 12")
    await eventually(async () => expect((await texts(page)).every((text) => text.startsWith("number 12"))).toBe(true))
    expect(await page.locator("#count").textContent()).toMatch(/^\d+ of [\d,]+ lines$/)
    expect(await page.locator("#log mark").first().textContent()).toBe("number 12")
    await page.keyboard.press("Escape")
    await page.getByRole("button", { name: "Timestamps" }).click()
    expect(await page.locator("#log time").first().textContent()).toMatch(/\d\d:\d\d:\d\d\.\d\d\d$/)
    expect(complaints).toEqual([])
  })

  test("a line of one mebibyte does not block it", async () => {
    const container = await run(lasting(`head -c 1048576 /dev/zero | tr '\\0' x; echo; echo after`), "long")
    const { complaints, page } = await open()
    await choose(page, container)
    await eventually(async () => expect((await texts(page)).at(-1)).toBe("after"))
    await page.getByRole("button", { name: "Wrap" }).click()
    const more = page.getByRole("button", { name: /more characters/ })
    const before = await more.textContent()
    await more.click()
    expect(await more.textContent()).not.toBe(before)
    expect(complaints).toEqual([])
  })

  test("on a phone, the list and the log each fill the screen", async () => {
    const container = await run(lasting("echo small"), "phone")
    const { complaints, page } = await open(server.link, { viewport: { width: 375, height: 700 }, hasTouch: true })
    await choose(page, container)
    await page.locator("#log .text", { hasText: "small" }).waitFor()
    expect(await page.locator("#side").isVisible()).toBe(false)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375)
    await page.getByRole("link", { name: "All containers" }).click()
    await find(page, container)
    expect(await page.locator("#selected").isVisible()).toBe(false)
    expect(complaints).toEqual([])
  })

  test("the arrow keys move through the list", async () => {
    const made = await Promise.all([run(lasting(":"), "keys-a"), run(lasting(":"), "keys-b")])
    const { page } = await open()
    // Other tests create containers too.
    const filter = page.getByLabel("Filter containers")
    await filter.fill("dockwire-keys-")
    for (const { name } of made) await page.getByRole("link", { name }).waitFor()
    const [first, second] = made.map(({ name }) => page.getByRole("link", { name }))
    await filter.press("ArrowDown")
    const focused = (link: typeof first) => () => link?.evaluate((element) => element === document.activeElement)
    await expect.poll(focused(first), { timeout: 20_000 }).toBe(true)
    await page.keyboard.press("ArrowDown")
    await expect.poll(focused(second), { timeout: 20_000 }).toBe(true)
    await page.keyboard.press("Home")
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { name: made[0].name }).waitFor()
  })

  test("the plain script and the module work in other pages", async () => {
    const container = await run(lasting("echo one; echo two"), "script")
    const { complaints, page } = await open()
    await find(page, container)
    // As text, because the test runner would rewrite the import.
    await page.evaluate(`import("/client.js").then((module) => { globalThis.moduleIo = module.io })`)
    const seen = await page.evaluate(async (name) => {
      const script = document.createElement("script")
      script.src = "/dockwire.js"
      const loaded = new Promise((resolve) => script.addEventListener("load", resolve))
      document.head.append(script)
      await loaded
      const makers = [Reflect.get(globalThis, "io"), Reflect.get(globalThis, "moduleIo")]
      const lines: Array<unknown> = []
      await Promise.all(
        makers.map((io) => {
          const socket = io()
          return new Promise<void>((resolve) => {
            let count = 0
            socket.on("docker_log", (data: unknown) => {
              lines.push(data)
              if (++count === 2) resolve(socket.disconnect())
            })
            socket.emit("join", { room: `container_logs_${name}` })
            socket.emit("stream_container_logs", { container_id: name, room: `container_logs_${name}` })
          })
        })
      )
      return lines
    }, container.name)
    const shape = {
      log_id: null,
      operation_type: "container_logs",
      config_id: null,
      container_id: container.name,
      image_name: null,
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      status: "running",
      stream: "stdout"
    }
    const one = { ...shape, line: "one" }
    const two = { ...shape, line: "two" }
    expect(seen).toHaveLength(4)
    expect(seen).toEqual(expect.arrayContaining([one, two]))
    // What a page of the old server did to show operations.
    const ended = await page.evaluate(async () => {
      const socket = Reflect.get(globalThis, "io")()
      const image = "127.0.0.1:1/nothing:1"
      const complete = new Promise((resolve) => {
        socket.on("docker_log_complete", (data: { image_name?: string }) => {
          if (data.image_name === image) resolve(data)
        })
      })
      const joined = new Promise((resolve) => socket.on("joined", resolve))
      socket.emit("join", { room: "docker_logs" })
      await joined
      const headers = { "content-type": "application/json" }
      await fetch("/api/images/pull", { method: "POST", headers, body: JSON.stringify({ image }) })
      const data = await complete
      socket.disconnect()
      return data
    })
    expect(ended).toMatchObject({
      log_id: expect.any(String),
      operation_type: "pull_image",
      config_id: null,
      container_id: null,
      success: false,
      status: "failed",
      error: expect.stringContaining("127.0.0.1:1"),
      timestamp: expect.stringMatching(/Z$/)
    })
    expect(complaints).toEqual([])
  })
})
