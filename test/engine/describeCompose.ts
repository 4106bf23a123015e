import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, it } from "vitest"
import { type ComposeEdition, composeEnvironment, type ComposeTools, obtainCompose } from "./composeEditions.js"
import { packagesUnavailable } from "./debianPackages.js"
import { isCi } from "./isCi.js"

/** An edition of compose that tests can run. */
export interface ReadyCompose {
  readonly tools: ComposeTools
  /** In which `docker compose` is this edition, and nothing of this machine's configuration of docker is found. */
  readonly environment: Readonly<Record<string, string>>
  /** A folder for projects. */
  readonly folder: string
}

const unavailable = await packagesUnavailable()

/** A `describe` with an edition of compose. Where none can be had, it is skipped for that reason, but fails under `CI`. */
export const describeCompose = (
  edition: ComposeEdition,
  name: string,
  body: (compose: () => ReadyCompose) => void
): void => {
  const title = `${name}, compose ${edition}`
  if (unavailable !== undefined) {
    if (isCi) {
      it(title, () => {
        throw new Error(`In CI, the tests need compose: ${unavailable}.`)
      })
    } else describe.skip(`${title} [skipped: ${unavailable}]`, () => it("runs", () => {}))
    return
  }
  describe(title, () => {
    let ready: ReadyCompose | undefined
    beforeAll(async () => {
      const tools = await obtainCompose(edition)
      const folder = await mkdtemp(join(tmpdir(), "dockwire-compose-test-"))
      ready = { tools, folder, environment: await composeEnvironment(tools, join(folder, ".home")) }
    }, 300_000)
    afterAll(async () => {
      if (ready !== undefined) await rm(ready.folder, { recursive: true, force: true })
    })
    body(() => {
      if (ready === undefined) throw new Error("compose is not ready")
      return ready
    })
  })
}
