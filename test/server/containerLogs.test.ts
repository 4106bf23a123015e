import { defaultHubOptions, type Wire } from "@dockwire/server"
import { afterEach, beforeEach, expect, it } from "vitest"
import { startCuttingProxy } from "../engine/cuttingProxy.js"
import { engineCall, jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../engine/testContainer.js"
import { isWhole } from "../whole/isWhole.js"
import { type InProcessOptions, type InProcessServer, startInProcess } from "./inProcessServer.js"
import { connectWire, isEvent, lastPosition, numbered, poll, type WireClient } from "./wireClient.js"

const cleanups: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const start = async (options: Partial<InProcessOptions> = {}): Promise<InProcessServer> => {
  const server = await startInProcess({ endpoint: testEngine().endpoint, ...options })
  cleanups.push(server.stop)
  return server
}

const connect = async (server: InProcessServer): Promise<WireClient> => {
  const client = await connectWire(server.url, { token: server.token })
  cleanups.push(client.cut)
  return client
}

const container = async (script: string): Promise<TestContainer> => {
  const made = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sh", "-c", script] })
  cleanups.push(made.remove)
  return made
}

/** Prints `line 1` to `line <count>`, then sleeps. */
const printing = (count: number) =>
  container(`i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo line $i; done; sleep 1000`)

/** Prints `line 1 xxx...` to `line <count> xxx...`, a kilobyte each, which soon fills the buffers of both sockets. */
const flooding = (count: number, first = "true") =>
  container(
    `${first}; i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo line $i ${"x".repeat(1_000)}; done; sleep 1000`
  )

const starts = (lines: ReadonlyArray<string>) => lines.map((line) => line.split(" ").slice(0, 2).join(" "))

/** Prints `line 1`, `line 2`, ... without end, about this many per second. */
const writing = (perSecond: number) =>
  container(`i=0; while true; do i=$((i+1)); echo line $i; usleep ${Math.round(1_000_000 / perSecond)}; done`)

const roomOf = ({ id }: TestContainer) => `container_logs_${id}`

const isRemoval = ({ data }: Wire.ContainerLogMarkMessage) => data.mark === "removed"

const numbers = (lines: ReadonlyArray<string>) => lines.map((line) => Number(line.slice("line ".length)))

/** Runs a command in a container. */
const testExec = async (id: string, command: ReadonlyArray<string>) => {
  const { endpoint } = testEngine()
  const { json } = await engineCall(endpoint, "POST", `/containers/${id}/exec`, { Cmd: command })
  await engineCall(endpoint, "POST", `/exec/${String(jsonAt(json, "Id"))}/start`, { Detach: true })
}

/** Expects consecutive lines: each once and in order. */
const expectUnbroken = (lines: ReadonlyArray<string>) => {
  const all = numbers(lines)
  expect(all).toEqual(Array.from(all, (_, index) => (all[0] ?? 0) + index))
}

describeEngine("a container's log over the WebSocket", () => {
  let server: InProcessServer
  beforeEach(async () => {
    server = await start()
  })

  it("starts with its history and continues live, by name, short id and full id", async () => {
    const made = await printing(250)
    await poll("all lines are in the log", async () => (await made.output(1)).includes("line 250\n"))
    for (const idOrName of [made.name, made.id.slice(0, 12), made.id]) {
      const client = await connect(server)
      client.send({ event: "stream_container_logs", data: { container_id: idOrName } })
      const joined = await client.waitFor(isEvent("joined"))
      expect(joined.data).toMatchObject({
        room: `container_logs_${idOrName}`,
        canonical: roomOf(made),
        recovered: true
      })
      await client.until(() => client.lines().length >= 100)
      expect(client.lines()).toEqual(numbered(250, 151))
      const log = await client.waitFor(isEvent("docker_log"))
      expect(log.data).toMatchObject({
        container_id: made.id,
        name: made.name,
        operation_type: "container_logs",
        status: "running"
      })
      expect(log.data.lines[0]?.[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
      await client.close()
    }
  })

  it("numbers its lines without holes, and has the stream of each", async () => {
    const made = await container(
      "for i in 1 2 3; do echo out $i; usleep 20000; echo err $i >&2; usleep 20000; done; sleep 1000"
    )
    const client = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: made.id } })
    await client.until(() => client.lines().length === 6)
    const logs = client.messages.filter(isEvent("docker_log"))
    const streams = logs.flatMap(({ data }) => data.lines.map(([, stream, text]) => [stream, text]))
    const out = (stream: string) => streams.filter(([each]) => each === stream).map(([, text]) => text)
    expect(out("stdout")).toEqual(["out 1", "out 2", "out 3"])
    expect(out("stderr")).toEqual(["err 1", "err 2", "err 3"])
    let next = 1
    for (const message of client.messages) {
      if (!("seq" in message) || message.seq === undefined) continue
      expect(message.seq).toBe(next)
      next += message.event === "docker_log" ? message.data.lines.length : 1
    }
  })

  it("starts with the tail that a viewer asks for, from the ring or from the engine, and continues live for all viewers", async () => {
    const made = await writing(100)
    const first = await connect(server)
    first.send({ event: "stream_container_logs", data: { container_id: made.id, tail: 0 } })
    await first.until(() => first.lines().length > 30)
    for (const tail of [0, 5, 100, 5_000, 20_000]) {
      const client = await connect(server)
      client.send({ event: "stream_container_logs", data: { container_id: made.id, tail } })
      await client.until(() => client.lines().length > Math.min(tail, 100) + 20)
      expectUnbroken(client.lines())
      if (tail >= 5_000) expect(client.lines()[0]).toBe("line 1")
      await client.close()
    }
    expectUnbroken(first.lines())
  })

  it("is read from the engine where it is older than the ring, and continues from the ring", async () => {
    const made = await printing(30_000)
    await poll("all lines are in the log", async () => (await made.output(1)).includes("line 30000\n"))
    const first = await connect(server)
    first.send({ event: "stream_container_logs", data: { container_id: made.id, tail: 10 } })
    await first.until(() => first.lines().length === 10)
    expect(first.lines()).toEqual(numbered(30_000, 29_991))
    const all = await connect(server)
    all.send({ event: "stream_container_logs", data: { container_id: made.id, tail: 25_000 } })
    await all.until(() => all.lines().length >= 25_000)
    expect(all.lines()).toEqual(numbered(30_000, 5_001))
    const since = await connect(server)
    since.send({ event: "stream_container_logs", data: { container_id: made.id, since: "2020-01-01T00:00:00Z" } })
    await since.until(() => since.lines().length >= 30_000)
    expect(since.lines()).toEqual(numbered(30_000))
  })

  it("can be streamed after joining its room, as old pages do", async () => {
    const made = await writing(200)
    const other = await connect(server)
    other.send({ event: "stream_container_logs", data: { container_id: made.id, tail: 0 } })
    await other.until(() => other.lines().length > 100)
    const room = `container_logs_${made.name}`
    const client = await connect(server)
    client.send({ event: "join", data: { room } })
    // Some live lines arrive before the history is requested.
    await client.until(() => client.lines().length > 5)
    client.send({ event: "stream_container_logs", data: { container_id: made.name, tail: 50, room } })
    await client.until(() => client.messages.filter(isEvent("joined")).length === 2)
    await client.until(() => client.lines().length > 100)
    const seen = numbers(client.lines()).toSorted((left, right) => left - right)
    expect(seen).toEqual(Array.from(seen, (_, index) => (seen[0] ?? 0) + index))
  })

  it("is not streamed into a room of something else", async () => {
    const made = await printing(3)
    const client = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: made.id, room: "container_logs_other" } })
    expect((await client.waitFor(isEvent("error"))).data).toMatchObject({ code: "room_mismatch", about: made.id })
    client.send({ event: "stream_container_logs", data: { container_id: made.id, room: "docker_logs" } })
    await client.until(() => client.messages.filter(isEvent("error")).length === 2)
    client.send({ event: "stream_container_logs", data: { container_id: "no-such-container" } })
    await client.waitFor(isEvent("error", ({ data }) => data.code === "container_not_found"))
    expect(client.lines()).toEqual([])
  })

  it("is answered with the reason if it can't be read", async () => {
    const made = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sleep", "1000"],
      logConfig: { Type: "none" }
    })
    cleanups.push(made.remove)
    const client = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: made.name } })
    const { data } = await client.waitFor(isEvent("error"))
    expect(data).toMatchObject({ code: "logs_unreadable", about: made.name })
    expect(data.message).toContain("json-file")
  })

  it("stops when the client leaves, which is confirmed", async () => {
    const made = await writing(50)
    const client = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: made.name } })
    await client.until(() => client.lines().length > 5)
    client.send({ event: "stop_container_logs", data: { container_id: made.name } })
    const left = await client.waitFor(isEvent("left"))
    expect(left.data.room).toBe(`container_logs_${made.name}`)
    const after = client.messages.indexOf(left)
    const other = await connect(server)
    other.send({ event: "stream_container_logs", data: { container_id: made.id, tail: 0 } })
    await other.until(() => other.lines().length > 20)
    expect(client.messages.slice(after + 1).filter(isEvent("docker_log"))).toEqual([])
  })

  it("has marks where the container stopped, started and was removed, and every client gets its status changes", async () => {
    const made = await container("trap 'echo bye; exit 3' TERM; echo hello; while true; do usleep 10000; done")
    const client = await connect(server)
    const bystander = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: made.name } })
    await client.until(() => client.lines().length === 1)
    const call = (verb: string) =>
      fetch(`${server.url}/api/containers/${made.name}/${verb}`, {
        method: "POST",
        headers: { authorization: `Bearer ${server.token}` }
      })
    expect((await call("stop")).status).toBe(204)
    await client.waitFor(isEvent("container_log_mark", ({ data }) => data.mark === "stopped" && data.exit_code === 3))
    expect((await call("start")).status).toBe(204)
    await client.waitFor(isEvent("container_log_mark", ({ data }) => data.mark === "started"))
    await client.until(() => client.lines().length === 3)
    expect(client.lines()).toEqual(["hello", "bye", "hello"])
    await made.remove()
    await client.waitFor(isEvent("container_log_mark", ({ data }) => data.mark === "removed"))
    const again = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "1000"], name: made.name })
    cleanups.push(again.remove)
    const recreated = await client.waitFor(isEvent("container_log_mark", ({ data }) => data.mark === "recreated"))
    expect(recreated.data.container_id).toBe(made.id)
    const changes = () =>
      bystander.messages
        .filter(isEvent("container_status_change", ({ data }) => data.container_id === made.id))
        .map(({ data }) => [data.action, data.status])
    await bystander.until(() => changes().length >= 5)
    expect(changes()).toEqual(
      expect.arrayContaining([
        ["die", "stopped"],
        ["start", "running"],
        ["destroy", "removed"]
      ])
    )
    const statusChanges = bystander.messages.filter(
      isEvent("container_status_change", ({ data }) => data.container_id === made.id)
    )
    expect(new Set(statusChanges.map(({ data }) => data.name))).toEqual(new Set([made.name]))
  })

  it("resumes from the last position over broken connections, each line once", async () => {
    const made = await writing(500)
    const room = roomOf(made)
    const lines: Array<string> = []
    let position: string | undefined
    for (let turn = 0; turn < 20; turn++) {
      const client = await connect(server)
      const data = { container_id: made.id, tail: 10_000 }
      client.send({ event: "stream_container_logs", data: position === undefined ? data : { ...data, position } })
      await client.until(() => client.lines(room).length > 20)
      await client.cut()
      lines.push(...client.lines(room))
      position = lastPosition(client, room)
    }
    expect(lines[0]).toBe("line 1")
    expectUnbroken(lines)
  })

  it("resumes by name after the container was removed, or recreated", async () => {
    const made = await container("echo first; while [ ! -e /go ]; do usleep 20000; done; echo last; sleep 1000")
    const room = roomOf(made)
    // Another viewer keeps the room alive.
    const other = await connect(server)
    other.send({ event: "stream_container_logs", data: { container_id: made.id } })
    const client = await connect(server)
    const data = { container_id: made.name, tail: 10 }
    client.send({ event: "stream_container_logs", data })
    await client.until(() => client.lines(room).length === 1)
    await client.cut()
    const position = lastPosition(client, room) ?? ""
    await testExec(made.id, ["touch", "/go"])
    await other.until(() => other.lines(room).length === 2)
    await made.remove()
    await other.waitFor(isEvent("container_log_mark", ({ data }) => data.mark === "removed"))
    const back = await connect(server)
    back.send({ event: "stream_container_logs", data: { ...data, position } })
    const joined = await back.waitFor(isEvent("joined"))
    expect(joined.data).toMatchObject({ canonical: room, recovered: true })
    await back.until(() => back.lines(room).length === 1)
    expect(back.lines(room)).toEqual(["last"])

    const again = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sh", "-c", "echo new; sleep 1000"],
      name: made.name
    })
    cleanups.push(again.remove)
    const late = await connect(server)
    late.send({ event: "stream_container_logs", data: { ...data, position } })
    const renamed = await late.waitFor(isEvent("joined"))
    expect(renamed.data).toMatchObject({ canonical: roomOf(again), recovered: false })
    expect((await late.waitFor(isEvent("gap"))).data.reason).toBe(
      `The container was recreated. What the old one (${made.id.slice(0, 12)}) wrote after the requested position is missing.`
    )
    await late.until(() => late.lines(roomOf(again)).length === 1)
    expect(late.lines(roomOf(again))).toEqual(["new"])
  })

  it("resumes over restarts of the server, each line once", async () => {
    const made = await writing(300)
    const room = roomOf(made)
    const lines: Array<string> = []
    let position: string | undefined
    let current = server
    for (let turn = 0; turn < 4; turn++) {
      // Two viewers: the second one shares the follower of the first.
      const clients = [await connect(current), await connect(current)]
      const data = { container_id: made.id, tail: 10_000 }
      for (const client of clients) {
        client.send({ event: "stream_container_logs", data: position === undefined ? data : { ...data, position } })
      }
      const [client, second] = clients
      if (client === undefined || second === undefined) throw new Error("unreachable: there are two clients")
      await client.until(() => client.lines(room).length > 50)
      await second.until(() => second.lines(room).length > 50)
      expect(client.messages.filter(isEvent("joined"))[0]?.data.recovered).toBe(true)
      expect(client.messages.filter(isEvent("gap"))).toEqual([])
      const next = [...lines, ...client.lines(room)].length
      expect(second.lines(room).slice(0, 20)).toEqual(client.lines(room).slice(0, 20))
      const from = lines.length
      const token = current.token
      await current.stop()
      expect(await client.closed).toBe(1001)
      lines.push(...client.lines(room))
      expect(lines.length).toBeGreaterThanOrEqual(next)
      expect(lines.length).toBeGreaterThan(from)
      position = lastPosition(client, room)
      current = await start({ token })
    }
    expect(lines[0]).toBe("line 1")
    expectUnbroken(lines)
  })

  it("has marks that are older than the ring, each once, and continues from a ring that has only marks", async () => {
    const forgetful = await start({ hub: { ring: { ...defaultHubOptions.ring, age: 1 } } })
    const made = await container(
      "trap 'exit 3' TERM; for i in 1 2 3; do echo line $i; done; while true; do usleep 10000; done"
    )
    const room = roomOf(made)
    const marks = (client: WireClient) =>
      client.messages.filter(isEvent("container_log_mark")).map(({ data }) => data.mark)
    const call = (verb: string) => engineCall(testEngine().endpoint, "POST", `/containers/${made.id}/${verb}`)
    const other = await connect(forgetful)
    other.send({ event: "stream_container_logs", data: { container_id: made.id } })
    await other.until(() => other.lines().length === 3)
    const early = await connect(forgetful)
    early.send({ event: "stream_container_logs", data: { container_id: made.name } })
    await early.until(() => early.lines().length === 3)
    const position = lastPosition(early, room) ?? ""
    await early.cut()
    await call("restart?t=5")
    await other.until(() => other.lines().length === 6)
    const back = await connect(forgetful)
    back.send({ event: "stream_container_logs", data: { container_id: made.name, position } })
    await back.until(() => back.lines().length === 3)
    expect(marks(back)).toEqual(["stopped", "started"])
    const events = back.messages.filter((message) => "room" in message && message.room === room)
    expect(events.map(({ event }) => event)).toEqual([
      "joined",
      "container_log_mark",
      "container_log_mark",
      ...events.slice(3).map(() => "docker_log")
    ])
    await call("stop?t=5")
    await other.until(() => marks(other).length === 3)
    const late = await connect(forgetful)
    late.send({ event: "stream_container_logs", data: { container_id: made.name } })
    await late.until(() => marks(late).length === 1)
    await call("start")
    await late.until(() => late.lines().length === 9)
    await made.remove()
    for (const client of [late, back, other]) await client.waitFor(isEvent("container_log_mark", isRemoval))
    const again = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "1000"], name: made.name })
    cleanups.push(again.remove)
    for (const client of [late, back, other]) await client.until(() => marks(client).at(-1) === "recreated")
    expect(marks(late)).toEqual(["stopped", "started", "stopped", "removed", "recreated"])
    expect(marks(back)).toEqual(["stopped", "started", "stopped", "started", "stopped", "removed", "recreated"])
    expect(late.lines()).toEqual([...numbered(3), ...numbered(3), ...numbered(3)])
  })

  it("takes one engine stream for any number of viewers, which is closed some time after the last one left", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    cleanups.push(proxy.close)
    const counted = await start({ endpoint: proxy.endpoint, linger: 200 })
    const made = await writing(100)
    const clients = await Promise.all(Array.from({ length: 40 }, () => connect(counted)))
    for (const client of clients) client.send({ event: "stream_container_logs", data: { container_id: made.id } })
    await Promise.all(clients.map((client) => client.until(() => client.lines().length > 120)))
    const follows = () =>
      proxy.requests.filter((request) => request.includes(`${made.id}/logs`) && /follow=(1|true)/.test(request))
    expect(follows()).toHaveLength(1)
    for (const client of clients) expectUnbroken(client.lines())
    const open = proxy.open()
    await Promise.all(clients.map((client) => client.close()))
    await poll("the engine stream is closed", () => proxy.open() < open)
    const late = await connect(counted)
    late.send({ event: "stream_container_logs", data: { container_id: made.id } })
    await late.until(() => late.lines().length > 120)
    expectUnbroken(late.lines())
    expect(follows()).toHaveLength(2)
  })
})

