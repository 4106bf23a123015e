import { Docker, type DockerRequest, MemoryEngine, type MemoryEngineOptions } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import { jsonAt } from "../../engine/engineRequest.js"
import { inVirtualTime } from "../virtualTime.js"
import { imageTar } from "./imageTar.js"

const host = "registry.example.com"

/** A line of a response, and the milliseconds since the request. */
type TimedLine = readonly [millis: number, text: string]

const lineText = (line: unknown): string => {
  const { current, total } = Object(jsonAt(line, "progressDetail"))
  const sizes = current === undefined ? "" : ` ${current}/${total}`
  const status = jsonAt(line, "status") ?? jsonAt(line, "stream")
  const text = status === undefined ? `error: ${String(jsonAt(line, "error"))}` : String(status)
  const id = jsonAt(line, "id")
  return `${typeof id === "string" && /^[0-9a-f]{12}$/.test(id) ? "layer: " : ""}${text}${sizes}`
}

interface Reading {
  readonly lines: Array<TimedLine>
  readonly fiber: Fiber.RuntimeFiber<void, unknown>
}

/** Sends a request, and notes when the lines of its response arrive. */
const reading = (request: DockerRequest): Effect.Effect<Reading, never, Docker | Scope.Scope> =>
  Effect.gen(function* () {
    const docker = yield* Docker
    const start = yield* TestClock.currentTimeMillis
    const lines: Array<TimedLine> = []
    const read = Effect.flatMap(docker.stream(request), ({ body }) =>
      body.pipe(
        Stream.decodeText(),
        Stream.splitLines,
        Stream.runForEach((line) =>
          Effect.map(TestClock.currentTimeMillis, (now) => {
            const parsed: unknown = JSON.parse(line)
            // What is sent besides the lines: the result of a push or a build.
            if (jsonAt(parsed, "aux") === undefined) lines.push([now - start, lineText(parsed)])
          })
        )
      )
    )
    const fiber = yield* Effect.forkScoped(Effect.scoped(read))
    yield* TestClock.adjust(0)
    return { lines, fiber }
  })

const pullRequest = (fromImage: string, query: DockerRequest["query"] = {}): DockerRequest => ({
  method: "POST",
  path: "/images/create",
  query: { fromImage, ...query },
  timeout: "1 hour"
})

/** The lines of a response that needs at most an hour of virtual time. */
const linesOf = (request: DockerRequest) =>
  Effect.gen(function* () {
    const { fiber, lines } = yield* reading(request)
    yield* TestClock.adjust("1 hour")
    yield* Fiber.join(fiber)
    return lines
  })

/** The texts of a response, or the error that it is. */
const answerOf = (request: DockerRequest) =>
  Effect.match(linesOf(request), {
    onSuccess: (lines) => lines.map(([, text]) => text),
    onFailure: (error) => [jsonAt(error, "status"), jsonAt(error, "detail")]
  })

const names = Effect.gen(function* () {
  const { body } = yield* (yield* Docker).json({ method: "GET", path: "/images/json" })
  return (Array.isArray(body) ? body : []).flatMap((image) => jsonAt(image, "RepoTags"))
})

const app: MemoryEngineOptions = {
  images: [],
  registries: [
    {
      host,
      images: [
        {
          name: "app:1",
          command: ["serve"],
          layers: [
            { name: "base", size: 1_000_000, duration: "1 second", extraction: "300 millis" },
            { name: "app", size: 500_000, duration: "200 millis" }
          ]
        },
        { name: "other:1", layers: [{ name: "base", size: 1_000_000 }, { size: 90 }] }
      ]
    }
  ]
}

