import { Docker, EngineError, RegistryAuth, RegistryError } from "@dockwire/core"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { registryAuthHeader, registryConfigHeader } from "../../../packages/core/src/internal/registry/authHeader.js"
import { configuredAuth, find } from "./findCredentials.js"
import { type ConfigurationFolder, makeConfigurationFolder } from "./recordingEngine.js"

let folder: ConfigurationFolder
beforeAll(async () => {
  folder = await makeConfigurationFolder()
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await folder?.remove()
})

const registry = "r.test:5000"
const secret = "hunter2-hunter2"
const base64 = (text: string) => Buffer.from(text).toString("base64")

/** Pieces of the secret, as it is and in base64, long enough to be told from other text. */
const pieces = [secret, base64(`u:${secret}`), base64(secret)].flatMap((text) =>
  Array.from({ length: Math.max(1, text.length - 5) }, (_, index) => text.slice(index, index + 6))
)
const expectNoSecret = (...texts: ReadonlyArray<string>) => {
  for (const text of texts) expect(pieces.filter((piece) => text.includes(piece))).toEqual([])
}

/** Every form in which a value may be shown. */
const shown = (value: unknown): ReadonlyArray<string> => [
  inspect(value, { depth: 10, showHidden: true }),
  String(value),
  JSON.stringify(value) ?? "",
  ...(value instanceof Error ? [value.message, value.stack ?? "", inspect(value.cause)] : [])
]

/** Runs a program, and gives out all that it shows: its outcome, its logs, its spans and their attributes. */
const observe = async <A, E>(
  layer: Layer.Layer<Docker | RegistryAuth>,
  program: Effect.Effect<A, E, Docker | RegistryAuth>
) => {
  const texts: Array<string> = []
  const logger = Logger.make((options) => {
    texts.push(Logger.logfmtLogger.log(options), inspect(options.message, { depth: 10 }))
  })
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    context: (execute) => execute(),
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        spanId: String(spans.length),
        traceId: "trace",
        parent,
        context,
        status: { _tag: "Started", startTime },
        attributes,
        links,
        sampled: true,
        kind,
        end: (_endTime, exit) => void texts.push(inspect(exit, { depth: 10 })),
        attribute: (key, value) => void attributes.set(key, value),
        event: (name, _startTime, data) => void texts.push(name, inspect(data)),
        addLinks: () => {}
      }
      spans.push(span)
      return span
    }
  })
  const exit = await Effect.runPromiseExit(
    program.pipe(
      Effect.provide(layer),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.All),
      Effect.withTracer(tracer)
    )
  )
  for (const { attributes, name } of spans) texts.push(name, inspect(attributes))
  if (Exit.isFailure(exit))
    texts.push(Cause.pretty(exit.cause, { renderErrorCause: true }), inspect(exit, { depth: 10 }))
  return { exit, spans, texts }
}

const nowhere = Docker.layer({ endpoint: "unix:///nowhere/docker.sock" }).pipe(Layer.orDie)
const entry = { auth: base64(`u:${secret}`) }

interface Case {
  readonly config?: unknown
  readonly helper?: string
  readonly variable?: string
}

const cases: Readonly<Record<string, Case>> = {
  "a file that is cut short": { config: `{"auths":{"${registry}":{"auth":"${entry.auth}` },
  "a file with a missing comma": { config: `{"auths":{"${registry}":{"username":"u" "password":"${secret}"}}}` },
  "a file with a password without quotes": { config: `{"auths":{"${registry}":{"password":${secret}}}}` },
  "a file that is the password": { config: secret },
  "auth that is the password": { config: { auths: { [registry]: { auth: secret } } } },
  "auth without a colon": { config: { auths: { [registry]: { auth: base64(secret) } } } },
  "an entry that is the password": { config: { auths: { [registry]: secret } } },
  "fields in a list": { config: { auths: { [registry]: { password: [secret] } } } },
  "a variable that is cut short": { config: "{", variable: `{"auths":{"${registry}":{"auth":"${entry.auth}` },
  "a variable with other fields": {
    config: "{",
    variable: JSON.stringify({ auths: { [registry]: { ...entry, password: secret } } })
  },
  "a helper that fails after it printed": { helper: `echo '{"Username":"u","Secret":"${secret}"}'; exit 1` },
  "a helper that fails after half of it": { helper: `echo '{"Username":"u",'; echo '"Secret":"${secret}'; exit 1` },
  "a helper that fails and traces": { helper: `set -x; : ${secret}; exit 1` },
  "a helper that prints half of it": { helper: `echo '{"Username":"u","Secret":"${secret}'` },
  "a helper that prints it alone": { helper: `echo ${secret}` },
  "a helper that prints it and hangs": { helper: `echo '{"Username":"u","Secret":"${secret}"}'; exec sleep 100` }
}

