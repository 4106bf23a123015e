import { type BuildSpec, RegistryError } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterEach, beforeAll, expect, it } from "vitest"
import { packTar } from "../../../packages/core/src/internal/tar/packTar.js"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { engineCall, engineRequest, jsonAt } from "../../engine/engineRequest.js"
import { startPodmanEngine } from "../../engine/podmanEngine.js"
import { describeEngine, describeKillableEngine, testEngine } from "../../engine/realEngine.js"
import { uniqueName } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"
import { removeImage } from "./builtFiles.js"
import { contextFiles, type TestFile } from "./contextFiles.js"
import { type FinishedBuild, runBuild, type RunBuildOptions } from "./runBuild.js"

/** What a test needs of a builder. */
interface Builder {
  readonly name: "BuildKit" | "the classic builder" | "Podman"
  readonly options: () => RunBuildOptions
}

const buildkit: Builder = { name: "BuildKit", options: () => ({ endpoint: testEngine().endpoint }) }
const classic: Builder = {
  name: "the classic builder",
  options: () => ({ endpoint: testEngine().endpoint, isClassic: true })
}

const disposals: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose()
})

const folder = async (files: Readonly<Record<string, TestFile>>): Promise<string> => {
  const made = await contextFiles(files)
  disposals.push(made.remove)
  return made.path
}

const twoStages = (second: string): BuildSpec => ({
  dockerfile: {
    text: [
      "FROM busybox AS first",
      "RUN sleep 5",
      "FROM busybox AS second",
      `RUN echo ${uniqueName()}`,
      `RUN ${second}`,
      "FROM busybox",
      "COPY --from=first /bin/sh /first",
      "COPY --from=second /bin/sh /second"
    ].join("\n")
  }
})

const expectWellFormed = ({ events }: FinishedBuild, last: string) => {
  expect(events[0]?._tag).toBe("OperationStarted")
  expect(events.at(-1)?._tag).toBe(last)
  expect(events.filter(({ _tag }) => /(Completed|Failed|Interrupted)$/.test(_tag))).toHaveLength(1)
  const fractions = events.flatMap((event) => (event._tag === "OperationProgress" ? [event.fraction ?? -1] : []))
  expect(fractions).toEqual(fractions.toSorted((one, other) => one - other))
  expect(fractions.filter((fraction) => fraction === 1)).toHaveLength(last === "OperationCompleted" ? 1 : 0)
}