describe("a pull in memory", () => {
  it("reports its layers as they arrive, and has the image at the end", () =>
    inVirtualTime(
      app,
      Effect.gen(function* () {
        const { fiber, lines } = yield* reading(pullRequest(`${host}/app:1`))
        expect(lines).toEqual([
          [0, "Pulling from app"],
          [0, "layer: Pulling fs layer"],
          [0, "layer: Pulling fs layer"],
          [0, "layer: Downloading 32768/1000000"],
          [0, "layer: Downloading 32768/500000"]
        ])
        yield* TestClock.adjust("1200 millis")
        expect(yield* names).toEqual([])
        yield* TestClock.adjust("100 millis")
        yield* Fiber.join(fiber)
        expect(lines).toContainEqual([100, "layer: Downloading 100000/1000000"])
        expect(lines).toContainEqual([200, "layer: Download complete"])
        expect(lines.slice(-10)).toEqual([
          [1200, "layer: Extracting 666666/1000000"],
          [1300, "layer: Extracting 1000000/1000000"],
          [1300, "layer: Extracting 1000000/1000000"],
          [1300, "layer: Pull complete"],
          [1300, "layer: Extracting 32768/500000"],
          [1300, "layer: Extracting 500000/500000"],
          [1300, "layer: Extracting 500000/500000"],
          [1300, "layer: Pull complete"],
          [1300, expect.stringMatching(/^Digest: sha256:/)],
          [1300, `Status: Downloaded newer image for ${host}/app:1`]
        ])
        expect(yield* names).toEqual([`${host}/app:1`])
        expect(yield* answerOf(pullRequest(`${host}/other:1`))).toEqual([
          "Pulling from other",
          "layer: Already exists",
          "layer: Pulling fs layer",
          "layer: Downloading 90/90",
          "layer: Verifying Checksum",
          "layer: Download complete",
          "layer: Extracting 90/90",
          "layer: Extracting 90/90",
          "layer: Pull complete",
          expect.stringMatching(/^Digest: sha256:[0-9a-f]{64}$/),
          `Status: Downloaded newer image for ${host}/other:1`
        ])
      })
    ))

  it("downloads three layers at once", () =>
    inVirtualTime(
      {
        registries: [
          {
            host,
            images: [{ name: "app", layers: Array.from({ length: 5 }, () => ({ size: 10, duration: "1 second" })) }]
          }
        ]
      },
      Effect.gen(function* () {
        const { lines } = yield* reading(pullRequest(`${host}/app`, { tag: "latest" }))
        const count = (text: string) => lines.filter((line) => line[1] === text).length
        expect([count("layer: Pulling fs layer"), count("layer: Waiting")]).toEqual([5, 2])
        yield* TestClock.adjust("1500 millis")
        expect(count("layer: Download complete")).toBe(3)
        yield* TestClock.adjust("500 millis")
        expect(count("layer: Pull complete")).toBe(5)
      })
    ))

  it("continues a layer that was cut, and gives up after the fifth attempt", () =>
    inVirtualTime(
      {
        images: [],
        registries: [
          {
            host,
            images: [
              { name: "cut", layers: [{ size: 1_000_000, duration: "1 second", cutAfter: 400_000 }] },
              { name: "lost", layers: [{ size: 1_000_000, cutAfter: 400_000, cuts: 5 }] }
            ]
          }
        ]
      },
      Effect.gen(function* () {
        const lines = yield* linesOf(pullRequest(`${host}/cut:latest`))
        expect(lines.filter(([, text]) => text.includes("Retrying"))).toEqual(
          [5, 4, 3, 2, 1].map((seconds) => [
            5400 - seconds * 1000,
            `layer: Retrying in ${seconds} second${seconds === 1 ? "" : "s"}`
          ])
        )
        // The total is what is missing, as with the engine.
        expect(lines).toContainEqual([5500, "layer: Downloading 100000/600000"])
        expect(lines.at(-1)).toEqual([6000, `Status: Downloaded newer image for ${host}/cut:latest`])
        const lost = yield* linesOf(pullRequest(`${host}/lost:latest`))
        expect(lost.at(-1)).toEqual([50_000, "error: unexpected EOF"])
        expect(yield* names).toEqual([`${host}/cut:latest`])
      })
    ))

  it("is silent without end when the registry stalls, and leaves nothing when the client does", () =>
    inVirtualTime(
      {
        images: [],
        registries: [
          { host, images: [{ name: "app", layers: [{ size: 1_000_000, duration: "1 second", stallAfter: 250_000 }] }] }
        ]
      },
      Effect.gen(function* () {
        const { fiber, lines } = yield* reading(pullRequest(`${host}/app:latest`))
        yield* TestClock.adjust("2 hours")
        expect(lines.at(-1)).toEqual([250, "layer: Downloading 250000/1000000"])
        expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
        yield* TestClock.adjust("2 hours")
        expect(yield* names).toEqual([])
      })
    ))

  it("takes the platform that is asked for, and keeps the only one there is", () =>
    inVirtualTime(
      {
        images: [],
        registries: [
          {
            host,
            images: [
              { name: "many", platforms: ["linux/amd64", "linux/arm64"] },
              { name: "arm", platforms: ["linux/arm64"] }
            ]
          }
        ]
      },
      Effect.gen(function* () {
        yield* linesOf(pullRequest(`${host}/many:latest`, { platform: "linux/arm64" }))
        const { body } = yield* (yield* Docker).json({ method: "GET", path: `/images/${host}/many/json` })
        expect(jsonAt(body, "Architecture")).toBe("arm64")
        expect(yield* answerOf(pullRequest(`${host}/many:latest`, { platform: "linux/s390x" }))).toEqual([
          "Pulling from many",
          "error: no matching manifest for linux/s390x in the manifest list entries"
        ])
        const mismatch = yield* answerOf(pullRequest(`${host}/arm:latest`, { platform: "linux/amd64" }))
        expect(mismatch.slice(-2)).toEqual([
          `Status: Downloaded newer image for ${host}/arm:latest`,
          `error: image with reference ${host}/arm:latest was found but does not match the specified platform: wanted linux/amd64, actual: linux/arm64`
        ])
        expect(yield* names).toContain(`${host}/arm:latest`)
      })
    ))
})

