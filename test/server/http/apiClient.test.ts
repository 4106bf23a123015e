import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { makeApiClient } from "@dockwire/server/api"
import { build } from "esbuild"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { createTestContainer } from "../../engine/testContainer.js"
import { startApi } from "./apiServer.js"

describeEngine("the typed client", () => {
  it("has a method for each endpoint, and fails with its errors", async () => {
    const { endpoint } = testEngine()
    const server = await startApi({ endpoint })
    const container = await createTestContainer({ endpoint, cmd: ["true"] })
    try {
      const program = Effect.gen(function* () {
        const api = yield* makeApiClient({ url: server.url, token: Redacted.make(server.token) })
        const id = container.name
        const filters = { name: [`^/${id}$`] }
        const listed = yield* api.containers.list({ urlParams: { filters, limit: 1 } })
        const details = yield* api.containers.inspect({ path: { id }, urlParams: { raw: true } })
        const missing = yield* Effect.flip(api.containers.start({ path: { id: "no-such" } }))
        // A slash in a name.
        const image = { id: "localhost/no/such:1" }
        const noImage = yield* Effect.flip(api.images.inspect({ path: image, urlParams: {} }))
        yield* api.containers.remove({ path: { id }, urlParams: { force: true } })
        return { listed, details, missing, noImage }
      })
      const { details, listed, missing, noImage } = await Effect.runPromise(
        Effect.provide(program, FetchHttpClient.layer)
      )
      expect(listed.map(({ id }) => id)).toEqual([container.id])
      expect(details).toMatchObject({ id: container.id, raw: { Id: container.id } })
      expect(missing).toMatchObject({ _tag: "ContainerNotFound", containerId: "no-such" })
      expect(noImage).toMatchObject({ _tag: "ImageNotFound", image: "localhost/no/such:1" })
    } finally {
      await container.remove()
      await server.stop()
    }
  })
})

it("loads nothing of the server", async () => {
  const entry = fileURLToPath(new URL("../../../packages/server/src/ApiClient.ts", import.meta.url))
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    packages: "external"
  })
  const loaded = Object.keys(metafile.inputs).map((path) => path.replace(/^.*packages\/server\/src\//, ""))
  expect(
    loaded.filter(
      (path) =>
        !/^(ApiClient|EngineStatus|Operation\w+|Stack\w+|Wire)\.ts$|^(Api|wire)\/|^store\/(LogStoreError|StoredLog)\.ts$/.test(
          path
        )
    )
  ).toEqual([])
})
