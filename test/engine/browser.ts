import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { chromium } from "playwright-core"

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

const installed = (): string | undefined => {
  const given = process.env["DOCKWIRE_CHROMIUM"]
  return given !== undefined && given !== "" ? given : places.find((place) => existsSync(place))
}

/** The path of Chromium. Installs it if necessary, on Debian as root. */
const findChromium = (): string => {
  const found = installed()
  if (found !== undefined) return found
  if (existsSync("/usr/bin/apt-get") && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
    execFileSync("apt-get", ["update", "-q"], { env, stdio: "ignore" })
    execFileSync("apt-get", ["install", "-qy", "--no-install-recommends", "chromium"], { env, stdio: "ignore" })
    const now = installed()
    if (now !== undefined) return now
  }
  throw new Error("Chromium not found. Install it, or set DOCKWIRE_CHROMIUM to its path.")
}

/** Starts a headless Chromium without background network requests. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: findChromium(),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  })

/** A page with its own cookies, and the errors in it. */
export interface WatchedPage {
  readonly page: Page
  /** Console errors, policy violations and uncaught exceptions, but no connection errors. */
  readonly complaints: ReadonlyArray<string>
}

/** Opens a page in a new browser context. */
export const openPage = async (browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> => {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: Array<string> = []
  page.on("console", (message) => {
    const away = /ERR_CONNECTION|ERR_SOCKET|WebSocket connection to/.test(message.text())
    if (message.type() === "error" && !away) complaints.push(`${message.text()} (${message.location().url})`)
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return { page, complaints }
}
