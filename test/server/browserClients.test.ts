import * as HttpApi from "@effect/platform/HttpApi"
import { build } from "esbuild"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Api } from "../../packages/server/src/Api/Api.js"
import { endpoints } from "../../packages/server/src/client/api/endpoints.js"
import { launchBrowser, openPage } from "../engine/browser.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"

const source = fileURLToPath(new URL("../../packages/server/src/", import.meta.url))

/** Bundles a program for browsers, as users do: the packages as they are built. */
const bundle = async (contents: string) => {
  const { metafile, outputFiles } = await build({
    stdin: { contents, resolveDir: source, loader: "ts" },
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "program",
    platform: "browser",
    legalComments: "none",
    metafile: true,
    write: false
  })
  const text = outputFiles[0]?.text ?? ""
  return { text, inputs: Object.keys(metafile.inputs), kilobytes: gzipSync(text, { level: 9 }).length / 1000 }
}

describe("in a browser", () => {
  let browser: Browser
  let dataDir: string
  let server: ServerProcess
  let page: Page
  let complaints: ReadonlyArray<string>

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "dockwire-clients-"))
    ;[browser, server] = await Promise.all([launchBrowser(), startServer({ dataDir, flags: ["--engine", "memory"] })])
    ;({ complaints, page } = await openPage(browser))
    await page.goto(server.link)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  /** Runs a bundle in the page, and gives what its `result` resolves to. */
  const run = async (text: string): Promise<unknown> => page.evaluate(`${text};program.result`)

  it("the typed client runs, and its bundle has nothing of Node or of an engine in it", async () => {
    const { inputs, kilobytes, text } = await bundle(`
      import { makeApiClient } from "@dockwire/server/api"
      import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
      import * as Effect from "effect/Effect"
      import * as Redacted from "effect/Redacted"
      const program = Effect.gen(function* () {
        const api = yield* makeApiClient({ url: location.origin, token: Redacted.make(${JSON.stringify(server.token)}) })
        const all = yield* api.containers.list({ urlParams: { filters: { name: ["shop-web-1"] } } })
        const missing = yield* Effect.flip(api.containers.inspect({ path: { id: "nothing" }, urlParams: {} }))
        return [all.map(({ name }) => name), missing._tag, missing.message]
      })
      export const result = Effect.runPromise(Effect.provide(program, FetchHttpClient.layer))
    `)
    const engineCode = /dockerode|docker-modem|ssh2|core\/dist\/(Docker\.js|internal\/connection)/
    expect(inputs.filter((file) => engineCode.test(file))).toEqual([])
    expect(text).not.toMatch(/["']node:/)
    expect(kilobytes).toBeLessThan(130)
    expect(await run(text)).toEqual([["shop-web-1"], "ContainerNotFound", expect.stringContaining("nothing")])
    expect(complaints.filter((each) => !each.includes("404"))).toEqual([])
  })

  it("the small client has answers, errors and streams as values, and ends what is cancelled", async () => {
    const { inputs, kilobytes, text } = await bundle(`
      import { makeApiCaller } from "./client/api/ApiCaller.js"
      const api = makeApiCaller({ url: document.baseURI })
      const away = makeApiCaller({ url: "http://127.0.0.1:9/" })
      const failure = (result) => (result.ok ? result : [result.status, result.error._tag, result.error.message])
      const count = async (name, options) => {
        const controller = new AbortController()
        const stream = await api.lines("containers.logs", { path: { id: name }, query: { follow: true } }, { signal: controller.signal })
        const lines = []
        try {
          for await (const elements of stream.value) {
            lines.push(...elements.filter(({ _tag }) => _tag === "LogLine"))
            if (lines.length > 2) controller.abort()
          }
        } catch {
          return [lines.length > 2, controller.signal.aborted]
        }
      }
      const main = async () => {
        const found = await api.call("containers.list", { query: { filters: { name: ["shop-web-1"] } } })
        const aborted = new AbortController()
        aborted.abort()
        const pull = { body: { image: "redis:7" } }
        const key = crypto.randomUUID()
        const pulled = [await api.call("images.pull", pull, { idempotencyKey: key }), await api.call("images.pull", pull, { idempotencyKey: key })]
        const waiting = api.call("containers.list", {})
        api.abortAll()
        return {
          found: found.value.map(({ name }) => name),
          session: (await api.call("session.describe", {})).value.allowed,
          missing: failure(await api.call("containers.inspect", { path: { id: "no/thing" } })),
          invalid: failure(await api.call("containers.list", { query: { limit: -1 } })),
          late: failure(await api.call("containers.list", {}, { timeout: 0 })),
          unanswered: failure(await waiting),
          aborted: failure(await api.call("containers.list", {}, { signal: aborted.signal })),
          away: failure(await away.call("containers.list", {})),
          log: await count("shop-web-1"),
          once: new Set(pulled.map(({ value }) => value.log_id)).size
        }
      }
      export const result = main()
    `)
    expect(inputs.filter((file) => file.includes("effect"))).toEqual([])
    expect(kilobytes).toBeLessThan(3)
    expect(await run(text)).toEqual({
      found: ["shop-web-1"],
      session: ["read", "operate"],
      missing: [404, "ContainerNotFound", expect.stringContaining("no/thing")],
      invalid: [400, "InvalidRequest", expect.stringContaining("limit")],
      late: [0, "TimedOut", "The Dockwire server did not answer."],
      unanswered: [0, "TimedOut", "The Dockwire server did not answer."],
      aborted: [0, "Aborted", "The request was cancelled."],
      away: [0, "Unreachable", "Can't reach the Dockwire server."],
      log: [true, true],
      once: 1
    })
  })
})

it("the small client asks at the addresses of the API", () => {
  const known = new Map<string, ReadonlyArray<string>>()
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint, group }) => {
      known.set(`${group.identifier}.${endpoint.name}`, [endpoint.method, endpoint.path.replace(/^\/|\/$/g, "")])
    }
  })
  for (const [name, endpoint] of Object.entries(endpoints)) expect(endpoint, name).toEqual(known.get(name))
})
