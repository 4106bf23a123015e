import { RegistryAuth } from "@dockwire/core"
import { Effect, Redacted } from "effect"
import { expect } from "vitest"
import type { Rows } from "../cell.js"

const noEngine = "no engine is asked"

/** The cells of `RegistryAuth`. */
export const registryAuthRows: Rows = {
  find: {
    call: () => Effect.flatMap(RegistryAuth, (auth) => auth.find("docker.io")),
    success: () =>
      Effect.gen(function* () {
        const found = yield* (yield* RegistryAuth).find("registry.test:5000")
        expect(found?.username).toBe("ann")
        expect(found?.password === undefined ? "" : Redacted.value(found.password)).toBe("secret")
      }).pipe(
        Effect.provide(
          RegistryAuth.layer({ "registry.test:5000": { username: "ann", password: Redacted.make("secret") } })
        )
      ),
    missing: () =>
      Effect.map(
        Effect.flatMap(RegistryAuth, (auth) => auth.find("registry.test")),
        (found) => expect(found).toBeUndefined()
      ),
    conflict: noEngine,
    "bad input": noEngine,
    "engine gone": noEngine,
    interrupted: noEngine
  },
  given: {
    call: () => Effect.map(RegistryAuth, ({ given }) => given),
    success: () =>
      Effect.gen(function* () {
        const { given } = yield* RegistryAuth
        expect(given?.others).toBe("anonymous")
        expect([...(given?.credentials ?? [])]).toEqual([
          ["docker.io", { username: "ann" }],
          ["registry.test:5000", {}]
        ])
      }).pipe(
        Effect.provide(
          RegistryAuth.layer({ "https://index.docker.io/v1/": { username: "ann" }, "registry.test:5000": {} })
        )
      ),
    missing: () =>
      Effect.map(RegistryAuth, ({ given }) => expect(given).toEqual({ credentials: new Map(), others: "anonymous" })),
    conflict: noEngine,
    "bad input": noEngine,
    "engine gone": noEngine,
    interrupted: noEngine
  }
}
