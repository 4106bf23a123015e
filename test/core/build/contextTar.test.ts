import { Docker } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { afterAll, afterEach, beforeAll, expect, it } from "vitest"
import {
  type BuildContextSource,
  openBuildContext
} from "../../../packages/core/src/internal/build/context/buildContext.js"
import { contextTar } from "../../../packages/core/src/internal/build/context/contextTar.js"
import { openBuildSession } from "../../../packages/core/src/internal/build/session/buildSession.js"
import { type PodmanEngine, startPodmanEngine } from "../../engine/podmanEngine.js"
import { describeEngine, describeKillableEngine, testEngine } from "../../engine/realEngine.js"
import { uniqueName } from "../../engine/testContainer.js"
import { runWith } from "../runWith.js"
import { builtFiles, contextFolder, removeImage } from "./builtFiles.js"
import { contextFiles, type TestFile } from "./contextFiles.js"
import { dockerBuild } from "./dockerBuild.js"

const dockerfile = `FROM busybox\nCOPY . ${contextFolder}/\n`
const longPath = `src/${"long/".repeat(30)}${"name".repeat(30)}`
const files: Readonly<Record<string, TestFile>> = {
  Dockerfile: dockerfile,
  ".dockerignore": "*\n!src/**\nsrc/secret\nDockerfile\n",
  "other/file": "not taken",
  "src/secret": "not taken",
  "src/run.sh": { text: "#!/bin/sh\n", mode: 0o755 },
  "src/link": { link: "run.sh" },
  "src/long link": { link: "x/".repeat(100) },
  "src/pipe": { special: "fifo" },
  "src/socket": { special: "socket" },
  "src/empty": { special: "folder" },
  "src/größe-日本-😀": "unicode",
  "src/large": "0123456789".repeat(30_000),
  [longPath]: "far below"
}

const disposals: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose()
})
const folderOf = async (all: Readonly<Record<string, TestFile>>): Promise<string> => {
  const { path, remove } = await contextFiles(all)
  disposals.push(remove)
  return path
}

/** Builds with the classic builder, and returns what the image has. */
const build = (endpoint: string, source: BuildContextSource): Promise<ReadonlyArray<string>> => {
  const name = `${uniqueName("tar")}:latest`
  disposals.push(() => removeImage(endpoint, name))
  const program = Effect.gen(function* () {
    const docker = yield* Docker
    const { dockerfile, tar } = contextTar(yield* openBuildContext(source))
    const { body } = yield* docker.stream({
      method: "POST",
      path: "/build",
      query: { dockerfile, t: name },
      headers: { "Content-Type": "application/x-tar" },
      upload: Stream.orDie(tar)
    })
    return yield* Stream.mkString(Stream.decodeText(body))
  })
  return runWith(Docker.layer({ endpoint }), Effect.scoped(program)).then((answer) => {
    expect(answer).not.toContain('"error"')
    return builtFiles(endpoint, name)
  })
}

const pathsOf = (lines: ReadonlyArray<string>) => lines.map((line) => line.split(" ")[2] ?? "").toSorted()

/** Each Dockerfile with the files that its build takes. */
const placements = async (): Promise<ReadonlyArray<readonly [BuildContextSource, ReadonlyArray<string>]>> => {
  const elsewhere = await folderOf({ "My.Dockerfile": dockerfile, "My.Dockerfile.dockerignore": "b\n" })
  const folder = await folderOf({
    ".dockerignore": "a\n",
    a: "a",
    b: "b",
    "sub/Dockerfile": dockerfile,
    "own/Dockerfile": dockerfile,
    "own/Dockerfile.dockerignore": "sub\nb\n.dockerignore\nown/Dockerfile\n"
  })
  const own = ["own", "own/Dockerfile", "own/Dockerfile.dockerignore"]
  const rest = ["sub", "sub/Dockerfile"]
  return [
    [{ folder, dockerfile: { text: dockerfile } }, ["", ".dockerignore", "b", ...own, ...rest]],
    [{ folder, dockerfile: { path: "sub/Dockerfile" } }, ["", ".dockerignore", "b", ...own, ...rest]],
    [{ folder, dockerfile: { path: `${elsewhere}/My.Dockerfile` } }, ["", ".dockerignore", "a", ...own, ...rest]],
    [{ folder, dockerfile: { path: "own/Dockerfile" } }, ["", "a", "own", "own/Dockerfile.dockerignore"]]
  ]
}

describeEngine("the archive of a build context", () => {
  it("has the files that docker build takes without BuildKit", async () => {
    const { endpoint } = testEngine()
    const cli = await dockerBuild(endpoint)
    disposals.push(cli.dispose)
    const path = await folderOf(files)
    const theirs = `${uniqueName("tar")}:latest`
    disposals.push(() => removeImage(endpoint, theirs))
    expect(await cli.run(["-t", theirs, path], { classic: true })).toMatchObject({ code: 0 })
    const ours = await build(endpoint, { folder: path })
    expect(ours).toEqual(await builtFiles(endpoint, theirs))
    expect(ours).toHaveLength(9 + 31)
  })

  it("has the Dockerfile and the ignore file from where they are", async () => {
    for (const [source, expected] of await placements()) {
      expect(pathsOf(await build(testEngine().endpoint, source))).toEqual(expected)
    }
  })
})

describeKillableEngine("on Podman, a build context", () => {
  let podman: PodmanEngine
  beforeAll(async () => {
    podman = await startPodmanEngine()
  }, 120_000)
  afterAll(() => podman?.dispose())

  it("goes as an archive, with the same files", { timeout: 120_000 }, async () => {
    const session = Effect.flatMap(Docker, (docker) =>
      openBuildSession(docker, { credentials: () => Effect.succeed(undefined) })
    )
    expect(await runWith(Docker.layer({ endpoint: podman.endpoint }), Effect.scoped(session))).toBe("unsupported")
    const path = await folderOf(files)
    const onDocker = await build(testEngine().endpoint, { folder: path })
    expect(await build(podman.endpoint, { folder: path })).toEqual(onDocker)
    for (const [source, expected] of await placements()) {
      expect(pathsOf(await build(podman.endpoint, source))).toEqual(expected)
    }
  })
})
