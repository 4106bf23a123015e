import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { launchBrowser, openPage } from "../engine/browser.js"
import { packagesUnavailable } from "../engine/debianPackages.js"
import { startFreezableForwarder } from "../engine/freezableForwarder.js"
import { freePort } from "../engine/freePort.js"
import { type NginxOptions, type NginxProxy, startNginx } from "../engine/nginxProxy.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"

const withoutPackages = await packagesUnavailable()

let browser: Browser
let folder: string
/** Its origins behind nginx, with a password and without WebSockets. */
let origins: { readonly password: string; readonly noWebSockets: string }
let server: ServerProcess
const closing: Array<() => Promise<unknown>> = []

const start = (name: string, flags: ReadonlyArray<string> = [], port = 0): Promise<ServerProcess> =>
  startServer({ dataDir: join(folder, name), port, flags: ["--engine", "memory", ...flags] })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-access-"))
  origins = {
    password: `http://logs.localhost:${await freePort()}`,
    noWebSockets: `http://logs.localhost:${await freePort()}`
  }
  const publicOrigins = Object.values(origins).flatMap((origin) => ["--public-origin", origin])
  ;[browser, server] = await Promise.all([launchBrowser(), start("one", publicOrigins)])
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(async () => {
  await browser?.close()
  await server?.stop("SIGKILL")
  await rm(folder, { recursive: true, force: true })
})

const open = async (address: string, options: BrowserContextOptions = {}) => {
  const { complaints, page } = await openPage(browser, options)
  closing.push(() => page.context().close())
  await page.goto(address)
  return { complaints, page }
}

const forward = async (port: number, host?: string) => {
  const forwarder = await startFreezableForwarder(port, host)
  closing.push(() => forwarder.stop())
  return forwarder
}

const portOf = (origin: string): number => Number(new URL(origin).port)

const expectConnected = async (page: Page): Promise<void> => {
  await page.getByText("Live", { exact: true }).waitFor()
  await page.getByRole("link", { name: "shop-web-1" }).waitFor()
}

const tokenOf = ({ token }: ServerProcess): string => `#token=${encodeURIComponent(token)}`

describe("a browser", () => {
  it("shows the API at /docs, from the server alone", async () => {
    const address = `http://127.0.0.1:${server.port}`
    const { complaints, page } = await openPage(browser)
    closing.push(() => page.context().close())
    const foreign: Array<string> = []
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(address)) foreign.push(request.url())
    })
    await page.goto(`${address}/docs`)
    await page.getByRole("heading", { name: /^Dockwire/ }).waitFor()
    const document = await (await fetch(`${address}/openapi.json`)).json()
    const described = Object.values<object>(document.paths).flatMap((methods) => Object.keys(methods))
    await expect.poll(() => page.locator(".opblock").count(), { timeout: 20_000 }).toBe(described.length)
    await page.locator(".opblock-summary").first().click()
    await page.locator(".opblock-body").first().waitFor()
    expect([complaints, foreign]).toEqual([[], []])
  })

  it("stays signed in at two servers on the same port that it sees through two tunnels", async () => {
    const { port } = server
    const other = await start("two", ["--host", "127.0.0.2"], port)
    closing.push(() => other.stop("SIGKILL"))
    const tunnels = [await forward(port), await forward(port, "127.0.0.2")] as const
    const at = (index: 0 | 1): string => `http://localhost:${tunnels[index].port}/`
    const { page: first } = await open(at(0) + tokenOf(server))
    await expectConnected(first)
    const second = await first.context().newPage()
    await second.goto(at(1) + tokenOf(other))
    await expectConnected(second)
    await first.reload()
    await expectConnected(first)
    await second.reload()
    await expectConnected(second)
    const status = await second.evaluate(async () => (await fetch("/api/session", { method: "DELETE" })).status)
    expect(status).toBe(204)
    await second.reload()
    await second.getByText("This browser is not signed in").waitFor()
    await first.reload()
    await expectConnected(first)
  })

  it("can sign in with the token on the page, and is told what is wrong with another", async () => {
    const { page } = await open(server.url)
    await page.getByText("This browser is not signed in").waitFor()
    await page.getByLabel("Token").fill("wrong")
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("alert").getByText("The server does not accept this token.").waitFor()
    await page.getByLabel("Token").fill(server.token)
    await page.getByLabel("Token").press("Enter")
    await expectConnected(page)
    expect(page.url()).toBe(`${server.url}/`)
    // A link that was opened with a wrong token can be corrected in the same tab.
    const { page: other } = await open(`${server.url}/#token=wrong`)
    await other.getByRole("alert").getByText("The server does not accept this token.").waitFor()
    await other.goto(`${server.url}/${tokenOf(server)}`)
    await expectConnected(other)
  })

  it("is shown a page without a script at an address that the server does not know", async () => {
    const { page } = await open(`http://other.localhost:${server.port}/`)
    await page.getByRole("heading", { name: "Dockwire can’t be used at this address" }).waitFor()
    const text = await page.locator("body").innerText()
    // Browsers treat names below localhost as secure, as if they were served over TLS.
    expect(text).toContain(`restart Dockwire with --public-origin https://other.localhost:${server.port} `)
    expect(await page.locator("script").count()).toBe(0)
    expect(await page.locator("body").evaluate((body) => getComputedStyle(body).maxWidth)).toBe("704px")
  })

  it("is told when the page's script does not load", async () => {
    const { page } = await openPage(browser)
    closing.push(() => page.context().close())
    await page.route("**/assets/page.js", (route) => route.fulfill({ status: 403, body: "{}" }))
    await page.goto(server.url)
    await page.getByText("This page has not started").waitFor()
    expect(await page.getByText("Connecting").count()).toBe(0)
    await page.unroute("**/assets/page.js")
    await page.reload()
    await page.getByText("This browser is not signed in").waitFor()
    expect(await page.getByText("This page has not started").isVisible()).toBe(false)
  })

  it("is told why the list can't be loaded, now and later, and gets it as soon as it can", async () => {
    const { page } = await openPage(browser)
    closing.push(() => page.context().close())
    const refuse = () =>
      page.route("**/api/containers", (route) =>
        route.fulfill({ status: 409, contentType: "application/json", body: '{"message":"It is tired."}' })
      )
    await refuse()
    await page.clock.install()
    await page.goto(`${server.url}/${tokenOf(server)}`)
    await page.locator("#welcome").getByText("It is tired.").waitFor()
    expect(await page.getByText("Loading containers").count()).toBe(0)
    await page.unroute("**/api/containers")
    await page.clock.runFor(5_500)
    await expectConnected(page)
    await refuse()
    await page.clock.runFor(61_000)
    await page.locator("#containers-note").getByText("It is tired.").waitFor()
    await page.getByRole("link", { name: "shop-web-1" }).waitFor()
  })

  it("notices a connection over which nothing passes any more, says so, and reconnects", async () => {
    const tunnel = await forward(server.port)
    const { page } = await openPage(browser)
    closing.push(() => page.context().close())
    await page.clock.install()
    await page.goto(`http://localhost:${tunnel.port}/${tokenOf(server)}`)
    await expectConnected(page)
    const status = page.locator("#connection")
    tunnel.freeze()
    // The list is being fetched when the connection dies, and must not wait for that forever.
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")))
    // The page's clock runs on by itself too, so there is room for a slow machine.
    await page.clock.runFor(15_000)
    expect(await status.textContent()).toBe("Live")
    await page.clock.runFor(6_500)
    expect(await status.textContent()).toBe("No answer for 20 s, reconnecting")
    tunnel.thaw()
    await page.clock.runFor(2_000)
    await page.getByText("Live", { exact: true }).waitFor()
    await page.getByRole("link", { name: "shop-web-1" }).waitFor()
  })
})

