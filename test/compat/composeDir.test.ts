import { DOCKER_COMPOSE_DIR } from "@dockwire/compat"
import { homedir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { findComposeDir } from "../../packages/compat/src/run/composeDir.js"

it("the folder of the compose files is the one of the environment, the shared one, or one of the user", () => {
  const [shared, own] = ["/opt/miniman/docker-compose", join(homedir(), ".miniman/docker-compose")]
  for (const platform of ["linux", "darwin"] as const)
    expect(findComposeDir({ DOCKER_COMPOSE_DIR: "/srv/files" }, platform)).toBe("/srv/files")
  expect(findComposeDir({ DOCKER_COMPOSE_DIR: "" }, "darwin")).toBe(own)
  // Root can write everywhere.
  expect(process.getuid?.() === 0 ? [shared] : [shared, own]).toContain(findComposeDir({}, "linux"))
  expect(DOCKER_COMPOSE_DIR).toBe(findComposeDir(process.env, process.platform))
})
