import {
  Compose,
  type ComposeLogElement,
  type ComposeProject,
  Docker,
  LogSink,
  Operation,
  RegistryAuth
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { describeLeft, projectLeft } from "../../../packages/core/src/internal/compose/project/projectLeft.js"
import { testedEdition } from "../../engine/composeEditions.js"
import { describeCompose } from "../../engine/describeCompose.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { engineCall, jsonAt } from "../../engine/engineRequest.js"
import { testProjectName } from "../../engine/testRun.js"
import { writeProject } from "../compose/projectFiles.js"
import { runWith } from "../runWith.js"
import { lasting } from "./realProject.js"

const healthcheck = "healthcheck: { test: [CMD, 'true'], interval: 1s, start_period: 5s, start_interval: 100ms }"

/** Writes 20 lines, each with the number of the run, and then does something else. */
const writing = (then: string): string =>
  `[sh, -c, 'n=$$(cat /n 2>/dev/null || echo 0); n=$$((n+1)); echo $$n >/n; for i in $$(seq 20); do echo $$n $$i; done; ${then}']`
const serving = writing('trap "exit 0" TERM; while :; do sleep 0.1; done')

const shop = `
services:
  web:
    image: busybox
    init: true
    command: ${serving}
    depends_on: { db: { condition: service_healthy }, init: { condition: service_completed_successfully } }
  db:
    image: busybox
    init: true
    command: ${serving}
    volumes: ["data:/data"]
    healthcheck: { test: [CMD, test, -e, /tmp/ready], interval: 1s, start_period: 60s, start_interval: 100ms }
  init: { image: busybox, command: ${writing("sleep 0.3")} }
volumes: { data: {} }
`

/** Runs a command in a container. */
const execIn = async (container: string, ...command: ReadonlyArray<string>): Promise<void> => {
  const { endpoint } = testEngine()
  const { json } = await engineCall(endpoint, "POST", `/containers/${container}/exec`, { Cmd: command })
  await engineCall(endpoint, "POST", `/exec/${String(jsonAt(json, "Id"))}/start`, { Detach: true })
}

/** Asks again until the answer is this, for half a minute. Tests that run side by side cannot use `expect.poll`. */
const until = <A, E, R>(ask: Effect.Effect<A, E, R>, is: (answer: A) => boolean): Effect.Effect<void, E, R> =>
  Effect.asVoid(Effect.repeat(ask, { until: is, schedule: Schedule.upTo(Schedule.spaced("50 millis"), "30 seconds") }))

type ProjectTest = Effect.Effect<void, unknown, Compose | Docker | LogSink | Scope.Scope>

describeEngine("what Compose tells of a project", () => {
  describeCompose(testedEdition(), "by the engine", (compose) => {
    const live = () =>
      Compose.layerWith({ environment: compose().environment }).pipe(
        Layer.provideMerge(Docker.layer({ endpoint: testEngine().endpoint })),
        Layer.provide(RegistryAuth.layerConfig),
        Layer.merge(LogSink.layerTest)
      )

    /** Runs a test with a project, and takes it down afterwards. */
    const withProject = (project: ComposeProject, test: ProjectTest) => {
      const down = Effect.flatMap(Compose, (compose) =>
        Effect.ignore(Operation.run(compose.down(project, { volumes: true, stopTimeout: 0 })))
      )
      return runWith(live(), Effect.scoped(test.pipe(Effect.ensuring(down))))
    }

    it.concurrent("is the truth after each step, with what happens and what is logged told once", async () => {
      const name = testProjectName("reads")
      const directory = await writeProject(compose().folder, "My shop $x", { "compose.yaml": shop })
      const project = { directory, name }
      await withProject(
        project,
        Effect.gen(function* () {
          const compose = yield* Compose
          const since = new Date()
          const states = Effect.map(compose.ps(project), (containers) =>
            containers.map(({ health, service, state }) => `${service} ${health ?? state}`)
          )
          const isTrue = (expected: ReadonlyArray<string>, status: object) =>
            Effect.gen(function* () {
              expect(yield* states).toEqual(expected)
              expect(yield* compose.status(project)).toEqual({ missing: [], done: [], ...status })
            })
          const settled = (expected: ReadonlyArray<string>) => until(states, (now) => now.join() === expected.join())
          yield* isTrue([], { status: "down", missing: ["db", "init", "web"] })
          const followed: Array<ComposeLogElement> = []
          const following = yield* compose.logs(project, { follow: true }).pipe(
            Stream.runForEach((element) => Effect.sync(() => followed.push(element))),
            Effect.forkScoped
          )

          // Up: each step is told when it happens. The database is ready when this test has seen that it is waited for.
          const run = yield* Operation.start(
            compose.up(project, { wait: { settle: "300 millis", timeout: "60 seconds" } })
          )
          const told: Record<string, Array<string>> = {}
          let untilWaiting = 0
          const events = yield* run.events.pipe(
            Stream.tap((event) =>
              Effect.gen(function* () {
                if (event._tag !== "OperationProgress" || event.resource === undefined) return
                const words = (told[event.id.replace(name, "")] ??= [])
                if (words.at(-1) !== event.status) words.push(event.status)
                if (event.id !== `container ${name}-db-1` || event.status !== "Waiting" || untilWaiting > 0) return
                untilWaiting = event.seq
                expect(yield* states).toEqual(["db starting", expect.stringContaining("init "), "web created"])
                yield* Effect.promise(() => execIn(`${name}-db-1`, "touch", "/tmp/ready"))
              })
            ),
            Stream.runCollect
          )
          expect((yield* run.result).containers.map(({ name }) => name)).toEqual(
            ["db", "init", "web"].map((service) => `${name}-${service}-1`)
          )
          expect(untilWaiting).toBeGreaterThan(0)
          expect([...events].at(-1)).toMatchObject({ _tag: "OperationCompleted", seq: events.length - 1 })
          const started = ["Creating", "Created", "Starting", "Started"]
          expect(told).toEqual({
            "network _default": ["Creating", "Created"],
            "volume _data": ["Creating", "Created"],
            "container -db-1": [...started, "Waiting", "Healthy"],
            "container -init-1": [
              ...started,
              ...["Waiting", "Exited"].filter((word) => told["container -init-1"]?.includes(word))
            ],
            "container -web-1": [
              ...started,
              ...["Waiting", "Running"].filter((word) => told["container -web-1"]?.includes(word))
            ]
          })
          expect([told["container -init-1"]?.at(-1), told["container -web-1"]?.at(-1)]).toEqual(["Exited", "Running"])

          const up = ["db healthy", "init exited", "web running"]
          yield* isTrue(up, { status: "up", done: ["init"] })
          // The name alone is enough for the engine.
          expect(yield* compose.status({ name }, { expected: "containers" })).toMatchObject({ status: "up" })
          expect(yield* compose.ls()).toContainEqual(expect.objectContaining({ name, workingDirectory: directory }))
          const starts = yield* compose.events(project, { since, until: new Date() }).pipe(
            Stream.filter(({ action }) => action === "start"),
            Stream.runCollect
          )
          expect(Array.from(starts, ({ service }) => service).toSorted()).toEqual(["db", "init", "web"])

          // It ends with 0 when it is told to, as a service does that has done its work. The engine's list shows it a moment later.
          yield* Effect.promise(() => engineCall(testEngine().endpoint, "POST", `/containers/${name}-web-1/stop`))
          const stopped = ["db healthy", "init exited", "web exited"]
          yield* settled(stopped)
          yield* isTrue(stopped, { status: "partial", missing: ["web"], done: ["init"] })
          yield* Operation.run(compose.start(project))
          yield* settled(up)
          yield* isTrue(up, { status: "up", done: ["init"] })
          yield* Operation.run(compose.restart(project))
          yield* settled(up)
          yield* isTrue(up, { status: "up", done: ["init"] })

          // Each has written its lines in every run: once.
          const lines = (elements: Iterable<ComposeLogElement>) =>
            Array.from(elements).flatMap((element) =>
              element._tag === "LogLine" ? [`${element.container.slice(name.length + 1)}: ${element.text}`] : []
            )
          const runs = { "web-1": 3, "db-1": 2, "init-1": 3 }
          const written = Object.entries(runs).flatMap(([container, count]) =>
            Array.from(
              { length: count * 20 },
              (_, index) => `${container}: ${Math.floor(index / 20) + 1} ${(index % 20) + 1}`
            )
          )
          const isWhole = (found: ReadonlyArray<string>) => {
            expect(found.toSorted()).toEqual(written.toSorted())
            for (const container of Object.keys(runs)) {
              const own = (all: ReadonlyArray<string>) => all.filter((line) => line.startsWith(`${container}:`))
              expect(own(found)).toEqual(own(written))
            }
          }
          // A service that runs has not written all of its lines yet.
          yield* until(
            Effect.sync(() => lines(followed)),
            ({ length }) => length >= written.length
          )
          isWhole(lines(yield* Stream.runCollect(compose.logs(project))))
          const batches = yield* Stream.runCollect(compose.logsBatches(project, { services: ["init"] }))
          expect(lines(Array.from(batches).flat())).toEqual(written.filter((line) => line.startsWith("init-1:")))

          const down = { status: "down", missing: ["db", "init", "web"] }
          for (let round = 0; round < 2; round++) {
            expect(yield* Operation.run(compose.down(project, { volumes: true }))).toMatchObject({ containers: [] })
            yield* isTrue([], down)
          }
          yield* Fiber.interrupt(following)
          isWhole(lines(followed))
          expect(describeLeft(yield* projectLeft(yield* Docker, name))).toBe("nothing is left")
        })
      )
    }, 120_000)

    it.concurrent("is found by the name of any folder", async () => {
      const name = testProjectName("any")
      const directory = await writeProject(compose().folder, `${name} $x "q" 'é' ünïcode \u{1f40b}`, {
        "compose.yaml": "services: { web: { image: busybox, command: sleep 600, network_mode: none } }\n"
      })
      await withProject(
        directory,
        Effect.gen(function* () {
          const compose = yield* Compose
          const { containers, project } = yield* Operation.run(compose.up(directory))
          expect(project).toBe(`${name}xqncode`)
          expect(yield* compose.ps(directory)).toEqual(containers)
          expect(yield* compose.ps({ name: project })).toEqual(containers)
          expect(yield* compose.status(directory)).toEqual({ status: "up", missing: [], done: [] })
          // Of a project that runs, its name is enough.
          yield* Operation.run(compose.stop({ name: project }, { stopTimeout: 0 }))
          yield* Operation.run(compose.start({ name: project }))
          yield* Operation.run(compose.restart({ name: project }, { stopTimeout: 0 }))
          expect(yield* compose.ps({ name: project })).toMatchObject([{ service: "web", state: "running" }])
          expect(yield* Effect.flip(Operation.run(compose.up({ name: project })))).toMatchObject({
            reason: "FileNotFound"
          })
          yield* Operation.run(compose.down({ name: project }, { stopTimeout: 0 }))
          expect(describeLeft(yield* projectLeft(yield* Docker, project))).toBe("nothing is left")
        })
      )
    })

    it.concurrent("waits for the services that are named, and for those that they depend on", async () => {
      const name = testProjectName("named")
      const directory = await writeProject(compose().folder, "named", {
        "compose.yaml": `
services:
  web: { image: busybox, command: sleep 600, network_mode: none, depends_on: [db], stop_grace_period: 0s }
  db: { image: busybox, command: sleep 600, network_mode: none, ${healthcheck}, stop_grace_period: 0s }
  bad: { image: busybox, command: sleep 600, network_mode: none, healthcheck: { test: "false", interval: 1s, retries: 1 }, stop_grace_period: 0s }
  late: { image: busybox, command: sleep 600, network_mode: none, depends_on: [bad], stop_grace_period: 0s }
`
      })
      const project = { directory, name }
      await withProject(
        project,
        Effect.gen(function* () {
          const compose = yield* Compose
          const up = (...services: ReadonlyArray<string>) =>
            Effect.either(
              Operation.run(compose.up(project, { services, wait: { settle: "300 millis", timeout: "60 seconds" } }))
            )
          const failure = Either.left(expect.objectContaining({ reason: "Unhealthy", service: "bad" }))
          // It is unhealthy beside the others.
          expect(yield* up("bad")).toEqual(failure)
          expect(yield* up("web")).toMatchObject(Either.right({ project: name }))
          expect((yield* compose.ps(project)).filter(({ service }) => service === "db")).toMatchObject([
            { health: "healthy" }
          ])
          expect(yield* up("late")).toEqual(failure)
          expect(yield* up()).toEqual(failure)
        })
      )
    })

    const failures = [
      ["crashes for ever", "[sh, -c, 'echo oops; exit 5'], restart: always", { reason: "Exited", exitCode: 5 }],
      ["ends with a code", "[sh, -c, 'echo oops; sleep 1; exit 3']", { reason: "Exited", exitCode: 3 }],
      [
        "is not ready in time",
        `${lasting}, healthcheck: { test: [CMD, 'false'], interval: 60s }`,
        { reason: "TimedOut" }
      ]
    ] as const
    for (const [index, [title, command, expected]] of failures.entries()) {
      it.concurrent(`is a failure of up if a service ${title}`, async () => {
        const name = testProjectName(`bad-${index}`)
        const directory = await writeProject(compose().folder, `bad-${index}`, {
          "compose.yaml": `services:\n  bad: { image: busybox, init: true, command: ${command} }\n`
        })
        const project = { directory, name }
        // A service that is to end may take long to do so.
        const timeout = expected.reason === "TimedOut" ? "3 seconds" : "50 seconds"
        const end = await runWith(
          live(),
          Effect.flatMap(Compose, (compose) =>
            Effect.either(Operation.run(compose.up(project, { wait: { settle: "40 seconds", timeout } }))).pipe(
              Effect.ensuring(Effect.ignore(Operation.run(compose.down(project, { stopTimeout: 0 }))))
            )
          )
        )
        expect(end).toMatchObject(Either.left({ _tag: "ComposeFailed", service: "bad", ...expected }))
      })
    }
  })
})
