import { canonicalReference } from "@dockwire/core/Images"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  familiarReference,
  familiarRepository,
  type ImageReference,
  parseImageReference
} from "../../../packages/core/src/internal/registry/imageReference.js"
import { busyboxImage } from "../../engine/busyboxImage.js"
import { engineCall } from "../../engine/engineRequest.js"
import { itDockerCli, type RunDocker } from "../../engine/itDockerCli.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { uniqueName } from "../../engine/testContainer.js"
import { roundsOf } from "../../whole/isWhole.js"
import { type RecordingEngine, startRecordingEngine } from "./recordingEngine.js"

const parse = (text: string) => Effect.runSync(Effect.either(parseImageReference(text)))
const parsed = (text: string): ImageReference | undefined => Either.getOrUndefined(parse(text))

const hex = (length: number) => "0123456789abcdef".repeat(8).slice(0, length)
const digest = `sha256:${hex(64)}`
const long = (length: number) => "a".repeat(length)

/** What is a reference, with its registry, its repository, and its tag or digest. */
const valid: ReadonlyArray<readonly [text: string, registry: string, repository: string, version: string]> = [
  ["busybox", "docker.io", "library/busybox", "latest"],
  ["busybox:1.36", "docker.io", "library/busybox", "1.36"],
  ["busybox:UPPER_case-1.x", "docker.io", "library/busybox", "UPPER_case-1.x"],
  ["busybox:_x", "docker.io", "library/busybox", "_x"],
  [`busybox:${long(128)}`, "docker.io", "library/busybox", long(128)],
  [`busybox@${digest}`, "docker.io", "library/busybox", digest],
  [`busybox:1.36@${digest}`, "docker.io", "library/busybox", digest],
  [`busybox@sha384:${hex(96)}`, "docker.io", "library/busybox", `sha384:${hex(96)}`],
  [`busybox@sha512:${hex(128)}`, "docker.io", "library/busybox", `sha512:${hex(128)}`],
  ["library/busybox", "docker.io", "library/busybox", "latest"],
  ["docker.io/busybox", "docker.io", "library/busybox", "latest"],
  ["docker.io/library/busybox", "docker.io", "library/busybox", "latest"],
  ["index.docker.io/busybox", "docker.io", "library/busybox", "latest"],
  ["index.docker.io/team/app", "docker.io", "team/app", "latest"],
  ["registry-1.docker.io/team/app", "registry-1.docker.io", "team/app", "latest"],
  ["team/app", "docker.io", "team/app", "latest"],
  ["team/group/app", "docker.io", "team/group/app", "latest"],
  ["a", "docker.io", "library/a", "latest"],
  ["a/b", "docker.io", "a/b", "latest"],
  // What is before the first slash is a host if it has a dot, a colon or a capital, or is localhost.
  ["localhost/app", "localhost", "app", "latest"],
  ["localhost:5000/app:1", "localhost:5000", "app", "1"],
  ["host/app", "docker.io", "host/app", "latest"],
  ["host:5000/app", "host:5000", "app", "latest"],
  ["host.test/app", "host.test", "app", "latest"],
  ["host.test:5000/team/app:1", "host.test:5000", "team/app", "1"],
  ["my-host:8080/app", "my-host:8080", "app", "latest"],
  ["my_host/app", "docker.io", "my_host/app", "latest"],
  ["UPPER/app", "UPPER", "app", "latest"],
  ["Docker.io/app", "Docker.io", "app", "latest"],
  ["xn--n3h.com/app:xn--n3h.com", "xn--n3h.com", "app", "xn--n3h.com"],
  ["127.0.0.1/app", "127.0.0.1", "app", "latest"],
  ["127.0.0.1:5000/app:5050", "127.0.0.1:5000", "app", "5050"],
  ["[::1]/app", "[::1]", "app", "latest"],
  [`[2001:db8::1]:5000/team/app:1@${digest}`, "[2001:db8::1]:5000", "team/app", digest],
  // It looks like a host, but is none in the grammar.
  ["my_host.test/app:1", "my_host.test", "app", "1"],
  ["my_host.test/team/app", "my_host.test", "team/app", "latest"],
  ["my-host.a__b/app", "my-host.a__b", "app", "latest"],
  [`my_host.test/${long(242)}`, "my_host.test", long(242), "latest"],
  // Without a slash, none of it is a host.
  ["host.test", "docker.io", "library/host.test", "latest"],
  ["host.test:5000", "docker.io", "library/host.test", "5000"],
  ["127.0.0.1:5000", "docker.io", "library/127.0.0.1", "5000"],
  ["localhost", "docker.io", "library/localhost", "latest"],
  ["dock__er/a---b.c_d", "docker.io", "dock__er/a---b.c_d", "latest"],
  // An image id is not a name, but its beginning is, and so is all of it after a host.
  [hex(63), "docker.io", `library/${hex(63)}`, "latest"],
  [`docker.io/${hex(64)}`, "docker.io", `library/${hex(64)}`, "latest"],
  [`sha256:${hex(64)}`, "docker.io", "library/sha256", hex(64)],
  [`host.test/${long(245)}`, "host.test", long(245), "latest"],
  [`docker.io/library/${long(237)}`, "docker.io", `library/${long(237)}`, "latest"]
]