describe("a secret", () => {
  for (const [name, { config, helper, variable }] of Object.entries(cases)) {
    it(`is in no error and no log: ${name}`, async () => {
      if (helper !== undefined) await folder.helper("x", helper)
      await folder.write(config ?? { credsStore: "x" })
      const auth = configuredAuth(
        { DOCKER_CONFIG: folder.path, ...(variable === undefined ? {} : { DOCKER_AUTH_CONFIG: variable }) },
        { helperTimeout: "2 seconds" }
      )
      const { exit, texts } = await observe(
        Layer.merge(auth, nowhere),
        find(registry).pipe(Effect.tapErrorCause(Effect.logError), Effect.withSpan("caller"))
      )
      const error = Exit.isFailure(exit) && Cause.isFailType(exit.cause) ? exit.cause.error : undefined
      expect(error).toBeInstanceOf(RegistryError)
      const encoded = error === undefined ? {} : Schema.encodeSync(RegistryError)(error)
      expectNoSecret(...texts, ...shown(error), ...shown(encoded))
      // The same file, read for the engine that is selected there.
      if (config === undefined) return
      const selected = await observe(
        Layer.merge(RegistryAuth.layer(), nowhere),
        Docker.configured.pipe(
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["DOCKER_CONFIG", folder.path]])))
        )
      )
      expectNoSecret(...selected.texts, ...shown(selected.exit))
    })
  }

  it("is redacted in what is found, and in what is sent", async () => {
    await folder.helper("x", `echo '{"Username":"<token>","Secret":"${secret}"}'`)
    await folder.write({ auths: { [registry]: entry }, credHelpers: { "docker.io": "x", "other.test": "x" } })
    const given = {
      "given.test": { registryToken: Redacted.make(secret) },
      "given.test:1": { username: "u", password: Redacted.make(secret) }
    }
    const auth = configuredAuth({ DOCKER_CONFIG: folder.path }, { credentials: given })
    for (const host of [registry, "other.test", ...Object.keys(given)]) {
      const { exit, texts } = await observe(
        Layer.merge(auth, nowhere),
        find(host).pipe(
          Effect.tap((found) => Effect.logInfo(found)),
          Effect.withSpan("caller")
        )
      )
      const found = Exit.isSuccess(exit) ? exit.value : undefined
      expect(found).toBeDefined()
      const headers = [registryAuthHeader(found, host), registryConfigHeader([[host, found]])]
      expectNoSecret(...texts, ...shown(found), ...headers.flatMap(shown), ...shown(exit))
    }
  })

  it("is in no error and no span of a login, whatever the engine says", async () => {
    const bodies: Array<unknown> = []
    const engine = Layer.succeed(Docker, {
      endpoint: "unix:///recorded.sock",
      json: ({ body, method, path }) => {
        bodies.push(body)
        return Effect.fail(new EngineError({ request: `${method} ${path}`, status: 401, detail: "unauthorized" }))
      },
      stream: () => Effect.dieMessage("not used"),
      hijack: () => Effect.dieMessage("not used")
    })
    const auth = RegistryAuth.layer({ [registry]: { username: "u", password: Redacted.make(secret) } })
    const { exit, spans, texts } = await observe(Layer.merge(auth, engine), RegistryAuth.login(registry))
    expect(bodies).toEqual([{ username: "u", password: secret, serveraddress: registry }])
    expect(spans.map(({ name }) => name)).toEqual(["RegistryAuth.login", "RegistryAuth.find"])
    expectNoSecret(...texts, ...shown(exit))
  })
})
