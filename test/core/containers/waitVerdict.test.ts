import { describe, expect, it } from "vitest"
import { lineMatcher } from "../../../packages/core/src/internal/watch/logLineWait.js"
import { portAddress } from "../../../packages/core/src/internal/watch/portProbe.js"
import { judgeHealth, type WaitSubject } from "../../../packages/core/src/internal/watch/waitVerdict.js"

const subject = (
  state: Partial<WaitSubject["State"]>,
  network: Partial<WaitSubject["NetworkSettings"]> = {}
): WaitSubject => ({
  Id: "c",
  Config: {},
  State: { Status: "running", ExitCode: 0, StartedAt: "", FinishedAt: "", ...state },
  NetworkSettings: { Ports: {}, Networks: {}, ...network }
})

describe("a wait's verdict on a container's health", () => {
  it.each([
    [{ Health: { Status: "healthy" } }, "met"],
    [{ Health: { Status: "starting" } }, undefined],
    [{ Health: { Status: "unhealthy" } }, { reason: "Unhealthy", detail: "the container is unhealthy" }],
    [{}, { reason: "Impossible", detail: "the container has no health check" }],
    [{ Health: { Status: "none" } }, { reason: "Impossible", detail: "the container has no health check" }],
    [{ Status: "created" as const }, undefined],
    [
      { Status: "created" as const, Error: "no such file" },
      { reason: "Exited", detail: "the container failed to start: no such file" }
    ],
    [
      { Status: "exited" as const, ExitCode: 137, Error: "out of memory" },
      { reason: "Exited", detail: "the container exited with code 137 (out of memory)" }
    ]
  ])("of %j is %j", (state, verdict) => {
    expect(judgeHealth(subject(state))).toEqual(verdict)
  })
})

describe("the address of a container's port", () => {
  const local = "unix:///var/run/docker.sock"
  const published = (HostIp: string) => subject({}, { Ports: { "80/tcp": [{ HostIp, HostPort: "8080" }] } })
  it("is the published one, on the engine's host", () => {
    expect(portAddress(local, published(""), 80)).toEqual({ host: "127.0.0.1", port: 8080 })
    expect(portAddress(local, published("0.0.0.0"), 80)).toEqual({ host: "127.0.0.1", port: 8080 })
    expect(portAddress(local, published("::"), 80)).toEqual({ host: "::1", port: 8080 })
    expect(portAddress(local, published("10.0.0.2"), 80)).toEqual({ host: "10.0.0.2", port: 8080 })
    expect(portAddress("tcp://[fd00::1]:2375", published("0.0.0.0"), 80)).toEqual({ host: "fd00::1", port: 8080 })
  })

  it("is the container's own where the port is not published, if it has one", () => {
    const networks = { Networks: { none: { IPAddress: "" }, bridge: { IPAddress: "172.17.0.2" } } }
    expect(portAddress(local, subject({}, { Ports: { "80/tcp": null }, ...networks }), 80)).toEqual({
      host: "172.17.0.2",
      port: 80
    })
    expect(portAddress(local, subject({}, { Networks: { none: { IPAddress: "" } } }), 80)).toBeUndefined()
  })
})

it("a line is matched by a text anywhere in it, or a RegExp in its first 16 KiB, each time from the start", () => {
  expect(lineMatcher("ready")("is ready now")).toBe(true)
  const digits = lineMatcher(/\d+/gy)
  expect([digits("1"), digits("1"), digits("x1"), digits("1")]).toEqual([true, true, true, true])
  expect(lineMatcher(/end/)(`${"x".repeat(20_000)}end`)).toBe(false)
})
