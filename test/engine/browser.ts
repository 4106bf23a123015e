import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { chromium } from "playwright-core"
import { machineApt } from "./debianPackages.js"
import { engineCache } from "./engineFolders.js"
import { withFileLock } from "./fileLock.js"

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

const installed = (): string | undefined => {
  const given = process.env["DOCKWIRE_CHROMIUM"]
  return given !== undefined && given !== "" ? given : places.find((place) => existsSync(place))
}

const required = (): string => {
  const found = installed()
  if (found !== undefined) return found
  throw new Error("Chromium not found. Install it, or set DOCKWIRE_CHROMIUM to its path.")
}

/** The path of Chromium. Installs it if necessary, on Debian as root. */
export const obtainChromium = async (): Promise<string> => {
  const canInstall = existsSync("/usr/bin/apt-get") && process.getuid?.() === 0
  if (!canInstall || (process.env["DOCKWIRE_CHROMIUM"] ?? "") !== "") return required()
  // Its files are there before it is installed.
  return withFileLock(join(engineCache(), "chromium.lock"), async () => {
    if (installed() === undefined) {
      await machineApt(["install", "--yes", "--no-install-recommends", "chromium"])
    }
    return required()
  })
}

/** Starts a headless Chromium without background network requests. */
export const launchBrowser = async (): Promise<Browser> =>
  chromium.launch({
    executablePath: await obtainChromium(),
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
    const away = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET|WebSocket connection to/.test(message.text())
    if (message.type() === "error" && !away) complaints.push(`${message.text()} (${message.location().url})`)
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return { page, complaints }
}
