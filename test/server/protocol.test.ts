import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type InProcessServer, startInProcess } from "./inProcessServer.js"
import { connectWire, isEvent, poll } from "./wireClient.js"

let server: InProcessServer

beforeAll(async () => {
  server = await startInProcess({ endpoint: "unix:///nonexistent/docker.sock" })
})
afterAll(() => server.stop())

const connect = () => connectWire(server.url, { token: server.token })

const roomNames =
  "expected docker_logs, operation_<log id>, docker_config_<config id>, docker_image_<name>, container_logs_<container> or container_stats_<container>"

const events = "join, leave, stream_container_logs, stop_container_logs, stream_container_stats, stop_container_stats"

describe("a client's message", () => {
  it.each([
    [
      "is not JSON",
      "{",
      "not_json",
      'The message is not valid JSON. Send one object per frame: {"event": ..., "data": {...}}.',
      undefined
    ],
    [
      "is not an object",
      "[1]",
      "bad_message",
      'A message must be an object of the form {"event": ..., "data": {...}}.',
      undefined
    ],
    [
      "has no event",
      "{}",
      "bad_message",
      'A message must be an object of the form {"event": ..., "data": {...}}.',
      undefined
    ],
    [
      "has an unknown event",
      '{"event":"fly","data":{}}',
      "unknown_event",
      `Unknown event "fly". Known events: ${events}.`,
      "fly"
    ],
    [
      "has the name of an inherited property as event",
      '{"event":"toString","data":{}}',
      "unknown_event",
      `Unknown event "toString". Known events: ${events}.`,
      "toString"
    ],
    ["has no data", '{"event":"join"}', "bad_message", "data: is missing", "join"],
    [
      "has a value of the wrong type",
      '{"event":"join","data":{"room":7}}',
      "bad_message",
      "data.room: Expected string, actual 7",
      "join"
    ],
    [
      "names a room that can't exist",
      '{"event":"join","data":{"room":"secrets"}}',
      "bad_message",
      `data.room: ${roomNames}`,
      "join"
    ],
    [
      "has a negative tail",
      '{"event":"stream_container_logs","data":{"container_id":"a","tail":-1}}',
      "bad_message",
      "data.tail: expected a whole number of lines, 0 or more",
      "stream_container_logs"
    ],
    [
      "has a since that is not a time",
      '{"event":"stream_container_logs","data":{"container_id":"a","since":"yesterday"}}',
      "bad_message",
      "data.since: expected an RFC 3339 timestamp (2026-01-31T12:00:00.123456789Z) or seconds since the epoch (1769860800.5)",
      "stream_container_logs"
    ],
    [
      "has a malformed container id",
      '{"event":"stream_container_logs","data":{"container_id":"../etc"}}',
      "bad_message",
      "data.container_id: expected a container's full id, short id or name",
      "stream_container_logs"
    ],
    [
      "is too large",
      JSON.stringify({ event: "join", data: { room: `operation_${"x".repeat(70_000)}` } }),
      "too_large",
      "The message is 70045 bytes long. The limit is 65536 bytes.",
      undefined
    ],
    [
      "asks for stats too often",
      '{"event":"stream_container_stats","data":{"container_id":"a","interval":1}}',
      "bad_message",
      "data.interval: Expected a number between 100 and 3600000, actual 1",
      "stream_container_stats"
    ]
  ])("that %s is answered with an error, and the connection stays open", async (_what, frame, code, message, about) => {
    const client = await connect()
    client.send(frame)
    const { data } = await client.waitFor(isEvent("error"))
    expect(data.code).toBe(code)
    expect(data.about).toBe(about)
    expect(data.message).toBe(message)
    client.send({ event: "join", data: { room: "docker_logs" } })
    await client.waitFor(isEvent("joined"))
    await client.close()
  })

  it("in a binary frame is answered with an error", async () => {
    const client = await connect()
    client.socket.send(Buffer.from("{}"))
    expect((await client.waitFor(isEvent("error"))).data).toEqual({
      code: "not_text",
      message: "The message is a binary frame. Send JSON in text frames."
    })
    await client.close()
  })

  it("that is one too many invalid ones closes the connection with 4502", async () => {
    const client = await connect()
    for (let index = 0; index < 20; index++) client.send("{")
    expect(await client.closed).toBe(4502)
    expect(client.messages.filter(isEvent("error")).length).toBeGreaterThan(3)
  })

  it("that joins more rooms than allowed is answered with an error", async () => {
    const client = await connect()
    for (let index = 0; index < 257; index++) client.send({ event: "join", data: { room: `operation_${index}` } })
    expect((await client.waitFor(isEvent("error"))).data).toEqual({
      code: "too_many_rooms",
      message: "A connection can be in at most 256 rooms. Leave a room before you join another one.",
      about: "operation_256"
    })
    await client.until(() => client.messages.filter(isEvent("joined")).length >= 256)
    expect(client.messages.filter(isEvent("joined"))).toHaveLength(256)
    client.send({ event: "leave", data: { room: "operation_7" } })
    client.send({ event: "join", data: { room: "docker_logs" } })
    await client.waitFor(isEvent("joined", ({ data }) => data.room === "docker_logs"))
    await client.close()
  })

  it("that is sent too soon after too many others is answered with an error, and closes the connection in the end", async () => {
    const client = await connect()
    for (let index = 0; index < 700; index++) client.send({ event: "leave", data: { room: "docker_logs" } })
    expect((await client.waitFor(isEvent("error"))).data).toEqual({
      code: "too_fast",
      message: "Too many messages: the limit is 500 at once and 50 per second. This one was ignored."
    })
    expect(await client.closed).toBe(4502)
  })
})

