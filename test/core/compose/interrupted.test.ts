import { type Compose, Operation, type OperationEvent } from "@dockwire/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { readdir, readFile } from "node:fs/promises"
import { afterAll, beforeAll, expect, it } from "vitest"
import { testedEdition } from "../../engine/composeEditions.js"
import { describeCompose } from "../../engine/describeCompose.js"
import { processesIn } from "../../engine/processesIn.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { registryImage } from "../../engine/registryImage.js"
import { testProjectName } from "../../engine/testRun.js"
import { writeProject } from "./projectFiles.js"
import { onCompose, ran } from "./runCompose.js"

type Service = Effect.Effect.Success<typeof Compose>
type Project = { readonly directory: string; readonly name: string }

/** An operation that is interrupted at some moment. */
interface Row {
  readonly files: (host: string) => Readonly<Record<string, string>>
  /** What is done before. */
  readonly before?: (compose: Service, project: Project) => ReturnType<Service["up"]>
  readonly run: (compose: Service, project: Project) => ReturnType<Service["up"]>
  /** Whether this is the moment. */
  readonly at: (event: OperationEvent) => boolean
  /** What else has to be so by then. */
  readonly when?: (front: RegistryFront) => boolean
  /** Whether compose has ended by then: it is not compose that is waited for. */
  readonly isAfterCompose?: true
  /** What is left, with the project's name as `{name}`. */
  readonly left: RegExp
  /** What must end on the engine, too. */
  readonly ends?: (front: RegistryFront) => boolean | Promise<boolean>
}

const says =
  (id: string, status: string) =>
  (event: OperationEvent): boolean =>
    event._tag === "OperationProgress" && event.id.includes(id) && event.status === status

/** Whether no process of this machine has a word in its command line. A build step of the engine is one of them. */
const noProcess = async (word: string): Promise<boolean> => {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, "latin1").catch(() => "")))
  return !lines.some((line) => line.includes(word))
}

/** An image whose download takes longer than the test. */
const pulling = (repository: string) => ({
  files: (host: string) => ({ "compose.yaml": `services: { web: { image: "${host}/${repository}:1" } }\n` }),
  at: says("service web", "Pulling"),
  when: (front: RegistryFront) => front.openResponses(repository) > 0,
  ends: (front: RegistryFront) => front.openResponses(repository) === 0,
  left: /: nothing is left\./
})
const one = (more: string) => `services: { web: { image: busybox, command: sleep 600, ${more} } }\n`

/** The step of a build that takes long, known by the number of its seconds. */
const longStep = `sleep ${600_000 + Math.floor(Math.random() * 100_000)}`

const rows: Readonly<Record<string, Row>> = {
  "up, while an image is pulled": { ...pulling("slow-up"), run: (compose, project) => compose.up(project) },
  "pull, while an image is pulled": { ...pulling("slow-pull"), run: (compose, project) => compose.pull(project) },
  "up, while an image is built": {
    files: () => ({
      "compose.yaml": "services: { web: { build: . } }\n",
      Dockerfile: `FROM busybox\nRUN ${longStep}\n`
    }),
    run: (compose, project) => compose.up(project),
    at: (event) => event._tag === "OperationLine" && event.text.includes(`RUN ${longStep}`),
    left: /: nothing is left\./,
    ends: () => noProcess(longStep)
  },
  "up, while containers are created": {
    files: () => ({
      "compose.yaml": `services:\n${Array.from({ length: 6 }, (_, index) => `  web${index}: { image: busybox, command: sleep 600, stop_grace_period: 0s${index === 0 ? "" : `, depends_on: [web${index - 1}]`} }`).join("\n")}\n`
    }),
    run: (compose, project) => compose.up(project),
    at: says("-web1-1", "Creating"),
    // As many of them as the engine has been asked for by the time that compose ends.
    left: /: containers? {name}-web0-1 \((?:created|running)\).*; network {name}_default\./
  },
  "up, while a service waits for another one": {
    files: () => ({
      "compose.yaml": `services:
  web: { image: busybox, command: sleep 600, network_mode: none, depends_on: { db: { condition: service_healthy } } }
  db: { image: busybox, command: sleep 600, network_mode: none, healthcheck: { test: "false", interval: 1s, retries: 1000 } }
`
    }),
    run: (compose, project) => compose.up(project),
    at: says("-db-1", "Waiting"),
    left: /: containers {name}-db-1 \(running\), {name}-web-1 \(created\)\./
  },
  "up, while it is waited for": {
    files: () => ({
      "compose.yaml": one(`network_mode: none, healthcheck: { test: "false", interval: 1s, retries: 1000 }`)
    }),
    run: (compose, project) => compose.up(project, { wait: true }),
    at: says("-web-1", "Waiting"),
    isAfterCompose: true,
    left: /: container {name}-web-1 \(running\)\./
  },
  "down, while a container takes long to stop": {
    files: () => ({ "compose.yaml": one("stop_grace_period: 20s") }),
    before: (compose, project) => compose.up(project),
    run: (compose, project) => compose.down(project),
    at: says("-web-1", "Stopping"),
    left: /: container {name}-web-1 \(running\); network {name}_default\./
  }
}

