import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { SocketEvents } from "@dockwire/server/client"
import { connect } from "@dockwire/server/client"
import { expect, onTestFinished, vi } from "vitest"
import { engineCall } from "../engine/engineRequest.js"
import { itEngine, testEngine } from "../engine/realEngine.js"
import { startServer } from "../engine/serverProcess.js"
import { startTestContainer, uniqueName } from "../engine/testContainer.js"

const counting =
  "trap end=1 USR1; i=0; while [ -z $end ]; do i=$((i+1)); echo number $i; sleep 0.01; done; echo end; sleep 1000"

itEngine(
  "the client continues across restarts of the server: each line once, in order, under the name that was requested",
  async () => {
    const { endpoint } = testEngine()
    const dataDir = await mkdtemp(join(tmpdir(), "dockwire-"))
    let server = await startServer({ endpoint, dataDir })
    const container = await startTestContainer({
      endpoint,
      name: uniqueName("client"),
      cmd: ["sh", "-c", counting]
    })
    const socket = connect(server.url, {
      token: server.token,
      reconnectDelay: 50,
      reconnectDelayMax: 200,
      connectTimeout: 1000
    })
    onTestFinished(async () => {
      socket.disconnect()
      await Promise.all([server.stop("SIGKILL"), container.remove()])
      await rm(dataDir, { recursive: true, force: true })
    })
    const lines: Array<SocketEvents["docker_log"]> = []
    const gaps: Array<SocketEvents["gap"]> = []
    socket.on("docker_log", (line) => lines.push(line))
    socket.on("gap", (gap) => gaps.push(gap))
    socket.emit("stream_container_logs", { container_id: container.name, tail: 10_000 })
    for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
      const before = lines.length
      await vi.waitFor(() => expect(lines.length).toBeGreaterThan(before + 50), { timeout: 20_000 })
      await server.stop(signal)
      server = await startServer({ endpoint, dataDir, port: server.port })
    }
    const before = lines.length
    await vi.waitFor(() => expect(lines.length).toBeGreaterThan(before + 50), { timeout: 20_000 })
    await engineCall(endpoint, "POST", `/containers/${container.id}/kill?signal=USR1`)
    await vi.waitFor(() => expect(lines.at(-1)?.line).toBe("end"), { timeout: 60_000 })
    const texts = lines.map((each) => each.line)
    expect(texts).toEqual([...Array.from(texts.slice(1), (_, index) => `number ${index + 1}`), "end"])
    expect(new Set(lines.map((each) => each.container_id))).toEqual(new Set([container.name]))
    expect(gaps).toEqual([])
  },
  120_000
)
