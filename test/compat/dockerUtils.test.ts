import {
  configure,
  dispose,
  get_container_logs,
  get_containers,
  inspect_container,
  remove_container,
  restart_container,
  start_container,
  stop_container
} from "@dockwire/compat"
import { createServer } from "node:net"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest"
import { createdText } from "../../packages/compat/src/text/createdText.js"
import { itDockerCli } from "../engine/itDockerCli.js"
import { jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import {
  createTestContainer,
  startTestContainer,
  type TestContainer,
  type TestContainerOptions,
  uniqueName
} from "../engine/testContainer.js"

const verbs = [
  ["start", start_container],
  ["stop", stop_container],
  ["restart", restart_container],
  ["rm", remove_container],
  ["logs", get_container_logs]
] as const

/** What the docker command prints at the end of every start that fails. */
const lastLine = (name: string) => `Error: failed to start containers: ${name}\n`

let warnings: Array<string> = []
const warn = (message: string) => void warnings.push(message)

beforeEach(() => {
  warnings = []
})
afterAll(async () => {
  configure({})
  await dispose()
})

const started = async (options: Partial<TestContainerOptions> = {}): Promise<TestContainer> => {
  const container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "300"], ...options })
  onTestFinished(container.remove)
  return container
}

const created = async (options: Partial<TestContainerOptions> = {}): Promise<TestContainer> => {
  const container = await createTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "300"], ...options })
  onTestFinished(container.remove)
  return container
}

const usualEngine = () => ({ DOCKER_HOST: testEngine().endpoint })

const running = async (container: TestContainer) => jsonAt(await container.inspect(), "State", "Running")

