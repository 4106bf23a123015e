import { createHash } from "node:crypto"
import { chmod, link, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { startCuttingProxy } from "../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type ServerProcess, type ServerProcessOptions, startServer } from "../engine/serverProcess.js"
import { varRunUnavailable, withVarRun } from "../engine/varRun.js"
import { rowsOf } from "../whole/isWhole.js"

const unavailable = varRunUnavailable()

/** Where each test has a `/var/run` of its own. */
const describeApart = (name: string, body: () => void): void => {
  if (unavailable === undefined) describe(name, body)
  else describe.skip(`${name} [skipped: ${unavailable}]`, body)
}

let folder: string
let varRun: string
const closing: Array<() => Promise<unknown>> = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-demo-"))
  varRun = join(folder, "run")
  await mkdir(varRun)
  return async () => {
    await Promise.all(closing.splice(0).map((close) => close()))
    await rm(folder, { recursive: true, force: true })
  }
})

/** Listens at the path as an engine would that nobody asks. */
const listenAt = (path: string): Promise<() => Promise<void>> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(path, () => resolve(() => new Promise((done) => server.close(() => done()))))
  })

/** What stands at `/var/run/docker.sock`. */
const sockets = {
  nothing: () => Promise.resolve(),
  "a socket that refuses": async (path: string) => {
    const close = await listenAt(`${path}.of-before`)
    // Its listener takes its own name away with it, and leaves the other one.
    await link(`${path}.of-before`, path)
    await close()
  },
  "a socket that may not be opened": async (path: string) => {
    closing.push(await listenAt(path))
    await chmod(path, 0)
  },
  "a link that leads nowhere": (path: string) => symlink(join(folder, "nothing.sock"), path),
  "a folder that may not be looked into": async (path: string) => {
    const hidden = join(varRun, "hidden")
    await mkdir(hidden)
    await symlink(join(hidden, "docker.sock"), path)
    await chmod(hidden, 0)
    closing.push(() => chmod(hidden, 0o700))
  }
}
type Socket = keyof typeof sockets

const start = async (
  flags: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
  more: Partial<ServerProcessOptions> = {}
): Promise<ServerProcess> => {
  const server = await startServer({
    dataDir: join(folder, "data"),
    flags,
    environment: { PATH: process.env["PATH"] ?? "", HOME: folder, ...environment },
    through: withVarRun(varRun),
    ...more
  })
  closing.push(() => server.stop())
  return server
}

interface EngineAnswer {
  readonly available: boolean
  readonly endpoint: string
  readonly reason?: string
  readonly demo?: string
}

