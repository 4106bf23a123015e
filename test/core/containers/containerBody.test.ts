import { Containers, type ContainerSpec } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { containerBody } from "../../../packages/core/src/internal/containers/spec/encodeContainer.js"
import { mergeProperties } from "../../../packages/core/src/internal/containers/spec/mergeProperties.js"
import { testLabels } from "../../engine/testRun.js"
import { describeBothEngines } from "../bothEngines.js"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** Objects of few keys, so that the keys of two of them meet. */
const properties = FastCheck.letrec<{ readonly object: Record<string, Json>; readonly value: Json }>((tie) => ({
  object: FastCheck.dictionary(FastCheck.constantFrom("a", "b", "c", "__proto__"), tie("value"), { maxKeys: 4 }),
  value: FastCheck.oneof(
    { depthSize: "small" },
    FastCheck.integer(),
    FastCheck.constant(null),
    FastCheck.array(FastCheck.string(), { maxLength: 2 }),
    tie("object")
  )
})).object

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const get = (object: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.getOwnPropertyDescriptor(object, key)?.value

/** Whether each property comes from where it should. */
const check = (
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
  merged: Readonly<Record<string, unknown>>
): void => {
  expect(new Set(Object.keys(merged))).toEqual(new Set([...Object.keys(base), ...Object.keys(over)]))
  for (const key of Object.keys(merged)) {
    const [below, above, result] = [get(base, key), get(over, key), get(merged, key)]
    if (isObject(below) && isObject(above) && isObject(result)) check(below, above, result)
    else expect(result).toEqual(Object.hasOwn(over, key) ? above : below)
  }
}

describe("merged properties", () => {
  it("have all of both, of the later one where they meet", () => {
    FastCheck.assert(
      FastCheck.property(properties, properties, (base, over) => check(base, over, mergeProperties(base, over)))
    )
  })

  it("ignore what is undefined", () => {
    expect(mergeProperties({ a: 1, b: { c: 2 } }, { a: undefined, b: { c: undefined } })).toEqual({ a: 1, b: { c: 2 } })
    expect(mergeProperties({ a: undefined }, { a: { b: 1 } })).toEqual({ a: { b: 1 } })
  })
})

const mebibytes = 1024 * 1024

/** Fields of a spec that meet properties of `config` and `hostConfig`, and what `inspect` must show of both. */
const cases: ReadonlyArray<readonly [name: string, spec: Partial<ContainerSpec>, raw: object]> = [
  [
    "HostConfig",
    {
      binds: ["/tmp:/host:ro"],
      config: { HostConfig: { Memory: 64 * mebibytes, ReadonlyRootfs: true } },
      hostConfig: { Memory: 32 * mebibytes, CapDrop: ["NET_RAW"] }
    },
    {
      HostConfig: { Binds: ["/tmp:/host:ro"], Memory: 32 * mebibytes, ReadonlyRootfs: true, CapDrop: ["NET_RAW"] }
    }
  ],
  [
    "ports",
    {
      ports: [{ containerPort: 80, hostIp: "127.0.0.1" }],
      config: { ExposedPorts: { "90/tcp": {} } },
      hostConfig: { PortBindings: { "70/udp": [{ HostIp: "127.0.0.1", HostPort: "" }] } }
    },
    {
      Config: { ExposedPorts: { "80/tcp": {}, "90/tcp": {} } },
      HostConfig: {
        PortBindings: {
          "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }],
          "70/udp": [{ HostIp: "127.0.0.1", HostPort: "" }]
        }
      }
    }
  ],
  [
    "labels",
    { labels: testLabels({ a: "1", b: "2" }), config: { Labels: { b: "3" } } },
    { Config: { Labels: testLabels({ a: "1", b: "3" }) } }
  ],
  [
    "arrays",
    { command: ["sleep", "1"], environment: { A: "1" }, config: { Cmd: ["true"], Env: ["B=2"] } },
    { Config: { Cmd: ["true"], Env: expect.not.arrayContaining(["A=1"]) } }
  ],
  ["scalars", { user: "1000", config: { User: "0", StopTimeout: 3 } }, { Config: { User: "0", StopTimeout: 3 } }],
  [
    "nested objects",
    {
      log: { driver: "json-file", options: { "max-size": "1m" } },
      restart: { policy: "on-failure", maximumRetryCount: 2 },
      hostConfig: { LogConfig: { Config: { "max-file": "2" } }, RestartPolicy: { MaximumRetryCount: 5 } }
    },
    {
      HostConfig: {
        LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "2" } },
        RestartPolicy: { Name: "on-failure", MaximumRetryCount: 5 }
      }
    }
  ],
  [
    "NetworkingConfig",
    { network: "bridge", config: { NetworkingConfig: { EndpointsConfig: { bridge: {} } } } },
    { HostConfig: { NetworkMode: "bridge" }, NetworkSettings: { Networks: { bridge: {} } } }
  ]
]

describeBothEngines(
  "a container is created with both the fields of its spec and",
  Object.fromEntries(
    cases.map(([name, spec, raw]) => [
      name,
      () =>
        Effect.gen(function* () {
          const containers = yield* Containers
          const { id } = yield* Effect.acquireRelease(
            containers.create({ image: "busybox:latest", command: ["true"], labels: testLabels(), ...spec }),
            ({ id }) => Effect.ignore(containers.remove(id, { force: true }))
          )
          expect((yield* containers.inspect(id)).raw).toMatchObject(raw)
        })
    ])
  )
)

describe("the body of a create request", () => {
  it("has the typed settings where the engine reads them", () => {
    expect(
      containerBody({
        image: "busybox",
        hostname: "web",
        memory: 64 * mebibytes,
        cpus: 1.5,
        stopSignal: "SIGINT",
        tmpfs: { "/run": "size=1m" },
        healthCheck: { command: "true", interval: "1.5 seconds", timeout: 500, retries: 2, startPeriod: "1 minute" },
        mounts: [
          { type: "bind", source: "/a", target: "/b", readOnly: true, propagation: "rshared" },
          { type: "volume", target: "/c", noCopy: true },
          { type: "tmpfs", target: "/d", size: 1, mode: 0o700 }
        ]
      })
    ).toMatchObject({
      Hostname: "web",
      StopSignal: "SIGINT",
      Healthcheck: {
        Test: ["CMD-SHELL", "true"],
        Interval: 1_500_000_000,
        Timeout: 500_000_000,
        Retries: 2,
        StartPeriod: 60_000_000_000
      },
      HostConfig: {
        Memory: 64 * mebibytes,
        NanoCpus: 1_500_000_000,
        Tmpfs: { "/run": "size=1m" },
        Mounts: [
          { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true, BindOptions: { Propagation: "rshared" } },
          { Type: "volume", Target: "/c", VolumeOptions: { NoCopy: true } },
          { Type: "tmpfs", Target: "/d", TmpfsOptions: { SizeBytes: 1, Mode: 0o700 } }
        ]
      }
    })
  })
})
