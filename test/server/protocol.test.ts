import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type InProcessServer, startInProcess } from "./inProcessServer.js"
import { connectWire, isEvent, poll } from "./wireClient.js"

let server: InProcessServer

beforeAll(async () => {
  server = await startInProcess({ endpoint: "unix:///nonexistent/docker.sock" })
})
afterAll(() => server.stop())

const connect = () => connectWire(server.url, { token: server.token })

describe("what clients may say", () => {
  it.each([
    ["not JSON", "{", "not_json", undefined],
    ["not an object", "[1]", "bad_message", undefined],
    ["no event", "{}", "bad_message", undefined],
    ["an unknown event", '{"event":"fly","data":{}}', "unknown_event", "fly"],
    ["an inherited name", '{"event":"toString","data":{}}', "unknown_event", "toString"],
    ["no data", '{"event":"join"}', "bad_message", "join"],
    ["a wrong type", '{"event":"join","data":{"room":7}}', "bad_message", "join"],
    ["no such room", '{"event":"join","data":{"room":"secrets"}}', "bad_message", "join"],
    [
      "a wrong tail",
      '{"event":"stream_container_logs","data":{"container_id":"a","tail":-1}}',
      "bad_message",
      "stream_container_logs"
    ],
    [
      "a wrong moment",
      '{"event":"stream_container_logs","data":{"container_id":"a","since":"yesterday"}}',
      "bad_message",
      "stream_container_logs"
    ],
    [
      "a wrong id",
      '{"event":"stream_container_logs","data":{"container_id":"../etc"}}',
      "bad_message",
      "stream_container_logs"
    ],
    [
      "too much",
      JSON.stringify({ event: "join", data: { room: `operation_${"x".repeat(70_000)}` } }),
      "too_large",
      undefined
    ],
    [
      "figures, which are not there yet",
      '{"event":"stream_container_stats","data":{"container_id":"a"}}',
      "not_supported",
      "stream_container_stats"
    ]
  ])("answers %s with an error and stays open", async (_what, frame, code, about) => {
    const client = await connect()
    client.send(frame)
    const { data } = await client.waitFor(isEvent("error"))
    expect(data.code).toBe(code)
    expect(data.about).toBe(about)
    expect(data.message.length).toBeGreaterThan(10)
    client.send({ event: "join", data: { room: "docker_logs" } })
    await client.waitFor(isEvent("joined"))
    await client.close()
  })

  it("answers a frame that is not text", async () => {
    const client = await connect()
    client.socket.send(Buffer.from("{}"))
    expect((await client.waitFor(isEvent("error"))).data.code).toBe("not_text")
    await client.close()
  })

  it("closes with 4502 who goes on", async () => {
    const client = await connect()
    for (let index = 0; index < 20; index++) client.send("{")
    expect(await client.closed).toBe(4502)
    expect(client.messages.filter(isEvent("error")).length).toBeGreaterThan(3)
  })

  it("has a limit for rooms", async () => {
    const client = await connect()
    for (let index = 0; index < 257; index++) client.send({ event: "join", data: { room: `operation_${index}` } })
    expect((await client.waitFor(isEvent("error"))).data).toMatchObject({
      code: "too_many_rooms",
      about: "operation_256"
    })
    expect(client.messages.filter(isEvent("joined"))).toHaveLength(256)
    client.send({ event: "leave", data: { room: "operation_7" } })
    client.send({ event: "join", data: { room: "docker_logs" } })
    await client.waitFor(isEvent("joined", ({ data }) => data.room === "docker_logs"))
    await client.close()
  })

  it("has a limit for how fast", async () => {
    const client = await connect()
    for (let index = 0; index < 700; index++) client.send({ event: "leave", data: { room: "docker_logs" } })
    expect((await client.waitFor(isEvent("error"))).data.code).toBe("too_fast")
    expect(await client.closed).toBe(4502)
  })
})

