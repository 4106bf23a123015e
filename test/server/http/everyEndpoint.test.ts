import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type ApiAnswer, type ApiRequest, type ApiServer, startApi } from "./apiServer.js"
import { apiTable, type TableEndpoint } from "./apiTable.js"

const table = apiTable()

/** Calls an endpoint, and checks that it answers as it says that it does. */
const call = async (
  server: ApiServer,
  endpoint: TableEndpoint,
  request: ApiRequest & { readonly query?: string } = {}
): Promise<ApiAnswer> => {
  const { query = "", ...rest } = request
  const body = endpoint.body === undefined ? {} : { body: endpoint.body }
  const answer = await server.ask(endpoint.method, `${endpoint.path}${query}`, { ...body, ...rest })
  const isDescribed = endpoint.responses.get(answer.status)
  expect({ endpoint: endpoint.name, status: answer.status, isDescribed: isDescribed !== undefined }).toMatchObject({
    isDescribed: true
  })
  if (answer.status >= 400) {
    expect({ endpoint: endpoint.name, answer: answer.text, isValid: isDescribed?.(answer.json) }).toMatchObject({
      isValid: true
    })
  }
  return answer
}

describe("every endpoint", () => {
  let server: ApiServer

  beforeAll(async () => {
    server = await startApi({ endpoint: "unix:///nonexistent/docker.sock", enableExec: true })
  })
  afterAll(() => server.stop())

  it("answers with a described status while the engine is down: 503 if it needs the engine", async () => {
    const statuses = new Map<string, number>()
    for (const endpoint of table) statuses.set(endpoint.name, (await call(server, endpoint)).status)
    // A value of the right type may still be refused before the engine is asked.
    const needing = table.filter(({ responses }) => responses.has(503) && !responses.has(202))
    expect(needing.filter(({ name }) => ![503, 400, 404].includes(statuses.get(name) ?? 0))).toEqual([])
    expect(needing.filter(({ name }) => statuses.get(name) === 503).length).toBeGreaterThan(needing.length / 2)
  })

  it("refuses unknown query parameters, and bodies that it cannot read", async () => {
    for (const endpoint of table) {
      const unknown = await call(server, endpoint, { query: "?no-such-parameter=1" })
      expect({ name: endpoint.name, json: unknown.json }).toMatchObject({
        json: { _tag: "InvalidRequest", field: "no-such-parameter" }
      })
      if (!endpoint.checksBody) continue
      expect((await call(server, endpoint, { body: "{" })).status).toBe(400)
      expect((await call(server, endpoint, { body: "[]" })).status).toBe(400)
      expect((await call(server, endpoint, { body: "{}", contentType: "text/html" })).status).toBe(415)
      expect((await call(server, endpoint, { body: JSON.stringify("x".repeat(2 ** 20)) })).status).toBe(413)
    }
  })
})

describeEngine("every endpoint on an engine", () => {
  it("answers with a described status where there is no such thing", async () => {
    const server = await startApi({ endpoint: testEngine().endpoint, enableExec: true })
    try {
      for (const endpoint of table.filter(({ hasPathFields }) => hasPathFields)) {
        const { status } = await call(server, endpoint)
        expect({ name: endpoint.name, isRefused: [400, 404].includes(status) }).toMatchObject({ isRefused: true })
      }
    } finally {
      await server.stop()
    }
  })
})