/** So many kilobytes that no buffers hold them. */
const written = isWhole ? 20_000 : 12_000

describeEngine("a slow viewer", () => {
  it("is overrun by its room and gets everything later over the same connection", async () => {
    // The room keeps less than a third of what is written, and no viewer is closed for being slow.
    const server = await start({
      pingInterval: 600_000,
      hub: {
        ring: { ...defaultHubOptions.ring, lines: written * 0.3 },
        viewer: { ...defaultHubOptions.viewer, stall: 600_000 }
      }
    })
    const flood = await flooding(written, "until [ -e /go ]; do usleep 50000; done")
    const slow = await connect(server)
    const fast = await connect(server)
    for (const viewer of [slow, fast]) {
      viewer.send({ event: "stream_container_logs", data: { container_id: flood.id } })
      await viewer.waitFor(isEvent("joined"))
    }
    slow.socket.pause()
    await testExec(flood.id, ["touch", "/go"])
    await fast.until(() => fast.lines().length > written * 0.45, 60_000)
    // Its history is read from the engine while the room continues.
    const late = await connect(server)
    late.send({ event: "stream_container_logs", data: { container_id: flood.id, tail: 100_000 } })
    for (const viewer of [fast, late]) {
      await viewer.until(() => viewer.lines().length >= written, 60_000)
      expect(starts(viewer.lines())).toEqual(numbered(written))
    }
    slow.socket.resume()
    await slow.until(() => slow.lines().length >= written, 60_000)
    expect(starts(slow.lines())).toEqual(numbered(written))
    expect(slow.messages.filter(isEvent("joined")).length).toBeGreaterThan(1)
    expect(slow.messages.filter(isEvent("gap"))).toEqual([])
    expect(server.viewers()).toBe(3)
  }, 200_000)

  it("keeps its history when it joins by another name, and gets no more of it after leaving", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    cleanups.push(proxy.close)
    const server = await start({
      endpoint: proxy.endpoint,
      linger: 200,
      hub: { ring: { ...defaultHubOptions.ring, lines: 1_000 } }
    })
    const flood = await flooding(written)
    await poll("all lines are in the log", async () => (await flood.output(1)).includes(`line ${written} `))
    const other = await connect(server)
    other.send({ event: "stream_container_logs", data: { container_id: flood.id } })
    await other.until(() => other.lines().length === 100)
    const open = proxy.open()
    const joinedTwice = async () => {
      const client = await connect(server)
      client.send({ event: "stream_container_logs", data: { container_id: flood.id, tail: 100_000 } })
      await client.until(() => client.lines().length > 0)
      client.socket.pause()
      client.send({ event: "stream_container_logs", data: { container_id: flood.name } })
      await poll("the server has read it", () => client.socket.bufferedAmount === 0)
      return client
    }
    const left = await joinedTwice()
    left.send({ event: "stop_container_logs", data: { container_id: flood.name } })
    left.socket.resume()
    await left.waitFor(isEvent("left"))
    await poll("its own engine stream is closed", () => proxy.open() <= open)
    const after = left.messages.findIndex(isEvent("left"))
    expect(left.messages.slice(after).filter(isEvent("docker_log"))).toEqual([])
    expect(left.lines().length).toBeLessThan(written)

    const first = await joinedTwice()
    first.socket.resume()
    await first.until(() => first.messages.filter(isEvent("joined")).length === 2)
    const second = first.messages.findLast(isEvent("joined"))
    await first.cut()
    const before = first.messages
      .slice(0, first.messages.findLastIndex(isEvent("joined")))
      .filter(isEvent("docker_log"))
      .flatMap(({ data }) => data.lines.map((line) => line[2]))
    const again = await connect(server)
    const { position = "" } = second ?? {}
    again.send({ event: "stream_container_logs", data: { container_id: flood.id, position } })
    await again.until(() => before.length + again.lines().length >= written, 60_000)
    expect(starts([...before, ...again.lines()])).toEqual(numbered(written))
  }, 120_000)

  it("gets the mark of a removal that happened while its history was being read", async () => {
    const server = await start({ hub: { ring: { ...defaultHubOptions.ring, age: 1 } } })
    const flood = await flooding(written)
    await poll("all lines are in the log", async () => (await flood.output(1)).includes(`line ${written} `))
    const other = await connect(server)
    other.send({ event: "stream_container_logs", data: { container_id: flood.id } })
    await other.until(() => other.lines().length > 0)
    const client = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: flood.id, tail: 100_000 } })
    await client.until(() => client.lines().length > 0)
    client.socket.pause()
    await flood.remove()
    await other.waitFor(isEvent("container_log_mark", isRemoval))
    client.socket.resume()
    await client.waitFor(isEvent("container_log_mark", isRemoval))
    const made = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "1000"], name: flood.name })
    cleanups.push(made.remove)
    await client.waitFor(isEvent("container_log_mark", ({ data }) => data.mark === "recreated"))
    const marks = client.messages.filter(isEvent("container_log_mark")).map(({ data }) => data.mark)
    expect(marks.filter((mark) => mark === "removed")).toHaveLength(1)
  }, 120_000)

  it("is closed with 4008 when its write stalls, and resumes without loss", async () => {
    const server = await start({ hub: { viewer: { hardBytes: 4 * 1024 * 1024, stall: 1_500 } } })
    const flood = await flooding(written)
    const slow = await connect(server)
    slow.send({ event: "stream_container_logs", data: { container_id: flood.id, tail: 100_000 } })
    await slow.until(() => slow.lines().length > 0)
    slow.socket.pause()
    await poll("the server closes the viewer", () => server.viewers() === 0)
    slow.socket.resume()
    expect([4008, 1006]).toContain(await slow.closed)
    const again = await connect(server)
    const position = lastPosition(slow, roomOf(flood))
    again.send({
      event: "stream_container_logs",
      data: { container_id: flood.id, tail: 100_000, ...(position === undefined ? {} : { position }) }
    })
    const total = () => slow.lines().length + again.lines().length
    await again.until(() => total() >= written, 50_000)
    expect(starts([...slow.lines(), ...again.lines()])).toEqual(numbered(written))
  }, 120_000)
})