describe.skipIf(withoutPackages !== undefined)("behind nginx, a browser", () => {
  const proxy = async (options: NginxOptions): Promise<NginxProxy> => {
    const nginx = await startNginx(options)
    closing.push(() => nginx.stop())
    return nginx
  }

  it("signs in and connects, although nginx needs the Authorization header for a password", async () => {
    await proxy({ port: portOf(origins.password), serverPort: server.port, hasPassword: true })
    const { page } = await open(`${origins.password}/${tokenOf(server)}`, {
      httpCredentials: { username: "viewer", password: "secret" }
    })
    await expectConnected(page)
    await page.reload()
    await expectConnected(page)
  })

  it.each([
    ["leaves in addresses", false],
    ["takes off", true]
  ])("uses the server in a folder that nginx %s, and sends its cookie nowhere else", async (_, takesFolderOff) => {
    const origin = `http://logs.localhost:${await freePort()}`
    const inFolder = await start(`folder-${takesFolderOff}`, [
      "--public-origin",
      origin,
      "--base-path",
      "/tools/dockwire/"
    ])
    closing.push(() => inFolder.stop("SIGKILL"))
    await proxy({ port: portOf(origin), serverPort: inFolder.port, folder: "/tools/dockwire", takesFolderOff })
    expect(inFolder.said()).toContain(`${origin}/tools/dockwire/#token=`)
    const { complaints, page } = await open(`${origin}/tools/dockwire/${tokenOf(inFolder)}`)
    await expectConnected(page)
    await page.getByRole("link", { name: "shop-web-1" }).click()
    await page.locator("#log .line").first().waitFor()
    await page.getByRole("link", { name: "Stacks" }).click()
    await page.getByRole("heading", { name: "Stacks" }).waitFor()
    await page.reload()
    await expectConnected(page)
    const paths = (await page.context().cookies()).map(({ path }) => path)
    expect(paths).toEqual(["/tools/dockwire/"])
    // Without nginx, and for those who leave out the last slash.
    const direct = await fetch(`${inFolder.url}/tools/dockwire`, { redirect: "manual" })
    expect([direct.status, direct.headers.get("location")]).toEqual([308, "dockwire/"])
    expect((await fetch(`${inFolder.url}/tools/dockwire`)).status).toBe(200)
    expect((await fetch(`${inFolder.url}/healthz`)).status).toBe(200)
    expect(complaints).toEqual([])
  })

  it("is told which origin to allow, in the server's own words", async () => {
    // Without a public origin, a proxy reaches the server only under the server's own address.
    const { port } = await proxy({ serverPort: server.port, host: `127.0.0.1:${server.port}` })
    const origin = `http://unknown.localhost:${port}`
    const { page } = await open(`${origin}/${tokenOf(server)}`)
    await page.getByRole("alert").getByText(`restart Dockwire with --public-origin ${origin}.`).waitFor()
  })

  it("is told why there is no live connection if nginx does not pass WebSockets on", async () => {
    await proxy({ port: portOf(origins.noWebSockets), serverPort: server.port, passesWebSockets: false })
    const { page } = await open(`${origins.noWebSockets}/${tokenOf(server)}`)
    await page.getByRole("alert").getByText("it must pass WebSockets on: the headers Upgrade and Connection").waitFor()
    expect(await page.locator("#connection").textContent()).toBe("Reconnecting")
  })
})