describeEngine("the old functions", () => {
  beforeAll(() => configure({ endpoint: testEngine().endpoint, warn }))

  it("list containers as docker ps shows them, newest first", async () => {
    const exposed = Object.fromEntries([7000, 7001, 7002, 7005].map((port) => [`${port}/tcp`, {}]))
    const older = await started({
      config: { ExposedPorts: { ...exposed, "80/tcp": {}, "53/udp": {} } },
      hostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1" }], "53/udp": [{ HostIp: "127.0.0.1" }] } }
    })
    const newer = await created()
    const rows = await get_containers()
    const [first, second] = [newer, older].map(({ name }) => rows.find((row) => row.name === name))
    if (first === undefined || second === undefined) throw new Error("not listed")
    expect(rows.indexOf(first)).toBeLessThan(rows.indexOf(second))
    expect(first).toEqual({
      id: newer.id.slice(0, 12),
      name: newer.name,
      image: "busybox:latest",
      status: "Created",
      created: createdText(Math.floor(Date.parse(String(jsonAt(await newer.inspect(), "Created"))) / 1000)),
      ports: ""
    })
    expect(second.status).toMatch(/^Up /)
    expect(second.ports).toMatch(/^7000-7002\/tcp, 7005\/tcp, 127\.0\.0\.1:\d+->53\/udp, 127\.0\.0\.1:\d+->80\/tcp$/)
    expect(warnings).toEqual([])
  })

  itDockerCli("list a container with the texts of docker ps", async (docker) => {
    const container = await started({
      config: { ExposedPorts: { "7000/tcp": {}, "7001/tcp": {}, "80/tcp": {}, "53/udp": {} } },
      hostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1" }], "53/udp": [{ HostIp: "127.0.0.1" }] } }
    })
    const row = (await get_containers()).find(({ name }) => name === container.name)
    const format = "{{.ID}}|{{.Names}}|{{.Image}}|{{.CreatedAt}}|{{.Ports}}"
    const shown = await docker(["ps", "-a", "--filter", `id=${container.id}`, "--format", format], usualEngine())
    expect([row?.id, row?.name, row?.image, row?.created, row?.ports].join("|")).toBe(shown.stdout.trim())
  })

  it("list an image by its id if it has no name", async () => {
    const image = String(jsonAt(await (await created()).inspect(), "Image"))
    const container = await created({ image })
    const row = (await get_containers(1)).find(({ name }) => name === container.name)
    expect(row?.image).toBe(image.slice("sha256:".length).slice(0, 12))
  })

  it("start, stop and restart, and return the id as given", async () => {
    const container = await created({ cmd: ["sh", "-c", "trap exit TERM; while :; do sleep 0.1; done"] })
    const short = container.id.slice(0, 12)
    expect(await start_container(container.name)).toEqual([true, `${container.name}\n`])
    expect(await start_container(short)).toEqual([true, `${short}\n`])
    expect(await running(container)).toBe(true)
    expect(await stop_container(container.id)).toEqual([true, `${container.id}\n`])
    expect(await running(container)).toBe(false)
    expect(await stop_container(short)).toEqual([true, `${short}\n`])
    expect(await restart_container(container.name)).toEqual([true, `${container.name}\n`])
    expect(await running(container)).toBe(true)
  })

  it("remove a running container with force only", async () => {
    const container = await started()
    const refused = await remove_container(container.name)
    expect(refused[0]).toBe(false)
    expect(refused[1]).toMatch(/^Error: Error response from daemon: cannot remove container .*running.*\n$/)
    expect(await remove_container(container.name, true)).toEqual([true, `${container.name}\n`])
    expect(await inspect_container(container.id)).toEqual([false, {}])
  })

  it("read the last lines of both streams, each ending in a newline", async () => {
    const container = await started({
      cmd: ["sh", "-c", "for i in $(seq 150); do echo out $i; done; sleep 0.3; echo err >&2; sleep 0.3; printf end"]
    })
    await container.wait()
    const lines = Array.from({ length: 150 }, (_, index) => `out ${index + 1}\n`)
    expect(await get_container_logs(container.name, 1000)).toEqual([true, `${lines.join("")}err\nend\n`])
    expect(await get_container_logs(container.id)).toEqual([true, `${lines.slice(-98).join("")}err\nend\n`])
    expect(await get_container_logs(container.name, 2)).toEqual([true, "err\nend\n"])
    expect(await get_container_logs(container.name, 0)).toEqual([true, ""])
  })

  it("read the lines of a TTY, and a line that the engine splits into pieces", async () => {
    const terminal = await started({ tty: true, cmd: ["printf", "a\\nb\\n"] })
    await terminal.wait()
    expect(await get_container_logs(terminal.name)).toEqual([true, "a\nb\n"])
    const long = await started({ cmd: ["sh", "-c", "head -c 1200000 /dev/zero | tr '\\0' x; echo; echo after"] })
    await long.wait()
    expect(await get_container_logs(long.name, 1000)).toEqual([true, `${"x".repeat(1_200_000)}\nafter\n`])
  })

  it("inspect a container and return the engine's own object", async () => {
    const container = await created()
    expect(await inspect_container(container.name)).toEqual([true, await container.inspect()])
  })

  it("report a missing container with the docker command's message", async () => {
    const name = uniqueName("nope")
    const expected = [false, `Error: Error response from daemon: No such container: ${name}\n`]
    for (const [verb, call] of verbs) {
      const [success, output] = await call(name)
      expect([success, output.replace(lastLine(name), "")], verb).toEqual(expected)
      expect(output.endsWith(lastLine(name)), verb).toBe(verb === "start")
    }
    expect(await inspect_container(name)).toEqual([false, {}])
    expect(warnings).toEqual([])
  })

  itDockerCli("fail with what the docker command prints", async (docker) => {
    const name = uniqueName("nope")
    for (const [verb, call] of verbs) {
      const { stderr } = await docker([verb, name], usualEngine())
      expect(`Error: ${stderr}`, verb).toContain((await call(name))[1])
    }
    const container = await started()
    const { stderr } = await docker(["rm", container.name], usualEngine())
    expect((await remove_container(container.name))[1]).toBe(`Error: ${stderr}`)
  })

  it.for(["", "../x", "a b", "/", "x?force=1", "%2e%2e", "ü", "-f"])("reject %j as a container id", async (id) => {
    for (const [verb, call] of verbs) {
      const [success, output] = await call(id)
      expect(success, verb).toBe(false)
      expect(output.startsWith(`Error: Invalid container_id ${JSON.stringify(id)}: `), output).toBe(true)
    }
    expect(await inspect_container(id)).toEqual([false, {}])
  })

  it("take a tail that is no number of lines for all of them", async () => {
    const container = await started({ cmd: ["sh", "-c", "seq 150"] })
    await container.wait()
    const all = [true, Array.from({ length: 150 }, (_, index) => `${index + 1}\n`).join("")]
    const tails: ReadonlyArray<unknown> = [
      -1,
      0.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      "abc",
      "-1",
      "",
      "all",
      null,
      {}
    ]
    for (const tail of tails) {
      expect(await Reflect.apply(get_container_logs, undefined, [container.name, tail]), String(tail)).toEqual(all)
    }
    expect(await get_container_logs(container.name, "2")).toEqual([true, "149\n150\n"])
  })

  it("report an argument of the wrong type as a failure, not as a rejection", async () => {
    // None of these may be a prefix of a container id when converted to a string.
    const values: ReadonlyArray<unknown> = [undefined, null, NaN, {}, [], Object.create(null), Symbol("x"), () => {}]
    for (const value of values) {
      for (const [verb, call] of verbs) {
        const [success, output] = await Reflect.apply(call, undefined, [value])
        expect([success, output], verb).toEqual([false, expect.stringMatching(/^Error: /)])
      }
      expect(await Reflect.apply(inspect_container, undefined, [value])).toEqual([false, {}])
    }
  })
})