const invalid: ReadonlyArray<string> = [
  "",
  " ",
  " busybox",
  "busybox ",
  "busybox\n",
  ":tag",
  `@${digest}`,
  "busybox:",
  "busybox:-x",
  "busybox:.x",
  "busybox:a/b",
  "busybox:a:b",
  `busybox:${long(129)}`,
  "busybox@",
  "busybox@sha256",
  "busybox@sha256:",
  `busybox@sha256:${hex(32)}`,
  `busybox@sha256:${hex(63)}`,
  `busybox@sha256:${hex(65)}`,
  `busybox@sha256:${hex(64).toUpperCase()}`,
  `busybox@sha512:${hex(64)}`,
  `busybox@md5:${hex(32)}`,
  `busybox@unknown:${hex(64)}`,
  `busybox@${digest}:tag`,
  `busybox@${digest}@${digest}`,
  "Busybox",
  "BUSYBOX:tag",
  "team/App",
  "host.test:5000/Team/app",
  "-busybox",
  "busybox-",
  "_busybox",
  "busybox.",
  "a..b",
  "a_.b",
  "a-.b",
  "a___b",
  "____/____",
  "team/",
  "/busybox",
  "team//app",
  "team/../app",
  "../busybox",
  "docker.io/",
  "host.test/",
  "host.test:/app",
  "host.test:port/app",
  "-host.test/app",
  "host-.test/app",
  "host..test/app",
  "my_host.test:5000/app",
  "My_host.test/app",
  "_host.test/app",
  `my_host.test/${long(243)}`,
  "https://host.test/app",
  "user@host.test/app",
  "host.test/app?x",
  "host.test/app#x",
  "host.test/ä",
  "ho st.test/app",
  "[::1]",
  "[::1]:5000",
  "::1/app",
  "fc00::1:5000/app",
  "[fe80::1%eth0]:5000/app",
  "[2001:db8::192.0.2.33]:5000/app",
  hex(64),
  `host.test/${long(256)}`,
  `docker.io/library/${long(248)}`,
  "bücher.test/app"
]

const version = ({ digest, tag }: ImageReference) => digest ?? tag

describe("an image reference", () => {
  it.each(valid)("is parsed: %s", (text, registry, repository, expected) => {
    const found = parsed(text)
    expect(found).toMatchObject({ registry, repository })
    expect(found === undefined ? undefined : version(found)).toBe(expected)
  })

  it.each(invalid)("is refused: %j", (text) => {
    const error = Either.isLeft(parse(text)) ? Effect.runSync(Effect.flip(parseImageReference(text))) : undefined
    expect(error).toMatchObject({ _tag: "InvalidRequest", field: "image", value: text })
  })

  it("is complete in its canonical form, which is its own", () => {
    const canonical = (text: string) => Effect.runSync(canonicalReference(text))
    for (const [text, registry, repository, version] of valid) {
      expect(canonical(text).startsWith(`${registry}/${repository}`)).toBe(true)
      expect(canonical(text).endsWith(`${version.includes(":") ? "@" : ":"}${version}`)).toBe(true)
      expect(canonical(canonical(text))).toBe(canonical(text))
    }
    expect(Effect.runSync(Effect.flip(canonicalReference("Busybox")))).toMatchObject({ _tag: "InvalidRequest" })
  })

  it("has the tag latest only if it has neither tag nor digest", () => {
    expect(parsed("a")).toStrictEqual({ registry: "docker.io", repository: "library/a", tag: "latest" })
    expect(parsed("a:1")).toStrictEqual({ registry: "docker.io", repository: "library/a", tag: "1" })
    expect(parsed(`a@${digest}`)).toStrictEqual({ registry: "docker.io", repository: "library/a", digest })
    expect(parsed(`a:1@${digest}`)).toStrictEqual({ registry: "docker.io", repository: "library/a", tag: "1", digest })
  })

  it.each([
    ["docker.io/library/busybox", "busybox:latest"],
    ["index.docker.io/team/app:1", "team/app:1"],
    ["library/team/app", "library/team/app:latest"],
    ["host.test/library/app", "host.test/library/app:latest"],
    // Without the host, these would be other images.
    ["docker.io/host.test/app", "docker.io/host.test/app:latest"],
    ["docker.io/localhost/app", "docker.io/localhost/app:latest"],
    ["docker.io/index.docker.io/app", "docker.io/index.docker.io/app:latest"],
    [`docker.io/${hex(64)}`, `docker.io/library/${hex(64)}:latest`],
    [`a:1@${digest}`, `a:1@${digest}`],
    [`a@${digest}`, `a@${digest}`]
  ])("is printed as the docker command does: %s", (text, expected) => {
    const found = parsed(text)
    expect(found === undefined ? undefined : familiarReference(found)).toBe(expected)
  })
})

