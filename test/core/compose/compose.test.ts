import {
  Compose,
  type ComposeConfig,
  ComposeFailed,
  type ComposeProject,
  Docker,
  Operation,
  RegistryAuth
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { expect, it } from "vitest"
import { HostMachine } from "../../../packages/core/src/internal/host/hostMachine.js"
import { describeCompose } from "../../engine/describeCompose.js"
import { engineCall, jsonAt } from "../../engine/engineRequest.js"
import { processesIn } from "../../engine/processesIn.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { testProjectName } from "../../engine/testRun.js"
import { isWhole } from "../../whole/isWhole.js"
import { runWith } from "../runWith.js"
import { writeProject } from "./projectFiles.js"
import { errorOf, onCompose, ran } from "./runCompose.js"

const shop = `services:
  web:
    image: busybox
    command: sleep 600
    stop_grace_period: 0s
    depends_on: { db: { condition: service_healthy }, init: { condition: service_completed_successfully } }
  db:
    image: busybox
    command: sleep 600
    stop_grace_period: 0s
    volumes: ["data:/data"]
    healthcheck: { test: "true", interval: 1s, start_interval: 100ms, start_period: 5s }
  init: { image: busybox, command: "true" }
volumes: { data: {} }
`

/** A service that starts and stops fast, with more of it. */
const sleeper = (more = "") =>
  `services: { web: { image: busybox, command: sleep 600, stop_grace_period: 0s, network_mode: none${more} } }\n`

/** The names of what the engine has of a project. */
const engineHas = async (path: string, list: string | undefined, project: string): Promise<number> => {
  const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.compose.project=${project}`] }))
  const { json } = await engineCall(testEngine().endpoint, "GET", `${path}?filters=${filters}&all=true`)
  const found = list === undefined ? json : jsonAt(json, list)
  return Array.isArray(found) ? found.length : 0
}

const inspected = async (container: string): Promise<unknown> =>
  (await engineCall(testEngine().endpoint, "GET", `/containers/${container}/json`)).json

for (const edition of ["2.26", "2.40"] as const) {
  describeEngine("Compose", () => {
    describeCompose(edition, "operations", (compose) => {
      const here = <A, E>(program: Parameters<typeof onCompose<A, E>>[2]) =>
        onCompose(compose(), { endpoint: testEngine().endpoint }, program)
      /** Of what is no work of compose: with its newest version too in `npm run test:whole`. */
      const itOwn = (name: string, test: () => Promise<void>, timeout?: number) => {
        if (edition === "2.26" || isWhole) it.concurrent(name, test, timeout)
      }
      const nameOf = (word: string) => testProjectName(`${edition.replace(".", "")}-${word}`)

      it.concurrent("bring a project up and down again, with its progress", async () => {
        const directory = await writeProject(compose().folder, `shop $x "q" 'é'`, { "compose.yaml": shop })
        const name = nameOf("shop")
        const project: ComposeProject = { directory, name, configId: 7 }
        await here((service) =>
          Effect.gen(function* () {
            const up = yield* ran(Effect.succeed(service.up(project)))
            const states = { [`${name}-db-1`]: "running", [`${name}-init-1`]: "exited", [`${name}-web-1`]: "running" }
            const statesOf = (run: {
              readonly exit: Exit.Exit<{ readonly containers: ReadonlyArray<{ name: string; state: string }> }, unknown>
            }) =>
              Exit.match(run.exit, {
                onFailure: (cause) => String(cause),
                onSuccess: ({ containers }) => Object.fromEntries(containers.map(({ name, state }) => [name, state]))
              })
            expect(statesOf(up)).toEqual(states)
            expect(up.events[0]).toMatchObject({
              _tag: "OperationStarted",
              kind: "run_compose",
              target: { configId: 7 }
            })
            const progress = up.events.filter((event) => event._tag === "OperationProgress")
            expect(progress.find(({ id }) => id === `volume ${name}_data`)?.resource).toEqual({
              kind: "volume",
              name: `${name}_data`
            })
            const dbWords = progress.filter(({ id }) => id === `container ${name}-db-1`).map(({ status }) => status)
            expect(dbWords).toEqual(["Creating", "Created", "Starting", "Started", "Waiting", "Healthy"])
            expect(progress.at(-1)).toMatchObject({ id: `project ${name}`, fraction: 1 })

            expect(statesOf(yield* ran(Effect.succeed(service.up(project))))).toMatchObject(states)
            const stopped = yield* ran(Effect.succeed(service.stop(project, { services: ["web"] })))
            expect(statesOf(stopped)).toEqual({ ...states, [`${name}-web-1`]: "exited" })
            expect(statesOf(yield* ran(Effect.succeed(service.start(project))))).toEqual(states)
            const restarted = yield* ran(Effect.succeed(service.restart(project, { services: ["web"] })))
            expect(restarted.events[0]).toMatchObject({ kind: "restart_compose" })
            expect(statesOf(restarted)).toEqual(states)
            const down = yield* ran(Effect.succeed(service.down(project, { volumes: true })))
            expect(down.events[0]).toMatchObject({ kind: "stop_compose" })
            expect(statesOf(down)).toEqual({})
            expect(statesOf(yield* ran(Effect.succeed(service.down(project, { volumes: true }))))).toEqual({})
          })
        )
        expect(await engineHas("/containers/json", undefined, name)).toBe(0)
        expect(await engineHas("/networks", undefined, name)).toBe(0)
        expect(await engineHas("/volumes", "Volumes", name)).toBe(0)
      })

      itOwn(
        "wait for one another, and none of two at once fails",
        async () => {
          const name = nameOf("twice")
          const directory = await writeProject(compose().folder, "twice", { "compose.yaml": sleeper() })
          const project = { directory, name }
          await here((service) =>
            Effect.gen(function* () {
              for (let round = 0; round < (edition === "2.26" ? 10 : 2); round++) {
                const runs = yield* Effect.all(
                  [ran(Effect.succeed(service.up(project))), ran(Effect.succeed(service.up(project)))],
                  { concurrency: 2 }
                )
                expect(runs.map(({ exit }) => Exit.isSuccess(exit))).toEqual([true, true])
                const waits = runs.map(
                  ({ lines }) => lines.filter((line) => line.startsWith("Waiting for another")).length
                )
                expect(waits.toSorted((one, other) => one - other)).toEqual([0, 1])
                // As fast as it goes: what is tested are the two at once.
                yield* Effect.promise(() =>
                  engineCall(testEngine().endpoint, "DELETE", `/containers/${name}-web-1?force=1`)
                )
              }
            })
          )
        },
        180_000
      )

      itOwn("are refused while another one runs, if they are not to wait", async () => {
        const name = nameOf("busy")
        const slow = sleeper(`, healthcheck: { test: "false", interval: 1s, retries: 1000 }`)
        const text = slow.replace(
          / }\n$/,
          `, late: { image: busybox, network_mode: none, depends_on: { web: { condition: service_healthy } } } }\n`
        )
        const directory = await writeProject(compose().folder, "busy", { "compose.yaml": text })
        const other = await writeProject(compose().folder, "other", { "compose.yaml": sleeper() })
        await here((service) =>
          Effect.scoped(
            Effect.gen(function* () {
              const run = yield* Operation.start(service.up({ directory, name }))
              const events = yield* run.events.pipe(
                Stream.takeUntil((event) => event._tag === "OperationProgress" && event.status === "Waiting"),
                Stream.runCollect
              )
              expect([...events].length).toBeGreaterThan(1)
              const error = errorOf(yield* ran(Effect.succeed(service.stop({ directory, name }, { busy: "refuse" }))))
              expect(error).toMatchObject({ _tag: "ComposeFailed", reason: "Busy", project: name })
              const free = yield* ran(
                Effect.succeed(service.up({ directory: other, name: `${name}-other` }, { busy: "refuse" }))
              )
              expect(Exit.isSuccess(free.exit)).toBe(true)

              // Interrupting it: compose is gone, and the last event says what it has left.
              const start = performance.now()
              yield* run.cancel
              expect(performance.now() - start).toBeLessThan(5_000)
              const ends = [...(yield* Stream.runCollect(run.events))].filter(({ _tag }) =>
                /Completed|Failed|Interrupted/.test(_tag)
              )
              expect(ends).toHaveLength(1)
              expect(ends[0]).toMatchObject({ _tag: "OperationInterrupted" })
              expect(ends[0]).toHaveProperty("detail", expect.stringContaining(`${name}-web-1 (running)`))
              expect(yield* Effect.promise(() => processesIn(directory))).toEqual([])
              for (const project of [
                { directory, name },
                { directory: other, name: `${name}-other` }
              ]) {
                expect(Exit.isSuccess((yield* ran(Effect.succeed(service.down(project)))).exit)).toBe(true)
              }
            })
          )
        )
      })

      it.concurrent("give a project nothing of this process' environment, and hide what is Redacted", async () => {
        const name = nameOf("environment")
        const text = sleeper(`, environment: [TOKEN, OWN, "PORT=\${PORT:-81}"], labels: { own: "\${OWN}" }`)
        const directory = await writeProject(compose().folder, "environment", {
          "compose.yaml": text,
          ".env": "NOT_NAMED=of-dot-env\n"
        })
        const [port, token] = [process.env["PORT"], process.env["TOKEN"]]
        process.env["PORT"] = "8080"
        process.env["TOKEN"] = "of-the-server"
        try {
          const project: ComposeProject = { directory, name, env: { OWN: Redacted.make("hunter2") } }
          await here((service) =>
            Effect.gen(function* () {
              const up = yield* ran(Effect.succeed(service.up(project)))
              expect(JSON.stringify(up.events)).not.toMatch(/hunter2|of-the-server/)
              const env = jsonAt(yield* Effect.promise(() => inspected(`${name}-web-1`)), "Config", "Env")
              expect(env).toEqual(expect.arrayContaining(["OWN=hunter2", "PORT=81"]))
              expect(JSON.stringify(env)).not.toMatch(/8080|of-the-server|of-dot-env/)

              const config = yield* service.config(project)
              expect(environmentOf(config)).toEqual({ OWN: "<hidden>", PORT: "<hidden>", TOKEN: null })
              expect(JSON.stringify(config)).not.toContain("hunter2")
              expect(environmentOf(yield* service.config(project, { showsValues: true }))).toEqual({
                OWN: "hunter2",
                PORT: "81",
                TOKEN: null
              })
              const printed = yield* ran(Effect.succeed(service.command(project, ["--profile", "any", "config"])))
              expect(printed.events[0]).toMatchObject({ kind: "compose_config" })
              expect(printed.exit).toMatchObject({ value: { stdout: expect.stringContaining("hunter2") } })
              expect(JSON.stringify(printed.events)).not.toContain("hunter2")
              const list = service.command(project, ["exec", "-T", "web", "echo", "a", "b"])
              const listed = yield* ran(Effect.succeed(list))
              expect(listed.exit).toMatchObject({ value: { stdout: "a b", isCut: false } })
              // An operation is data: another run of it has nothing of the first.
              const again = yield* ran(Effect.succeed(list))
              expect(again.exit).toMatchObject({ value: { stdout: "a b", isCut: false } })
              expect(listed.events[0]).toMatchObject({ kind: "compose_exec" })
              const failed = errorOf(
                yield* ran(
                  Effect.succeed(service.command(project, ["exec", "-T", "web", "sh", "-c", "echo why >&2; exit 9"]))
                )
              )
              expect(failed).toMatchObject({ reason: "Failed", exitCode: 9, lastLines: ["why"] })
              yield* ran(Effect.succeed(service.down(project)))
            })
          )
        } finally {
          if (port === undefined) delete process.env["PORT"]
          else process.env["PORT"] = port
          if (token === undefined) delete process.env["TOKEN"]
          else process.env["TOKEN"] = token
        }
      })

      itOwn("say beforehand that a folder to mount is missing", async () => {
        const name = nameOf("binds")
        const volumes = `["./missing:/a", "./there:/b", "./compose.yaml:/c:ro", { type: bind, source: ./long, target: /d, bind: { create_host_path: true } }]`
        const text = sleeper(
          `, volumes: ${volumes} }, other: { image: busybox, profiles: [x], volumes: [&a ./other:/a]`
        )
        const directory = await writeProject(compose().folder, "binds", { "compose.yaml": text, "there/x": "" })
        await here((service) =>
          Effect.gen(function* () {
            const told = (folder: string) => expect.stringContaining(JSON.stringify(join(directory, folder)))
            const warningsOf = ({
              exit,
              lines
            }: {
              exit: Exit.Exit<unknown, unknown>
              lines: ReadonlyArray<string>
            }) => {
              expect(Exit.isSuccess(exit) || String(exit)).toBe(true)
              const warnings = lines.filter((line) => line.startsWith("WARNING"))
              expect(lines.slice(0, warnings.length)).toEqual(warnings)
              return warnings
            }
            // Only of the services that take part.
            const other = yield* ran(Effect.succeed(service.up({ directory, name }, { services: ["other"] })))
            expect(warningsOf(other)).toEqual([told("other")])
            const up = yield* ran(Effect.succeed(service.up({ directory, name })))
            expect(warningsOf(up)).toEqual([told("missing"), told("long")])
            yield* ran(Effect.succeed(service.down({ directory, name })))
          })
        )
      })

      it.concurrent("do not start what was half made without its secret", async () => {
        const name = nameOf("secret")
        const text = `${sleeper(", secrets: [s]")}secrets: { s: { environment: THE_SECRET } }\n`
        const directory = await writeProject(compose().folder, "secret", { "compose.yaml": text })
        await here((service) =>
          Effect.gen(function* () {
            const error = errorOf(yield* ran(Effect.succeed(service.up({ directory, name }))))
            expect(error).toMatchObject({ reason: "VariableMissing", variable: "THE_SECRET" })
            const project: ComposeProject = { directory, name, env: { THE_SECRET: Redacted.make("hunter2") } }
            expect(Exit.isSuccess((yield* ran(Effect.succeed(service.up(project)))).exit)).toBe(true)
            const read = yield* ran(
              Effect.succeed(service.command(project, ["exec", "-T", "web", "cat", "/run/secrets/s"]))
            )
            expect(read.exit).toMatchObject({ value: { stdout: "hunter2" } })
            yield* ran(Effect.succeed(service.down(project)))
          })
        )
      })

      itOwn("pass build arguments on without showing them", async () => {
        const name = nameOf("arguments")
        const directory = await writeProject(compose().folder, "arguments", {
          "compose.yaml": "services: { one: { build: . }, two: { image: busybox } }\n",
          Dockerfile:
            'FROM busybox\nARG PLAIN\nARG HIDDEN\nLABEL plain=$PLAIN hidden=$HIDDEN\nRUN echo "it is $HIDDEN"\n'
        })
        await here((service) =>
          Effect.gen(function* () {
            const buildArgs = { PLAIN: "in the open", HIDDEN: Redacted.make("hunter2") }
            const built = yield* ran(Effect.succeed(service.build({ directory, name }, { buildArgs })))
            expect(built.events[0]).toMatchObject({ kind: "compose_build" })
            expect(Exit.isSuccess(built.exit)).toBe(true)
            expect(built.lines.some((line) => line.includes("it is <redacted>"))).toBe(true)
            expect(JSON.stringify(built.events)).not.toContain("hunter2")
            const image = yield* Effect.promise(() =>
              engineCall(testEngine().endpoint, "GET", `/images/${name}-one/json`)
            )
            const labels = jsonAt(image.json, "Config", "Labels")
            expect(labels).toMatchObject({ plain: "in the open", hidden: "hunter2" })
            yield* ran(Effect.succeed(service.down({ directory, name }, { images: "local" })))
          })
        )
      })

      itOwn("succeed although another program brings the project up at the same time", async () => {
        const name = nameOf("foreign")
        const directory = await writeProject(compose().folder, "foreign", { "compose.yaml": sleeper() })
        const env = { ...compose().environment, DOCKER_HOST: testEngine().endpoint }
        await here((service) =>
          Effect.gen(function* () {
            for (let round = 0; round < 3; round++) {
              const foreign = new Promise<void>((resolve) => {
                const args = ["compose", "--project-directory", directory, "--project-name", name, "up", "--detach"]
                execFile("docker", args, { env, cwd: directory }, () => resolve())
              })
              const { exit } = yield* ran(Effect.succeed(service.up({ directory, name })))
              yield* Effect.promise(() => foreign)
              expect(Exit.isSuccess(exit) || String(exit)).toBe(true)
              yield* ran(Effect.succeed(service.down({ directory, name })))
            }
          })
        )
      })

      it.concurrent("are told which compose is there", async () => {
        const version = await here((service) => service.version())
        const plugin = `${compose().environment["DOCKER_CONFIG"]}/cli-plugins/docker-compose`
        expect(version).toMatchObject({ command: [plugin], version: expect.stringContaining(edition) })
        const elsewhere = { ...HostMachine.defaultValue(), isExecutable: () => Effect.succeed(false) }
        const nowhere = Compose.layerWith({ environment: { ...compose().environment, PATH: compose().folder } }).pipe(
          Layer.provide([Docker.layer({ endpoint: testEngine().endpoint }), RegistryAuth.layer()]),
          Layer.provide(Layer.succeed(HostMachine, elsewhere))
        )
        const error = await runWith(
          nowhere,
          Effect.flatMap(Compose, (service) => Effect.flip(service.version()))
        )
        expect(error).toBeInstanceOf(ComposeFailed)
        expect(error).toMatchObject({ reason: "NotInstalled" })
        expect(error.detail).toMatch(
          /^there is no docker-compose in .*; "docker compose" failed: .*; "docker-compose" failed: /
        )
        // That of this machine, if there is one.
        const own = Compose.layer.pipe(
          Layer.provide([Docker.layer({ endpoint: testEngine().endpoint }), RegistryAuth.layer()])
        )
        const found = await runWith(own, Effect.either(Effect.flatMap(Compose, (service) => service.version())))
        expect(found._tag === "Right" || found.left.reason === "NotInstalled").toBe(true)
        // A command that is named, as Compose.layerWith takes it.
        const named = Compose.layerWith({ command: [compose().tools.compose] }).pipe(
          Layer.provide([Docker.layer({ endpoint: testEngine().endpoint }), RegistryAuth.layer()])
        )
        expect(
          await runWith(
            named,
            Effect.flatMap(Compose, (service) => service.version())
          )
        ).toMatchObject({
          command: [compose().tools.compose],
          version: expect.stringContaining(edition)
        })
      })
    })
  })
}

const environmentOf = ({ services }: ComposeConfig) => services["web"]?.environment
