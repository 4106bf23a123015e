import { Redacted } from "effect"
import { inspect } from "node:util"
import { describe, expect, it } from "vitest"
import { registryAuthHeader, registryConfigHeader } from "../../../packages/core/src/internal/registry/authHeader.js"

const decode = (header: Redacted.Redacted<string>): unknown =>
  JSON.parse(Buffer.from(Redacted.value(header), "base64url").toString())

const ann = { username: "ann", password: Redacted.make("pä:ss>>??~~"), source: "a test" }
const token = { identityToken: Redacted.make("refresh"), source: "a test" }

describe("X-Registry-Auth", () => {
  it("is an empty object without credentials", () => {
    expect(Redacted.value(registryAuthHeader(undefined, "docker.io"))).toBe("e30=")
  })

  it.each([
    ["a password", ann, "r.test:5000", { username: "ann", password: "pä:ss>>??~~", serveraddress: "r.test:5000" }],
    ["an identity token", token, "r.test", { identitytoken: "refresh", serveraddress: "r.test" }],
    [
      "a registry token",
      { registryToken: Redacted.make("access"), source: "a test" },
      "r.test",
      { registrytoken: "access", serveraddress: "r.test" }
    ],
    [
      "fields that are empty",
      { username: "", password: Redacted.make(""), source: "a test" },
      "r.test",
      { serveraddress: "r.test" }
    ],
    ["Docker Hub", token, "docker.io", { identitytoken: "refresh", serveraddress: "https://index.docker.io/v1/" }]
  ])("spells out %s as the Engine API does", (_, credentials, registry, expected) => {
    const header = registryAuthHeader(credentials, registry)
    expect(decode(header)).toStrictEqual(expected)
    expect(Redacted.value(header)).toMatch(/^[\w-]+={0,2}$/)
    expect(Redacted.value(header).length % 4).toBe(0)
  })

  it("is not shown", () => {
    const header = registryAuthHeader(ann, "r.test")
    expect(`${inspect(header)} ${JSON.stringify(header)} ${String(header)}`).not.toContain(Redacted.value(header))
  })
})

describe("X-Registry-Config", () => {
  it("has the registries with credentials, by the names of the docker command", () => {
    const header = registryConfigHeader([
      ["r.test:5000", ann],
      ["docker.io", token],
      ["public.test", undefined]
    ])
    expect(decode(header)).toStrictEqual({
      "r.test:5000": { username: "ann", password: "pä:ss>>??~~", serveraddress: "r.test:5000" },
      "https://index.docker.io/v1/": { identitytoken: "refresh", serveraddress: "https://index.docker.io/v1/" }
    })
  })

  it("is an empty object without registries", () => {
    expect(decode(registryConfigHeader([]))).toStrictEqual({})
  })
})
