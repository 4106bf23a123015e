import type { LogLine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import { describe, expect, it, onTestFinished } from "vitest"
import { dockwire, startOnTerminal } from "./dockwireCommand.js"
import { startApi } from "./http/apiServer.js"
import { storeProgram } from "./store/storeProgram.js"

const containerId = "c".repeat(64)

const texts = ["starting", "GET /a status=200", "GET /b status=503", "ERROR connection refused", "bell \u0007", "done"]

const lineOf = (text: string, index: number): LogLine => ({
  _tag: "LogLine",
  containerId,
  stream: index === 3 ? "stderr" : "stdout",
  timestamp: `2026-01-31T12:00:0${index}.000000000Z`,
  text
})

describe("dockwire search", () => {
  it("finds what is kept, the newest first, with what is around it, and says when nothing is found or what is wrong", async () => {
    const server = await startApi({
      endpoint: "unix:///nowhere.sock",
      keepLogs: { program: await storeProgram(), age: 1e14 }
    })
    onTestFinished(server.stop)
    await Effect.runPromise(
      server.logs.append({
        source: { engine: "box", project: "shop", name: "web" },
        containerId,
        containerName: "shop-web-1",
        after: 0,
        elements: texts.map(lineOf)
      })
    )
    const env = { DOCKWIRE_SERVER: server.url, DOCKWIRE_TOKEN: server.token }
    const [found, around, json, none, wrong, wrongTime, drawn] = await Promise.all([
      dockwire(["search", "GET"], env),
      dockwire(["search", "-C1", "-n", "1", "status>=500"], env),
      dockwire(["search", "--json", "--level", "error", "--source", "shop/*", "refused"], env),
      dockwire(["search", "--since", "2026-01-31T12:00:04Z", "GET"], env),
      dockwire(["search", "/a(/"], env),
      dockwire(["search", "--since", "yesterday", "x"], env),
      startOnTerminal(["search", "bell"], env).ended
    ])
    const at = (index: number, sign: ":" | "-") =>
      `2026-01-31T12:00:0${index}.000000000Z shop/web${sign} ${texts[index]}\n`
    expect(found).toEqual({ code: 0, out: at(2, ":") + at(1, ":"), err: "" })
    expect([around.code, around.out]).toEqual([0, at(1, "-") + at(2, ":") + at(3, "-")])
    expect(JSON.parse(json.out)).toMatchObject({
      line: { text: texts[3], stream: "stderr", level: "error", source: "box/shop/web" },
      before: [],
      after: []
    })
    expect(none).toEqual({ code: 1, out: "", err: "" })
    expect(wrong).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining('Invalid regex "a(": missing closing )')
    })
    expect(wrongTime).toMatchObject({ code: 2, err: expect.stringContaining('Invalid --since "yesterday".') })
    expect(drawn.out).toContain("bell ^G")
  })
})
