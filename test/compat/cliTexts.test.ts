import {
  configure,
  dispose,
  get_container_stats,
  get_containers,
  get_images,
  get_networks,
  get_volumes
} from "@dockwire/compat"
import { createHash } from "node:crypto"
import { afterEach, beforeEach, describe, expect } from "vitest"
import { jsonAt } from "../engine/engineRequest.js"
import { itDockerCli } from "../engine/itDockerCli.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { createTestContainer, startTestContainer } from "../engine/testContainer.js"
import { containerFields, fields, imageFields, listed, printed } from "./cliRows.js"
import { createdDate } from "../../packages/compat/src/text/createdText.js"
import { startAnswers } from "./startAnswers.js"

let warnings: Array<string> = []

beforeEach(() => {
  warnings = []
})
afterEach(async () => {
  configure({})
  await dispose()
})

const connect = (endpoint: string) => configure({ endpoint, warn: (message) => void warnings.push(message) })

const hex = (text: string) => createHash("sha256").update(text).digest("hex")

/** A small source of numbers that are the same in each run. */
const numbers = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const next = numbers(7)
const oneOf = <A>(values: ReadonlyArray<A>): A => {
  const value = values[next(values.length)]
  if (value === undefined) throw new Error("no value")
  return value
}

const statuses = [
  "Up Less than a second",
  "Up 1 second",
  "Up 59 seconds (health: starting)",
  "Up About a minute (healthy)",
  "Up 2 hours (Paused)",
  "Exited (0) 3 weeks ago",
  "Exited (137) 5 months ago",
  "Exited (0) 2 years ago",
  "Restarting (1) 4 seconds ago",
  "Created",
  "Dead",
  ""
]

const images = [
  "nginx",
  "busybox:1",
  "localhost:5000/a/b:c",
  "docker.io/library/x:1",
  "docker.io/team/x",
  "Odd Name",
  ""
].flatMap((image) => [image, image === "" ? "" : `${image}@sha256:${hex("digest")}`])

const ages = [0, 1, 59, 60, 3_599, 86_400, 86_400 * 40, 86_400 * 400, 86_400 * 365 * 30]

const port = () => {
  const privatePort = oneOf([79, 80, 81, 82, 443, 53, 9_000, 65_535])
  const published = next(3) > 0
  return {
    ...(published
      ? { IP: oneOf(["0.0.0.0", "::", "127.0.0.1", "::1"]), PublicPort: oneOf([privatePort, privatePort, 18_080, 0]) }
      : {}),
    PrivatePort: privatePort,
    Type: oneOf(["tcp", "tcp", "udp", "sctp"])
  }
}

/** Ports that the docker command compares as equal come in the order of its sort, which is not stable. */
const distinct = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values()
]

const container = (index: number) => {
  const imageId = hex(`image ${index}`)
  return {
    Id: hex(`container ${index}`),
    Names: next(4) === 0 ? [`/link/alias-${index}`, `/web-${index}`] : [`/web-${index}`],
    Image: next(6) === 0 ? oneOf([imageId, `sha256:${imageId}`, imageId.slice(0, 12)]) : oneOf(images),
    ImageID: `sha256:${imageId}`,
    Command: "sh",
    Created: Math.floor(Date.now() / 1000) - oneOf(ages),
    Ports: distinct(Array.from({ length: next(7) }, port)),
    Labels: {},
    State: "running",
    Status: oneOf(statuses),
    HostConfig: { NetworkMode: "bridge" },
    NetworkSettings: { Networks: {} },
    Mounts: []
  }
}

const image = (index: number) => {
  const name = oneOf(["busybox", "localhost:5000/a/b", "docker.io/library/c", "team/d"])
  const digest = `${name}@sha256:${hex(`digest ${index}`)}`
  const shape = next(5)
  return {
    Id: `sha256:${hex(`image ${index}`)}`,
    ParentId: "",
    RepoTags: shape === 0 ? null : shape === 1 ? ["<none>:<none>"] : shape === 2 ? [] : [`${name}:${index}`],
    RepoDigests: shape === 1 ? ["<none>@<none>"] : shape === 0 ? null : shape === 3 ? [] : [digest],
    Created: Math.floor(Date.now() / 1000) - oneOf(ages),
    Size: Math.floor(10 ** (next(1_300) / 100)),
    SharedSize: -1,
    Containers: -1,
    Labels: null
  }
}

const name = () => Array.from({ length: 1 + next(6) }, () => oneOf("ab019_-.AZ".split(""))).join("")

