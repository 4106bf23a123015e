import { describe, expect, it } from "vitest"
import { lineMatcher } from "../../../packages/core/src/internal/watch/logLineWait.js"
import { portAddresses } from "../../../packages/core/src/internal/watch/portProbe.js"
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

describe("the addresses of a container's port", () => {
  const local = "unix:///var/run/docker.sock"
  const remote = "ssh://me@build.example"
  const published = (...hostIps: ReadonlyArray<string>) => ({
    Ports: { "80/tcp": hostIps.map((HostIp) => ({ HostIp, HostPort: "8080" })) }
  })
  const bridge = { Networks: { bridge: { IPAddress: "172.17.0.2" } } }
  const inMode = (NetworkMode: string) => ({ ...subject({}), HostConfig: { NetworkMode } })

  it.each([
    ["published", local, subject({}, published("")), ["127.0.0.1 8080"]],
    ["published on every address", local, subject({}, published("0.0.0.0", "::")), ["127.0.0.1 8080", "::1 8080"]],
    ["published on one address", local, subject({}, published("10.0.0.2")), ["10.0.0.2 8080"]],
    [
      "published, whatever its networks",
      local,
      subject({}, { ...published("0.0.0.0"), ...bridge }),
      ["127.0.0.1 8080"]
    ],
    [
      "published on a remote engine",
      remote,
      subject({}, published("0.0.0.0", "::")),
      ["build.example 8080", "build.example 8080"]
    ],
    ["published, with IPv6 endpoint", "tcp://[fd00::1]:2375", subject({}, published("0.0.0.0")), ["fd00::1 8080"]],
    ["published, with an endpoint on this machine", "tcp://localhost:2375", subject({}, published("::")), ["::1 8080"]],
    [
      "published on a remote engine's loopback",
      remote,
      subject({}, { ...published("127.0.0.1"), ...bridge }),
      ["172.17.0.2 80"]
    ],
    ["published on a remote engine's loopback only", remote, subject({}, published("127.0.0.1")), []],
    ["exposed and not published", local, subject({}, { Ports: { "80/tcp": null }, ...bridge }), ["172.17.0.2 80"]],
    ["of the host's network", local, inMode("host"), ["127.0.0.1 80", "::1 80"]],
    ["of the host's network on a remote engine", remote, inMode("host"), ["build.example 80"]],
    ["of the host's network, with a TCP endpoint", "tcp://10.1.2.3:2375", inMode("host"), ["10.1.2.3 80"]],
    [
      "of several networks, also a macvlan with IPv6 only",
      local,
      subject(
        {},
        {
          Networks: {
            none: { IPAddress: "" },
            lan: { IPAddress: "", GlobalIPv6Address: "fd01::5" },
            both: { IPAddress: "10.9.0.2", GlobalIPv6Address: "fd02::2" }
          }
        }
      ),
      ["fd01::5 80", "10.9.0.2 80", "fd02::2 80"]
    ],
    ["of no network", local, subject({}, { Networks: { none: { IPAddress: "" } } }), []],
    [
      "with odd addresses",
      local,
      subject({}, { Networks: { a: {}, b: { IPAddress: null }, c: { IPAddress: "invalid IP" } } }),
      []
    ]
  ] as const)("%s", (_, endpoint, container, addresses) => {
    expect(portAddresses(endpoint, container, 80).map(({ host, port }) => `${host} ${port}`)).toEqual(addresses)
  })
})

it("a line is matched by a text anywhere in it, or a RegExp in its first 16 KiB, each time from the start", () => {
  expect(lineMatcher("ready")("is ready now")).toBe(true)
  const digits = lineMatcher(/\d+/gy)
  expect([digits("1"), digits("1"), digits("x1"), digits("1")]).toEqual([true, true, true, true])
  expect(lineMatcher(/end/)(`${"x".repeat(20_000)}end`)).toBe(false)
})