const ask = async (server: ServerProcess, path: string): Promise<unknown> =>
  (await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${server.token}` } })).json()

const isEngineAnswer = (value: unknown): value is EngineAnswer =>
  typeof value === "object" && value !== null && "available" in value && "endpoint" in value

const engineOf = async (server: ServerProcess): Promise<EngineAnswer> => {
  const answer = await ask(server, "/api/engine")
  if (!isEngineAnswer(answer)) throw new Error(`No engine: ${JSON.stringify(answer)}`)
  return answer
}

/** The engine as soon as it has been asked. */
const engineAsked = (server: ServerProcess): Promise<EngineAnswer> =>
  vi.waitFor(
    async () => {
      const engine = await engineOf(server)
      expect(engine.reason ?? "").not.toContain("has not answered yet")
      return engine
    },
    { timeout: 20_000, interval: 50 }
  )

const reasons = [
  "Dockwire was started with the engine in memory (--engine memory or DOCKWIRE_ENGINE=memory). To see your own containers, start Docker and restart Dockwire without this setting.",
  "No Docker engine is configured, and there is no Docker socket at /var/run/docker.sock. To see your own containers, start Docker and restart Dockwire."
]

const expectDemo = async (server: ServerProcess): Promise<void> => {
  const engine = await engineAsked(server)
  expect(engine).toMatchObject({ available: true, endpoint: "memory://engine" })
  expect(reasons).toContain(engine.demo)
  const ready = await fetch(`${server.url}/readyz`)
  expect([ready.status, await ready.text()]).toEqual([200, "ready (demo)\n"])
  const line = `Demo: these containers are not real. ${engine.demo}\n`
  await vi.waitFor(() => expect(server.said()).toContain(line))
  expect(server.said().split("not real")).toHaveLength(2)
  expect(server.said()).not.toContain("Engine:")
}

const expectWaiting = async (server: ServerProcess): Promise<EngineAnswer> => {
  const engine = await engineAsked(server)
  expect(engine).toMatchObject({ available: false })
  expect(engine).not.toHaveProperty("demo")
  const ready = await fetch(`${server.url}/readyz`)
  expect([ready.status, await ready.text()]).toEqual([503, "not ready\n"])
  await vi.waitFor(() =>
    expect(server.said()).toContain("Dockwire keeps trying and continues as soon as the engine responds.")
  )
  expect(server.said()).not.toMatch(/demo/i)
  return engine
}

const auto = ["--engine", "auto"]

describeApart("which engine it is", () => {
  it.each(
    rowsOf<readonly [string, ReadonlyArray<string>, Record<string, string>, Socket]>({
      quick: [
        ["auto where nothing is set", auto, {}, "nothing"],
        ["memory where there is an engine", ["--engine", "memory"], { DOCKER_HOST: "tcp://127.0.0.1:1" }, "nothing"]
      ],
      more: [
        ["auto by the environment", [], { DOCKWIRE_ENGINE: "auto" }, "nothing"],
        [
          "auto where all variables are empty",
          auto,
          { DOCKER_HOST: "", DOCKER_CONTEXT: " ", DOCKER_CONFIG: "" },
          "nothing"
        ],
        ["memory", ["--engine", "memory"], {}, "nothing"],
        ["memory by the environment", [], { DOCKWIRE_ENGINE: "memory" }, "nothing"],
        ["memory where there is a socket", ["--engine", "memory"], {}, "a socket that refuses"]
      ]
    })
  )("a demo: %s", async (_, flags, environment, socket) => {
    await sockets[socket](join(varRun, "docker.sock"))
    await expectDemo(await start(flags, environment))
  })

  it("a demo: auto where the current context is the default one", async () => {
    await mkdir(join(folder, ".docker"))
    await writeFile(join(folder, ".docker/config.json"), JSON.stringify({ auths: {}, currentContext: "default" }))
    await expectDemo(await start(auto))
  })

  it.each(
    rowsOf<readonly [Socket, string]>({
      quick: [
        ["a socket that refuses", "ECONNREFUSED"],
        ["a socket that may not be opened", "EACCES"]
      ],
      more: [
        ["a link that leads nowhere", "ENOENT"],
        ["a folder that may not be looked into", "EACCES"]
      ]
    })
  )("an engine that is down: auto where there is %s", async (socket, words) => {
    await sockets[socket](join(varRun, "docker.sock"))
    const engine = await expectWaiting(await start(auto))
    expect(engine.endpoint).toBe("unix:///var/run/docker.sock")
    expect(engine.reason).toContain(words)
  })

  it.each(
    rowsOf<readonly [string, ReadonlyArray<string>, Record<string, string>]>({
      quick: [
        ["--docker-host", [...auto, "--docker-host", "unix:///nowhere/docker.sock"], {}],
        ["DOCKER_HOST with the default socket", auto, { DOCKER_HOST: "unix:///var/run/docker.sock" }]
      ],
      more: [
        ["DOCKER_TLS_VERIFY", auto, { DOCKER_TLS_VERIFY: "1" }],
        ["DOCKWIRE_DOCKER_HOST", auto, { DOCKWIRE_DOCKER_HOST: "unix:///nowhere/docker.sock" }],
        ["DOCKER_HOST", auto, { DOCKER_HOST: "tcp://127.0.0.1:1" }],
        ["DOCKER_CONTEXT with the default one", auto, { DOCKER_CONTEXT: "default" }],
        ["DOCKER_CERT_PATH", auto, { DOCKER_CERT_PATH: "/nowhere" }]
      ]
    })
  )("an engine that is down: auto where there is no socket, but %s", async (_, flags, environment) => {
    await expectWaiting(await start(flags, environment))
  })

  it.each(rowsOf({ quick: ["the current context"], more: ["DOCKER_CONTEXT"] }))(
    "an engine that is down: auto where there is no socket, but %s",
    async (by) => {
      const digest = createHash("sha256").update("far").digest("hex")
      const place = join(folder, ".docker/contexts/meta", digest)
      await mkdir(place, { recursive: true })
      const meta = { Name: "far", Metadata: {}, Endpoints: { docker: { Host: "tcp://127.0.0.1:1" } } }
      await writeFile(join(place, "meta.json"), JSON.stringify(meta))
      if (by !== "DOCKER_CONTEXT") {
        await writeFile(join(folder, ".docker/config.json"), JSON.stringify({ currentContext: "far" }))
      }
      const engine = await expectWaiting(await start(auto, by === "DOCKER_CONTEXT" ? { DOCKER_CONTEXT: "far" } : {}))
      expect(engine.endpoint).toBe("tcp://127.0.0.1:1")
    }
  )

  it.each(
    rowsOf<readonly [string, ReadonlyArray<string>, Record<string, string>]>({
      quick: [
        ["no word of it", [], {}],
        ["docker, over the environment", ["--engine", "docker"], { DOCKWIRE_ENGINE: "auto" }]
      ],
      more: [["docker", ["--engine", "docker"], {}]]
    })
  )("an engine that is down: %s", async (_, flags, environment) => {
    const engine = await expectWaiting(await start(flags, environment))
    expect(engine.reason).toContain("ENOENT")
  })

  it("an engine that is down stays one when its socket goes away", async () => {
    const path = join(varRun, "docker.sock")
    await sockets["a socket that refuses"](path)
    const server = await start(auto)
    await expectWaiting(server)
    await rm(path)
    await vi.waitFor(async () => expect((await engineOf(server)).reason).toContain("ENOENT"), { timeout: 20_000 })
    await expectWaiting(server)
  })
})

const engineDescribeApart = (name: string, body: () => void): void =>
  unavailable === undefined ? describeEngine(name, body) : describeApart(name, body)

engineDescribeApart("an engine that is there", () => {
  it("is taken by auto, and one that comes later when the server is started again", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    closing.push(proxy.close)
    const server = await start(auto)
    await expectDemo(server)
    const engine = new URL(proxy.endpoint).pathname
    await symlink(engine, join(varRun, "docker.sock"))
    const names = JSON.stringify(await ask(server, "/api/containers"))
    expect(names).toContain('"name":"shop-web-1"')
    await expectDemo(server)
    expect(proxy.requests).toEqual([])
    await server.stop()

    const again = await start(auto, {}, { port: server.port })
    await vi.waitFor(() => expect(again.said()).toMatch(/^Engine: Docker .* at unix:\/\/\/var\/run\/docker\.sock$/m), {
      timeout: 20_000
    })
    expect(await engineOf(again)).toMatchObject({ available: true, endpoint: "unix:///var/run/docker.sock" })
    expect(await engineOf(again)).not.toHaveProperty("demo")
    expect(await (await fetch(`${again.url}/readyz`)).text()).toBe("ready\n")
    expect(JSON.stringify(await ask(again, "/api/containers"))).not.toContain('"name":"shop-web-1"')
  })
})

describe("what the API says of it", () => {
  afterEach(() => Promise.all(closing.splice(0).map((close) => close())))

  it("stands in its description, and at each of the containers", async () => {
    const server = await start(["--engine", "memory"], {}, { through: [] })
    await engineAsked(server)
    expect(await ask(server, "/openapi.json")).toMatchObject({
      paths: { "/api/engine": { get: { responses: { 200: { description: expect.any(String) } } } } },
      components: {
        schemas: {
          EngineStatus: { required: ["available", "endpoint", "timestamp"], properties: { demo: { type: "string" } } }
        }
      }
    })
    const containers = await ask(server, "/api/containers")
    expect(containers).toHaveLength(7)
    expect(containers).toEqual(
      Array.from({ length: 7 }, () =>
        expect.objectContaining({ labels: expect.objectContaining({ "dockwire.demo": "true" }) })
      )
    )
    expect((await fetch(`${server.url}/api/engine`)).status).toBe(401)
  })
})