describe("a connection", () => {
  it("is ended when it does not answer pings, and only then", async () => {
    const pinging = await startInProcess({ endpoint: "unix:///nonexistent/docker.sock", pingInterval: 100 })
    try {
      const alive = await connectWire(pinging.url, { token: pinging.token })
      let pings = 0
      alive.socket.on("ping", () => pings++)
      const dead = await connectWire(pinging.url, { token: pinging.token, autoPong: false })
      expect(await dead.closed).toBe(1006)
      await poll("three more pings", () => pings >= 4)
      expect(alive.socket.readyState).toBe(alive.socket.OPEN)
    } finally {
      await pinging.stop()
    }
  })
})

describe("a connection whose buffers are full", () => {
  it("is not ended for the pong that is late behind them", async () => {
    const pinging = await startInProcess({
      endpoint: "unix:///nonexistent/docker.sock",
      pingInterval: 200,
      hub: {
        ring: { lines: 100_000, characters: 256 * 1024 * 1024, age: 600_000 },
        viewer: { hardBytes: 4 * 1024 * 1024, stall: 600_000 }
      }
    })
    try {
      const witness = await connectWire(pinging.url, { token: pinging.token })
      let pings = 0
      witness.socket.on("ping", () => pings++)
      const slow = await connectWire(pinging.url, { token: pinging.token })
      slow.send({ event: "join", data: { room: "docker_logs" } })
      await slow.waitFor(isEvent("joined"))
      slow.socket.pause()
      const count = 20_000
      const head = { json: '{"operation_type":"test","status":"running"' }
      const text = "x".repeat(1_000)
      const json = JSON.stringify(["2026-01-01T00:00:00Z", "stdout", text])
      pinging.publish(
        "docker_logs",
        Array.from({ length: count }, () => ({ event: "docker_log", head, json }))
      )
      await poll("ten pings that it could not answer", () => pings >= 10)
      let closed = false
      void slow.closed.then(() => (closed = true))
      // A little at a time: each pong has megabytes before it.
      while (!closed && slow.lines().length < count) {
        const before = slow.bytes()
        slow.socket.resume()
        await poll("it reads", () => closed || slow.bytes() > before)
        slow.socket.pause()
        const seen = pings
        await poll("a ping", () => pings > seen)
      }
      expect(slow.lines().length).toBe(count)
      slow.socket.resume()
      const seen = pings
      await poll("more pings", () => pings > seen + 3)
      expect(closed).toBe(false)
    } finally {
      await pinging.stop()
    }
  }, 120_000)
})

describe("rooms of operations", () => {
  it("are joined and left by name", async () => {
    const client = await connect()
    client.send({ event: "join", data: { room: "docker_image_nginx_latest" } })
    const joined = await client.waitFor(isEvent("joined"))
    expect(joined.data).toMatchObject({
      room: "docker_image_nginx_latest",
      canonical: "docker_image_nginx_latest",
      seq: 0,
      oldest: 1,
      recovered: true
    })
    expect(joined.position.length).toBeGreaterThan(0)
    expect((await client.waitFor(isEvent("status"))).data.msg).toBe("Joined room: docker_image_nginx_latest")
    client.send({ event: "leave", data: { room: "docker_image_nginx_latest" } })
    expect((await client.waitFor(isEvent("left"))).data.room).toBe("docker_image_nginx_latest")
    await client.close()
  })

  it("tell of a gap when a position is of an earlier server", async () => {
    const client = await connect()
    client.send({ event: "join", data: { room: "docker_logs", position: "elsewhere0.17" } })
    expect((await client.waitFor(isEvent("joined"))).data.recovered).toBe(false)
    const gap = await client.waitFor(isEvent("gap"))
    expect(gap.data).toMatchObject({ room: "docker_logs", from: null })
    await client.close()
  })

  it("take any text as a position without breaking", async () => {
    const client = await connect()
    for (const position of ["", "x", "....", "a.b.c", `${"9".repeat(20)}.${"9".repeat(20)}`, "a.1.\u0000", "%00"]) {
      client.send({ event: "join", data: { room: `operation_p`, position } })
      client.send({ event: "leave", data: { room: `operation_p` } })
    }
    await client.until(() => client.messages.filter(isEvent("left")).length === 7)
    expect(client.messages.filter(isEvent("joined")).every(({ data }) => !data.recovered)).toBe(true)
    await client.close()
  })
})
