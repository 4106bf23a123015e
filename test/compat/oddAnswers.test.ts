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
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { createdText } from "../../packages/compat/src/text/createdText.js"

let folder: string
let warnings: Array<string> = []
const warn = (message: string) => void warnings.push(message)

beforeEach(async () => {
  warnings = []
  folder = await mkdtemp(join(tmpdir(), "dockwire-odd-"))
})
afterEach(async () => {
  configure({})
  await dispose()
  await rm(folder, { recursive: true })
})

/** An engine that answers every request with the status and the text that it is given. */
const startEngine = async (path: string) => {
  const answer = { status: 200, text: "" }
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(answer.status, { "content-type": "application/json" })
    response.end(answer.text)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return { answer, close: () => new Promise((resolve) => server.close(resolve)) }
}

const summary = {
  Id: "a".repeat(64),
  Names: ["/web"],
  Image: "nginx",
  ImageID: `sha256:${"b".repeat(64)}`,
  Command: "sh",
  Created: 1_700_000_000,
  Ports: [{ IP: "127.0.0.1", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }],
  Labels: { a: "b" },
  State: "running",
  Status: "Up 3 seconds",
  HostConfig: { NetworkMode: "bridge" },
  NetworkSettings: { Networks: {} },
  Mounts: []
}

/** Values that no field should have, as JSON. The first stands for a field that is missing. */
const oddValues = [
  undefined,
  ...'null true 0 -1 0.5 1e400 -1e400 9007199254740993 8640000000001 -62135596801 "" "x" "\\u0000\\ud800"'.split(" "),
  ...'"__proto__" [] [null] [[]] [""] {} {"":null} {"__proto__":7}'.split(" "),
  `"${"long".repeat(20_000)}"`
]

/** The JSON of a value in which the field at a path has another text. */
const withField = (value: object, path: ReadonlyArray<string>, text: string | undefined): string => {
  const [first = "", ...rest] = path
  const entries = Object.entries(value).map(([key, field]) =>
    key !== first
      ? `${JSON.stringify(key)}:${JSON.stringify(field)}`
      : rest.length > 0
        ? `${JSON.stringify(key)}:${withField(Object(field), rest, text)}`
        : text === undefined
          ? ""
          : `${JSON.stringify(key)}:${text}`
  )
  const items = Array.isArray(value) ? entries.map((entry) => entry.replace(/^"\d+":/, "")) : entries
  const joined = items.filter((item) => item !== "").join(",")
  return Array.isArray(value) ? `[${joined}]` : `{${joined}}`
}

const paths = [
  ...Object.keys(summary).map((key) => [key]),
  ...["IP", "PrivatePort", "PublicPort", "Type"].map((key) => ["Ports", "0", key])
]

describe("whatever an engine answers", () => {
  it("the promises of the old functions do not reject", async () => {
    const socket = join(folder, "docker.sock")
    const engine = await startEngine(socket)
    configure({ endpoint: `unix://${socket}`, warn })
    const answers: Array<string> = paths.flatMap((path) =>
      oddValues.map((text) => `[${withField(summary, path, text)}]`)
    )
    for (const text of [...answers, ...oddValues.map((value) => value ?? ""), "[[]]", "{", "<html>"]) {
      engine.answer.text = text
      const before = warnings.length
      const rows = await get_containers()
      for (const row of rows) for (const value of Object.values(row)) expect(typeof value, text).toBe("string")
      // Either it is listed, or the reason is told.
      if (text.startsWith("[{"))
        expect([text.slice(0, 200), rows.length + warnings.length - before]).toEqual([text.slice(0, 200), 1])
    }
    const calls = [start_container, stop_container, restart_container, remove_container, get_container_logs]
    const bodies = [
      "",
      "null",
      "[]",
      "7",
      '"x"',
      "{",
      '{"message":null}',
      '{"message":{}}',
      '{"message":"x"}',
      '{"Id":7}',
      "{}"
    ]
    for (const status of [200, 204, 304, 400, 404, 409, 500, 501, 599]) {
      engine.answer.status = status
      for (const text of bodies) {
        engine.answer.text = status === 204 || status === 304 ? "" : text
        const outcomes = await Promise.all([...calls.map((call) => call("web")), inspect_container("web")])
        for (const [success, output] of outcomes) {
          expect([typeof success, typeof output]).toEqual(["boolean", expect.stringMatching(/^(string|object)$/)])
        }
        expect(Array.isArray(await get_containers())).toBe(true)
      }
    }
    await engine.close()
  })

  it("the time of creation is printed as the docker command prints it, or is unknown", () => {
    expect(createdText(1_700_000_000)).toBe("2023-11-14 22:13:20 +0000 UTC")
    expect(createdText(0)).toBe("1970-01-01 00:00:00 +0000 UTC")
    expect(createdText(-62_135_596_801)).toBe("0000-12-31 23:59:59 +0000 UTC")
    expect(createdText(253_402_300_800)).toBe("10000-01-01 00:00:00 +0000 UTC")
    for (const seconds of [1e300, Number.POSITIVE_INFINITY, Number.NaN]) expect(createdText(seconds)).toBe("unknown")
  })
})

describe("a Docker configuration that is broken for a while", () => {
  it("is read again by the next call", async () => {
    const socket = join(folder, "engine.sock")
    const engine = await startEngine(socket)
    engine.answer.text = JSON.stringify([summary])
    const variables = { DOCKER_CONFIG: folder, DOCKER_HOST: "", DOCKER_CONTEXT: "" }
    const before = { ...process.env }
    Object.assign(process.env, variables)
    try {
      configure({ warn })
      const config = join(folder, "config.json")
      // Half of a file: the default engine, for this call alone.
      await writeFile(config, '{"currentContext":"ne')
      await get_containers()
      expect(warnings[0]).toContain(`The Docker configuration ${config} is ignored, as it cannot be read`)
      // A context that is being written.
      await writeFile(config, '{"currentContext":"near"}')
      expect(await start_container("web")).toEqual([false, expect.stringContaining("has no context of this name")])
      const meta = join(folder, "contexts/meta", createHash("sha256").update("near").digest("hex"))
      await mkdir(meta, { recursive: true })
      await writeFile(join(meta, "meta.json"), '{"Endpoints":{"docker":{"Ho')
      expect(await start_container("web")).toEqual([false, expect.stringContaining("meta.json is not valid")])
      await writeFile(join(meta, "meta.json"), JSON.stringify({ Endpoints: { docker: { Host: `unix://${socket}` } } }))
      expect((await get_containers()).map(({ name }) => name)).toEqual(["web"])
      // What is whole is remembered.
      await writeFile(config, "{")
      warnings = []
      expect((await get_containers()).map(({ name }) => name)).toEqual(["web"])
      expect(warnings).toEqual([])
    } finally {
      for (const name of Object.keys(variables)) {
        const value = before[name]
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
      await dispose()
      await engine.close()
    }
  })
})
