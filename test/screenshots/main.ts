/** Takes the screenshots that the READMEs show: of the page as it is built, with the project `shop` on the tests' engine. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Page } from "playwright-core"
import { launchBrowser } from "../engine/browser.js"
import { composeEnvironment, obtainCompose } from "../engine/composeEditions.js"
import { engineLine, ensureEngine } from "../engine/ensureEngine.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"
import { shopFile } from "./shop.js"

const target = fileURLToPath(new URL("../../packages/server/screenshots/", import.meta.url))

const size = { width: 1120, height: 640 }

const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** Signs in, and shows the project's containers only. */
const open = async (page: Page, server: ServerProcess): Promise<void> => {
  await page.goto(server.link)
  await page.getByText("Live", { exact: true }).waitFor()
  await page.getByLabel("Filter containers").fill("shop")
}

/** Adds the project, and brings it up. */
const bringUp = async (page: Page, server: ServerProcess, path: string): Promise<string> => {
  await page.goto(`${server.url}/#/stacks`)
  await page.getByLabel("URL or path of a compose file").fill(path)
  await page.getByLabel("Name of the stack").fill("shop")
  await page.getByRole("button", { name: "Add stack" }).click()
  await page.getByRole("button", { name: "Up", exact: true }).click()
  await page.locator(".operation-status", { hasText: "completed" }).waitFor({ timeout: 120_000 })
  return new URL(page.url()).hash
}

const takeDown = async (page: Page, server: ServerProcess): Promise<void> => {
  await page.goto(`${server.url}/#/stacks/shop`)
  await page.getByRole("button", { name: "Down", exact: true }).click()
  await page.locator(".operation-status", { hasText: "completed" }).waitFor({ timeout: 120_000 })
}

/** Closes what was said, which would cover what is to be seen. */
const closeNotices = async (page: Page): Promise<void> => {
  for (const close of await page.locator(".notice button", { hasText: "Close" }).all()) await close.click()
}

/** What to show, by the name of the picture. */
const scenes = (up: string): Readonly<Record<string, (page: Page, url: string) => Promise<void>>> => ({
  log: async (page, url) => {
    await page.goto(`${url}/#/containers/shop-api-1`)
    await page.locator("#log .line").nth(20).waitFor()
    await page.getByRole("button", { name: "Stats" }).click()
    await page.locator("#stats canvas").nth(2).waitFor()
    // Charts need some readings, which come every two seconds.
    await page.waitForTimeout(40_000)
    await page.getByRole("button", { name: "Timestamps" }).click()
  },
  operation: async (page, url) => {
    await page.goto(`${url}/${up}`)
    await page.locator(".progress-tree li").nth(3).waitFor()
    await page.locator(".output .line").first().waitFor()
  },
  stack: async (page, url) => {
    await page.goto(`${url}/#/stacks/shop`)
    await page.locator(".stack-containers li").nth(3).waitFor()
  }
})

const folder = await realpath(await mkdtemp(join(tmpdir(), "dockwire-screenshots-")))
// Its path is in a picture.
const project = join(await realpath(tmpdir()), "shop")
const engine = await ensureEngine(print)
if (!engine.available) throw new Error(engine.reason)
print(engineLine(engine))
const environment = await composeEnvironment(await obtainCompose("2.26", print), join(folder, "home"))
const path = join(project, "compose.yaml")
await mkdir(project)
await writeFile(path, shopFile)
await mkdir(target, { recursive: true })
const flags = ["--stacks-dir", project]
const server = await startServer({
  endpoint: engine.endpoint,
  dataDir: join(folder, "data"),
  flags,
  environment,
  keepsLogs: true
})
const browser = await launchBrowser()
try {
  const first = await browser.newPage({ viewport: size })
  await open(first, server)
  const up = await bringUp(first, server, path)
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await browser.newPage({ viewport: size, colorScheme, reducedMotion: "reduce" })
      await open(page, server)
      for (const [name, show] of Object.entries(scenes(up))) {
        await show(page, server.url)
        await closeNotices(page)
        await page.mouse.move(0, 0)
        await page.screenshot({ path: join(target, `${name}-${colorScheme}.png`) })
        print(`${name}-${colorScheme}.png`)
      }
      await page.close()
    }
  } finally {
    await takeDown(first, server)
  }
} finally {
  await browser.close()
  await server.stop()
  for (const each of [folder, project]) await rm(each, { recursive: true, force: true })
}
