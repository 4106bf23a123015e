import * as compat from "@dockwire/compat"
import { createServer } from "node:net"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { busyboxImage } from "../engine/busyboxImage.js"
import { engineCall, engineRequest, jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startRegistryFront } from "../engine/registryFront.js"
import { registryImage } from "../engine/registryImage.js"
import { createTestContainer, startTestContainer, type TestContainer, uniqueName } from "../engine/testContainer.js"
import { testLabels } from "../engine/testRun.js"
import * as containerFunctions from "../../packages/compat/src/functions/containerFunctions.js"
import * as imageFunctions from "../../packages/compat/src/functions/imageFunctions.js"
import * as networkFunctions from "../../packages/compat/src/functions/networkFunctions.js"
import * as volumeFunctions from "../../packages/compat/src/functions/volumeFunctions.js"
import { covered } from "./covered.js"

const coverage = covered(compat)
const {
  build_image,
  configure,
  connect_container_to_network,
  create_network,
  create_volume,
  disconnect_container_from_network,
  dispose,
  exec_container_command,
  get_container_logs,
  get_container_stats,
  get_containers,
  get_images,
  get_networks,
  get_volumes,
  inspect_container,
  inspect_image,
  inspect_network,
  inspect_volume,
  pull_image,
  remove_container,
  remove_image,
  remove_network,
  remove_volume,
  restart_container,
  start_container,
  stop_container,
  ensure_docker_installed
} = coverage.functions

let warnings: Array<string> = []
let folder = ""

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-functions-"))
})
beforeEach(() => {
  warnings = []
})
afterAll(async () => {
  configure({})
  await dispose()
  await rm(folder, { recursive: true })
})

const connect = (endpoint: string) =>
  configure({ endpoint, composeDir: folder, warn: (message) => void warnings.push(message) })

const daemon = (message: string) => `Error: Error response from daemon: ${message}\n`

/** The functions whose failures are the outcome `[false, text]`, with what they are called with for things that are missing. */
const texts = (
  missing: string
): ReadonlyArray<readonly [call: string, result: () => Promise<unknown>, text: string]> => [
  ["get_container_logs", () => get_container_logs(missing), daemon(`No such container: ${missing}`)],
  [
    "start_container",
    () => start_container(missing),
    `${daemon(`No such container: ${missing}`)}Error: failed to start containers: ${missing}\n`
  ],
  ["stop_container", () => stop_container(missing), daemon(`No such container: ${missing}`)],
  ["restart_container", () => restart_container(missing), daemon(`No such container: ${missing}`)],
  ["remove_container", () => remove_container(missing), daemon(`No such container: ${missing}`)],
  ["exec_container_command", () => exec_container_command(missing, "ls"), daemon(`No such container: ${missing}`)],
  ["remove_image", () => remove_image(missing), daemon(`No such image: ${missing}:latest`)],
  ["remove_volume", () => remove_volume(missing), daemon(`get ${missing}: no such volume`)],
  ["remove_network", () => remove_network(missing), `${daemon(`network ${missing} not found`)}exit status 1\n`],
  [
    "connect_container_to_network",
    () => connect_container_to_network(missing, "bridge"),
    daemon(`No such container: ${missing}`)
  ],
  [
    "disconnect_container_from_network",
    () => disconnect_container_from_network(missing, "bridge"),
    daemon(`No such container: ${missing}`)
  ]
]

const objects = (missing: string): ReadonlyArray<readonly [call: string, result: () => Promise<unknown>]> => [
  ["inspect_container", () => inspect_container(missing)],
  ["inspect_image", () => inspect_image(missing)],
  ["inspect_volume", () => inspect_volume(missing)],
  ["inspect_network", () => inspect_network(missing)],
  ["get_container_stats", () => get_container_stats(missing)]
]

const lists = { get_containers, get_images, get_networks, get_volumes }