const faulty = (reason: "Denied" | "RateLimited" | "Unreachable" | "Broken", message?: string) => ({
  name: reason.toLowerCase(),
  fault: { reason, ...(message === undefined ? {} : { message }) }
})

describe("a registry in memory", () => {
  const options: MemoryEngineOptions = {
    images: [`${host}/local:1`],
    registries: [
      {
        images: [{ name: "busybox" }]
      },
      {
        host,
        images: [
          faulty("Denied", "denied"),
          faulty("RateLimited", "slow down"),
          faulty("Unreachable"),
          faulty("Broken"),
          { name: "content", layers: [{ size: 10, broken: true }] }
        ]
      },
      {
        host: "private.example.com",
        credentials: { username: "ann", password: Redacted.make("secret") },
        images: [{ name: "app" }]
      }
    ]
  }

  const auth = (password: string) => ({
    headers: {
      "X-Registry-Auth": Redacted.make(Buffer.from(JSON.stringify({ username: "ann", password })).toString("base64url"))
    }
  })

  const missing = "manifest unknown: manifest unknown"
  const denied = "repository does not exist or may require 'docker login': denied:"
  const refusals: ReadonlyArray<
    readonly [name: string, status: number, message: string, request?: Partial<DockerRequest>]
  > = [
    [`${host}/nope:1`, 404, `manifest for ${host}/nope:1 not found: ${missing}`],
    ["busybox:2", 404, `manifest for busybox:2 not found: ${missing}`],
    ["nope:1", 404, `pull access denied for nope, ${denied} requested access to the resource is denied`],
    [`${host}/denied:latest`, 404, `pull access denied for ${host}/denied, ${denied} denied`],
    [`${host}/ratelimited:latest`, 500, "toomanyrequests: slow down"],
    [`${host}/unreachable:latest`, 500, `Get "https://${host}/v2/": dial tcp: lookup ${host}: no such host`],
    [`${host}/broken:latest`, 500, "received unexpected HTTP status: 503 Service Unavailable"],
    ["127.0.0.1:1/x:1", 500, 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'],
    [
      "private.example.com/app:latest",
      500,
      'Head "https://private.example.com/v2/app/manifests/latest": no basic auth credentials'
    ],
    ["private.example.com/app:latest", 500, "unauthorized: authentication required", auth("wrong")],
    ["UPPER:1", 400, "invalid reference format: repository name (library/UPPER) must be lowercase"]
  ]

  for (const [name, status, message, request] of refusals) {
    it(`refuses ${name} with ${status} ${message}`, () =>
      inVirtualTime(
        options,
        Effect.gen(function* () {
          expect(yield* answerOf({ ...pullRequest(name), ...request })).toEqual([status, message])
          expect(yield* names).toEqual([`${host}/local:1`])
        })
      ))
  }

  it("sends wrong content", () =>
    inVirtualTime(
      options,
      Effect.gen(function* () {
        const lines = yield* answerOf(pullRequest(`${host}/content:latest`))
        expect(lines.at(-1)).toMatch(/^error: filesystem layer verification failed for digest sha256:[0-9a-f]{64}$/)
        expect(yield* names).toEqual([`${host}/local:1`])
      })
    ))

  it("never responds, until it is healed", () =>
    inVirtualTime(
      options,
      Effect.gen(function* () {
        const { failRegistry, heal } = yield* MemoryEngine
        yield* failRegistry("docker.io", { reason: "Stalled" })
        const timedOut = yield* answerOf({ ...pullRequest("busybox:latest"), timeout: "1 minute" })
        expect(timedOut[1]).toContain("within 1m")
        yield* heal
        const lines = yield* answerOf(pullRequest("docker.io/library/busybox:latest"))
        expect(lines.at(-1)).toBe("Status: Downloaded newer image for busybox:latest")
        expect(yield* names).toContain("busybox:latest")
      })
    ))

  it("has what was pushed to it, with each layer sent once", () =>
    inVirtualTime(
      {
        images: [{ name: `${host}/app:1`, files: { "/etc/motd": "hello" } }],
        registries: [{ host, uploads: { duration: "1 second", cutAfter: 1_000_000 } }]
      },
      Effect.gen(function* () {
        const docker = yield* Docker
        const push = {
          ...auth("any"),
          method: "POST",
          path: `/images/${host}/app/push`,
          query: { tag: "1" },
          timeout: "1 hour"
        } as const
        const lines = yield* linesOf(push)
        expect(lines.filter(([, text]) => !/Pushing|Retrying/.test(text))).toEqual([
          [0, `The push refers to repository [${host}/app]`],
          [0, "layer: Preparing"],
          [6500, "layer: Pushed"],
          [6500, expect.stringMatching(/^1: digest: sha256:[0-9a-f]{64} size: \d+$/)]
        ])
        expect(lines).toContainEqual([5600, "layer: Pushing 200000/2000000"])
        expect((yield* answerOf(push))[2]).toBe("layer: Layer already exists")
        yield* docker.json({ method: "DELETE", path: `/images/${host}/app:1` })
        yield* linesOf(pullRequest(`${host}/app:1`))
        expect(yield* names).toEqual([`${host}/app:1`])
      })
    ))
})

describe("a scripted build in memory", () => {
  const build = (t: string, tar: Uint8Array): DockerRequest => ({
    method: "POST",
    path: "/build",
    query: { t },
    upload: Stream.make(tar),
    timeout: "1 hour"
  })

  it("prints what the script says, when it says so, and makes its image", () =>
    inVirtualTime(
      {
        builds: [
          {
            tag: "app:1",
            steps: [
              { instruction: "FROM busybox" },
              { instruction: "RUN make", output: ["one", { stream: "stderr", text: "two" }], duration: "3 seconds" }
            ],
            image: { command: ["serve"], files: { "/app": "binary" } }
          },
          { dockerfile: /exit 3/, steps: [{ instruction: "FROM busybox" }, { instruction: "RUN exit 3", exitCode: 3 }] }
        ]
      },
      Effect.gen(function* () {
        const tar = yield* Effect.promise(() => imageTar({ Dockerfile: "FROM scratch\nRUN exit 3\n" }))
        const lines = yield* linesOf(build("app:1", tar))
        expect(lines.filter(([, text]) => /Step|one|two|tagged/.test(text))).toEqual(
          [
            [0, "Step 1/2 : FROM busybox"],
            [0, "Step 2/2 : RUN make"],
            [1000, "one"],
            [2000, "\u001b[91mtwo"],
            [3000, "Successfully tagged app:1"]
          ].map(([millis, text]) => [millis, expect.stringContaining(String(text))])
        )
        const { body } = yield* (yield* Docker).json({ method: "GET", path: "/images/app:1/json" })
        expect(jsonAt(body, "Config", "Cmd")).toEqual(["serve"])
        const failed = yield* answerOf(build("other", tar))
        expect(failed.at(-1)).toBe("error: The command '/bin/sh -c exit 3' returned a non-zero code: 3")
        expect(yield* names).not.toContain("other:latest")
      })
    ))

  it("pulls its base with the credentials for that registry", () =>
    inVirtualTime(
      {
        registries: [
          { host, credentials: { username: "ann", password: Redacted.make("secret") }, images: [{ name: "base:1" }] }
        ]
      },
      Effect.gen(function* () {
        const tar = yield* Effect.promise(() => imageTar({ Dockerfile: `FROM ${host}/base:1\nCOPY . /src\n`, a: "1" }))
        expect((yield* answerOf(build("app", tar))).at(-1)).toContain("no basic auth credentials")
        const config = Buffer.from(JSON.stringify({ [host]: { username: "ann", password: "secret" } })).toString(
          "base64url"
        )
        const request = { ...build("app", tar), headers: { "X-Registry-Config": Redacted.make(config) } }
        expect((yield* answerOf(request)).at(-1)).toBe("Successfully tagged app:latest\n")
      })
    ))

  it("has no BuildKit: there is no session", () =>
    inVirtualTime(
      {},
      Effect.gen(function* () {
        const docker = yield* Docker
        const error = yield* Effect.flip(Effect.scoped(docker.hijack({ method: "POST", path: "/session" })))
        expect(error).toMatchObject({ _tag: "EngineError", status: 404 })
      })
    ))
})
