import { Archive, Docker, Exec } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { build } from "esbuild"
import { createReadStream } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, inject, it, type TestContext, vi } from "vitest"
import { debianTreeUnavailable, machineAptSettings, obtainDebianTree } from "../../engine/debianTree.js"
import { engineCall, engineRequest, jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, uniqueName } from "../../engine/testContainer.js"
import { testLabel } from "../../engine/testRun.js"
import { isWhole } from "../../whole/isWhole.js"
import { runWith } from "../runWith.js"

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Bundles the program and its dependencies into one file. */
const bundled = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-install-"))
  const outfile = join(folder, "install.mjs")
  try {
    await build({
      entryPoints: [path("installProgram.ts")],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      alias: {
        "@dockwire/compat": path("../../../packages/compat/src"),
        "@dockwire/core": path("../../../packages/core/src")
      },
      external: ["cpu-features", "*.node"],
      // Modules that are also loaded later would not be initialized where they are imported.
      ignoreAnnotations: true,
      // CommonJS modules in the bundle use these.
      banner: {
        js: [
          'import { createRequire as requireFrom } from "node:module"',
          "const require = requireFrom(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname"
        ].join("\n")
      },
      logLevel: "error"
    })
    return await readFile(outfile, "utf8")
  } finally {
    await rm(folder, { recursive: true })
  }
}

const services = () =>
  Layer.merge(Archive.layer, Exec.layer).pipe(Layer.provide(Docker.layer({ endpoint: testEngine().endpoint })))

const proxies = Object.entries(process.env).flatMap(([name, value]) =>
  /^(https?|no)_proxy$/i.test(name) && value !== undefined ? [`${name}=${value}`] : []
)

/** Starts a container of the small Debian. It uses the network of the host, as apt needs to reach the mirror. */
const startDebian = (image: string) =>
  startTestContainer({
    endpoint: testEngine().endpoint,
    cmd: ["sleep", "3600"],
    image,
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...proxies],
    hostConfig: { NetworkMode: "host" }
  })

const write = (id: string, file: string, content: string | Uint8Array, mode: number) =>
  Effect.flatMap(Archive, (archive) => archive.writeFile(id, file, content, { mode }))

const command = (id: string, ...words: ReadonlyArray<string>) =>
  runWith(
    services(),
    Effect.flatMap(Exec, (exec) => exec.run(id, words))
  )

/** Runs the program, and returns the tags and lines of its events, its outcome, and the installation it reports. */
const program = async (id: string, ...args: ReadonlyArray<string>) => {
  const { exitCode, stderr, stdout } = await command(id, "node", "/usr/local/lib/install.mjs", ...args)
  expect(stderr).toBe("")
  expect(exitCode).toBe(0)
  const values = stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line))
  const events = values.flatMap((value) => jsonAt(value, "event") ?? [])
  return {
    tags: events.map((event) => jsonAt(event, "_tag")),
    lines: events.flatMap((event) => {
      const text = jsonAt(event, "text")
      return typeof text === "string" ? [text] : []
    }),
    outcome: values.map((value) => jsonAt(value, "outcome")).find((outcome) => outcome !== undefined),
    installation: values.map((value) => jsonAt(value, "installation")).find((found) => found !== undefined),
    old: values.map((value) => jsonAt(value, "old")).find((found) => found !== undefined)
  }
}

const packages = async (id: string): Promise<string> => (await command(id, "dpkg", "-l")).stdout

const unavailable = await debianTreeUnavailable()
if (unavailable !== undefined && inject("engine").available && (process.env["CI"] ?? "false") !== "false") {
  throw new Error(`Cannot test an installation: ${unavailable}. CI requires this test.`)
}
const describeInstallation = (name: string, body: () => void): void => {
  if (unavailable === undefined) describeEngine(name, body)
  else describe.skip(`${name} [skipped: ${unavailable}]`, body)
}

