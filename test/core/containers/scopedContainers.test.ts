import { Containers, type ContainerSpec, Docker, Networks, Volumes } from "@dockwire/core"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { afterAll, beforeAll, expect, it } from "vitest"
import { busyboxImage } from "../../engine/busyboxImage.js"
import { engineCall, jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainer, uniqueName } from "../../engine/testContainer.js"
import { testLabels } from "../../engine/testRun.js"
import { eventually } from "../eventually.js"
import { roundsOf } from "../../whole/isWhole.js"
import { randomness } from "../logs/randomness.js"
import { runWith } from "../runWith.js"

const containerCount = 50
const rounds = roundsOf({ quick: 8, whole: 30 })
const roundLabel = "dockwire.scoped-round"

const services = () =>
  Layer.mergeAll(Containers.layer, Networks.layer, Volumes.layer).pipe(
    Layer.provide(Docker.layer({ endpoint: testEngine().endpoint }))
  )

/** Everything that has the label of a round. */
const leftBehind = async (round: string): Promise<ReadonlyArray<string>> => {
  const { endpoint } = testEngine()
  const filters = encodeURIComponent(JSON.stringify({ label: [`${roundLabel}=${round}`] }))
  const list = async (path: string, kind: string, id: string, key?: string) => {
    const { json } = await engineCall(endpoint, "GET", `${path}filters=${filters}`)
    const items: unknown = key === undefined ? json : jsonAt(json, key)
    return Array.isArray(items) ? items.map((item: unknown) => `${kind} ${String(jsonAt(item, id))}`) : []
  }
  const found = await Promise.all([
    list("/containers/json?all=1&", "container", "Id"),
    list("/networks?", "network", "Name"),
    list("/volumes?", "volume", "Name", "Volumes")
  ])
  return found.flat()
}

describeEngine("many scoped containers", () => {
  let holder: TestContainer
  let takenPort = 0
  beforeAll(async () => {
    holder = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sleep", "3600"],
      config: { ExposedPorts: { "80/tcp": {} } },
      hostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } }
    })
    const ports = jsonAt(await holder.inspect(), "NetworkSettings", "Ports", "80/tcp", 0, "HostPort")
    takenPort = Number(ports)
    expect(takenPort).toBeGreaterThan(0)
  })
  afterAll(() => holder?.remove())

  /** Creates the containers, eight at a time. Every second one publishes a port that is in use. */
  const program = (round: string, onError: (error: unknown) => void, ignoreErrors: boolean) =>
    Effect.scoped(
      Effect.gen(function* () {
        const labels = testLabels({ [roundLabel]: round })
        const containers = yield* Containers
        const network = yield* (yield* Networks).scoped({ name: round, labels })
        const volume = yield* (yield* Volumes).scoped({ labels })
        const spec = (index: number): ContainerSpec => ({
          image: busyboxImage,
          name: `${round}-${index}`,
          command: ["sleep", "600"],
          labels,
          network: network.id,
          binds: [`${volume.name}:/data`],
          ...(index % 2 === 0 ? {} : { ports: [{ containerPort: 80, hostIp: "127.0.0.1", hostPort: takenPort }] })
        })
        yield* Effect.forEach(
          Array.from({ length: containerCount }, (_, index) => index),
          (index) => {
            const one = containers
              .scoped(spec(index))
              .pipe(Effect.tapError((error) => Effect.sync(() => onError(error))))
            // With `ignoreErrors`, all containers are tried.
            return ignoreErrors ? Effect.ignore(one) : Effect.asVoid(one)
          },
          { concurrency: 8, discard: true }
        )
        yield* Effect.never
      })
    )

  it(
    `leave nothing behind and report their first error, whenever they are interrupted (${rounds} rounds)`,
    async () => {
      const random = randomness("interrupted scoped containers")
      const seen = { interruptedOnly: 0, failed: 0, errors: 0 }
      for (let index = 0; index < rounds; index++) {
        const round = uniqueName("round")
        const ignoreErrors = random.pick([true, false])
        const wait = random.between(0, random.pick(ignoreErrors ? [100, 700, 2_500] : [100, 1_500]))
        const where = `round ${index + 1}, interrupted after ${wait} ms${ignoreErrors ? ", ignoring errors" : ""}`
        const errors: Array<unknown> = []
        const exit = await runWith(
          services(),
          Effect.gen(function* () {
            const fiber = yield* Effect.fork(program(round, (error) => void errors.push(error), ignoreErrors))
            yield* Effect.sleep(wait)
            return yield* Fiber.interrupt(fiber)
          })
        )
        const cause = Exit.isFailure(exit) ? exit.cause : Cause.empty
        expect(Exit.isFailure(exit), where).toBe(true)
        expect(Chunk.toReadonlyArray(Cause.defects(cause)), where).toEqual([])
        const failures: ReadonlyArray<unknown> = Chunk.toReadonlyArray(Cause.failures(cause))
        const [first] = errors
        for (const error of errors) {
          expect(error, where).toMatchObject({
            _tag: "InvalidRequest",
            field: "ports",
            value: `127.0.0.1:${takenPort}`,
            detail: expect.stringContaining("port is already allocated")
          })
        }
        if (ignoreErrors) expect(failures, where).toEqual([])
        else if (first !== undefined) expect(failures[0], where).toBe(first)
        else expect(failures, where).toEqual([])
        if (failures.length === 0) expect(Cause.isInterruptedOnly(cause), where).toBe(true)
        seen.errors += errors.length
        if (failures.length === 0) seen.interruptedOnly++
        else seen.failed++
        await eventually(() => leftBehind(round)).toEqual([])
      }
      // Otherwise the delays were badly chosen and the test proves little.
      if (rounds >= 30) expect(Math.min(seen.interruptedOnly, seen.failed), JSON.stringify(seen)).toBeGreaterThan(0)
      console.log(`${rounds} rounds: ${JSON.stringify(seen)}`)
    },
    rounds * 30_000
  )
})
