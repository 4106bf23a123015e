import { Docker } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterAll, afterEach, beforeAll, expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { uniqueName } from "../../engine/testContainer.js"
import { runWith } from "../runWith.js"
import { builtFiles, contextFolder, removeImage } from "./builtFiles.js"
import { contextFiles, type ContextFiles, type TestFile } from "./contextFiles.js"
import { type DockerBuild, dockerBuild } from "./dockerBuild.js"
import { sessionBuild, type SessionBuildOptions } from "./sessionBuild.js"

describeEngine("a build session", () => {
  let cli: DockerBuild
  const disposals: Array<() => Promise<void>> = []
  const build = (options: SessionBuildOptions) =>
    runWith(Docker.layer({ endpoint: testEngine().endpoint }), Effect.scoped(sessionBuild(options)))
  const folder = async (files: Readonly<Record<string, TestFile>>): Promise<ContextFiles> => {
    const made = await contextFiles(files)
    disposals.push(made.remove)
    return made
  }
  const imageName = (): string => {
    const name = `${uniqueName("build")}:latest`
    disposals.push(() => removeImage(testEngine().endpoint, name))
    return name
  }

  beforeAll(async () => {
    cli = await dockerBuild(testEngine().endpoint)
  })
  afterEach(async () => {
    for (const dispose of disposals.splice(0)) await dispose()
  })
  afterAll(() => cli?.dispose())

  it("sends the files that docker build sends", async () => {
    const long = `src/${"long/".repeat(30)}${"name".repeat(30)}`
    const { path } = await folder({
      Dockerfile: `FROM busybox\nCOPY . ${contextFolder}/\n`,
      ".dockerignore": "*\n!src/**\nsrc/secret\nDockerfile\n",
      "other/file": "not taken",
      "src/secret": "not taken",
      "src/run.sh": { text: "#!/bin/sh\n", mode: 0o755 },
      "src/setuid": { text: "x", mode: 0o4711 },
      "src/link": { link: "run.sh" },
      "src/out": { link: "/etc/passwd" },
      "src/pipe": { special: "fifo" },
      "src/socket": { special: "socket" },
      "src/empty": { special: "folder" },
      "src/größe-日本-😀": "unicode",
      "src/with, comma": "comma",
      [long]: "far below"
    })
    const [ours, theirs] = [imageName(), imageName()]
    const { error } = await build({ source: { folder: path }, query: { t: ours } })
    expect(error).toBeUndefined()
    expect(await cli.run(["-t", theirs, path])).toMatchObject({ code: 0 })
    const files = await builtFiles(testEngine().endpoint, ours)
    expect(files).toEqual(await builtFiles(testEngine().endpoint, theirs))
    expect(files).toHaveLength(12 + 30)
    expect(files).toContain("symlink 777 src/out /etc/passwd")
    expect(files.filter((line) => line.includes("secret") || line.includes("other"))).toEqual([])
  })

  it("gives steps their secrets and no others", async () => {
    const { path } = await folder({
      Dockerfile: [
        "FROM busybox",
        "RUN --mount=type=secret,id=token echo token=$(cat /run/secrets/token)",
        "RUN --mount=type=secret,id=bytes echo bytes=$(od -An -tx1 /run/secrets/bytes | tr -d ' ')",
        "RUN --mount=type=secret,id=other ls /run/secrets/other || echo other is missing",
        ""
      ].join("\n")
    })
    const secrets = new Map<string, Redacted.Redacted<string | Uint8Array>>([
      ["token", Redacted.make("pass word ü")],
      ["bytes", Redacted.make(Uint8Array.of(0, 255, 10))]
    ])
    const { error, output } = await build({ source: { folder: path }, secrets, query: { nocache: "1" } })
    expect(error).toBeUndefined()
    expect(output).toContain("token=pass word ü\n")
    expect(output).toContain("bytes=00ff0a\n")
    expect(output).toContain("other is missing\n")
    const required = {
      folder: path,
      dockerfile: { text: "FROM busybox\nRUN --mount=type=secret,id=no,required true\n" }
    }
    expect((await build({ source: required })).error).toContain("secret no: not found")
  })
})