describeInstallation("an installation of Docker on a small Debian", () => {
  const image = `${uniqueName("debian")}:latest`
  const bare = `${uniqueName("debian-bare")}:latest`
  const [repository = "", tag = ""] = image.split(":")

  beforeAll(async () => {
    const { endpoint, runId } = testEngine()
    const tree = await obtainDebianTree(console.log)
    const label = `changes=${encodeURIComponent(`LABEL ${testLabel}=${runId}`)}`
    const from = `/images/create?fromSrc=-&repo=${bare.split(":")[0]}&tag=latest&${label}`
    await engineCall(endpoint, "POST", from, createReadStream(tree), { timeout: 300_000 })
    const container = await startDebian(bare)
    await runWith(
      services(),
      Effect.all([
        Effect.flatMap(
          Effect.promise(() => readFile(process.execPath)),
          (node) => write(container.id, "/usr/local/bin/node", node, 0o755)
        ),
        Effect.flatMap(Effect.promise(bundled), (text) =>
          write(container.id, "/usr/local/lib/install.mjs", text, 0o644)
        ),
        Effect.flatMap(Effect.promise(machineAptSettings), (text) =>
          write(container.id, "/etc/apt/apt.conf.d/99machine", text, 0o644)
        )
      ])
    )
    await engineCall(endpoint, "POST", `/commit?container=${container.id}&repo=${repository}&tag=${tag}`, undefined, {
      timeout: 120_000
    })
    await container.remove()
  }, 600_000)

  afterAll(async () => {
    const { endpoint } = testEngine()
    for (const name of [image, bare]) await engineRequest(endpoint, "DELETE", `/images/${name}?force=1`)
  })

  const debian = async ({ onTestFinished }: TestContext): Promise<string> => {
    const container = await startDebian(image)
    onTestFinished(() => container.remove())
    return container.id
  }

  /** Interrupts an installation while apt is unpacking. */
  const interrupt = async (id: string): Promise<void> => {
    const { outcome, tags } = await program(id, "interrupt", "^Unpacking docker")
    expect(outcome).toEqual({ _tag: "Interrupted" })
    expect(tags.at(-1)).toBe("OperationInterrupted")
    // The dpkg that apt has started exits shortly after it.
    const audit = async () => (await command(id, "dpkg", "--audit")).stdout
    await vi.waitFor(async () => expect(await audit()).not.toContain("Another process"), { timeout: 30_000 })
    expect(await audit()).not.toBe("")
  }

  /** An installation takes half a minute: `npm test` has one, which repairs what an interrupted one has left. */
  const installations: ReadonlyArray<readonly [string, (id: string) => Promise<void>]> = [
    ["also after one that was interrupted while apt was running", interrupt],
    ...(isWhole ? ([["on a system as it was", async () => {}]] as const) : [])
  ]
  it.concurrent.for(installations)(
    "is shown by a dry run, succeeds, and changes nothing the second time: %s",
    { timeout: 300_000 },
    async ([, prepare], test) => {
      const id = await debian(test)
      const before = await packages(id)
      expect(before).not.toContain("docker")
      expect((await program(id, "status")).installation).toMatchObject({
        engine: { _tag: "Unavailable", installed: false, error: { reason: "NotFound" } },
        compose: { _tag: "Missing" }
      })

      const shown = await program(id, "dry-run")
      expect(shown.outcome).toMatchObject({ _tag: "Success", value: { dryRun: true } })
      expect(shown.lines).toContain("Would run: apt-get update")
      expect(shown.lines).toContainEqual(expect.stringMatching(/^Inst docker\.io /))
      expect(await packages(id)).toBe(before)

      await prepare(id)
      const done = await program(id, "install")
      expect(done.outcome).toMatchObject({
        _tag: "Success",
        value: {
          dryRun: false,
          packages: ["docker.io", "docker-cli", "docker-compose", "docker-buildx"],
          installation: {
            engine: { _tag: "Unavailable", installed: true },
            compose: { _tag: "Available", command: ["docker", "compose"] }
          }
        }
      })
      expect([done.tags[0], done.tags.at(-1)]).toEqual(["OperationStarted", "OperationCompleted"])
      expect(done.lines).toContain("$ apt-get update")
      expect(done.lines).toContainEqual(expect.stringMatching(/^Setting up docker\.io /))
      const after = await packages(id)
      for (const name of ["docker.io", "docker-cli", "docker-compose", "docker-buildx"]) {
        expect(after).toMatch(new RegExp(`^ii +${name} `, "m"))
      }
      const { installation } = await program(id, "status")
      expect(installation).toMatchObject({
        engine: { _tag: "Unavailable", installed: true, error: { _tag: "EngineUnavailable", reason: "NotFound" } },
        compose: { _tag: "Available", command: ["docker", "compose"] }
      })
      expect((await command(id, "dockerd", "--version")).stdout).toMatch(/^Docker version \d+\./)
      expect((await command(id, "dpkg", "--audit")).stdout).toBe("")

      const again = await program(id, "install")
      expect(again.outcome).toMatchObject({ _tag: "Success" })
      expect(again.lines).toContainEqual(expect.stringMatching(/^docker\.io is already the newest version/))
      expect(await packages(id)).toBe(after)
    }
  )

  // Another half of a minute.
  if (isWhole)
    it.concurrent("is what the old function does", { timeout: 600_000 }, async (test) => {
      const id = await debian(test)
      for (const line of [/^Setting up docker\.io /, /^docker\.io is already the newest version/]) {
        const { old } = await program(id, "old")
        expect(jsonAt(old, "result")).toEqual([true, "Docker and Docker Compose were installed successfully"])
        const lines: unknown = jsonAt(old, "lines")
        expect(lines).toEqual(expect.arrayContaining(["$ apt-get update", expect.stringMatching(line)]))
        expect(Array.isArray(lines) ? lines.filter((one) => typeof one === "boolean") : lines).toEqual([true])
        // Nothing runs services there.
        expect(jsonAt(old, "installed")).toBe(false)
        expect(jsonAt(old, "warnings")).toEqual([expect.stringContaining("docker.sock")])
      }
      for (const name of ["docker.io", "docker-cli", "docker-compose", "docker-buildx"]) {
        expect(await packages(id)).toMatch(new RegExp(`^ii +${name} `, "m"))
      }
    })

  it.concurrent("fails if the system is not supported", { timeout: 120_000 }, async (test) => {
    const id = await debian(test)
    for (const release of ['ID=fedora\nVERSION_ID=41\nPRETTY_NAME="Fedora Linux 41"\n', "ID=debian\nVERSION_ID=11\n"]) {
      await runWith(services(), write(id, "/usr/lib/os-release", release, 0o644))
      const { outcome, tags } = await program(id, "install")
      expect(outcome).toMatchObject({
        _tag: "Failure",
        error: {
          _tag: "InstallFailed",
          reason: "Unsupported",
          instructions: "https://docs.docker.com/engine/install/"
        },
        message: expect.stringContaining("https://docs.docker.com/engine/install/")
      })
      expect(tags.at(-1)).toBe("OperationFailed")
    }
    const refused = expect.stringMatching(
      /^Error: .* is not supported\. .*https:\/\/docs\.docker\.com\/engine\/install\/\n$/
    )
    expect((await program(id, "old")).old).toMatchObject({
      result: [false, refused],
      lines: [expect.stringContaining("is not supported"), false],
      installed: false
    })
    expect(await packages(id)).not.toContain("docker")
  })

  it.concurrent(
    "fails with the last error messages of apt if the mirror is unreachable",
    { timeout: 120_000 },
    async (test) => {
      const id = await debian(test)
      await runWith(
        services(),
        write(id, "/etc/apt/sources.list", "deb http://127.0.0.1:9/debian trixie main\n", 0o644)
      )
      const { lines, outcome, tags } = await program(id, "install")
      expect(outcome).toMatchObject({
        _tag: "Failure",
        error: {
          _tag: "InstallFailed",
          reason: "CommandFailed",
          command: expect.arrayContaining(["apt-get", "install", "docker.io"]),
          detail: expect.stringMatching(/^apt-get exited with code 100 \(.*E: .*docker/)
        }
      })
      expect(lines).toContainEqual(expect.stringMatching(/^W: Failed to fetch http:\/\/127\.0\.0\.1:9\//))
      expect(tags.at(-1)).toBe("OperationFailed")
      const { old } = await program(id, "old")
      expect(jsonAt(old, "result")).toEqual([false, expect.stringMatching(/^Error: .*apt-get exited with code 100 /s)])
      expect(jsonAt(old, "lines")).toEqual(expect.arrayContaining(["$ apt-get update", false]))
      expect(await packages(id)).not.toContain("docker")
    }
  )
})
