import {
  configure,
  dispose,
  get_containers,
  get_images,
  inspect_container,
  inspect_image,
  inspect_network,
  pull_image
} from "@dockwire/compat"
import { afterAll, beforeAll, expect } from "vitest"
import { eventually } from "../core/eventually.js"
import { engineCall, engineRequest, jsonAt } from "../engine/engineRequest.js"
import { freePort } from "../engine/freePort.js"
import { itDockerCli, type RunDocker } from "../engine/itDockerCli.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../engine/registryFront.js"
import { registryImage } from "../engine/registryImage.js"
import {
  createTestContainer,
  startTestContainer,
  type TestContainer,
  type TestContainerOptions,
  uniqueName
} from "../engine/testContainer.js"
import { testLabels } from "../engine/testRun.js"
import { containerFields, fields, imageFields, listed, outputOf, printed } from "./cliRows.js"
import { startAnswers } from "./startAnswers.js"

/** A container that publishes three ports in a row, to IPv4 and to IPv6. */
const startWithRange = async (options: TestContainerOptions): Promise<TestContainer> => {
  for (let tries = 0; ; tries++) {
    const first = await freePort()
    const ports = [first, first + 1, first + 2]
    const own = ports.map((port) => [
      `${port}/tcp`,
      ["127.0.0.1", "::1"].map((HostIp) => ({ HostIp, HostPort: `${port}` }))
    ])
    const exposed = [...ports.map((port) => `${port}/tcp`), "700/udp", "701/udp", "702/udp", "704/udp"]
    const container = await createTestContainer({
      ...options,
      config: { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) },
      hostConfig: { PortBindings: Object.fromEntries(own) }
    })
    try {
      await container.start()
      return container
    } catch (error) {
      // Somebody else may have one of the ports.
      await container.remove()
      if (tries === 5) throw error
    }
  }
}

/** Without the lines that an engine leaves out where a step is over before it is told. */
const lasting = (output: string) => output.trimEnd().replaceAll(/^.*: Verifying Checksum\n/gm, "")

