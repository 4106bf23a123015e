import { Docker, MemoryEngine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, expect, it } from "vitest"
import { engineRequest, jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestRegistry, type TestRegistry } from "../../engine/testRegistry.js"
import { imageTar } from "./imageTar.js"
import { type RawOptions, type RawResponse, type SendRaw, toDocker, toEngine } from "./rawImageRequests.js"

const id = randomBytes(4).toString("hex")
const base64 = (value: object): string =>
  Buffer.from(JSON.stringify(value)).toString("base64").replaceAll("+", "-").replaceAll("/", "_")

let open: TestRegistry
let closed: TestRegistry

/** What differs from one engine to another: ids, digests, ports, versions, and times. */
const normalised = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replaceAll(open.host, "OPEN")
      .replaceAll(closed.host, "CLOSED")
      .replaceAll(id, "ID")
      .replaceAll(/sha256:[0-9a-f]{64}/g, "DIGEST")
      .replaceAll(/(file|dir|multi):[0-9a-f]{64}/g, "$1:HASH")
      .replaceAll(/(?<![\w.])[0-9a-f]{12}(?![\w.])/g, "SHORT")
      .replaceAll(/ on [\d.]+:53: no such host/g, ": no such host")
      .replaceAll(/\/[\w/.-]+\/docker-import-\d+/g, "TMP")
      .replaceAll(/ size: \d+"/g, ' size: N"')
      .replaceAll(/"Size":\d+/g, '"Size":"N"')
      .replaceAll(/"(Created|created|LastTagTime)":("[^"]*"|\d+)/g, '"$1":"TIME"')
      .replaceAll(/"DockerVersion":"[^"]*"/g, '"DockerVersion":"N"')
      .replaceAll(/"GraphDriver":\{"Data":(null|\{[^}]*\})/g, '"GraphDriver":{"Data":"N"')
  )

const textOf = (line: unknown, key: string): string => {
  const text = jsonAt(line, key)
  return typeof text === "string" ? text : ""
}

/** Lines about layers come in any order: each layer's statuses as a whole, the layers in order of those, then the other lines. */
const transferLines = (lines: ReadonlyArray<unknown>): unknown => {
  const layers = new Map<string, Array<string>>()
  const others: Array<unknown> = []
  for (const line of lines) {
    const layer = textOf(line, "id")
    const status = textOf(line, "status").replace(/Mounted from .*/, "Mounted")
    if (jsonAt(line, "progressDetail") === undefined || layer === "") others.push(normalised(line))
    else {
      const statuses = layers.get(layer) ?? []
      layers.set(layer, statuses)
      if (statuses.at(-1) !== status) statuses.push(status)
    }
  }
  return { layers: [...layers.values()].map((statuses) => statuses.join(", ")).toSorted(), others }
}

/** The keys of JSON values, at any depth. */
const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])]
  if (typeof value !== "object" || value === null) return value === null ? null : typeof value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
}

/** A history without its base, which is not built in the same way. */
const builtSteps = (history: unknown): unknown => normalised((Array.isArray(history) ? history : []).slice(0, -1))

/** Requests to an engine, with what it answers in a comparable form. */
const recorder = (send: SendRaw) => {
  const record: Array<unknown> = []
  const step = async (
    method: "GET" | "POST" | "DELETE",
    path: string,
    options: RawOptions = {},
    view: (response: RawResponse) => unknown = ({ lines }) => normalised(lines)
  ): Promise<RawResponse> => {
    const response = await send(method, path, options)
    record.push({
      request: normalised(`${method} ${path.replaceAll(/(since|until)=[\d.]+/g, "$1=TIME")}`),
      status: response.status,
      view: view(response)
    })
    return response
  }
  return { record, step }
}

const transfer = ({ lines }: RawResponse) => transferLines(lines)
const shapeOf = ({ lines }: RawResponse) => shape(lines)

const dockerfile = `# A comment
FROM busybox
ENV A=${id} C="d e"
LABEL x=y
COPY a /a
RUN true
WORKDIR /w
EXPOSE 80
VOLUME /data
ARG Q=1
USER root
STOPSIGNAL SIGINT
ENTRYPOINT ["sh"]
CMD ["-c", "true"]
`