const edition = testedEdition()

describeEngine("an operation that is interrupted", () => {
  describeCompose(edition, "ends compose, and says what is left", (compose) => {
    let front: RegistryFront
    beforeAll(async () => {
      front = await startRegistryFront()
      for (const repository of ["slow-up", "slow-pull"]) {
        front.add(repository, "1", registryImage({ layers: [1_000_000] }))
        front.break(repository, { kind: "throttle", bytesPerSecond: 10_000 })
      }
    })
    afterAll(() => front?.stop())

    Object.entries(rows).forEach(([title, row], index) => {
      it.concurrent(title, async () => {
        const name = testProjectName(`${edition.replace(".", "")}-interrupted${index}`)
        const directory = await writeProject(compose().folder, `interrupted ${index}`, row.files(front.host))
        const project = { directory, name }
        await onCompose(compose(), { endpoint: testEngine().endpoint }, (service) =>
          Effect.scoped(
            Effect.gen(function* () {
              if (row.before !== undefined) yield* ran(Effect.succeed(row.before(service, project)))
              const run = yield* Operation.start(row.run(service, project))
              yield* Stream.runDrain(Stream.takeUntil(run.events, row.at))
              const until = (is: () => boolean | Promise<boolean>) =>
                Effect.repeat(
                  Effect.promise(async () => is()),
                  { until: (done) => done, schedule: Schedule.spaced("20 millis") }
                )
              const { ends, when } = row
              if (when !== undefined) yield* until(() => when(front))
              const processes = yield* Effect.promise(() => processesIn(directory))
              expect(processes.length > 0, processes.join("\n")).toBe(row.isAfterCompose === undefined)

              const [took] = yield* Effect.timed(run.cancel)
              expect(Duration.toMillis(took)).toBeLessThan(5_000)
              expect(yield* Effect.promise(() => processesIn(directory))).toEqual([])
              const last = [...(yield* Stream.runCollect(run.events))].filter(({ _tag }) =>
                /Completed|Failed|Interrupted/.test(_tag)
              )
              expect(last).toMatchObject([
                {
                  _tag: "OperationInterrupted",
                  detail: expect.stringMatching(new RegExp(row.left.source.replaceAll("{name}", name)))
                }
              ])
              if (ends !== undefined) yield* until(() => ends(front))
              // The project is free for others, and can be taken down.
              const down = yield* ran(Effect.succeed(service.down(project, { stopTimeout: 0, busy: "refuse" })))
              expect(down.exit).toMatchObject({ value: { containers: [] } })
            }).pipe(Effect.ensuring(Effect.ignore(ran(Effect.succeed(service.down(project, { stopTimeout: 0 }))))))
          )
        )
      })
    })
  })
})