describeEngine("an image reference as it is printed", () => {
  it.each(["team/", "localhost/", "host.test/", "my_host.test/", "index.docker.io/", ""])(
    "names the image to the engine: docker.io/%sNAME",
    async (before) => {
      const { endpoint } = testEngine()
      const repository = `docker.io/${before}${uniqueName("printed")}`
      await engineCall(endpoint, "POST", `/images/${busyboxImage}/tag?repo=${repository}&tag=1`)
      try {
        const found = parsed(`${repository}:1`)
        const printed = found === undefined ? "" : familiarReference(found)
        const { json } = await engineCall(endpoint, "GET", `/images/${printed}/json`)
        expect(json).toMatchObject({
          RepoTags: expect.arrayContaining([`${repository.slice("docker.io/".length)}:1`])
        })
      } finally {
        await engineCall(endpoint, "DELETE", `/images/${repository}:1`)
      }
    }
  )
})

const word = FastCheck.stringMatching(/^[a-z0-9]{1,6}$/)
const component = FastCheck.tuple(
  word,
  FastCheck.array(FastCheck.tuple(FastCheck.constantFrom(".", "_", "__", "-", "---"), word), { maxLength: 2 })
).map(([first, rest]) => [first, ...rest.flat()].join(""))
const host = FastCheck.oneof(
  FastCheck.constantFrom("localhost", "docker.io", "index.docker.io", "[::1]", "[fe80::1]:5000", "Host", "HOST:80"),
  FastCheck.tuple(word, word).map((labels) => labels.join(".")),
  FastCheck.tuple(word, FastCheck.nat(65_535)).map(([name, port]) => `${name}:${port}`)
)
const tag = FastCheck.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)
const anyDigest = FastCheck.tuple(
  FastCheck.constantFrom(["sha256", 64] as const, ["sha384", 96] as const, ["sha512", 128] as const),
  FastCheck.stringMatching(/^[0-9a-f]{128}$/)
).map(([[algorithm, length], digits]) => `${algorithm}:${digits.slice(0, length)}`)

const parts = FastCheck.record({
  host: FastCheck.option(host, { nil: undefined }),
  path: FastCheck.array(component, { minLength: 1, maxLength: 3 }),
  tag: FastCheck.option(tag, { nil: undefined }),
  digest: FastCheck.option(anyDigest, { nil: undefined })
})
const compose = (reference: {
  readonly host: string | undefined
  readonly path: ReadonlyArray<string>
  readonly tag: string | undefined
  readonly digest: string | undefined
}): string => {
  const name = [...(reference.host === undefined ? [] : [reference.host]), ...reference.path].join("/")
  const suffix = reference.tag === undefined ? "" : `:${reference.tag}`
  return `${name}${suffix}${reference.digest === undefined ? "" : `@${reference.digest}`}`
}