type Scenario = (send: ReturnType<typeof recorder>["step"]) => Promise<void>

const app = () => `${open.host}/app${id}`

const building: Scenario = async (step) => {
  const context = await imageTar({ Dockerfile: dockerfile, a: "x".repeat(300_000) })
  const labels = encodeURIComponent(JSON.stringify({ l: "m" }))
  await step("POST", `/build?t=${app()}:1&t=built${id}`, { body: context })
  await step("POST", `/build?t=${app()}:1&labels=${labels}`, { body: context })
  await step("POST", `/build?t=${app()}:1&q=1`, { body: context })
  await step("GET", `/images/${app()}:1/history`, {}, ({ lines }) => builtSteps(lines[0]))
  await step("GET", `/images/${app()}:1/json`, {}, ({ lines }) => ({
    config: normalised(jsonAt(lines[0], "Config")),
    tags: normalised(jsonAt(lines[0], "RepoTags"))
  }))
}

const failingBuilds: Scenario = async (step) => {
  const failures = {
    empty: "",
    unknown: "FROM busybox\nQWERTY bar\n",
    nofrom: "RUN x\n",
    nocopy: "FROM busybox\nCOPY zz /\n",
    secret: "FROM busybox\nRUN --mount=type=secret,id=x true\n",
    multi: `FROM busybox AS one\nRUN true ${id}\nFROM scratch AS two\nENV A=${id}\nCOPY --from=one /etc /etc\n`,
    nobase: `FROM nosuch${id}.invalid/x:1\nRUN true\n`,
    target: `FROM busybox AS one\nENV A=${id}\nFROM one AS two\nRUN false\n`,
    text: `from busybox\nENV B \\\n  ${id}\nCMD echo hi\nMAINTAINER me\nADD a /\n`
  }
  for (const [name, content] of Object.entries(failures)) {
    const body = await imageTar({ Dockerfile: content, a: "1" })
    const target = name === "target" ? "&target=one" : ""
    const view = ({ lines }: RawResponse) => normalised(lines)
    await step("POST", `/build?t=f${id}:${name}${target}&buildargs=${encodeURIComponent('{"ZZ":"1"}')}`, { body }, view)
  }
  const body = await imageTar({ Dockerfile: "FROM busybox\n" })
  await step("POST", `/build?t=f${id}:x&dockerfile=nope`, { body })
  await step("POST", `/build?t=f${id}:x&target=zz`, { body })
  await step("POST", `/build?t=UPPER`, { body })
}

const pushing: Scenario = async (step) => {
  const anonymous = { auth: base64({}) }
  const allowed = { auth: base64({ ...closed.credentials, serveraddress: closed.host }) }
  await step("POST", `/images/${app()}/push?tag=1`, anonymous, transfer)
  await step("POST", `/images/${app()}/push?tag=1`, anonymous, transfer)
  await step("POST", `/images/${app()}/push?tag=nope`, anonymous, transfer)
  await step("POST", `/images/${open.host}/nope${id}/push?tag=1`, anonymous, transfer)
  await step("POST", `/images/${app()}/push?tag=1`)
  await step("POST", `/images/${app()}:1/tag?repo=${open.host}/other${id}&tag=2`)
  await step("POST", `/images/${open.host}/other${id}/push?tag=2`, anonymous, transfer)
  await step("POST", `/images/${app()}:1/tag?repo=${closed.host}/closed${id}&tag=2`)
  await step("POST", `/images/${closed.host}/closed${id}/push?tag=2`, anonymous, transfer)
  await step("POST", `/images/${closed.host}/closed${id}/push?tag=2`, allowed, transfer)
}

const removing: Scenario = async (step) => {
  const { lines } = await step("GET", `/images/${app()}:1/json`, {}, ({ lines }) =>
    normalised([jsonAt(lines[0], "RepoTags"), jsonAt(lines[0], "RepoDigests")])
  )
  const image = String(jsonAt(lines[0], "Id"))
  await step("DELETE", `/images/${app()}:1`)
  await step("DELETE", `/images/${image}`)
  await step("DELETE", `/images/${image}?force=1`)
  await step("GET", `/images/${image}/json`)
  await step("DELETE", `/images/built${id}`)
}

