import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { registryAnswers } from "./registryAnswers.js"
import { type RegistryFront, startRegistryFront } from "./registryFront.js"
import { registryImage } from "./registryImage.js"

const image = registryImage({ layers: [50_000] })
const layer = image.layers[0]?.digest ?? ""
const user = { username: "ann", password: "secret" }
const basic = `Basic ${Buffer.from("ann:secret").toString("base64")}`
const wrong = `Basic ${Buffer.from("ann:wrong").toString("base64")}`

const get = (url: string, authorization?: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers: { ...headers, ...(authorization === undefined ? {} : { Authorization: authorization }) } })

const tokenOf = async (front: RegistryFront, authorization?: string): Promise<string> =>
  String(
    Reflect.get(Object(await (await get(`http://${front.host}/token?service=tests`, authorization)).json()), "token")
  )

describe("a front of a registry", () => {
  let front: RegistryFront
  const manifest = () => `http://${front.host}/v2/team/app/manifests/1`
  const blob = () => `http://${front.host}/v2/team/app/blobs/${layer}`

  beforeAll(async () => {
    front = await startRegistryFront()
    front.add("team/app", "1", image)
  })
  afterAll(() => front.stop())

  it("serves images, whole and in parts, and records the requests", async () => {
    const served = await get(manifest())
    expect(served.headers.get("docker-content-digest")).toBe(image.manifest.digest)
    expect(Buffer.from(await served.arrayBuffer())).toEqual(image.manifest.bytes)
    const part = await get(blob(), "Bearer x", { Range: "bytes=100-" })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer())).toEqual(image.layers[0]?.bytes.subarray(100))
    expect((await get(`http://${front.host}/v2/team/app/manifests/2`)).status).toBe(404)
    expect(front.requests).toMatchObject([
      { method: "GET", part: "manifest", repository: "team/app", authorization: undefined },
      { part: "blob", authorization: "Bearer x", range: "bytes=100-" },
      { part: "manifest" }
    ])
  })

  it.each(Object.entries(registryAnswers))(
    "answers %s where it is told to, and works again afterwards",
    async (_, answer) => {
      front.break("team/app", { kind: "answer", ...answer })
      const parts: ReadonlyArray<string> = answer.on
      const got = [await get(manifest()), await get(blob())]
      expect(got.map(({ status }) => status)).toEqual(
        ["manifest", "blob"].map((part) => (parts.includes(part) ? answer.status : 200))
      )
      front.break("team/app")
      expect((await get(manifest())).status).toBe(200)
    }
  )

  it("cuts a layer as often as it is told to", async () => {
    front.break("team/app", { kind: "cut", after: 10_000, times: 1 })
    const first = await get(blob())
    await expect(first.arrayBuffer()).rejects.toThrow()
    expect((await (await get(blob())).arrayBuffer()).byteLength).toBe(image.layers[0]?.bytes.length)
    front.break("team/app", { kind: "cut", after: 10_000 })
    for (const _ of [1, 2]) await expect((await get(blob())).arrayBuffer()).rejects.toThrow()
    front.break("team/app")
  })

  it("falls silent before a manifest and in a layer", async () => {
    front.break("team/app", { kind: "silent", on: "manifest" })
    await expect(fetch(manifest(), { signal: AbortSignal.timeout(300) })).rejects.toThrow(/timeout/)
    front.break("team/app", { kind: "silent", on: "blob", after: 1_000 })
    const response = await fetch(blob(), { signal: AbortSignal.timeout(1_000) })
    let received = 0
    const reading = (async () => {
      for await (const chunk of response.body ?? []) received += chunk.length
    })()
    await expect(reading).rejects.toThrow(/timeout/)
    expect(received).toBe(1_000)
    front.break("team/app")
  })

  it("throttles layers, and spoils them", async () => {
    front.break("team/app", { kind: "throttle", bytesPerSecond: 100_000 })
    const start = performance.now()
    await (await get(blob())).arrayBuffer()
    expect(performance.now() - start).toBeGreaterThan(400)
    front.break("team/app", { kind: "wrongContent", atLeast: 10_000 })
    const spoiled = Buffer.from(await (await get(blob())).arrayBuffer())
    expect(spoiled.length).toBe(image.layers[0]?.bytes.length)
    expect(spoiled).not.toEqual(image.layers[0]?.bytes)
    front.break("team/app")
  })

  it("refuses connections while it is paused", async () => {
    await front.pause()
    await expect(get(manifest())).rejects.toThrow()
    await front.resume()
    expect((await get(manifest())).status).toBe(200)
  })

  it("demands a password", async () => {
    const guarded = await startRegistryFront({ access: { kind: "basic", user } })
    guarded.add("app", "1", image)
    const statuses = await Promise.all(
      [undefined, wrong, basic].map(
        async (sent) => (await get(`http://${guarded.host}/v2/app/manifests/1`, sent)).status
      )
    )
    expect(statuses).toEqual([401, 401, 200])
    await guarded.stop()
  })

  it("demands a token of its own endpoint, and says whose password came there", async () => {
    const guarded = await startRegistryFront({ access: { kind: "bearer", user, identityToken: "refresh" } })
    guarded.add("app", "1", image)
    const url = `http://${guarded.host}/v2/app/manifests/1`
    const challenge = (await get(url)).headers.get("www-authenticate")
    expect(challenge).toBe(`Bearer realm="http://${guarded.host}/token",service="tests",scope="repository:app:pull"`)
    const anonymous = await get(url, `Bearer ${await tokenOf(guarded)}`)
    expect(anonymous.headers.get("www-authenticate")).toContain('error="insufficient_scope"')
    expect((await get(url, `Bearer ${await tokenOf(guarded, basic)}`)).status).toBe(200)
    expect((await get(`http://${guarded.host}/token`, wrong)).status).toBe(401)
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: "refresh" })
    const refreshed = await fetch(`http://${guarded.host}/token`, { method: "POST", body })
    expect(refreshed.status).toBe(200)
    expect(
      guarded.requests.filter(({ part }) => part === "token").map((sent) => sent.authorization ?? sent.form)
    ).toEqual(["", basic, wrong, "grant_type=refresh_token&refresh_token=refresh"])
    await guarded.stop()
  })
})
