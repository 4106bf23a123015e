import { type BuildSpec, Images, type RegistryCredentials } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type FrontRequest, type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { registryImage } from "../../engine/registryImage.js"
import { uniqueName } from "../../engine/testContainer.js"
import { removeImage } from "../build/builtFiles.js"
import { runBuild } from "../build/runBuild.js"
import { eventually } from "../eventually.js"
import { imagesAt, transferred } from "../images/transferred.js"
import { runWith } from "../runWith.js"

const owner = { username: "ann", password: "pass-of-ann" }
const guest = { username: "eve", password: "pass-of-eve" }

const given = ({ password, username }: typeof owner): RegistryCredentials => ({
  username,
  password: Redacted.make(password)
})

/** What a request brought along, readable. */
const brought = ({ authorization = "", form, path }: FrontRequest): string => {
  const [kind, value = ""] = authorization.split(" ")
  return [
    path,
    decodeURIComponent(form),
    kind === "Basic" ? Buffer.from(value, "base64").toString() : authorization
  ].join(" ")
}

describeEngine("a registry that names the token endpoint of another one", () => {
  let own: RegistryFront
  let other: RegistryFront
  const images: Array<string> = []

  beforeAll(async () => {
    own = await startRegistryFront({ access: { kind: "bearer", user: owner } })
    other = await startRegistryFront({ access: { kind: "bearer", user: guest, realm: `http://${own.host}/token` } })
  })
  afterAll(async () => {
    for (const image of images) await removeImage(testEngine().endpoint, image)
    await Promise.all([own?.stop(), other?.stop()])
  })

  const fresh = (front: RegistryFront): { readonly image: string; readonly repository: string } => {
    const repository = uniqueName("realm")
    front.add(repository, "1", registryImage({ layers: [1_000] }))
    const image = `${front.host}/${repository}:1`
    images.push(image)
    return { image, repository }
  }

  type Fresh = ReturnType<typeof fresh>
  const about = ({ repository }: Fresh): ReadonlyArray<string> =>
    [...own.requests, ...other.requests].map(brought).filter((text) => decodeURIComponent(text).includes(repository))
  const tokenRequests = (fresh: Fresh) => about(fresh).filter((text) => text.startsWith("/token"))

  const builds: Readonly<Record<string, boolean>> = { "a build": false, "a build with the classic builder": true }
  it.each([
    ["a pull", false],
    ["a push", false],
    ["a pull", true],
    ["a push", true],
    ["a build", false],
    ["a build", true],
    ["a build with the classic builder", false],
    ["a build with the classic builder", true]
  ])("gets no password of that one from %s (credentials of its own: %s)", async (way, hasOwn) => {
    const [mine, foreign] = [fresh(own), fresh(other)]
    const credentials = { [own.host]: given(owner), ...(hasOwn ? { [other.host]: given(guest) } : {}) }
    const isClassic = builds[way]
    if (isClassic === undefined) {
      const program = Effect.gen(function* () {
        const all = yield* Images
        const pulled = yield* transferred(all.pull(mine.image))
        if (way === "a pull") return [pulled.exit, (yield* transferred(all.pull(foreign.image))).exit] as const
        yield* all.tag(mine.image, foreign.image)
        const pushed = yield* transferred(all.push(mine.image))
        if (hasOwn) return [pushed.exit, (yield* transferred(all.push(foreign.image))).exit] as const
        // Engines push again and again, for a minute.
        const fiber = yield* Effect.fork(transferred(all.push(foreign.image)))
        yield* Effect.promise(() => eventually(() => tokenRequests(foreign)).not.toEqual([]))
        yield* Fiber.interrupt(fiber)
        return [pushed.exit, undefined] as const
      })
      const [first, second] = await runWith(imagesAt(testEngine().endpoint, credentials), program)
      expect(first._tag).toBe("Success")
      if (second !== undefined) {
        expect(second).toMatchObject({ cause: { error: { _tag: "RegistryError", registry: other.host } } })
      }
      expect(about(mine).join("\n")).toContain(owner.password)
    } else {
      const build = (spec: BuildSpec) => runBuild(spec, { endpoint: testEngine().endpoint, isClassic, credentials })
      const lines = [`FROM ${mine.image} AS mine`, `FROM ${foreign.image}`, "COPY --from=mine / /mine/"]
      const built = await build({ dockerfile: { text: lines.join("\n") } })
      expect(built.failure()).toMatchObject({ _tag: "RegistryError", registry: other.host, image: foreign.image })
    }
    expect(about(foreign)).not.toEqual([])
    expect(about(foreign).join("\n")).not.toContain(owner.password)
    expect(other.requests.map(brought).join("\n")).not.toContain(owner.password)
    expect(about(mine).join("\n")).not.toContain(guest.password)
  })
})