describe("the old functions without an engine", () => {
  const expectNothing = async (text: RegExp) => {
    for (const [verb, call] of verbs) {
      const [success, output] = await call("web")
      expect(success, verb).toBe(false)
      expect(output, verb).toMatch(text)
    }
    expect(warnings).toEqual([])
    expect(await get_containers()).toEqual([])
    expect(await inspect_container("web")).toEqual([false, {}])
    expect(warnings).toEqual([expect.stringMatching(text), expect.stringMatching(text)])
  }

  it("name the socket that does not exist", async () => {
    configure({ endpoint: "unix:///nowhere/docker.sock", warn })
    await expectNothing(/unix:\/\/\/nowhere\/docker\.sock unavailable: no such socket or host/)
  })

  it("name the port that refuses connections", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    await new Promise((resolve) => server.close(resolve))
    configure({ endpoint: `tcp://127.0.0.1:${address.port}`, warn })
    await expectNothing(new RegExp(`tcp://127\\.0\\.0\\.1:${address.port}.*refused`))
  })

  it("name the engine that closes the connection in the middle of a response", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dockwire-"))
    const path = join(folder, "docker.sock")
    const server = createServer((socket) => socket.once("data", () => socket.destroy()))
    onTestFinished(async () => {
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true })
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    configure({ endpoint: `unix://${path}`, warn })
    await expectNothing(new RegExp(`${path}.*lost`))
  })

  it("name the invalid endpoint", async () => {
    configure({ endpoint: "ssh://somewhere", warn })
    await expectNothing(/ssh:\/\/somewhere/)
  })

  it("survive a warn function that throws", async () => {
    configure({
      endpoint: "unix:///nowhere/docker.sock",
      warn: () => {
        throw new Error("broken hook")
      }
    })
    expect(await get_containers()).toEqual([])
  })
})

describeEngine("the runtime of the old functions", () => {
  it("uses the engine of DOCKER_HOST by default", async () => {
    const before = process.env["DOCKER_HOST"]
    onTestFinished(() => {
      if (before === undefined) delete process.env["DOCKER_HOST"]
      else process.env["DOCKER_HOST"] = before
    })
    process.env["DOCKER_HOST"] = testEngine().endpoint
    configure({ warn })
    const container = await created()
    expect((await inspect_container(container.name))[0]).toBe(true)
  })

  it("lets running calls finish when it is reconfigured or disposed", async () => {
    configure({ endpoint: testEngine().endpoint, warn })
    const container = await started({ cmd: ["sh", "-c", "trap 'sleep 1; exit' TERM; while :; do sleep 0.1; done"] })
    const stopping = stop_container(container.name)
    configure({ endpoint: "unix:///nowhere/docker.sock", warn })
    expect((await inspect_container(container.name))[0]).toBe(false)
    expect(await stopping).toEqual([true, `${container.name}\n`])

    configure({ endpoint: testEngine().endpoint, warn })
    const restarting = restart_container(container.name)
    await dispose()
    expect(await restarting).toEqual([true, `${container.name}\n`])
    expect((await inspect_container(container.name))[0]).toBe(true)
  })
})
