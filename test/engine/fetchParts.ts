/**
 * Fetches what the tests need beside the engine that is running, and what they would wait for otherwise. `npm test` runs it
 * beside the checks. What fails here is tried again by the tests that need it, which then fail with the reason.
 */
import { obtainChromium } from "./browser.js"
import { obtainCompose } from "./composeEditions.js"
import { packagesUnavailable, removeLists } from "./debianPackages.js"
import { obtainBinaries } from "./engineBinaries.js"
import { obtainNginx } from "./nginxProxy.js"
import { obtainPodman } from "./podmanEngine.js"
import { obtainOpenSsh } from "./testSshServer.js"

const progress = (line: string) => console.log(line)

const attempt = async (what: string, obtain: () => Promise<unknown>): Promise<void> => {
  try {
    await obtain()
  } catch (error) {
    progress(`Fetching ${what} failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** One after the other, as they wait for each other: the sooner a test needs it, the further in front. */
const inTurn = async (parts: ReadonlyArray<readonly [string, () => Promise<unknown>]>): Promise<void> => {
  for (const [what, obtain] of parts) await attempt(what, obtain)
}

if ((await packagesUnavailable()) === undefined) {
  await Promise.all([
    inTurn([
      ["an engine", () => obtainBinaries(progress)],
      ["the newest compose", () => obtainCompose("2.40", progress)],
      ["Podman", () => obtainPodman(progress)],
      ["nginx", () => obtainNginx(progress)]
    ]),
    inTurn([
      ["OpenSSH", () => obtainOpenSsh()],
      ["Chromium", () => obtainChromium()]
    ])
  ])
  await removeLists()
}
