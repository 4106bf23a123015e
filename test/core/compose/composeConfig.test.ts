import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { Redactor } from "../../../packages/core/src/internal/build/output/redactor.js"
import { decodeComposeConfig } from "../../../packages/core/src/internal/compose/run/composeConfig.js"

/** As compose prints it. */
const text = `{
  "name": "hunter2",
  "services": {
    "__proto__": { "image": "a", "deploy": { "replicas": 2 } },
    "constructor": { "image": "b", "labels": { "own": "it is hunter2" }, "environment": { "A": "b", "C": null } }
  },
  "configs": { "c": { "content": "d" } },
  "secrets": { "s": { "environment": "NAME" } }
}`

const decoded = (redactor?: Redactor) => Either.getOrThrow(decodeComposeConfig(text, redactor))

describe("what compose prints of a project", () => {
  it("has every service, whatever it is called", () => {
    const { services } = decoded()
    expect(Object.entries(services).map(([name, { image, replicas }]) => [name, image, replicas])).toEqual([
      ["__proto__", "a", 2],
      ["constructor", "b", 1]
    ])
  })

  it("has no value of a variable, and nothing that is secret, unless it is asked for", () => {
    const config = decoded(new Redactor([Redacted.make("hunter2")]))
    expect(config.name).toBe("hunter2")
    expect(config.services["constructor"]?.environment).toEqual({ A: "<hidden>", C: null })
    expect(config.raw).toMatchObject({
      services: { constructor: { labels: { own: "it is <redacted>" } } },
      configs: { c: { content: "<hidden>" } },
      secrets: { s: { environment: "NAME" } }
    })
    expect(decoded().services["constructor"]?.environment).toEqual({ A: "b", C: null })
  })
})
