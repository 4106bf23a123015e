import type { BuildSpec } from "@dockwire/core"
import { copyFile, mkdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { contextFiles, type ContextFiles } from "./contextFiles.js"
import { type FinishedBuild, runBuild } from "./runBuild.js"
import { startSshAgent, type TestSshAgent } from "./sshAgent.js"

describeEngine("a build with an ssh agent", () => {
  let agent: TestSshAgent
  let files: ContextFiles
  beforeAll(async () => {
    agent = await startSshAgent()
    files = await contextFiles({})
    // What ssh-add needs, for an image that has none.
    for (const program of await agent.programs()) {
      await mkdir(dirname(join(files.path, "root", program)), { recursive: true })
      await copyFile(program, join(files.path, "root", program))
    }
  })
  afterEach(() => vi.unstubAllEnvs())
  afterAll(async () => {
    await files?.remove()
    await agent?.stop()
  })

  const build = (ssh: BuildSpec["ssh"], ...steps: ReadonlyArray<string>): Promise<FinishedBuild> => {
    const text = ["FROM busybox", "COPY root /", "ENV PATH=/bin:/usr/bin", ...steps, ""].join("\n")
    const chosen = ssh === undefined ? {} : { ssh }
    return runBuild(
      { context: files.path, dockerfile: { text }, noCache: true, ...chosen },
      { endpoint: testEngine().endpoint }
    )
  }
  const printed = ({ lines }: FinishedBuild) => lines.flatMap(({ stream, text }) => (stream === "system" ? [] : [text]))

  it("lets its steps use the agent's keys, and not remove them", async () => {
    const built = await build(
      agent.socketPath,
      "RUN --mount=type=ssh test -S $SSH_AUTH_SOCK && ssh-add -L",
      "RUN --mount=type=ssh ssh-add -D; echo removed: $?; ssh-add -L",
      "RUN test -z $SSH_AUTH_SOCK && echo no agent here"
    )
    built.image()
    const lines = printed(built)
    expect(lines.filter((line) => line.startsWith(agent.publicKey))).toHaveLength(2)
    expect(lines).toContain("removed: 1")
    expect(lines).toContain("no agent here")
    expect(await agent.keys()).toContain(agent.publicKey)
  })

  it("takes the agent of the environment, for its own id alone", async () => {
    vi.stubEnv("SSH_AUTH_SOCK", agent.socketPath)
    const failed = await build(
      true,
      "RUN --mount=type=ssh ssh-add -L",
      "RUN --mount=type=ssh,id=other,required ssh-add -L"
    )
    expect(printed(failed).some((line) => line.startsWith(agent.publicKey))).toBe(true)
    expect(failed.failure()).toMatchObject({
      _tag: "BuildFailed",
      detail: expect.stringContaining('no SSH key "other" forwarded from the client')
    })
  })

  it("fails if there is no agent, and names it", async () => {
    const missing = join(files.path, "no-agent")
    const step = "RUN --mount=type=ssh,required ssh-add -L"
    expect((await build(missing, step)).failure()).toMatchObject({
      _tag: "InvalidRequest",
      field: "ssh",
      value: missing
    })
    expect((await build(undefined, step)).failure()).toMatchObject({ _tag: "BuildFailed" })
    vi.stubEnv("SSH_AUTH_SOCK", "")
    expect((await build(true, step)).failure()).toMatchObject({ _tag: "InvalidRequest", field: "ssh" })
  })
})