const pulling: Scenario = async (step) => {
  const create = (name: string, tag: string) => `/images/create?fromImage=${name}&tag=${tag}`
  await step("POST", create(app(), "1"), {}, transfer)
  await step("POST", create(app(), "1"), {}, transfer)
  await step("POST", create(`${open.host}/other${id}`, "2"), {}, transfer)
  await step("POST", `${create(app(), "1")}&platform=linux/arm64`, {}, transfer)
  await step("POST", `${create(app(), "1")}&platform=a/b/c/d`)
  await step("POST", create(app(), "9"))
  await step("POST", create(`${open.host}/nope${id}`, "9"))
  await step("POST", create(`${open.host}/UPPER${id}`, "9"))
  await step("POST", `/images/create?fromImage=${app()}`, {}, transfer)
  const closedName = `${closed.host}/closed${id}`
  const wrong = base64({ username: "ann", password: "wrong", serveraddress: closed.host })
  await step("POST", create(closedName, "2"))
  await step("POST", create(closedName, "2"), { auth: wrong })
  const { credentials, host } = closed
  await step("POST", create(closedName, "2"), { auth: base64({ ...credentials, serveraddress: host }) }, transfer)
  await step("POST", create("127.0.0.1:1/x", "1"))
  await step("POST", create(`nosuch${id}.invalid/x`, "1"))
  const { lines } = await step("GET", `/images/${app()}:1/json`, {}, ({ lines }) =>
    normalised([jsonAt(lines[0], "RepoTags"), jsonAt(lines[0], "RepoDigests"), jsonAt(lines[0], "Parent")])
  )
  const digests = jsonAt(lines[0], "RepoDigests")
  const digest = (Array.isArray(digests) ? digests : []).map(String).find((name) => name.startsWith(app())) ?? ""
  await step("POST", `/images/create?fromImage=${digest}`, {}, transfer)
  await step("POST", create(app(), digest.split("@")[1] ?? ""), {}, transfer)
  await step("GET", `/images/${app()}:1/history`, {}, ({ lines }) => builtSteps(lines[0]))
  await step("DELETE", `/images/${digest}`)
  await step("DELETE", `/images/${app()}:1`)
  await step("DELETE", `/images/${open.host}/other${id}:2`)
  await step("DELETE", `/images/${closedName}:2`)
  await step("POST", "/auth", { body: { ...credentials, serveraddress: host } })
  await step("POST", "/auth", { body: { username: "ann", password: "wrong", serveraddress: host } })
}

const archiving: Scenario = async (step) => {
  const image = `arch${id}`
  const changes = ['CMD ["a","b"]', "ENV X=y"].map((text) => `&changes=${encodeURIComponent(text)}`).join("")
  const imported = `/images/create?fromSrc=-&repo=${image}`
  const body = await imageTar({ "bin/a": `x${id}` })
  await step("POST", `${imported}&tag=3&message=hello${changes}`, { body })
  await step("POST", `${imported}&changes=FOO`, { body })
  await step("POST", `${imported}&changes=RUN%20x`, { body })
  await step("POST", `/images/create?fromSrc=-&repo=UPPER`, { body })
  await step("POST", imported, { body: Buffer.from("garbage".repeat(500)) })
  await step("GET", `/images/${image}:3/json`, {}, ({ lines }) => ({
    shape: shapeOf({ status: 0, lines: [{ ...Object(lines[0]), GraphDriver: "" }], bytes: new Uint8Array() }),
    config: normalised(jsonAt(lines[0], "Config"))
  }))
  await step("GET", `/images/${image}:3/history`)
  await step("POST", `/images/${image}:3/tag?repo=${image}&tag=4`)
  await step("GET", `/images/get?names=nope${id}`)
  const { bytes } = await step("GET", `/images/get?names=${image}:3&names=${image}:4`, {}, () => "archive")
  await step("DELETE", `/images/${image}:4`)
  await step("DELETE", `/images/${image}:3`)
  await step("POST", "/images/load?quiet=1", { body: bytes })
  await step("POST", "/images/load?quiet=1", { body: bytes })
  const { lines } = await step("GET", `/images/${image}:3/json`, {}, ({ lines }) =>
    normalised([jsonAt(lines[0], "RepoTags"), jsonAt(lines[0], "Config")])
  )
  const { bytes: anonymous } = await step(
    "GET",
    `/images/get?names=${String(jsonAt(lines[0], "Id"))}`,
    {},
    () => "archive"
  )
  await step("DELETE", `/images/${image}:4`)
  await step("DELETE", `/images/${image}:3`)
  await step("POST", "/images/load?quiet=1", { body: anonymous })
  await step("DELETE", `/images/${String(jsonAt(lines[0], "Id"))}`)
  await step("POST", "/images/load", { body: Buffer.from("garbage".repeat(500)) })
  await step("POST", "/images/load", { body: Buffer.alloc(0) })
  await step("GET", `/images/nope${id}/history`)
}

