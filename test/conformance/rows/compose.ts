import { Compose, Containers, Operation } from "@dockwire/core"
import { DateTime, Duration, Effect, Fiber, type Scope, Stream } from "effect"
import { expect } from "vitest"
import type { Bench, Services } from "../bench.js"
import type { BenchProject } from "../composeBench.js"
import { type Cell, failsWith, type Row, type Rows } from "../cell.js"

type ComposeShape = Effect.Effect.Success<typeof Compose>

const on = <A, E, R>(use: (compose: ComposeShape) => Effect.Effect<A, E, R>) => Effect.flatMap(Compose, use)

/** Runs an operation. */
const run = <A, E>(use: (compose: ComposeShape) => Operation<A, E>) => on((compose) => Operation.run(use(compose)))

/** A container of the service `web` of a project, which compose has not made. */
const container = (bench: Bench, { directory, name }: BenchProject, how: "created" | "running" = "running") => {
  const labels = {
    ...bench.labels,
    "com.docker.compose.project": name,
    "com.docker.compose.service": "web",
    "com.docker.compose.container-number": "1",
    "com.docker.compose.oneoff": "False",
    // Compose does not see a container without it.
    "com.docker.compose.config-hash": "0",
    "com.docker.compose.project.working_dir": directory,
    "com.docker.compose.project.config_files": `${directory}/compose.yaml`
  }
  const command = ["sh", "-c", "echo one; exec sleep 300"]
  const more = { name: `${name}-web-1`, labels, network: "none", config: { StopTimeout: 0 } }
  return how === "running" ? bench.running(command, more) : bench.created(command, more)
}

const ofWeb = (state: string) => ({ containers: [expect.objectContaining({ service: "web", state })] })

const nobody = { services: ["nobody"] }

/** The command finds no engine. Its own words say why, not the socket. */
const gone =
  (call: Row["call"]): Cell =>
  (bench) =>
    Effect.gen(function* () {
      yield* bench.gone
      yield* failsWith(Effect.scoped(call(bench)), "EngineUnavailable")
    })

/**
 * The command ends, or is killed after 2.5 seconds. What it has left behind, a run asks the engine for two seconds afterwards.
 */
const interrupted =
  (steps: (bench: Bench) => Effect.Effect<unknown, unknown, Services | Scope.Scope>): Cell =>
  (bench) =>
    Effect.gen(function* () {
      yield* bench.stall
      const fiber = yield* Effect.fork(Effect.scoped(steps(bench)))
      yield* bench.held
      const [took] = yield* Effect.timed(Fiber.interrupt(fiber))
      expect(Duration.toMillis(took)).toBeLessThan(3000)
    })

const noEngine = "no engine is asked"

/** The row of an operation that needs a container, and does not find it in a service of another name. */
const operationRow = (
  use: (compose: ComposeShape, project: BenchProject) => Operation<unknown, unknown>,
  row: Pick<Row, "success"> & Partial<Row>
): Row => {
  const call = (bench: Bench) =>
    Effect.flatMap(bench.project("alone"), (project) => run((compose) => use(compose, project)))
  return {
    isSlow: true,
    call,
    missing: "a service that is missing is the same error as for up",
    conflict: "other operations on the project wait: see up",
    "bad input": "the files are read as for up",
    "engine gone": gone(call),
    interrupted: interrupted((bench) =>
      Effect.flatMap(bench.project("alone"), (project) => on((compose) => Stream.runDrain(use(compose, project).steps)))
    ),
    ...row
  }
}

/** The row of a method that reads from the engine. */
const readRow = (
  use: (compose: ComposeShape, project: { readonly name: string }) => Effect.Effect<unknown, unknown>,
  row: Pick<Row, "success" | "missing">
): Row => ({
  call: (bench) => on((compose) => use(compose, { name: bench.name("project") })),
  conflict: "it changes nothing",
  "bad input": (bench) =>
    failsWith(
      on((compose) => use(compose, { name: `No ${bench.name()}` })),
      "ComposeFailed",
      { reason: "FileInvalid" }
    ),
  ...row
})