describeEngine("every function for containers, images, volumes and networks", () => {
  const made: Array<TestContainer> = []
  beforeAll(() => connect(testEngine().endpoint))
  afterAll(async () => {
    await Promise.all(made.map(({ remove }) => remove()))
  })
  const started = async (...cmd: ReadonlyArray<string>) => {
    const config = { StopSignal: "SIGKILL" }
    const container = await startTestContainer({ endpoint: testEngine().endpoint, cmd, config })
    made.push(container)
    return container
  }

  it("succeeds and refuses with a container", async () => {
    const { id, name } = await started("sh", "-c", "echo out; exec sleep 300")
    for (const call of [start_container, stop_container, stop_container, restart_container])
      expect(await call(name)).toEqual([true, `${name}\n`])
    expect(await get_container_logs(name, 1)).toEqual([true, "out\n"])
    expect((await get_containers()).find((row) => row.name === name)).toEqual({
      id: id.slice(0, 12),
      name,
      image: busyboxImage,
      status: expect.stringMatching(/^Up /),
      created: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/),
      ports: ""
    })
    expect(await exec_container_command(name, `sh -c 'echo "a  b"; echo c >&2'`)).toEqual([true, "a  b\n"])
    expect(await exec_container_command(name, "sh -c 'echo a; echo c >&2; exit 3'")).toEqual([false, "Error: c\n"])
    expect(await exec_container_command(name, "no-such-command")).toEqual([
      false,
      expect.stringMatching(/^Error: OCI runtime exec failed: .*"no-such-command": executable file not found.*\n$/)
    ])
    const [measured, usage] = await get_container_stats(name)
    expect(measured).toBe(true)
    expect(usage).toMatchObject({ Container: name, ID: id.slice(0, 12), Name: name, PIDs: "1" })
    expect((await inspect_container(name))[1]).toMatchObject({ Id: id })
    expect(await remove_container(name)).toEqual([
      false,
      expect.stringMatching(/^Error: Error response from daemon: cannot remove container .*running.*\n$/)
    ])
    await engineCall(testEngine().endpoint, "POST", `/containers/${id}/pause`)
    expect(await start_container(name)).toEqual([
      false,
      `${daemon("cannot start a paused container, try unpause instead")}Error: failed to start containers: ${name}\n`
    ])
    expect(await remove_container(name, true)).toEqual([true, `${name}\n`])
    expect(await remove_container(name, true)).toEqual([true, ""])
    expect(warnings).toEqual([])
  })

  it("succeeds and refuses with a volume", async () => {
    const name = uniqueName("volume")
    const labels = testLabels()
    expect(await create_volume(name, "local", labels)).toEqual([true, `${name}\n`])
    expect(await create_volume(name)).toEqual([true, `${name}\n`])
    expect(await create_volume(name, "no-such-driver")).toEqual([
      false,
      expect.stringMatching(/^Error: Error response from daemon: .*no-such-driver.*\n$/)
    ])
    const [, inspected] = await inspect_volume(name)
    expect(inspected).toMatchObject({ Name: name, Labels: labels })
    expect((await get_volumes()).find((volume) => volume.name === name)).toEqual({
      name,
      driver: "local",
      mountpoint: jsonAt(inspected, "Mountpoint"),
      created: new Date(String(jsonAt(inspected, "CreatedAt")))
    })
    const user = await createTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["true"],
      hostConfig: { Binds: [`${name}:/data`] }
    })
    expect(await remove_volume(name)).toEqual([false, daemon(`remove ${name}: volume is in use - [${user.id}]`)])
    await user.remove()
    expect(await remove_volume(name)).toEqual([true, `${name}\n`])
    expect(await remove_volume(name, true)).toEqual([true, `${name}\n`])
    expect(warnings).toEqual([])
  })

  it("succeeds and refuses with a network", async () => {
    const name = `${uniqueName("network")} with a blank`
    const { endpoint } = testEngine()
    const [created, output] = await create_network(name)
    const id = output.trim()
    try {
      expect([created, output]).toEqual([true, expect.stringMatching(/^[0-9a-f]{64}\n$/)])
      expect(await create_network(name)).toEqual([false, daemon(`network with name ${name} already exists`)])
      const inspected = (await inspect_network(id))[1]
      expect(inspected).toMatchObject({ Id: id })
      expect((await get_networks()).find((network) => network.name === name)).toEqual({
        id: id.slice(0, 12),
        name,
        driver: "bridge",
        scope: "local",
        created: new Date(String(jsonAt(inspected, "Created")))
      })
      const container = await started("sleep", "300")
      expect(await connect_container_to_network(container.name, id)).toEqual([true, ""])
      expect(await connect_container_to_network(container.name, id)).toEqual([
        false,
        daemon(`endpoint with name ${container.name} already exists in network ${name}`)
      ])
      expect(await remove_network(id)).toEqual([
        false,
        expect.stringMatching(/^Error: Error response from daemon: .* has active endpoints\nexit status 1\n$/)
      ])
      expect(await disconnect_container_from_network(container.name, id)).toEqual([true, ""])
      expect(await disconnect_container_from_network(container.name, id)).toEqual([
        false,
        expect.stringMatching(/^Error: Error response from daemon: .*is not connected to.*\n$/)
      ])
      expect(await remove_network(id)).toEqual([true, `${id}\n`])
    } finally {
      await engineRequest(endpoint, "DELETE", `/networks/${id}`)
    }
    expect(warnings).toEqual([])
  })

  it("pulls an image", async () => {
    const front = await startRegistryFront()
    const name = `${front.host}/${uniqueName("pull")}:1`
    const [repository = ""] = name.slice(front.host.length + 1).split(":")
    front.add(repository, "1", registryImage({ layers: [1_000] }))
    expect(await pull_image(name)).toEqual([
      true,
      expect.stringMatching(new RegExp(`^1: Pulling from ${repository}\n.*\n${name}$`, "s"))
    ])
    expect(await remove_image(name)).toEqual([true, expect.stringMatching(`^Untagged: ${name}\n`)])
    await front.stop()
  })

  it("succeeds and refuses with an image", async () => {
    const tag = `${uniqueName("image")}:1`
    const context = await mkdtemp(join(folder, "context-"))
    const label = Object.entries(testLabels()).map(([key, value]) => `LABEL ${key}=${JSON.stringify(value)}\n`)
    await writeFile(join(context, "Dockerfile"), `FROM ${busyboxImage}\n${label.join("")}RUN echo built-${tag}\n`)
    const [built, lines] = await build_image(context, tag)
    expect([built, lines]).toEqual([true, expect.stringContaining(`built-${tag}`)])
    const [, inspected] = await inspect_image(tag)
    const id = String(jsonAt(inspected, "Id"))
    const [repository = "", version] = tag.split(":")
    expect((await get_images()).filter((image) => image.repository === repository)).toEqual([
      {
        repository,
        tag: version,
        id: id.slice("sha256:".length).slice(0, 12),
        created: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/),
        size: expect.stringMatching(/^[\d.]+MB$/)
      }
    ])
    const user = await createTestContainer({ endpoint: testEngine().endpoint, cmd: ["true"], image: tag })
    expect(await remove_image(tag)).toEqual([
      false,
      expect.stringMatching(/^Error: Error response from daemon: conflict: unable to remove repository reference .*\n$/)
    ])
    await user.remove()
    const [removed, output] = await remove_image(tag)
    expect([removed, output]).toEqual([
      true,
      expect.stringMatching(/^Untagged: \S+:1\n(Deleted: sha256:[0-9a-f]{64}\n)+$/)
    ])
    expect(await remove_image(tag, true)).toEqual([true, ""])
    expect(await build_image("/nope", tag)).toEqual([
      false,
      'Error: ERROR: unable to prepare context: path "/nope" not found\n'
    ])
    await writeFile(join(context, "Dockerfile"), `FROM ${busyboxImage}\nRUN echo out of order; exit 3\n`)
    const [, broken] = await build_image(context, tag)
    expect(broken).toMatch(/^Error: .*out of order.*\n$/s)
    expect(await pull_image("localhost:1/x")).toEqual([
      false,
      expect.stringMatching(/^Using default tag: latest\nError response from daemon: .*connection refused$/)
    ])
    expect(await pull_image("BUSYBOX")).toEqual([
      false,
      expect.stringMatching(/^invalid reference format: image_name "BUSYBOX": /)
    ])
    expect(warnings).toEqual([])
  })

  it("fails with what is missing", async () => {
    const missing = uniqueName("nope")
    for (const [name, call, text] of texts(missing)) expect([name, await call()]).toEqual([name, [false, text]])
    for (const [name, call] of objects(missing)) expect([name, await call()]).toEqual([name, [false, {}]])
    expect(warnings).toEqual([])
  })
})