const answers: Readonly<Record<string, unknown>> = {
  "/containers/json": Array.from({ length: 300 }, (_, index) => container(index)),
  "/images/json": Array.from({ length: 300 }, (_, index) => image(index)),
  "/volumes": {
    Volumes: distinct(Array.from({ length: 100 }, () => name())).map((Name) => ({
      Name,
      Driver: oneOf(["local", "plugin:latest"]),
      Mountpoint: `/volumes/${Name}`,
      Scope: "local",
      Labels: null,
      Options: null
    })),
    Warnings: null
  },
  "/networks": distinct(Array.from({ length: 100 }, () => name())).map((Name) => ({
    Name,
    Id: hex(`network ${Name}`),
    Created: oneOf(["2026-11-30T13:13:18.409036299Z", "0001-01-01T00:00:00Z"]),
    Scope: oneOf(["local", "swarm"]),
    Driver: oneOf(["bridge", "overlay"]),
    EnableIPv6: false,
    Internal: false,
    IPAM: { Driver: "default", Options: null, Config: [] },
    Containers: {},
    Options: null,
    Labels: {}
  }))
}

describe("the same lists, as the docker command prints them", () => {
  itDockerCli("of containers, images, volumes and networks", async (docker) => {
    const lists = await startAnswers(answers)
    connect(lists.endpoint)
    const [ps, ls, volumes, networks] = await Promise.all([
      printed(docker, lists.endpoint, ["ps", "-a"]),
      printed(docker, lists.endpoint, ["images"]),
      printed(docker, lists.endpoint, ["volume", "ls"]),
      printed(docker, lists.endpoint, ["network", "ls"])
    ])
    expect(fields(await get_containers(), "id", "name", "image", "status", "created", "ports")).toEqual(
      containerFields(ps)
    )
    expect(fields(await get_images(), "repository", "tag", "id", "created", "size")).toEqual(imageFields(ls))
    expect(fields(await get_volumes(), "name", "driver", "mountpoint")).toEqual(
      fields(volumes, "Name", "Driver", "Mountpoint")
    )
    const found = await get_networks()
    expect(fields(found, "id", "name", "driver", "scope")).toEqual(fields(networks, "ID", "Name", "Driver", "Scope"))
    expect(found.map(({ created }) => created)).toEqual(
      fields(networks, "CreatedAt").map(([text]) =>
        createdDate(String(text).replace(" ", "T").replace(" +0000 UTC", "Z"))
      )
    )
    expect(warnings).toEqual([])
    await dispose()
    await lists.close()
  })
})

describeEngine("the objects of an engine, as the docker command prints them", () => {
  itDockerCli("in the usage of containers", async (docker) => {
    const { endpoint } = testEngine()
    connect(endpoint)
    const make = { endpoint, cmd: ["sleep", "300"] }
    const all = await Promise.all([startTestContainer(make), createTestContainer(make)])
    try {
      for (const one of all) {
        const [usage, [success, row]] = await Promise.all([
          printed(docker, endpoint, ["stats", "--no-stream", one.name]),
          get_container_stats(one.name)
        ])
        expect(success).toBe(true)
        // What a container uses, and how much of the processor, changes from one look to the next.
        const steady = ["Container", "ID", "Name", "PIDs", "BlockIO"]
        expect(fields([row], ...steady)).toEqual(fields(usage, ...steady))
        expect(Object.keys(row).toSorted()).toEqual(Object.keys(Object(usage[0])).toSorted())
        for (const [key, text] of Object.entries(row)) {
          const shape = (value: unknown) =>
            String(value)
              .replaceAll(/[\d.]+/g, "0")
              .replaceAll(/[kKM]i?B/g, "B")
          expect([key, shape(text)]).toEqual([key, shape(jsonAt(usage[0], key))])
        }
      }
      expect(warnings).toEqual([])
    } finally {
      await Promise.all(all.map(({ remove }) => remove()))
    }
  })

  itDockerCli("in the lists of images, volumes and networks", async (docker) => {
    const { endpoint } = testEngine()
    connect(endpoint)
    // Other tests make and remove things at the same time.
    const same = async (look: () => Promise<unknown>, list: () => Promise<unknown>) => {
      const [shown, found] = await listed(look, list)
      expect(found).toEqual(shown)
    }
    // The engine gives out images of the same time in an order that changes.
    const sorted = (rows: ReadonlyArray<ReadonlyArray<unknown>>) => rows.map((row) => row.join()).toSorted()
    await same(
      async () => sorted(imageFields(await printed(docker, endpoint, ["images"]))),
      async () => sorted(fields(await get_images(), "repository", "tag", "id", "created", "size"))
    )
    await same(
      async () => fields(await printed(docker, endpoint, ["volume", "ls"]), "Name", "Driver", "Mountpoint"),
      async () => fields(await get_volumes(), "name", "driver", "mountpoint")
    )
    await same(
      async () => fields(await printed(docker, endpoint, ["network", "ls"]), "ID", "Name", "Driver", "Scope"),
      async () => fields(await get_networks(), "id", "name", "driver", "scope")
    )
  })
})