/** The tests that are the same for all builders. */
const sameForAll = ({ name, options }: Builder) => {
  const build = async (spec: BuildSpec, more: Partial<RunBuildOptions> = {}): Promise<FinishedBuild> => {
    const { endpoint, ...own } = options()
    const tag = `${uniqueName("build")}:latest`
    disposals.push(() => removeImage(endpoint, tag))
    return runBuild({ tags: [tag], ...spec }, { endpoint, ...own, ...more })
  }

  it("builds a folder with build arguments, labels and a target, and again from the cache", async () => {
    const context = await folder({
      "docker/Dockerfile": [
        "ARG BASE=nothing",
        "FROM $BASE AS wanted",
        "ARG NAME",
        "COPY sub /sub",
        "RUN echo hello $NAME > /hello && cat /hello /sub/file",
        "FROM wanted",
        "RUN exit 9"
      ].join("\n"),
      ".dockerignore": "ignored\n",
      "sub/file": "content of the file",
      ignored: "x"
    })
    const [one, other] = [`${uniqueName("build")}:1.0`, uniqueName("build")]
    const { endpoint } = options()
    disposals.push(
      () => removeImage(endpoint, one),
      () => removeImage(endpoint, other)
    )
    const spec: BuildSpec = {
      context,
      dockerfile: "docker/Dockerfile",
      tags: [one, other],
      buildArgs: { BASE: "busybox", NAME: uniqueName() },
      labels: { purpose: "tests" },
      target: "wanted"
    }
    const first = await build(spec)
    expect(first.image().tags).toEqual([one, `${other}:latest`])
    expectWellFormed(first, "OperationCompleted")
    const printed = first.lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text)
    expect(printed).toEqual([`hello ${String(spec.buildArgs?.["NAME"])}`, "content of the file"])
    for (const tag of [one, `${other}:latest`]) {
      const { json } = await engineCall(endpoint, "GET", `/images/${tag}/json`)
      expect(String(jsonAt(json, "Id")).replace("sha256:", "")).toBe(first.image().id.replace("sha256:", ""))
      expect(jsonAt(json, "Config", "Labels", "purpose")).toBe("tests")
    }
    const again = await build(spec)
    expect(again.image().id).toBe(first.image().id)
    const steps = new Map(again.progress.map((event) => [event.id, event]))
    const run = [...steps.values()].find(({ step }) => step?.name.includes("RUN echo hello") === true)
    expect(run).toMatchObject({ status: "cached", step: { cached: true } })
    expect(again.lines.some(({ text }) => /^#\d+ CACHED$/.test(text))).toBe(true)
    expect(again.lines.filter(({ stream }) => stream !== "system")).toEqual([])
  })

  it.each([
    ["echo last words; echo and more >&2; exit 3", 3, ["and more", "last words"]],
    ["cat nosuchfile", 1, ["cat: can't open 'nosuchfile': No such file or directory"]]
  ] as const)("names the step of the second stage that failed: %s", async (command, exitCode, lastLines) => {
    const failed = await build(twoStages(command))
    const failure = failed.failure()
    expect(failure).toMatchObject({ _tag: "BuildFailed", exitCode, stage: "second", clipped: false })
    expect(failure).toHaveProperty("step", expect.stringMatching(new RegExp(`RUN ${command.replaceAll("/", ".")}$`)))
    expect(Array.from<string>(Object(failure).lastLines).toSorted((one, other) => (one < other ? -1 : 1))).toEqual(
      lastLines
    )
    expectWellFormed(failed, "OperationFailed")
  })

  it("fails without a step if the Dockerfile or the target is wrong", async () => {
    const text = (text: string): BuildSpec => ({ dockerfile: { text } })
    const cases: ReadonlyArray<readonly [BuildSpec, RegExp]> = [
      [text("FROM busybox\nRUNN x\n"), /unknown instruction: "?RUNN/i],
      [{ ...text("FROM busybox\n"), target: "nobody" }, /target|nobody/],
      [{ ...text("# nothing\n") }, /file with no instructions|no FROM statement/i],
      [{ context: packTar([{ header: { name: "a" }, content: Buffer.from("a") }]) }, /Dockerfile/]
    ]
    for (const [spec, detail] of cases) {
      const failure = (await build(spec)).failure()
      expect(failure).toMatchObject({ _tag: "BuildFailed", detail: expect.stringMatching(detail) })
      expect(failure).not.toHaveProperty("exitCode")
    }
  })

  it("refuses what is no reference, no platform or no file, before or after asking the engine", async () => {
    const dockerfile = { text: "FROM busybox\n" }
    const context = await folder({ Dockerfile: "FROM busybox\n" })
    const cases: ReadonlyArray<readonly [BuildSpec, string]> = [
      [{ dockerfile, tags: ["UPPER"] }, "tags"],
      [{ dockerfile, tags: [`a@sha256:${"a".repeat(64)}`] }, "tags"],
      [{ dockerfile, platform: "linux/bogus/x/y" }, "platform"],
      [{}, "context"],
      [{ context: `${context}/missing` }, "context"],
      [{ context, dockerfile: "missing" }, "dockerfile"],
      [{ dockerfile, secrets: { one: { env: "DOCKWIRE_NO_SUCH_VARIABLE" } } }, "secrets.one"],
      [{ dockerfile, secrets: { one: { file: `${context}/missing` } } }, "secrets.one"]
    ]
    for (const [spec, field] of cases) {
      expect((await build(spec)).failure()).toMatchObject({ _tag: "InvalidRequest", field })
    }
  })

  it("builds an archive, also with the text of a Dockerfile", async () => {
    const file = { header: { name: "sub/file" }, content: Buffer.from("archived\n") }
    const text = `FROM busybox\nCOPY sub /sub\nRUN cat /sub/file; echo ${uniqueName()}\n`
    const whole = packTar([file, { header: { name: "./docker/file" }, content: Buffer.from(text) }])
    for (const spec of [
      { context: whole, dockerfile: "docker/file", noCache: true },
      { context: packTar([file]), dockerfile: { text }, noCache: true }
    ]) {
      const built = await build(spec)
      built.image()
      expect(built.lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text)[0]).toBe("archived")
    }
  })

  it("shows no secret build argument, in no name, no line and no error", async () => {
    const secret = "pa55-w0rd"
    const failed = await build({
      dockerfile: {
        text: `FROM busybox\nARG TOKEN\nWORKDIR /w-$TOKEN\nRUN printf 'x pa55'; sleep 0.1; echo -w0rd y $TOKEN; exit 4 # $TOKEN\n`
      },
      buildArgs: { TOKEN: Redacted.make(secret), OPEN: "visible" }
    })
    expect(failed.failure()).toMatchObject({
      _tag: "BuildFailed",
      exitCode: 4,
      lastLines: ["x <redacted> y <redacted>"]
    })
    expect(JSON.stringify(failed.events)).not.toContain("pa55-")
    expect(JSON.stringify(failed.failure())).not.toContain("pa55-")
    expect(failed.requests.some(({ query }) => String(query?.["buildargs"]).includes(secret))).toBe(true)
  })

  if (name !== "BuildKit") {
    it("refuses secrets and ssh agents, and names the field", async () => {
      const dockerfile = { text: "FROM busybox\n" }
      expect((await build({ dockerfile, secrets: { key: Redacted.make("x") } })).failure()).toMatchObject({
        _tag: "InvalidRequest",
        field: "secrets",
        value: "key"
      })
      expect((await build({ dockerfile, ssh: "/run/agent" })).failure()).toMatchObject({
        _tag: "InvalidRequest",
        field: "ssh",
        value: "/run/agent"
      })
    })
  }

  it("stops on the engine when it is interrupted", async () => {
    const { endpoint } = options()
    const mark = uniqueName("sleeper")
    // The next holder of the cache can only start when the first one has ended.
    const held = (command: string): BuildSpec => ({
      dockerfile: {
        text:
          name === "BuildKit"
            ? `FROM busybox\nRUN --mount=type=cache,id=${mark},sharing=locked,target=/c echo running; ${command}\n`
            : `FROM busybox\nRUN echo running; ${command}; : ${mark}\n`
      },
      noCache: true
    })
    const stopped = await build(held("sleep 1000"), {
      interruptAt: (event) => event._tag === "OperationLine" && event.text === "running"
    })
    expectWellFormed(stopped, "OperationInterrupted")
    if (name === "BuildKit") (await build(held("true"))).image()
    else {
      const left = async () => JSON.stringify((await engineRequest(endpoint, "GET", "/containers/json")).json)
      await eventually(left).not.toContain(mark)
    }
  })
}

describeEngine("a build with BuildKit", () => {
  sameForAll(buildkit)

  it("says so where BuildKit dropped output", async () => {
    const text = "FROM busybox\nRUN yes $(seq -s. 1000) | head -c 5000000; echo; echo THE-END; exit 5\n"
    const failed = await runBuild({ dockerfile: { text }, noCache: true }, buildkit.options())
    expect(failed.failure()).toMatchObject({ _tag: "BuildFailed", exitCode: 5, clipped: true })
    expect(failed.lines.some(({ text }) => text.startsWith("[output clipped"))).toBe(true)
    const classicBuild = await runBuild({ dockerfile: { text }, noCache: true }, classic.options())
    expect(classicBuild.failure()).toMatchObject({ exitCode: 5, clipped: false })
    expect(Object(classicBuild.failure()).lastLines.at(-1)).toBe("THE-END")
    const printed = classicBuild.lines.filter(({ stream }) => stream === "stdout")
    // With the newlines, and without that of the end.
    expect(printed.reduce((sum, { text }) => sum + text.length + 1, 0)).toBe(5_000_000 + "\nTHE-END\n".length)
  })

  it("gives a step its secrets, from where they are, and shows none", async () => {
    const context = await folder({ "secret.txt": "first line of it\nsecond line of it\n" })
    process.env["DOCKWIRE_TEST_SECRET"] = "from-the-environment"
    disposals.push(async () => delete process.env["DOCKWIRE_TEST_SECRET"])
    const mounts = ["given", "file", "env"].map((id) => `--mount=type=secret,id=${id}`).join(" ")
    const built = await runBuild(
      {
        dockerfile: {
          text: `FROM busybox\nRUN ${mounts} cd /run/secrets && cat given && echo && cat file env && wc -c < file\n`
        },
        noCache: true,
        secrets: {
          given: Redacted.make("hush"),
          file: { file: `${context}/secret.txt` },
          env: { env: "DOCKWIRE_TEST_SECRET" }
        }
      },
      buildkit.options()
    )
    built.image()
    const printed = built.lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text)
    expect(printed).toEqual(["<redacted>", "<redacted>", "<redacted>", "<redacted>35"])
    expect(JSON.stringify(built.events)).not.toMatch(/hush|line of it|from-the-environment/)
  })

  it("fails at once when its session is cut, and stops on the engine", async () => {
    const mark = uniqueName("cut")
    const text = (command: string) =>
      `FROM busybox\nRUN --mount=type=cache,id=${mark},sharing=locked,target=/c echo running; ${command}\n`
    let cutAt = Infinity
    const failed = await runBuild(
      { dockerfile: { text: text("sleep 1000") }, noCache: true },
      {
        ...buildkit.options(),
        onEvent: (event, session) => {
          if (event._tag !== "OperationLine" || event.text !== "running") return
          cutAt = performance.now()
          session?.destroy()
        }
      }
    )
    expect(performance.now() - cutAt).toBeLessThan(2_000)
    expect(failed.failure()).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    expectWellFormed(failed, "OperationFailed")
    ;(await runBuild({ dockerfile: { text: text("true") }, noCache: true }, buildkit.options())).image()
  })

  it("fails with the reason if credentials cannot be read", async () => {
    const unreadable = (registry: string) =>
      new RegistryError({ registry, reason: "CredentialsUnavailable", credentials: "a file", detail: "broken" })
    for (const isClassic of [false, true]) {
      const failed = await runBuild(
        { dockerfile: { text: "FROM 127.0.0.1:1/nothing\n" } },
        { ...buildkit.options(), isClassic, credentials: { find: (registry) => Effect.fail(unreadable(registry)) } }
      )
      expect(failed.failure()).toMatchObject({ _tag: "RegistryError", registry: "127.0.0.1:1" })
    }
  })
})

