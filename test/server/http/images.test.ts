import { execFileSync } from "node:child_process"
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { eventually } from "../../core/eventually.js"
import { engineRequest, jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { registryImage } from "../../engine/registryImage.js"
import { uniqueName } from "../../engine/testContainer.js"
import { type ApiRequest, type ApiServer, startApi } from "./apiServer.js"

const user = { username: "ann", password: "very-secret-password" }

describeEngine("images over HTTP", () => {
  let front: RegistryFront
  let server: ApiServer
  const made: Array<string> = []
  /** Everything that the server has sent. */
  let sent = ""

  const ask = async (method: string, path: string, options?: ApiRequest) => {
    const answer = await server.ask(method, path, options)
    sent += answer.text
    return answer
  }
  const operation = async (id: unknown) => (await ask("GET", `/api/operations/${String(id)}`)).json
  /** Waits until an operation has ended, and returns how. */
  const ended = async (id: unknown) => {
    await eventually(async () => jsonAt(await operation(id), "status")).not.toMatch(/running|waiting/)
    const details = await operation(id)
    await ask("GET", `/api/operations/${String(id)}/lines`)
    return details
  }
  const newImage = (size = 32): string => {
    const repository = uniqueName("http/pull")
    front.add(repository, "1", registryImage({ layers: [size] }))
    const name = `${front.host}/${repository}:1`
    made.push(name)
    return name
  }

  beforeAll(async () => {
    front = await startRegistryFront({ access: { kind: "basic", user } })
    server = await startApi({ endpoint: testEngine().endpoint })
  })
  afterAll(async () => {
    await server.stop()
    await front.stop()
    for (const name of made) await engineRequest(testEngine().endpoint, "DELETE", `/images/${name}?force=1`)
  })

  it("pulls with the credentials of the request, which appear nowhere; lists, inspects and removes", async () => {
    const image = newImage()
    const path = `/api/images/${encodeURIComponent(image)}`
    expect(await ask("GET", path)).toMatchObject({ status: 404, json: { _tag: "ImageNotFound", image } })
    const wrong = { ...user, password: "wrong-secret-password" }
    const refused = await ask("POST", "/api/images/pull", { body: { image, credentials: wrong } })
    expect(refused).toMatchObject({
      status: 202,
      json: { room: `operation_${String(jsonAt(refused.json, "log_id"))}` }
    })
    expect(await ended(jsonAt(refused.json, "log_id"))).toMatchObject({
      status: "failed",
      operation_type: "pull_image"
    })

    const headers = { "idempotency-key": uniqueName("key") }
    const body = { image, credentials: user }
    const [first, again] = [
      await ask("POST", "/api/images/pull", { body, headers }),
      await ask("POST", "/api/images/pull", { body, headers })
    ]
    expect(again.json).toEqual(first.json)
    expect(await ended(jsonAt(first.json, "log_id"))).toMatchObject({ status: "completed", started_by: "operator" })
    expect((await ask("POST", "/api/images/pull", { body: { ...body, image: "busybox" }, headers })).status).toBe(422)

    const filters = encodeURIComponent(JSON.stringify({ reference: [image] }))
    expect((await ask("GET", `/api/images?filters=${filters}`)).json).toMatchObject([{ tags: [image] }])
    const details = await ask("GET", `${path}?raw`)
    expect(details.json).toMatchObject({ tags: [image], raw: { RepoTags: [image] } })
    expect(jsonAt((await ask("GET", path)).json, "raw")).toBeUndefined()
    expect((await ask("GET", `${path}/history`)).json).toMatchObject([{ size: expect.any(Number) }])
    expect((await ask("DELETE", path)).json).toMatchObject({ untagged: expect.arrayContaining([image]) })
    expect((await ask("DELETE", path)).status).toBe(404)

    const invalid = { image: "Not An Image" }
    expect((await ask("POST", "/api/images/pull", { body: invalid })).json).toMatchObject({ field: "image" })
    for (const credentials of [`${user.username}:${user.password}`, { ...user, password: [user.password] }]) {
      const answer = await ask("POST", "/api/images/pull", { body: { image, credentials } })
      expect(answer).toMatchObject({ status: 400, json: { value: "(secret)" } })
    }
    expect(sent).not.toContain("secret-password")
  })

  it("runs one operation on an image, and names it to the next one; a cancelled one makes room", async () => {
    const image = newImage(2_000_000)
    front.break(image.slice(front.host.length + 1, -2), { kind: "throttle", bytesPerSecond: 50_000 })
    const body = { image, credentials: user }
    const first = await ask("POST", "/api/images/pull", { body })
    const log_id = String(jsonAt(first.json, "log_id"))
    expect(await ask("POST", "/api/images/pull", { body })).toMatchObject({
      status: 409,
      json: { _tag: "OperationConflict", log_id, room: `operation_${log_id}` }
    })
    expect((await ask("POST", `/api/operations/${log_id}/cancel`)).status).toBe(204)
    expect(await ended(log_id)).toMatchObject({ status: "interrupted" })
    front.break(undefined)
    front.break(image.slice(front.host.length + 1, -2))
    const second = await ask("POST", "/api/images/pull", { body })
    expect(await ended(jsonAt(second.json, "log_id"))).toMatchObject({ status: "completed" })
  })

  it("builds from an archive, and keeps nothing of it", async () => {
    const temporary = await mkdtemp(join(tmpdir(), "dockwire-test-"))
    const context = await mkdtemp(join(tmpdir(), "dockwire-test-"))
    vi.stubEnv("TMPDIR", temporary)
    try {
      const tag = `${uniqueName("http-build")}:1`
      made.push(tag)
      await writeFile(join(context, "hello"), tag)
      await writeFile(
        join(context, "Other"),
        "FROM busybox:latest\nARG WHO\nCOPY hello /hello\nRUN cat /hello && echo for $WHO\n"
      )
      await writeFile(join(context, "Dockerfile"), "FROM busybox:latest\nRUN exit 3\n")
      const body = execFileSync("tar", ["-C", context, "-c", "."])
      const build = (query: string, contentType = "application/x-tar") =>
        ask("POST", `/api/images/build?${query}`, { body: new Uint8Array(body), contentType })

      const args = encodeURIComponent(JSON.stringify({ WHO: "everyone" }))
      const built = await build(`dockerfile=Other&tag=${tag}&buildArgs=${args}`)
      expect(built.status).toBe(202)
      const id = String(jsonAt(built.json, "log_id"))
      expect(await ended(id)).toMatchObject({ status: "completed", operation_type: "build_image" })
      expect((await ask("GET", `/api/operations/${id}/lines`)).text).toContain(`${tag}for everyone`)
      expect((await ask("GET", `/api/images/${encodeURIComponent(tag)}`)).json).toMatchObject({ tags: [tag] })

      const failing = await build("")
      expect(await ended(jsonAt(failing.json, "log_id"))).toMatchObject({ status: "failed" })
      expect(await build("tag=Not%20A%20Tag")).toMatchObject({ status: 400, json: { _tag: "InvalidRequest" } })
      expect(await build("context=/etc")).toMatchObject({ status: 400, json: { field: "context" } })
      expect(await build("", "text/plain")).toMatchObject({ status: 415 })
      await eventually(() => readdir(temporary)).toEqual([])
      const status = await new Promise((resolve) => {
        const headers = { authorization: `Bearer ${server.token}`, "content-length": String(2 ** 40) }
        const upload = request(`${server.url}/api/images/build`, { method: "POST", headers }, (response) => {
          resolve(response.statusCode)
          upload.destroy()
        })
        upload.on("error", () => {})
        upload.flushHeaders()
      })
      expect(status).toBe(413)
      expect(await readdir(temporary)).toEqual([])
    } finally {
      vi.unstubAllEnvs()
      await rm(temporary, { recursive: true, force: true })
      await rm(context, { recursive: true, force: true })
    }
  })
})
