import { Images, LogSink, LogSinkRecorder, Operation, isOperationEnded } from "@dockwire/core"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, expect, it } from "vitest"
import { itDockerCli } from "../../engine/itDockerCli.js"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { registryImage, registryIndex, registryLayer } from "../../engine/registryImage.js"
import { uniqueName } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"
import { runWith } from "../runWith.js"
import { imagesAt, transferred } from "./transferred.js"

const MB = 1_000_000

const user = { username: "ann", password: "secret" }
const credentials = { username: user.username, password: Redacted.make(user.password) }

/** Runs a program, and removes these images afterwards. */
const withImages = <A, E>(
  names: ReadonlyArray<string>,
  program: (images: Effect.Effect.Success<typeof Images>) => Effect.Effect<A, E>,
  endpoint = testEngine().endpoint,
  sent: Parameters<typeof imagesAt>[1] = {}
): Promise<A> =>
  Effect.flatMap(Images, program).pipe(
    Effect.ensuring(
      Effect.flatMap(Images, (images) =>
        Effect.forEach(names, (name) => Effect.ignore(images.remove(name, { force: true })))
      )
    ),
    (effect) => runWith(imagesAt(endpoint, sent), effect)
  )

/** Checks that a fraction never goes back, and is 1 at the end and only there. */
const expectMonotone = (fractions: ReadonlyArray<number>) => {
  expect(fractions).toEqual(fractions.toSorted((one, other) => one - other))
  expect(fractions.at(-1)).toBe(1)
  expect(fractions.slice(0, -1).every((fraction) => fraction <= 0.99)).toBe(true)
}