describe("an engine that can't be reached", () => {
  it("is named, with the reason, by every function", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const port = String(jsonAt(server.address(), "port"))
    await new Promise((resolve) => server.close(resolve))
    await writeFile(join(folder, "Dockerfile"), `FROM ${busyboxImage}\n`)
    coverage.under("unreachable")
    for (const [endpoint, reason] of [
      ["unix:///nowhere/docker.sock", /unix:\/\/\/nowhere\/docker\.sock unavailable: no such socket or host/],
      [`tcp://127.0.0.1:${port}`, new RegExp(`tcp://127\\.0\\.0\\.1:${port} unavailable: connection refused`)]
    ] as const) {
      connect(endpoint)
      const more = [
        ["create_volume", () => create_volume("web")],
        ["create_network", () => create_network("web")],
        ["pull_image", () => pull_image("web")],
        ["build_image", () => build_image(folder, "web")]
      ] as const
      for (const [name, call] of [...texts("web"), ...more]) {
        const result = await call()
        expect([name, result]).toEqual([name, [false, expect.stringMatching(reason)]])
      }
      for (const [name, call] of objects("web")) {
        warnings = []
        expect([name, await call()]).toEqual([name, [false, {}]])
        expect(warnings).toEqual([expect.stringMatching(reason)])
      }
      for (const [name, call] of Object.entries(lists)) {
        warnings = []
        expect([name, await call()]).toEqual([name, []])
        expect(warnings).toEqual([expect.stringMatching(reason)])
      }
      expect(await ensure_docker_installed()).toBe(false)
    }
  })
})

describeEngine("every function for containers, images, volumes and networks", () => {
  it("has succeeded, has been refused by an engine, and has failed without one", () => {
    const modules = { ...containerFunctions, ...imageFunctions, ...networkFunctions, ...volumeFunctions }
    const all = Object.keys(modules).toSorted()
    expect(all.filter((name) => !coverage.what("succeeded").includes(name))).toEqual([])
    // No engine refuses to list.
    expect(all.filter((name) => !coverage.what("failed").includes(name))).toEqual(Object.keys(lists).toSorted())
    expect(all.filter((name) => !coverage.what("unreachable").includes(name))).toEqual([])
  })
})
