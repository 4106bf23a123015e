import type { Wire } from "@dockwire/server"
import { execFileSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { eventually } from "../core/eventually.js"
import { engineRequest, jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../engine/registryFront.js"
import { registryImage } from "../engine/registryImage.js"
import { startTestContainer, type TestContainer, uniqueName } from "../engine/testContainer.js"
import { type ApiServer, startApi } from "./http/apiServer.js"
import { connectWire, isEvent, type WireClient } from "./wireClient.js"

const user = { username: "ann", password: "very-secret-password" }

describeEngine("a day with the server, over HTTP and the WebSocket alone", () => {
  const { endpoint } = testEngine()
  const repository = uniqueName("scenario")
  let front: RegistryFront
  let server: ApiServer
  let viewer: WireClient
  let container: TestContainer
  let folder: string

  beforeAll(async () => {
    front = await startRegistryFront({ access: { kind: "basic", user } })
    ;[server, container, folder] = await Promise.all([
      startApi({ endpoint, enableExec: true }),
      startTestContainer({ endpoint, cmd: ["sleep", "600"] }),
      mkdtemp(join(tmpdir(), "dockwire-scenario-"))
    ])
    viewer = await connectWire(server.url, { token: server.token })
    viewer.send({ event: "join", data: { room: "docker_logs" } })
    await viewer.waitFor(isEvent("joined"))
  })
  afterAll(async () => {
    await viewer?.close()
    await server?.stop()
    await front?.stop()
    await container?.remove()
    await rm(folder, { recursive: true, force: true })
    for (const name of [`${front.host}/${repository}:1`, `${repository}:built`]) {
      await engineRequest(endpoint, "DELETE", `/images/${name}?force=1`)
    }
  })

  /** What the viewer has received of an operation in the room of all. */
  const eventsOf = (logId: string): ReadonlyArray<Wire.ServerMessage> =>
    viewer.messages.filter((message) => "data" in message && Reflect.get(message.data, "log_id") === logId)
  const linesOf = (logId: string): ReadonlyArray<string> =>
    eventsOf(logId).flatMap((message) =>
      message.event === "docker_log" ? message.data.lines.map(([, , text]) => text) : []
    )
  const endOf = async (logId: string) =>
    (await viewer.waitFor(isEvent("docker_log_complete", ({ data }) => data.log_id === logId))).data
  const accepted = async (...request: Parameters<ApiServer["ask"]>): Promise<string> => {
    const { json, status } = await server.ask(...request)
    expect([status, json]).toMatchObject([202, { log_id: expect.any(String) }])
    return String(jsonAt(json, "log_id"))
  }
  const pull = (image: string, credentials?: typeof user) =>
    accepted("POST", "/api/images/pull", { body: { image, ...(credentials === undefined ? {} : { credentials }) } })
  const build = async (dockerfile: string, query = "") => {
    await writeFile(join(folder, "Dockerfile"), dockerfile)
    const body = new Uint8Array(execFileSync("tar", ["-C", folder, "-c", "."]))
    return accepted("POST", `/api/images/build?${query}`, { body, contentType: "application/x-tar" })
  }
  const isThere = async (image: string) =>
    (await server.ask("GET", `/api/images/${encodeURIComponent(image)}`)).status === 200

  it("pulls from a private registry with progress, builds, and runs a command", async () => {
    const image = `${front.host}/${repository}:1`
    front.add(repository, "1", registryImage({ layers: [600_000] }))
    front.break(repository, { kind: "throttle", bytesPerSecond: 600_000 })
    const pulled = await pull(image, user)
    expect(await endOf(pulled)).toMatchObject({ success: true, status: "completed", image_name: image })
    const amounts = eventsOf(pulled).flatMap((message) =>
      message.event === "docker_progress" && message.data.status === "Downloading" ? [message.data.current ?? 0] : []
    )
    expect(amounts.length).toBeGreaterThan(1)
    expect(amounts).toEqual(amounts.toSorted((a, b) => a - b))
    expect(await isThere(image)).toBe(true)

    const built = await build(
      "FROM busybox:latest\nRUN echo built-$((40 + 2))\n",
      `tag=${repository}:built&noCache=true`
    )
    expect(await endOf(built)).toMatchObject({ success: true, operation_type: "build_image" })
    expect(linesOf(built).join("\n")).toContain("built-42")
    expect(await isThere(`${repository}:built`)).toBe(true)

    const body = { command: ["sh", "-c", "echo $((40 + 2)); exit 3"] }
    expect(await server.ask("POST", `/api/containers/${container.name}/exec`, { body })).toMatchObject({
      status: 200,
      json: { exitCode: 3, stdout: "42\n" }
    })
  })

  it("cancels a pull and a build: they end once, as interrupted, and nothing of them is left", async () => {
    const other = uniqueName("scenario")
    front.add(other, "1", registryImage({ layers: [2_000_000] }))
    front.break(other, { kind: "throttle", bytesPerSecond: 50_000 })
    const pulled = await pull(`${front.host}/${other}:1`, user)
    const word = uniqueName("cancelled")
    const built = await build(`FROM busybox:latest\nRUN echo ${word}-begins && sleep 600\n`, "noCache=true")
    await eventually(() => eventsOf(pulled).some(({ event }) => event === "docker_progress")).toBe(true)
    await eventually(() =>
      linesOf(built).some((line) => line.includes(`${word}-begins`) && !line.includes("RUN"))
    ).toBe(true)
    for (const logId of [pulled, built]) {
      expect((await server.ask("POST", `/api/operations/${logId}/cancel`)).status).toBe(204)
      expect(await endOf(logId)).toMatchObject({ success: false, status: "interrupted" })
      expect(eventsOf(logId).filter(({ event }) => event === "docker_log_complete")).toHaveLength(1)
    }
    expect(await isThere(`${front.host}/${other}:1`)).toBe(false)
    await eventually(() => front.openResponses(other)).toBe(0)
    const running = await engineRequest(endpoint, "GET", "/containers/json")
    expect(running.text).not.toContain(word)
  })

  it("leads each failure with its reason", async () => {
    front.add(`${repository}-private`, "1", registryImage({ layers: [32] }))
    const rows: ReadonlyArray<
      readonly [title: string, start: () => Promise<string>, failure: Record<string, unknown>]
    > = [
      [
        "an image that is not there",
        () => pull(`${front.host}/${repository}:none`, user),
        { tag: "ImageNotFound", image: `${front.host}/${repository}:none` }
      ],
      [
        "no credentials",
        () => pull(`${front.host}/${repository}-private:1`),
        { tag: "RegistryError", reason: "Unauthorized" }
      ],
      ["a registry that is not there", () => pull("127.0.0.1:1/a:1"), { tag: "RegistryError", reason: "Unreachable" }],
      [
        "a step that fails",
        () => build("FROM busybox:latest\nRUN echo last-words && exit 7\n", "noCache=true"),
        { tag: "BuildFailed", exit_code: 7, last_lines: expect.any(Array) }
      ],
      ["a Dockerfile that is none", () => build("FROM busybox:latest\nNOPE\n"), { tag: "BuildFailed" }],
      [
        "a base that is not there",
        () => build(`FROM ${front.host}/${repository}:none\n`),
        { tag: expect.stringMatching(/^(ImageNotFound|RegistryError|BuildFailed)$/) }
      ]
    ]
    for (const [title, start, failure] of rows) {
      const logId = await start()
      const end = await endOf(logId)
      expect([title, end]).toMatchObject([title, { success: false, status: "failed", failure }])
      const details = await server.ask("GET", `/api/operations/${logId}`)
      expect([title, details.json]).toMatchObject([title, { status: "failed", error: end.error }])
      expect(end.error).not.toBe("")
    }
    expect(JSON.stringify(viewer.messages)).not.toContain(user.password)
  })
})