const webIn = (bench: Bench) => Effect.tap(bench.project("alone"), (project) => container(bench, project))

const logRow = (
  read: (
    compose: ComposeShape,
    project: { readonly name: string }
  ) => Stream.Stream<ReadonlyArray<{ readonly _tag: string }>, unknown>
): Row => {
  const all = (compose: ComposeShape, project: { readonly name: string }) =>
    Effect.map(Stream.runCollect(read(compose, project)), (batches) => Array.from(batches).flat())
  return readRow(all, {
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* webIn(bench)
        const lines = yield* on((compose) => all(compose, { name })).pipe(
          // The program may not have printed it yet.
          Effect.repeat({ until: ({ length }) => length > 0 })
        )
        expect(lines).toEqual([expect.objectContaining({ _tag: "LogLine", service: "web", text: "one" })])
      }),
    missing: (bench) =>
      Effect.map(
        on((compose) => all(compose, { name: bench.name("project") })),
        (lines) => expect(lines).toEqual([])
      )
  })
}

/** The cells of `Compose`. */
export const composeRows: Rows = {
  up: operationRow((compose, project) => compose.up(project), {
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* bench.project("pair")
        const { containers } = yield* run((compose) => compose.up(project))
        expect(containers.map(({ name, state }) => `${name} ${state}`)).toEqual([
          `${project.name}-db-1 running`,
          `${project.name}-web-1 running`
        ])
        const labels = (yield* (yield* Containers).inspect(`${project.name}-web-1`)).labels
        expect(labels["com.docker.compose.depends_on"]).toMatch(/^db:service_started:/)
        const again = yield* run((compose) => compose.up(project))
        expect(again.containers.map(({ id }) => id)).toEqual(containers.map(({ id }) => id))
        expect(yield* on((compose) => compose.status(project))).toEqual({ status: "up", missing: [], done: [] })
        expect(yield* run((compose) => compose.down(project))).toEqual({ project: project.name, containers: [] })
      }),
    missing: (bench) =>
      Effect.gen(function* () {
        const project = yield* bench.project("alone")
        const reason = { reason: "ServiceNotFound", service: "nobody" }
        yield* failsWith(
          run((compose) => compose.up(project, nobody)),
          "ComposeFailed",
          reason
        )
        const elsewhere = { directory: `/nonexistent/${bench.name()}` }
        yield* failsWith(
          run((compose) => compose.up(elsewhere)),
          "ComposeFailed",
          { reason: "FileNotFound" }
        )
      }),
    conflict: (bench) =>
      Effect.gen(function* () {
        const project = yield* bench.project("named")
        yield* bench.created(["true"], { name: `${project.name}-taken` })
        const reason = { reason: "NameConflict", service: "web" }
        yield* failsWith(
          run((compose) => compose.up(project)),
          "ComposeFailed",
          reason
        )
      }),
    "bad input": (bench) =>
      Effect.flatMap(bench.project("invalid"), (project) =>
        failsWith(
          run((compose) => compose.up(project)),
          "ComposeFailed",
          { reason: "FileInvalid" }
        )
      )
  }),
  down: operationRow((compose, project) => compose.down(project), {
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* webIn(bench)
        expect(yield* run((compose) => compose.down(project))).toMatchObject({ containers: [] })
      }),
    missing: (bench) =>
      Effect.flatMap(bench.project("alone"), (project) =>
        Effect.map(
          run((compose) => compose.down(project)),
          (outcome) => expect(outcome).toMatchObject({ containers: [] })
        )
      )
  }),
  stop: operationRow((compose, project) => compose.stop(project), {
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* webIn(bench)
        expect(yield* run((compose) => compose.stop(project))).toMatchObject(ofWeb("exited"))
      })
  }),
  start: operationRow((compose, project) => compose.start(project), {
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* bench.project("alone")
        yield* container(bench, project, "created")
        expect(yield* run((compose) => compose.start(project))).toMatchObject(ofWeb("running"))
      })
  }),
  restart: operationRow((compose, project) => compose.restart(project), {
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* webIn(bench)
        const startedAt = Effect.map(
          Effect.flatMap(Containers, (containers) => containers.inspect(`${project.name}-web-1`)),
          ({ state }) => state.startedAt
        )
        const before = yield* startedAt
        expect(yield* run((compose) => compose.restart(project))).toMatchObject(ofWeb("running"))
        expect(yield* startedAt).not.toBe(before)
      })
  }),
  pull: operationRow((compose, project) => compose.pull(project), {
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* bench.project("nowhere")
        const pull = run((compose) => compose.pull(project, { ignoreFailures: true }))
        expect(yield* pull).toEqual({ project: project.name, containers: [] })
      }),
    missing: (bench) =>
      Effect.flatMap(bench.project("nowhere"), (project) =>
        failsWith(
          run((compose) => compose.pull(project)),
          "RegistryError",
          {
            registry: "127.0.0.1:1",
            reason: "Unreachable"
          }
        )
      )
  }),
  build: operationRow((compose, project) => compose.build(project), {
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* bench.project("built")
        yield* run((compose) => compose.build(project))
        const { containers } = yield* run((compose) => compose.up(project))
        expect(containers).toMatchObject([{ service: "web", state: "running" }])
        const details = yield* (yield* Containers).inspect(`${project.name}-web-1`)
        expect(details.environment).toMatchObject({ WORD: "said" })
      }),
    "engine gone": (bench) =>
      Effect.gen(function* () {
        const project = yield* bench.project("built")
        yield* bench.gone
        yield* failsWith(
          run((compose) => compose.build(project)),
          "EngineUnavailable"
        )
      }),
    interrupted: "the builder is another program of the docker command: see the tests of compose"
  }),
  command: operationRow((compose, project) => compose.command(project, ["exec", "-T", "web", "true"]), {
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* webIn(bench)
        const args = ["exec", "-T", "web", "sh", "-c", "echo said"]
        expect(yield* run((compose) => compose.command(project, args))).toEqual({
          project: project.name,
          stdout: "said",
          isCut: false
        })
      }),
    missing: (bench) =>
      Effect.flatMap(bench.project("alone"), (project) =>
        failsWith(
          run((compose) => compose.command(project, ["exec", "-T", "web", "true"])),
          "ComposeFailed",
          {
            reason: "Failed"
          }
        )
      ),
    "bad input": (bench) =>
      Effect.flatMap(bench.project("alone"), (project) =>
        failsWith(
          run((compose) => compose.command(project, ["nonsense"])),
          "ComposeFailed",
          { reason: "Failed" }
        )
      )
  }),
  config: {
    isSlow: true,
    call: (bench) => Effect.flatMap(bench.project("pair"), (project) => on((compose) => compose.config(project))),
    success: (bench) =>
      Effect.gen(function* () {
        const project = yield* bench.project("pair")
        const config = yield* on((compose) => compose.config(project))
        expect(config).toMatchObject({ networks: ["default"], volumes: [] })
        expect(config.services["web"]).toMatchObject({
          dependsOn: { db: "service_started" },
          environment: { WORD: "<hidden>" }
        })
        const shown = yield* on((compose) => compose.config(project, { showsValues: true }))
        expect(shown.services["web"]?.environment).toEqual({ WORD: "said" })
      }),
    missing: (bench) =>
      failsWith(
        on((compose) => compose.config({ directory: `/nonexistent/${bench.name()}` })),
        "ComposeFailed",
        { reason: "FileNotFound" }
      ),
    conflict: noEngine,
    "bad input": (bench) =>
      Effect.flatMap(bench.project("invalid"), (project) =>
        failsWith(
          on((compose) => compose.config(project)),
          "ComposeFailed",
          { reason: "FileInvalid" }
        )
      ),
    "engine gone": noEngine,
    interrupted: noEngine
  },
  ps: readRow((compose, project) => compose.ps(project), {
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* webIn(bench)
        expect(yield* on((compose) => compose.ps({ name }))).toMatchObject([
          { name: `${name}-web-1`, service: "web", number: 1, oneOff: false, state: "running" }
        ])
      }),
    missing: (bench) =>
      Effect.map(
        on((compose) => compose.ps({ name: bench.name("project") })),
        (found) => expect(found).toEqual([])
      )
  }),
  status: readRow((compose, project) => compose.status(project, { expected: "containers" }), {
    success: (bench) =>
      Effect.gen(function* () {
        const { name } = yield* webIn(bench)
        const status = on((compose) => compose.status({ name }, { expected: "containers" }))
        expect(yield* status).toEqual({ status: "up", missing: [], done: [] })
        yield* Effect.flatMap(Containers, (containers) => containers.stop(`${name}-web-1`))
        // The engine's list may show it later.
        const isListed = Effect.repeat(Effect.zipLeft(status, Effect.sleep("20 millis")), {
          until: (found) => found.status === "down"
        })
        yield* Effect.timeoutOption(isListed, "10 seconds")
        expect(yield* status).toEqual({ status: "down", missing: ["web"], done: [] })
      }),
    missing: (bench) =>
      Effect.map(
        on((compose) => compose.status({ name: bench.name("project") }, { expected: "containers" })),
        (status) => expect(status).toEqual({ status: "down", missing: [], done: [] })
      )
  }),
  ls: {
    call: () => on((compose) => compose.ls()),
    success: (bench) =>
      Effect.gen(function* () {
        const { directory, name } = yield* webIn(bench)
        expect(yield* on((compose) => compose.ls())).toContainEqual({
          name,
          workingDirectory: directory,
          configFiles: [`${directory}/compose.yaml`],
          services: { web: ["running"] }
        })
      }),
    missing: (bench) =>
      Effect.map(
        on((compose) => compose.ls()),
        (found) => expect(found.map(({ name }) => name)).not.toContain(bench.name("project"))
      ),
    conflict: "it changes nothing",
    "bad input": "it takes no input"
  },
  events: readRow((compose, project) => Stream.runDrain(compose.events(project)), {
    success: (bench) =>
      Effect.gen(function* () {
        const since = DateTime.toDate(yield* DateTime.now)
        const { name } = yield* webIn(bench)
        const started = yield* on((compose) =>
          compose.events({ name }, { since }).pipe(
            Stream.filter(({ action }) => action === "start"),
            Stream.runHead
          )
        )
        expect(started).toMatchObject({ value: { service: "web", name: `${name}-web-1`, number: 1, oneOff: false } })
      }),
    missing: (bench) =>
      Effect.gen(function* () {
        const until = DateTime.toDate(yield* DateTime.now)
        const events = on((compose) => Stream.runCollect(compose.events({ name: bench.name("project") }, { until })))
        expect(Array.from(yield* events)).toEqual([])
      })
  }),
  logs: logRow((compose, project) => Stream.map(compose.logs(project), (line) => [line])),
  logsBatches: logRow((compose, project) => compose.logsBatches(project)),
  version: {
    isSlow: true,
    call: () => on((compose) => compose.version()),
    success: () =>
      Effect.map(
        on((compose) => compose.version()),
        (found) =>
          expect(found).toEqual({
            version: expect.stringMatching(/^2\.\d+/),
            command: [expect.stringMatching(/\/docker-compose$/)]
          })
      ),
    missing: "a machine without compose is in the tests of compose",
    conflict: noEngine,
    "bad input": "it takes no input",
    "engine gone": noEngine,
    interrupted: noEngine
  }
}