/** Text that is a reference, or nearly one: its characters are doubled, removed or replaced. */
const nearly = FastCheck.tuple(
  parts.map(compose),
  FastCheck.array(
    FastCheck.tuple(FastCheck.nat(), FastCheck.constantFrom("", "/", ":", "@", ".", "-", "_", "A", "0", "[", "]", "é")),
    { maxLength: 3 }
  )
).map(([text, edits]) =>
  edits.reduce((edited, [position, character]) => {
    const at = position % (edited.length + 1)
    return edited.slice(0, at) + character + edited.slice(at + (position % 2))
  }, text)
)

describe("any image reference", () => {
  it("has the parts that it was made of", () => {
    FastCheck.assert(
      FastCheck.property(parts, (reference) => {
        // Without a host, the first of several components must not look like one.
        FastCheck.pre(reference.host !== undefined || !/\.|^localhost$/.test(reference.path[0] ?? ""))
        const isHub = reference.host === undefined || /^(index\.)?docker\.io$/.test(reference.host)
        const path = reference.path.join("/")
        expect(parsed(compose(reference))).toStrictEqual({
          registry: isHub ? "docker.io" : reference.host,
          repository: isHub && !path.includes("/") ? `library/${path}` : path,
          ...(reference.tag === undefined
            ? reference.digest === undefined
              ? { tag: "latest" }
              : {}
            : { tag: reference.tag }),
          ...(reference.digest === undefined ? {} : { digest: reference.digest })
        })
      }),
      { numRuns: 500 }
    )
  })

  it("is the same after it was printed, and never a defect", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.oneof(nearly, FastCheck.string({ unit: "binary" })), (text) => {
        const found = parsed(text)
        if (found !== undefined) expect(parsed(familiarReference(found))).toStrictEqual(found)
      }),
      { numRuns: 500 }
    )
  })
})

describe("the docker command", () => {
  let folder = ""
  let engine: RecordingEngine
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dockwire-references-"))
    engine = await startRecordingEngine(folder)
  })
  afterAll(async () => {
    await engine?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const expectSame = async (docker: RunDocker, text: string) => {
    const result = await docker(["pull", "--", text], { DOCKER_CONFIG: folder, DOCKER_HOST: engine.endpoint })
    const [pull] = engine.takePulls()
    const found = parsed(text)
    const asked =
      found === undefined ? undefined : { image: `${found.registry}/${found.repository}`, tag: version(found) }
    expect(pull === undefined ? undefined : { image: pull.image, tag: pull.tag }, text).toEqual(asked)
    if (found !== undefined) {
      const printed = result.stdout.trim().split("\n").at(-1)
      // The command prints its own form last.
      expect(printed, text).toBe(
        `${found.registry}/${found.repository}${familiarReference(found).slice(familiarRepository(found).length)}`
      )
    } else
      expect(result.stderr, text).toMatch(
        /invalid reference format|invalid repository name|repository name must|cannot specify|digest/
      )
  }

  itDockerCli("reads the same references", async (docker) => {
    for (const [text] of valid) await expectSame(docker, text)
  })

  itDockerCli("refuses the same references", async (docker) => {
    for (const text of invalid) await expectSame(docker, text)
  })

  /**
   * Whether the command takes a repository of Docker Hub for one of another registry: it shortens the reference to what it
   * prints, and reads that again.
   */
  const isMistaken = (text: string): boolean => {
    const found = parsed(text)
    return found?.registry === "docker.io" && /^(?:[^/]*[.:][^/]*|localhost)\//.test(found.repository)
  }

  itDockerCli("agrees on what is nearly a reference", async (docker) => {
    await FastCheck.assert(
      FastCheck.asyncProperty(nearly, async (text) => {
        FastCheck.pre(!isMistaken(text))
        await expectSame(docker, text)
      }),
      { numRuns: roundsOf({ quick: 20, whole: 100 }) }
    )
  })

  itDockerCli(
    "asks another registry for a repository of Docker Hub that looks like one, which we do not",
    async (docker) => {
      for (const [host, repository] of [
        ["index.docker.io", "a.a/app"],
        ["docker.io", "localhost/app"],
        ["docker.io", "host.test/team/app"],
        ["docker.io", "my_host.test/app"]
      ]) {
        const text = `${host}/${repository}:1`
        expect(isMistaken(text)).toBe(true)
        await docker(["pull", "--", text], { DOCKER_CONFIG: folder, DOCKER_HOST: engine.endpoint })
        expect(engine.takePulls()).toMatchObject([{ image: repository, tag: "1" }])
        expect(parsed(text)).toEqual({ registry: "docker.io", repository, tag: "1" })
      }
    }
  )
})