describeEngine("a build with the classic builder", () => sameForAll(classic))

describeEngine("a build whose connection is cut", () => {
  it.each([
    ["BuildKit", false],
    ["the classic builder", true]
  ] as const)("fails as lost, after what has arrived (%s)", async (_name, isClassic) => {
    const proxy = await startCuttingProxy(testEngine().endpoint, {
      cutAfter: (request) => (request.startsWith("POST /build?") ? (isClassic ? 700 : 6_000) : undefined)
    })
    disposals.push(proxy.close)
    const text = `FROM busybox\nRUN echo printed\nRUN seq 1000 && sleep 1 && seq 1000 && sleep 100\n`
    const failed = await runBuild({ dockerfile: { text }, noCache: true }, { endpoint: proxy.endpoint, isClassic })
    expect(proxy.cuts()).toBe(1)
    expect(failed.failure()).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    expectWellFormed(failed, "OperationFailed")
    expect(failed.lines.map((line) => line.text)).toContain("printed")
  })
})

describeKillableEngine("a build with Podman", () => {
  let endpoint = ""
  beforeAll(async () => {
    const podman = await startPodmanEngine()
    endpoint = podman.endpoint
    return podman.dispose
  }, 300_000)

  sameForAll({ name: "Podman", options: () => ({ endpoint }) })
})
