import type { BuildSpec, DockerRequest, RegistryCredentials } from "@dockwire/core"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { registryImage } from "../../engine/registryImage.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { uniqueName } from "../../engine/testContainer.js"
import { removeImage } from "./builtFiles.js"
import { runBuild } from "./runBuild.js"

const ann = { username: "ann", password: "pass-of-ann-at-one" }
const bob = { username: "bob", password: "pass-of-bob-at-two" }
const unused = { username: "carl", password: "pass-of-carl-elsewhere" }

const given = ({ password, username }: typeof ann): RegistryCredentials => ({
  username,
  password: Redacted.make(password)
})

/** What a front has received: headers and forms. */
const received = ({ requests }: RegistryFront): string =>
  requests
    .map(({ authorization = "", form, path }) => {
      const [kind, value = ""] = authorization.split(" ")
      return [path, form, kind === "Basic" ? Buffer.from(value, "base64").toString() : authorization].join(" ")
    })
    .join("\n")

/** The registries in the header `X-Registry-Config`, decoded. */
const sentConfig = (requests: ReadonlyArray<DockerRequest>): unknown => {
  const value = requests.find(({ path }) => path === "/build")?.headers?.["X-Registry-Config"]
  return Redacted.isRedacted(value)
    ? JSON.parse(Buffer.from(String(Redacted.value(value)), "base64url").toString())
    : undefined
}

describeEngine("a build whose base images are in private registries", () => {
  let one: RegistryFront
  let two: RegistryFront
  const images: Array<string> = []

  beforeAll(async () => {
    one = await startRegistryFront({ access: { kind: "bearer", user: ann } })
    two = await startRegistryFront({ access: { kind: "basic", user: bob } })
  })
  afterAll(async () => {
    for (const image of images) await removeImage(testEngine().endpoint, image)
    await Promise.all([one?.stop(), two?.stop()])
  })

  /** An image that no engine has yet. */
  const fresh = (front: RegistryFront): string => {
    const repository = uniqueName("base")
    front.add(repository, "1.0", registryImage({ layers: [1_000] }))
    images.push(`${front.host}/${repository}:1.0`)
    return `${front.host}/${repository}`
  }
  const credentials = () => ({
    [one.host]: given(ann),
    [two.host]: given(bob),
    "docker.io": given(unused),
    "registry.example.com:5000": given(unused)
  })
  const build = (spec: BuildSpec, isClassic: boolean, found: Readonly<Record<string, RegistryCredentials>>) => {
    const tag = `${uniqueName("build")}:latest`
    images.push(tag)
    return runBuild({ tags: [tag], ...spec }, { endpoint: testEngine().endpoint, isClassic, credentials: found })
  }

  describe.each([
    ["BuildKit", false],
    ["the classic builder", true]
  ] as const)("with %s", (_name, isClassic) => {
    it("sends each registry its own credentials, and the engine no others", async () => {
      const built = await build(
        {
          dockerfile: {
            text: [
              `ARG BASE=registry.example.com:5000/nothing`,
              "# FROM registry.example.com:5000/nothing",
              "FROM ${BASE}:1.0 AS base",
              `FROM ${fresh(two)}:1.0`,
              "COPY --from=base / /base/"
            ].join("\n")
          },
          buildArgs: { BASE: fresh(one) }
        },
        isClassic,
        credentials()
      )
      built.image()
      expect(received(one)).toContain(`${ann.username}:${ann.password}`)
      expect(received(two)).toContain(`${bob.username}:${bob.password}`)
      expect(received(one)).not.toMatch(/bob|carl/)
      expect(received(two)).not.toMatch(/ann|carl/)
      if (isClassic) {
        expect(sentConfig(built.requests)).toMatchObject({
          [one.host]: { username: "ann" },
          [two.host]: { username: "bob" }
        })
        expect(Object.keys(Object(sentConfig(built.requests)))).toHaveLength(2)
      } else expect(sentConfig(built.requests)).toBeUndefined()
      expect(JSON.stringify(built.events)).not.toMatch(/pass-of/)
    })

    it.each(["manifest", "blob"] as const)("fails if the registry falls silent about a %s", async (on) => {
      const base = fresh(one)
      const repository = base.slice(base.indexOf("/") + 1)
      // More than what BuildKit takes at once, and so reports of.
      one.add(repository, "1.0", registryImage({ layers: [3_000_000] }))
      one.break(repository, { kind: "silent", on, ...(on === "blob" ? { after: 2_000_000 } : {}) })
      const dockerfile = { text: `FROM ${base}:1.0\nCOPY / /\n` }
      const built = await build({ dockerfile, stallTimeout: "1500 millis" }, isClassic, credentials())
      expect(built.failure()).toMatchObject({
        _tag: "RegistryError",
        reason: "Stalled",
        image: `${base}:1.0`,
        registry: one.host,
        credentials: "RegistryAuth.layer"
      })
    })

    it("names image and registry, and where the credentials come from, if a base image cannot be pulled", async () => {
      const base = fresh(two)
      const from = (image: string): BuildSpec => ({ dockerfile: { text: `FROM ${image}\nCOPY / /\n` } })
      const failure = async (image: string, found: Readonly<Record<string, RegistryCredentials>>) =>
        (await build(from(image), isClassic, found)).failure()
      const about = { image: `${base}:1.0`, registry: two.host }
      expect(await failure(`${base}:1.0`, {})).toMatchObject({
        _tag: "RegistryError",
        reason: "Unauthorized",
        credentials: "none",
        ...about
      })
      const wrong = { [two.host]: given({ ...bob, password: "pass-of-nobody" }) }
      const refused = await failure(`${base}:1.0`, wrong)
      expect(refused).toMatchObject({
        _tag: "RegistryError",
        reason: "Unauthorized",
        credentials: "RegistryAuth.layer",
        ...about
      })
      expect(JSON.stringify(refused)).not.toContain("pass-of")
      expect(await failure(`${base}:2.0`, credentials())).toMatchObject({
        _tag: "ImageNotFound",
        image: `${base}:2.0`,
        registry: two.host
      })
      const limited = uniqueName("limited")
      two.break(limited, {
        kind: "answer",
        on: ["manifest"],
        status: 429,
        body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'
      })
      expect(await failure(`${two.host}/${limited}:1.0`, credentials())).toMatchObject({
        _tag: "RegistryError",
        reason: "RateLimited",
        registry: two.host
      })
      expect(await failure("127.0.0.1:1/team/app:1.0", credentials())).toMatchObject({
        _tag: "RegistryError",
        reason: "Unreachable",
        registry: "127.0.0.1:1",
        image: "127.0.0.1:1/team/app:1.0"
      })
    })
  })
})