describeEngine("pull and push", () => {
  let front: RegistryFront

  beforeAll(async () => {
    front = await startRegistryFront()
  })
  afterAll(() => front.stop())

  it("pull an image, and say whether it is new", async () => {
    const repository = uniqueName("pull")
    const image = registryImage({ layers: [32, 5 * MB, registryLayer(2 * MB)] })
    front.add(repository, "1", image)
    const name = `${front.host}/${repository}:1`
    await withImages([name], (images) =>
      Effect.gen(function* () {
        const first = yield* transferred(images.pull(name))
        expect(first.exit).toEqual(Exit.void)
        const { id } = yield* images.inspect(name)
        const value = { id, reference: name, digest: image.manifest.digest, updated: true }
        expect(first.steps.at(-1)).toEqual({ _tag: "Result", value })
        expectMonotone(first.fractions)
        expect(new Set(first.fractions).size).toBeGreaterThan(5)
        for (const { digest } of image.layers) {
          const layer = digest.slice("sha256:".length, "sha256:".length + 12)
          expect(first.lines).toContain(`${layer}: Pull complete`)
          const own = first.steps.filter((step) => step._tag !== "Result" && "id" in step && step.id === layer)
          expect(own.at(-1)).toMatchObject({ _tag: "Progress", status: "Pull complete" })
        }
        const again = yield* transferred(images.pull(name))
        expect(again.steps.at(-1)).toEqual({ _tag: "Result", value: { ...value, updated: false } })
        expect(again.fractions).toEqual([1])
        expect(again.lines).toEqual([
          `1: Pulling from ${repository}`,
          `Digest: ${image.manifest.digest}`,
          `Status: Image is up to date for ${name}`,
          name
        ])
      })
    )
  })

  it("pull by digest, and share layers", async () => {
    const repository = uniqueName("digest")
    const shared = registryLayer(MB)
    const images = [registryImage({ layers: [shared, 1000] }), registryImage({ layers: [shared, 2000] })]
    for (const image of images) front.add(repository, image.manifest.digest.slice(-8), image)
    const names = images.map(({ manifest }) => `${front.host}/${repository}@${manifest.digest}`)
    await withImages(names, ({ pull }) =>
      Effect.gen(function* () {
        const pulled = yield* Effect.forEach(names, (name) => transferred(pull(name)))
        pulled.forEach(({ fractions, steps }, index) => {
          expect(steps.at(-1)).toMatchObject({
            _tag: "Result",
            value: { reference: names[index], digest: images[index]?.manifest.digest, updated: true }
          })
          expectMonotone(fractions)
        })
        expect(pulled[1]?.lines).toContain(`${shared.digest.slice(7, 19)}: Already exists`)
      })
    )
  })

  itDockerCli("print the lines of the docker command", async (docker) => {
    const environment = { DOCKER_HOST: testEngine().endpoint }
    const repository = uniqueName("cli")
    front.add(repository, "latest", registryImage({ layers: [32, 300_000, 5 * MB] }))
    const name = `${front.host}/${repository}`
    // An engine reports these only if they last, which differs between two pulls. Of one pull, the lines are exactly those of
    // the command: see the test of the decoder.
    const passing = /: (Waiting|Verifying Checksum|Download complete)$/
    const lines = (output: string) => output.trimEnd().split("\n")
    const lasting = (all: ReadonlyArray<string>) => all.filter((line) => !passing.test(line)).toSorted()
    await withImages([name, `${name}:copy`], (images) =>
      Effect.gen(function* () {
        const ours = yield* transferred(images.pull(name))
        yield* images.tag(name, `${name}:copy`)
        const pushed = yield* transferred(images.push(`${name}:copy`))
        yield* images.remove(`${name}:copy`)
        yield* images.remove(name)
        const theirs = yield* Effect.promise(() => docker(["pull", name], environment))
        expect(ours.lines[0]).toBe("Using default tag: latest")
        // Layers are pulled at the same time, so their lines come in any order.
        expect(lasting(ours.lines)).toEqual(lasting(lines(theirs.stdout)))
        expect([ours.lines.slice(0, 2), ours.lines.slice(-3)]).toEqual([
          lines(theirs.stdout).slice(0, 2),
          lines(theirs.stdout).slice(-3)
        ])
        yield* images.tag(name, `${name}:copy`)
        const again = yield* Effect.promise(() => docker(["push", `${name}:copy`], environment))
        expect(pushed.lines.toSorted()).toEqual(lines(again.stdout).toSorted())
        const latest = yield* transferred(images.push(name))
        const cli = yield* Effect.promise(() => docker(["push", name], environment))
        expect(latest.lines.toSorted()).toEqual(lines(cli.stdout).toSorted())
        expect(latest.lines[0]).toBe("Using default tag: latest")
      })
    )
  })

  it("push an image, of which the registry then has the digest", async () => {
    const name = `${front.host}/${uniqueName("push")}:1`
    await withImages([name], (images) =>
      Effect.gen(function* () {
        yield* images.tag("busybox:latest", name)
        const { fractions, steps } = yield* transferred(images.push(name))
        expectMonotone(fractions)
        const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/)
        expect(steps.at(-1)).toEqual({ _tag: "Result", value: { reference: name, digest } })
        yield* images.remove(name)
        const pulled = yield* transferred(images.pull(name))
        const last = [steps.at(-1), pulled.steps.at(-1)].map((step) =>
          step?._tag === "Result" ? step.value.digest : ""
        )
        expect(last[1]).toBe(last[0])
      })
    )
  })

  it("resume a layer that is cut, without going back", async () => {
    const repository = uniqueName("cut")
    front.add(repository, "1", registryImage({ layers: [100, 40 * MB, 5 * MB] }))
    front.break(repository, { kind: "cut", after: 15 * MB, times: 1 })
    const name = `${front.host}/${repository}:1`
    await withImages([name], ({ pull }) =>
      Effect.gen(function* () {
        const { exit, fractions, lines } = yield* transferred(pull(name))
        expect(exit).toEqual(Exit.void)
        expectMonotone(fractions)
        expect(lines.some((line) => /: Retrying in \d seconds?$/.test(line))).toBe(true)
        const ranges = front.requests.filter(
          (request) => request.repository === repository && request.range !== undefined
        )
        expect(ranges.length).toBeGreaterThan(0)
      })
    )
  })

  it.each(["manifest", "blob"] as const)("fail if the registry falls silent in the %s", async (on) => {
    const repository = uniqueName("silent")
    front.add(repository, "1", registryImage({ layers: [MB] }))
    front.break(repository, { kind: "silent", on, after: 100_000 })
    const name = `${front.host}/${repository}:1`
    await withImages([name], (images) =>
      Effect.gen(function* () {
        const { exit } = yield* transferred(images.pull(name, { stallTimeout: "1500 millis" }))
        expect(exit).toMatchObject(
          Exit.fail({
            _tag: "RegistryError",
            reason: "Stalled",
            registry: front.host,
            image: name,
            credentials: "none"
          })
        )
        expect(yield* Effect.flip(images.inspect(name))).toMatchObject({ _tag: "ImageNotFound" })
      })
    )
  })

  it("fail for another platform, whatever the engine says", async () => {
    const repository = uniqueName("platform")
    const [amd64, arm64] = ["linux/amd64", "linux/arm64"].map((platform) => registryImage({ layers: [500], platform }))
    if (amd64 === undefined || arm64 === undefined) throw new Error("no images")
    front.add(repository, "one", amd64)
    front.add(repository, "arm", arm64)
    front.add(repository, "index", amd64)
    front.add(repository, "index", registryIndex({ "linux/amd64": amd64 }))
    front.add(repository, "both", arm64)
    front.add(repository, "both", registryIndex({ "linux/amd64": amd64, "linux/arm64": arm64 }))
    const name = (tag: string) => `${front.host}/${repository}:${tag}`
    await withImages(["one", "arm", "index", "both"].map(name), (images) =>
      Effect.gen(function* () {
        for (const tag of ["one", "index"]) {
          const { exit } = yield* transferred(images.pull(name(tag), { platform: "linux/arm64" }))
          expect(exit).toMatchObject(Exit.fail({ _tag: "RegistryError", reason: "PlatformMismatch", image: name(tag) }))
        }
        for (const [tag, platform] of [
          ["arm", "linux/arm64/v8"],
          ["both", "linux/aarch64"],
          ["both", "linux/amd64"],
          ["one", "amd64"]
        ] as const) {
          expect((yield* transferred(images.pull(name(tag), { platform }))).exit, `${tag} for ${platform}`).toEqual(
            Exit.void
          )
        }
      })
    )
  })

  it("refuse what is no reference or platform without asking the engine", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    const attempts = (images: Effect.Effect.Success<typeof Images>) =>
      [
        ["image", "UPPER", images.pull("UPPER")],
        ["image", "", images.push("")],
        ["image", `a@sha256:${"0".repeat(64)}`, images.push(`a@sha256:${"0".repeat(64)}`)],
        ["platform", "linux/arm64/", images.pull("a", { platform: "linux/arm64/" })],
        ["platform", "a/b/c/d", images.pull("a", { platform: "a/b/c/d" })]
      ] as const
    await withImages(
      [],
      (images) =>
        Effect.forEach(attempts(images), ([field, value, operation]) =>
          Effect.map(transferred<unknown, unknown, never>(operation), ({ exit }) =>
            expect(exit).toMatchObject(Exit.fail({ _tag: "InvalidRequest", field, value }))
          )
        ),
      proxy.endpoint
    )
    expect(proxy.requests).toEqual([])
    await proxy.close()
    await withImages([], (images) =>
      Effect.map(transferred(images.pull(`${front.host}/x`, { platform: "no-such-system" })), ({ exit }) =>
        expect(exit).toMatchObject(Exit.fail({ _tag: "InvalidRequest", field: "platform", value: "no-such-system" }))
      )
    )
  })

  it("fail with a lost engine if the connection breaks in the middle", async () => {
    const repository = uniqueName("lost")
    front.add(repository, "1", registryImage({ layers: [20 * MB] }))
    front.break(repository, { kind: "throttle", bytesPerSecond: MB })
    const name = `${front.host}/${repository}:1`
    const proxy = await startCuttingProxy(testEngine().endpoint, {
      cutAfter: (request) => (request.startsWith("POST /images/create") ? 2_000 : undefined)
    })
    await withImages(
      [name],
      (images) =>
        Effect.map(transferred(images.pull(name)), ({ exit, fractions }) => {
          expect(exit).toMatchObject(Exit.fail({ _tag: "EngineUnavailable", reason: "Lost" }))
          expect(fractions).not.toContain(1)
        }),
      proxy.endpoint
    )
    await proxy.close()
  })

  it("stop when they are interrupted, with one last event", async () => {
    const repository = uniqueName("interrupted")
    front.add(repository, "1", registryImage({ layers: [20 * MB] }))
    front.break(repository, { kind: "throttle", bytesPerSecond: MB })
    const name = `${front.host}/${repository}:1`
    await withImages([name], (images) =>
      Effect.gen(function* () {
        const recorder = yield* LogSinkRecorder
        const fiber = yield* Effect.fork(Operation.run(images.pull(name)))
        yield* recorder.waitFor((events) =>
          events.some((event) => event._tag === "OperationProgress" && event.status === "Downloading")
        )
        expect(front.openResponses(repository)).toBe(1)
        const [took, exit] = yield* Effect.timed(Fiber.interrupt(fiber))
        expect(Exit.isInterrupted(exit)).toBe(true)
        expect(Duration.toMillis(took)).toBeLessThan(1_000)
        yield* Effect.promise(async () => {
          await eventually(() => front.openResponses(repository)).toBe(0)
        })
        const events = (yield* recorder.events).filter(isOperationEnded)
        expect(events.map(({ _tag }) => _tag)).toEqual(["OperationInterrupted"])
        expect(yield* Effect.flip(images.inspect(name))).toMatchObject({ _tag: "ImageNotFound" })
      }).pipe(Effect.provide(LogSink.layerTest))
    )
  })

  it("send a password to its own registry, and neither to another nor into an event", async () => {
    const access = { kind: "bearer", user } as const
    const own = await startRegistryFront({ access })
    const other = await startRegistryFront({ access })
    for (const one of [own, other]) one.add("app", "1", registryImage({ layers: [500] }))
    const names = [own, other].map(({ host }) => `${host}/app:1`)
    await withImages(
      names,
      (images) =>
        Effect.gen(function* () {
          const [mine, foreign] = yield* Effect.forEach(names, (name) => transferred(images.pull(name)))
          expect(mine?.exit).toEqual(Exit.void)
          expect(foreign?.exit).toMatchObject(
            Exit.fail({ _tag: "RegistryError", reason: "Denied", registry: other.host, credentials: "none" })
          )
          yield* images.tag(names[0] ?? "", names[1] ?? "")
          const pushed = yield* transferred(images.push(names[1] ?? ""))
          expect(pushed.exit).toMatchObject(Exit.fail({ _tag: "RegistryError", registry: other.host }))
          const wrong = yield* transferred(images.push(names[0] ?? ""))
          expect(wrong.exit).toEqual(Exit.void)
          const shown = JSON.stringify([mine, foreign, pushed, wrong])
          expect(shown).not.toContain(user.password)
        }),
      testEngine().endpoint,
      { [own.host]: credentials }
    )
    const encoded = Buffer.from(`${user.username}:${user.password}`).toString("base64")
    const sent = (front: RegistryFront) =>
      front.requests.filter(({ authorization, form }) => `${authorization}${form}`.includes(encoded) || form !== "")
    expect(sent(own).length).toBeGreaterThan(0)
    expect(sent(own).every(({ part }) => part === "token")).toBe(true)
    expect(sent(other)).toEqual([])
    await Promise.all([own.stop(), other.stop()])
  })

  it("say which credentials were rejected", async () => {
    const guarded = await startRegistryFront({ access: { kind: "bearer", user } })
    guarded.add("app", "1", registryImage({ layers: [500] }))
    const name = `${guarded.host}/app:1`
    await withImages(
      [name],
      (images) =>
        Effect.map(transferred(images.pull(name)), ({ exit }) => {
          const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
          expect(error).toMatchObject({ reason: "Unauthorized", credentials: "RegistryAuth.layer", image: name })
          expect(String(error)).not.toContain("wrong-password")
        }),
      testEngine().endpoint,
      { [guarded.host]: { username: "ann", password: Redacted.make("wrong-password") } }
    )
    await guarded.stop()
  })
})