/** The events of the images that a scenario has named so far: others use the engine too. */
const eventsSince =
  (since: number): Scenario =>
  async (step) => {
    const filters = encodeURIComponent(JSON.stringify({ type: ["image"] }))
    const until = Date.now() / 1000
    await step(
      "GET",
      `/events?since=${since.toFixed(3)}&until=${until.toFixed(3)}&filters=${filters}`,
      {},
      ({ lines }) => {
        const named = new Set(
          lines.filter((line) => JSON.stringify(line).includes(id)).map((line) => jsonAt(line, "id"))
        )
        return lines
          .filter((line) => named.has(jsonAt(line, "id")))
          .map((line) =>
            [
              jsonAt(line, "status"),
              jsonAt(line, "Actor", "Attributes", "x"),
              normalised(jsonAt(line, "Actor", "ID")),
              normalised(jsonAt(line, "Actor", "Attributes", "name"))
            ].join(" ")
          )
      }
    )
  }

const onRealEngine = async (scenarios: ReadonlyArray<Scenario>) => {
  const { record, step } = recorder(toEngine(testEngine().endpoint))
  for (const scenario of [...scenarios, eventsSince(Date.now() / 1000)]) await scenario(step)
  return record
}

const onMemoryEngine = (scenarios: ReadonlyArray<Scenario>) =>
  Effect.gen(function* () {
    const { record, step } = recorder(toDocker(yield* Docker))
    for (const scenario of [...scenarios, eventsSince(Date.now() / 1000)]) yield* Effect.promise(() => scenario(step))
    return record
  }).pipe(
    Effect.provide(
      MemoryEngine.layer({
        registries: [
          { host: open.host },
          {
            host: closed.host,
            credentials: {
              username: closed.credentials?.username ?? "",
              password: Redacted.make(closed.credentials?.password ?? "")
            }
          }
        ]
      })
    ),
    Effect.runPromise
  )

describeEngine("images in memory, as on a real engine", () => {
  beforeAll(async () => {
    open = await startTestRegistry()
    closed = await startTestRegistry({ isPrivate: true })
  }, 120_000)

  afterAll(async () => {
    const { endpoint } = testEngine()
    const images = (await engineRequest(endpoint, "GET", "/images/json")).json
    for (const image of Array.isArray(images) ? images : []) {
      if (JSON.stringify(image).includes(id)) {
        await engineRequest(endpoint, "DELETE", `/images/${String(jsonAt(image, "Id"))}?force=1`)
      }
    }
    await Promise.all([open.stop(), closed.stop()])
  })

  const scenarios = [building, pushing, removing, pulling]

  it("answer in the same lines when they are built, pushed, removed and pulled", async () => {
    expect(await onMemoryEngine(scenarios)).toEqual(await onRealEngine(scenarios))
  }, 180_000)

  it("answer in the same lines when builds fail", async () => {
    expect(await onMemoryEngine([failingBuilds])).toEqual(await onRealEngine([failingBuilds]))
  }, 180_000)

  it("answer in the same lines when they are imported, saved and loaded", async () => {
    expect(await onMemoryEngine([archiving])).toEqual(await onRealEngine([archiving]))
  }, 180_000)
})
