import { Docker, type DockerRequest, RegistryError } from "@dockwire/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { join } from "node:path"
import type { Duplex } from "node:stream"
import { afterAll, afterEach, beforeAll, expect, it } from "vitest"
import type { BuildContextSource } from "../../../packages/core/src/internal/build/context/buildContext.js"
import { registryImage } from "../../engine/registryImage.js"
import { startRegistryFront } from "../../engine/registryFront.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { uniqueName } from "../../engine/testContainer.js"
import { failureWith, runWith } from "../runWith.js"
import { builtFiles, contextFolder, removeImage } from "./builtFiles.js"
import { contextFiles, type ContextFiles, type TestFile } from "./contextFiles.js"
import { type DockerBuild, dockerBuild } from "./dockerBuild.js"
import { sessionBuild, type SessionBuildOptions } from "./sessionBuild.js"

describeEngine("a build session", () => {
  let cli: DockerBuild
  /** A build that takes a quarter of a minute, in which other tests run. */
  let late: ReturnType<typeof build>
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
    const text = "FROM busybox\nRUN sleep 15\nRUN --mount=type=secret,id=late echo $(cat /run/secrets/late)\n"
    const secrets = new Map([["late", Redacted.make("not too late")]])
    late = build({ source: { folder: undefined, dockerfile: { text } }, secrets, query: { nocache: "1" } })
    late.catch(() => {})
    cli = await dockerBuild(testEngine().endpoint)
  })
  afterEach(async () => {
    for (const dispose of disposals.splice(0)) await dispose()
  })
  afterAll(async () => {
    await late?.catch(() => {})
    await cli?.dispose()
  })

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

  it("asks for the credentials of each registry once, and gives them to that registry only", async () => {
    const fronts = await Promise.all(
      ["ann", "bob"].map((username) =>
        startRegistryFront({ access: { kind: "bearer", user: { username, password: `${username}'s password` } } })
      )
    )
    disposals.push(...fronts.map(({ stop }) => stop))
    const bases = fronts.map((front, index) => {
      const image = registryImage({ layers: [1000 + index] })
      front.add("private/base", "1", image)
      return `${front.host}/private/base:1`
    })
    const asked: Array<string> = []
    const text = `FROM ${bases[0]} AS first\nFROM ${bases[1]}\nCOPY --from=first / /first/\n`
    const { error, failure } = await build({
      source: { folder: undefined, dockerfile: { text } },
      credentials: (registry) =>
        Effect.sync(() => {
          asked.push(registry)
          const username = registry === fronts[0]?.host ? "ann" : "bob"
          return { username, password: Redacted.make(`${username}'s password`), source: "the test" }
        })
    })
    expect({ error, failure }).toEqual({ error: undefined, failure: undefined })
    expect(asked.toSorted()).toEqual(fronts.map(({ host }) => host).toSorted())
    const sent = fronts.map(({ requests }) =>
      requests
        .map(
          ({ authorization = "", form }) => `${Buffer.from(authorization.slice(6), "base64").toString("utf8")} ${form}`
        )
        .join("\n")
    )
    expect(sent[0]).toContain("ann's password")
    expect(sent[0]).not.toContain("bob")
    expect(sent[1]).toContain("bob's password")
    expect(sent[1]).not.toContain("ann")
  })

  it("says why credentials could not be had", async () => {
    const front = await startRegistryFront({
      access: { kind: "basic", user: { username: "ann", password: "secret" } }
    })
    disposals.push(front.stop)
    const unavailable = new RegistryError({
      registry: front.host,
      reason: "CredentialsUnavailable",
      credentials: "docker-credential-broken",
      detail: "it printed rubbish"
    })
    const text = `FROM ${front.host}/private/base:1\n`
    const source = { folder: undefined, dockerfile: { text } }
    const { error, failure } = await build({ source, credentials: () => Effect.fail(unavailable) })
    expect(error).toBeDefined()
    expect(failure).toBe(unavailable)
    expect(await build({ source })).toMatchObject({ error: expect.stringContaining("401"), failure: undefined })
  })

  it("sends what the Dockerfile names, and again only what has changed", async () => {
    const large = "0123456789".repeat(200_000)
    const { add, path } = await folder({
      Dockerfile: `FROM busybox\nCOPY wanted link/file *.txt ${contextFolder}/\n`,
      "unwanted/large": large,
      "wanted/large": large,
      "real/file": "through a link",
      link: { link: "real" },
      "a.txt": "a",
      "b.txt": { link: "real/b" },
      "real/b": "b"
    })
    const name = imageName()
    const size = async (): Promise<number> => {
      const { error, transferred } = await build({ source: { folder: path }, query: { t: name } })
      expect(error).toBeUndefined()
      return transferred["transferring context:"] ?? 0
    }
    expect(await size()).toBeGreaterThan(large.length)
    expect(await size()).toBeLessThan(2_000)
    const files = await builtFiles(testEngine().endpoint, name)
    expect(files.map((line) => line.split(" ")[2])).toEqual(["", "a.txt", "b.txt", "file", "large"])
    await add({ "real/file": large.slice(0, 500_000) })
    const changed = await size()
    expect(changed).toBeGreaterThan(500_000)
    expect(changed).toBeLessThan(600_000)
  })

  it("takes Dockerfiles and ignore files from where they are", async () => {
    const text = `FROM busybox\nCOPY . ${contextFolder}/\n`
    const elsewhere = await folder({ "My.Dockerfile": text, "My.Dockerfile.dockerignore": "b\n", secret: "x" })
    const { path } = await folder({
      ".dockerignore": "a\n",
      a: "a",
      b: "b",
      "sub/Dockerfile": text,
      Dockerfile: "FROM nothing"
    })
    const cases: ReadonlyArray<readonly [BuildContextSource["dockerfile"], ReadonlyArray<string>]> = [
      [{ text }, [".dockerignore", "Dockerfile", "b", "sub", "sub/Dockerfile"]],
      [{ path: "sub/Dockerfile" }, [".dockerignore", "Dockerfile", "b", "sub", "sub/Dockerfile"]],
      [{ path: join(elsewhere.path, "My.Dockerfile") }, [".dockerignore", "Dockerfile", "a", "sub", "sub/Dockerfile"]]
    ]
    for (const [dockerfile, expected] of cases) {
      const name = imageName()
      expect((await build({ source: { folder: path, dockerfile }, query: { t: name } })).error).toBeUndefined()
      const files = await builtFiles(testEngine().endpoint, name)
      expect(files.map((line) => line.split(" ")[2] ?? "").toSorted()).toEqual(["", ...expected])
    }
  })

  it("is still there when a step needs something after a long time", { timeout: 120_000 }, async () => {
    const { error, output } = await late
    expect({ error, output }).toEqual({ error: undefined, output: "not too late\n" })
  })

  it("ends the build at once when it is lost", async () => {
    const sockets: Array<Duplex | undefined> = []
    const watched = Layer.map(Docker.layer({ endpoint: testEngine().endpoint }), (context) => {
      const docker = Context.get(context, Docker)
      const hijack = (request: DockerRequest) =>
        Effect.tap(docker.hijack(request), ({ socket }) => Effect.sync(() => sockets.push(socket)))
      return Context.make(Docker, { ...docker, hijack })
    })
    let cutAt = 0
    const started = Effect.scoped(
      sessionBuild({
        source: { folder: undefined, dockerfile: { text: "FROM busybox\nRUN sleep 600\n" } },
        query: { nocache: "1" },
        onOpen: () =>
          setTimeout(() => {
            cutAt = performance.now()
            sockets[0]?.destroy()
          }, 1_000)
      })
    )
    const error = await failureWith(watched, started)
    expect(performance.now() - cutAt).toBeLessThan(2_000)
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    expect(sockets).toHaveLength(1)
  })
})