describe("a connection", () => {
  it("is terminated if it does not answer pings, and only then", async () => {
    const pinging = await startInProcess({ endpoint: "unix:///nonexistent/docker.sock", pingInterval: 300 })
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
  it("is not terminated when its pongs are delayed by what is buffered", async () => {
    const pingInterval = 400
    const pinging = await startInProcess({
      endpoint: "unix:///nonexistent/docker.sock",
      pingInterval,
      hub: {
        ring: { lines: 100_000, bytes: 256 * 1024 * 1024, age: 600_000 },
        viewer: { hardBytes: 4 * 1024 * 1024, stall: 600_000 }
      }
    })
    // As often as the server pings.
    let pings = 0
    const ticks = setInterval(() => pings++, pingInterval)
    try {
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
      await poll("ten pings that it cannot answer", () => pings >= 10)
      let closed = false
      void slow.closed.then(() => (closed = true))
      // Reads a part at a time: at first, megabytes are still buffered ahead of each pong. The last ones, for which the server
      // no longer waits, are fewer than two parts, so that their number of pings does not depend on how fast they are read.
      const part = 6 * 1024 * 1024
      while (!closed && slow.lines().length < count) {
        const before = slow.bytes()
        slow.socket.resume()
        await poll("it reads on", () => closed || slow.bytes() > before + part || slow.lines().length === count)
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
      clearInterval(ticks)
      await pinging.stop()
    }
  }, 120_000)
})

describe("the room of an operation", () => {
  it("is joined and left by name", async () => {
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

  it("reports a gap for a position from an earlier server", async () => {
    const client = await connect()
    client.send({ event: "join", data: { room: "docker_logs", position: "elsewhere0.17" } })
    expect((await client.waitFor(isEvent("joined"))).data.recovered).toBe(false)
    const gap = await client.waitFor(isEvent("gap"))
    expect(gap.data).toMatchObject({
      room: "docker_logs",
      from: null,
      reason: "The server was restarted or dropped this room since then, so it can't tell which events are missing."
    })
    await client.close()
  })

  it("accepts any text as a position", async () => {
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