describeEngine("what an engine has, as the docker command prints it", () => {
  let front: RegistryFront
  const closing: Array<() => Promise<unknown>> = []

  beforeAll(async () => {
    configure({ endpoint: testEngine().endpoint })
    front = await startRegistryFront()
  })
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
    await front.stop()
    configure({})
    await dispose()
  })

  const keep = (container: TestContainer): TestContainer => {
    closing.push(container.remove)
    return container
  }

  /** Their ages change from one look to the next, so both get the same answer of the engine: the first with these states. */
  const expectSameContainers = async (
    docker: RunDocker,
    all: ReadonlyArray<TestContainer>,
    states: ReadonlyArray<RegExp> = []
  ) => {
    const { endpoint } = testEngine()
    const filters = encodeURIComponent(JSON.stringify({ id: all.map(({ id }) => id) }))
    const list = async () => (await engineCall(endpoint, "GET", `/v1.45/containers/json?all=1&filters=${filters}`)).json
    let answer: unknown
    await eventually(async () => {
      answer = await list()
      return states.filter((state) => !state.test(JSON.stringify(answer)))
    }).toEqual([])
    const answers = await startAnswers({ "/containers/json": answer })
    const shown = containerFields(await printed(docker, answers.endpoint, ["ps", "-a"]))
    configure({ endpoint: answers.endpoint })
    const rows = await get_containers()
    configure({ endpoint })
    await answers.close()
    expect(fields(rows, "id", "name", "image", "status", "created", "ports")).toEqual(shown)
    expect(rows).toHaveLength(all.length)
    return rows
  }

  const expectSameObject = async (docker: RunDocker, kind: string, name: string, found: unknown) => {
    const answer: unknown = JSON.parse(await outputOf(docker, testEngine().endpoint, [kind, "inspect", name]))
    expect(found).toEqual([true, jsonAt(answer, 0)])
  }

  itDockerCli("of containers in every state, in several networks, with ports in a row", async (docker) => {
    const { endpoint } = testEngine()
    const make = { endpoint, cmd: ["sleep", "300"] }
    const health = (test: string) => ({ config: { Healthcheck: { Test: ["CMD", test], Interval: 1e9, Retries: 1 } } })
    const always = { RestartPolicy: { Name: "always" } }
    const networks = [uniqueName("net"), uniqueName("net")]
    for (const Name of networks) {
      await engineCall(endpoint, "POST", "/networks/create", { Name, Labels: testLabels() })
      closing.push(() => engineRequest(endpoint, "DELETE", `/networks/${Name}`))
    }
    const all = await Promise.all([
      startTestContainer({ ...make, cmd: ["sh", "-c", "exit 4"], hostConfig: always }),
      startTestContainer({ ...make, ...health("true") }),
      startTestContainer({ ...make, ...health("false") }),
      startTestContainer(make),
      startWithRange(make),
      startTestContainer({ ...make, cmd: ["sh", "-c", "exit 3"] }),
      createTestContainer(make)
    ])
    const [restarting, healthy, unhealthy, paused, ranged, exited, created] = all
    for (const one of all) keep(one)
    await engineCall(endpoint, "POST", `/containers/${paused.id}/pause`)
    closing.push(() => engineRequest(endpoint, "POST", `/containers/${paused.id}/unpause`))
    for (const Name of networks) {
      await engineCall(endpoint, "POST", `/networks/${Name}/connect`, { Container: ranged.id })
    }
    await expectSameObject(docker, "container", ranged.name, await inspect_container(ranged.name))
    for (const name of networks) await expectSameObject(docker, "network", name, await inspect_network(name))

    const states = [/"Restarting \(4\) /, /\(healthy\)"/, /\(unhealthy\)"/, /\(Paused\)"/, /"Exited \(3\) /]
    const rows = new Map((await expectSameContainers(docker, all, states)).map((row) => [row.name, row]))
    expect(rows.get(restarting.name)?.status).toMatch(/^Restarting \(4\) /)
    expect(rows.get(healthy.name)?.status).toMatch(/^Up .* \(healthy\)$/)
    expect(rows.get(unhealthy.name)?.status).toMatch(/^Up .* \(unhealthy\)$/)
    expect(rows.get(paused.name)?.status).toMatch(/^Up .* \(Paused\)$/)
    expect(rows.get(exited.name)?.status).toMatch(/^Exited \(3\) /)
    expect(rows.get(created.name)?.status).toBe("Created")
    expect(rows.get(ranged.name)?.ports).toMatch(
      /^700-702\/udp, 704\/udp, 127\.0\.0\.1:(\d+)-(\d+)->\1-\2\/tcp, \[::1\]:\1-\2->\1-\2\/tcp$/
    )
  })

  itDockerCli("of an image that is pulled, has many tags, or is known by its digest only", async (docker) => {
    const { endpoint } = testEngine()
    const forget = (reference: string) => engineRequest(endpoint, "DELETE", `/images/${reference}?force=1`)
    const [repository, other] = [uniqueName("pull"), uniqueName("digest")]
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()
    const image = registryImage({ layers: [1_000_000], created: ago(5) })
    const unnamed = registryImage({ layers: [1_000], created: ago(12 * 365 * 86_400) })
    front.add(repository, "latest", image)
    front.add(other, "1", unnamed)
    front.break(repository, { kind: "throttle", bytesPerSecond: 2_000_000 })
    const name = `${front.host}/${repository}`
    const byDigest = `${front.host}/${other}@${unnamed.manifest.digest}`
    closing.push(() => Promise.all([name, `${name}:2`, `${other}:3`, byDigest].map(forget)))

    const expected = await outputOf(docker, endpoint, ["pull", name])
    await forget(name)
    const lines: Array<string> = []
    const times: Array<number> = []
    const log = {
      add_log_line: (line: string) => {
        lines.push(line)
        times.push(performance.now())
      },
      complete: (success: boolean) => void lines.push(`complete ${success}`)
    }
    const [success, output] = await pull_image(name, log)
    expect([success, lasting(output)]).toEqual([true, lasting(expected)])
    expect(lines).toEqual([
      `Starting docker pull for ${name}`,
      ...output.split("\n"),
      `Image ${name} pulled successfully`,
      "complete true"
    ])
    // The layer takes half a second.
    const at = (end: string) => times[lines.findIndex((line) => line.endsWith(end))] ?? Number.NaN
    expect(at("Download complete") - at("Pulling fs layer")).toBeGreaterThan(300)
    const again = await outputOf(docker, endpoint, ["pull", name])
    expect(await pull_image(name)).toEqual([true, again.trimEnd()])
    expect(again).toContain("Image is up to date")
    const once = await outputOf(docker, endpoint, ["pull", byDigest])
    await forget(byDigest)
    const [isPulled, printedOnce] = await pull_image(byDigest)
    expect([isPulled, lasting(printedOnce)]).toEqual([true, lasting(once)])

    for (const [repo, tag] of [
      [name, "2"],
      [other, "3"]
    ] as const) {
      await engineCall(endpoint, "POST", `/images/${name}/tag?repo=${encodeURIComponent(repo)}&tag=${tag}`)
    }
    const ours = (rows: ReadonlyArray<ReadonlyArray<unknown>>) =>
      rows
        .filter(([repo]) => [name, other, `${front.host}/${other}`].includes(String(repo)))
        .map((row) => row.join(" "))
        .toSorted()
    const [shown, found] = await listed(
      async () => ours(imageFields(await printed(docker, endpoint, ["images"]))),
      async () => ours(fields(await get_images(), "repository", "tag", "id", "created", "size"))
    )
    expect(found).toEqual(shown)
    expect(found.map((row) => row.split(" ").slice(0, 2).join(":"))).toEqual(
      [`${name}:2`, `${name}:latest`, `${other}:3`, `${front.host}/${other}:<none>`].toSorted()
    )
    for (const reference of [name, byDigest]) {
      await expectSameObject(docker, "image", reference, await inspect_image(reference))
    }

    const containers = [name, byDigest, `${other}:3`].map((reference) =>
      createTestContainer({ endpoint, image: reference, cmd: ["sh"] }).then(keep)
    )
    const all = await Promise.all(containers)
    // The name that a container was made from may be gone.
    await forget(`${other}:3`)
    const rows = await expectSameContainers(docker, all)
    expect(rows.map((row) => row.image)).toContain(name)
    for (const container of all) await container.remove()
  })
})
