import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { chromium } from "playwright-core"

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

const installed = (): string | undefined => {
  const given = process.env["DOCKWIRE_CHROMIUM"]
  return given !== undefined && given !== "" ? given : places.find((place) => existsSync(place))
}

/** The path of a Chromium; on Debian as root it is installed when there is none. */
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
  throw new Error("No Chromium: install one, or set DOCKWIRE_CHROMIUM to its path")
}

/** Starts a Chromium that shows nothing and calls nobody. */
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

/** A page with cookies of its own, and what went wrong in it. */
export interface WatchedPage {
  readonly page: Page
  /** Errors in the console, broken policies and uncaught exceptions, but not that a server was away. */
  readonly complaints: ReadonlyArray<string>
}

/** Opens a page in a context of its own. */
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
