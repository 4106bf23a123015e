import {
  Compose,
  ComposeFailed,
  ComposeStep,
  EngineUnavailable,
  ImageNotFound,
  LogSinkRecorder,
  MemoryCompose,
  MemoryEngine,
  type MemoryComposeProject,
  Operation,
  PortAllocated,
  ProgramStep,
  RegistryAuth,
  RegistryError
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import { ended, failureOf, printed, ran, shop, told, withCompose } from "./memoryProject.js"

const sleeping = { image: "busybox", command: ["sleep", "infinity"] }

/** A project of one service. */
const single = (service: MemoryComposeProject["services"][string] = sleeping) => ({
  projects: { shop: { services: { web: service } } }
})

const failedWith = (reason: ComposeFailed["reason"], detail = "as scripted") =>
  new ComposeFailed({ reason, project: "shop", lastLines: [], detail })

describe("a project in memory", () => {
  it("is brought up in the order of its dependencies, and read by the real code", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const outcome = yield* ran(compose.up("/srv/shop"))
        expect(outcome.containers.map(({ name, state }) => `${name} ${state}`)).toEqual([
          "shop-db-1 running",
          "shop-init-1 exited",
          "shop-web-1 running"
        ])
        expect(yield* told).toEqual([
          "network shop_default Creating",
          "network shop_default Created",
          "volume shop_data Creating",
          "volume shop_data Created",
          ...["db", "init", "web"].flatMap((name) => [
            `container shop-${name}-1 Creating`,
            `container shop-${name}-1 Created`
          ]),
          "container shop-db-1 Starting",
          "container shop-db-1 Started",
          "container shop-init-1 Starting",
          "container shop-init-1 Started",
          "container shop-db-1 Waiting",
          "container shop-db-1 Healthy",
          "container shop-init-1 Waiting",
          "container shop-init-1 Exited",
          "container shop-web-1 Starting",
          "container shop-web-1 Started",
          "project shop Done"
        ])
        expect(yield* compose.ps({ name: "shop" })).toEqual(outcome.containers)
        expect(outcome.containers.find(({ service }) => service === "db")?.health).toBe("healthy")
        expect(yield* compose.status("shop")).toEqual({ status: "up", missing: [], done: ["init"] })
        expect(yield* compose.ls()).toEqual([
          {
            name: "shop",
            workingDirectory: "/projects/shop",
            configFiles: ["/projects/shop/compose.yaml"],
            services: { db: ["running"], init: ["exited"], web: ["running"] }
          }
        ])
        yield* (yield* MemoryEngine).writeLine("shop-web-1", "stdout", "hello")
        const lines = yield* Stream.runCollect(compose.logs("shop"))
        expect(Array.from(lines, (line) => [line.service, line._tag === "LogLine" && line.text])).toEqual([
          ["web", "hello"]
        ])
        const until = new Date(yield* TestClock.currentTimeMillis)
        yield* TestClock.adjust("1 second")
        const events = compose.events("shop", { since: new Date(0), until })
        const actions = Array.from(yield* Stream.runCollect(events), ({ action, service }) => `${service} ${action}`)
        expect(actions).toEqual(expect.arrayContaining(["db health_status: healthy", "init die", "web start"]))
      })
    ))

  it("is left as it is by another up, which starts what has ended", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const before = yield* ran(compose.up("shop"))
        const count = (yield* told).length
        const after = yield* ran(compose.up("shop"))
        expect(after.containers.map(({ id }) => id)).toEqual(before.containers.map(({ id }) => id))
        expect((yield* told).slice(count).filter((line) => !/Waiting|Healthy|Exited/.test(line))).toEqual([
          "container shop-db-1 Running",
          "container shop-init-1 Starting",
          "container shop-init-1 Started",
          "container shop-web-1 Running",
          "project shop Done"
        ])
        const recreated = yield* ran(compose.up("shop", { recreate: "always", services: ["db"] }))
        expect(recreated.containers[0]?.id).not.toBe(before.containers[0]?.id)
        expect(yield* told).toContain("container shop-db-1 Recreated")
      })
    ))

  it("is scaled, and has the services of its profiles", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const names = (outcome: { readonly containers: ReadonlyArray<{ readonly name: string }> }) =>
          outcome.containers.map(({ name }) => name)
        const scaled = yield* ran(compose.up({ directory: "shop", profiles: ["debug"] }, { scale: { web: 2 } }))
        expect(names(scaled)).toEqual(["shop-db-1", "shop-debug-1", "shop-init-1", "shop-web-1", "shop-web-2"])
        expect(names(yield* ran(compose.up("shop")))).not.toContain("shop-web-2")
        expect(names(yield* ran(compose.down("shop", { allProfiles: false })))).toEqual(["shop-debug-1"])
        expect(yield* told).toContain("network shop_default Resource is still in use")
        expect(names(yield* ran(compose.down("shop", { volumes: true })))).toEqual([])
        expect(yield* told).toContain("volume shop_data Removed")
        expect(yield* failureOf(compose.up("shop", { services: ["nobody"] }))).toMatchObject({
          reason: "ServiceNotFound",
          service: "nobody"
        })
      })
    ))

  it("is stopped, started, restarted and waited for", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const states = (outcome: { readonly containers: ReadonlyArray<{ readonly state: string }> }) =>
          outcome.containers.map(({ state }) => state)
        yield* ran(compose.up("shop", { wait: true }))
        expect(yield* told).toContain("container shop-web-1 Running")
        expect(states(yield* ran(compose.stop("shop", { services: ["web"] })))).toEqual(["running", "exited", "exited"])
        expect(yield* compose.status("shop")).toEqual({ status: "partial", missing: ["web"], done: ["init"] })
        expect(states(yield* ran(compose.start("shop", { services: ["web"] })))).toEqual([
          "running",
          "exited",
          "running"
        ])
        expect(states(yield* ran(compose.restart("shop", { services: ["db"] })))[0]).toBe("running")
        expect(yield* told).toContain("container shop-db-1 Restarting")
        yield* ran(compose.down("shop"))
        expect(yield* failureOf(compose.command("shop", ["start", "web"]))).toBe("it succeeded")
      })
    ))

  it.for([
    ["its own folder", "/srv/app"],
    ["a file in its folder", { files: ["/srv/app/docker-compose.yml"] }],
    ["a folder of its name", { directory: "/elsewhere/shop" }],
    ["a file in a folder of its name", "/elsewhere/shop/compose.yaml"],
    ["its name", { name: "shop" }]
  ] as const)("is found by %s", ([, project]) =>
    withCompose(
      Effect.gen(function* () {
        expect((yield* ran((yield* Compose).up(project))).project).toBe("shop")
      }),
      { projects: { shop: { directory: "/srv/app", services: { web: sleeping } } } }
    )
  )

  it("has another name on the engine if it is given one; one that is not there is an error", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const { containers } = yield* ran(compose.up({ directory: "/srv/shop", name: "preview" }))
        expect(containers.map(({ name }) => name)).toEqual(["preview-web-1"])
        expect(yield* failureOf(compose.up("/srv/blog"))).toMatchObject({
          reason: "FileNotFound",
          message: expect.stringContaining('MemoryCompose has no project "/srv/blog". It has: shop')
        })
      }),
      single()
    ))

  it("is declared by config, whose values are hidden unless asked for", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const { name, services, volumes } = yield* compose.config("shop")
        expect({ name, services: Object.keys(services), volumes }).toEqual({
          name: "shop",
          services: ["db", "init", "web"],
          volumes: ["data"]
        })
        expect(services["web"]).toMatchObject({
          dependsOn: { db: "service_healthy", init: "service_completed_successfully" },
          environment: { TOKEN: "<hidden>" },
          replicas: 1
        })
        expect(services["db"]?.hasHealthCheck).toBe(true)
        const shown = yield* compose.config("shop", { showsValues: true, allProfiles: true })
        expect(shown.services["web"]?.environment).toEqual({ TOKEN: "hush" })
        expect(Object.keys(shown.services)).toContain("debug")
        const { stdout } = yield* ran(compose.command("shop", ["config"]))
        expect(stdout).toContain("hush")
        expect(JSON.stringify(yield* (yield* LogSinkRecorder).events)).not.toContain("hush")
        expect(yield* compose.version()).toEqual({
          version: "2.40.3",
          command: ["/usr/libexec/docker/cli-plugins/docker-compose"]
        })
      })
    ))
})

describe("commands in memory", () => {
  it("execute programs of the engine, and change containers", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        yield* ran(compose.up("shop"))
        const executed = yield* ran(compose.command("shop", ["exec", "-T", "-e", "A=1", "web", "sh", "-c", "echo hi"]))
        expect(executed).toEqual({ project: "shop", stdout: "hi", isCut: false })
        expect(yield* failureOf(compose.command("shop", ["exec", "web", "false"]))).toMatchObject({
          reason: "Failed",
          exitCode: 1
        })
        const state = Effect.map(compose.ps("shop"), ([container]) => container?.state)
        for (const [args, after] of [
          [["pause"], "paused"],
          [["unpause", "web"], "running"],
          [["kill", "-s", "SIGKILL"], "exited"],
          [["rm", "--force"], undefined]
        ] as const) {
          yield* ran(compose.command("shop", args))
          expect(yield* state, args.join(" ")).toBe(after)
        }
        expect(yield* ran(compose.command("shop", ["config", "--services"]))).toMatchObject({ stdout: "web" })
        expect(yield* ran(compose.command("shop", ["version", "--short"]))).toMatchObject({ stdout: "2.40.3" })
      }),
      single()
    ))

  it.for([
    [["watch"], 'does not know the command "watch"'],
    [["up", "--menu", "-d"], 'does not know the flag --menu of "up"'],
    [["up"], "add --detach"],
    [["stop", "--timeout"], "flag needs an argument: --timeout"],
    [["exec", "web"], "requires a service and a command"],
    [["exec", "web", "true"], 'service "web" is not running']
  ] as const)("fail with what is wrong about %j", ([args, words]) =>
    withCompose(
      Effect.gen(function* () {
        const error = yield* failureOf((yield* Compose).command("shop", args))
        expect(error).toMatchObject({ _tag: "ComposeFailed", detail: expect.stringContaining(words) })
      }),
      single()
    )
  )

  it("pull images from the registries of the engine, and build them", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        yield* ran(compose.pull("shop"))
        const pulled = yield* told
        expect(pulled.slice(0, 2)).toEqual(["service built Skipped", "service web Pulling"])
        expect(pulled).toEqual(
          expect.arrayContaining([expect.stringMatching(/^layer web\/\w+ Downloading \d+/), "service web Pulled"])
        )
        const build = compose.build("shop", { buildArgs: { TOKEN: Redacted.make("hush-hush") } })
        yield* ran(build)
        expect(yield* told).toContain("service built Built")
        expect(yield* printed).toContain("made")
        expect(JSON.stringify(yield* (yield* LogSinkRecorder).events)).not.toContain("hush-hush")
        const { containers } = yield* ran(compose.up("shop"))
        expect(containers.map(({ image, service }) => `${service} ${image}`)).toEqual([
          "built shop-built",
          "web team/web:1"
        ])
        yield* (yield* MemoryEngine).failRegistry("docker.io", { reason: "RateLimited" })
        expect(yield* failureOf(compose.up("shop", { pull: "always" }))).toMatchObject({
          _tag: "RegistryError",
          reason: "RateLimited"
        })
        expect(yield* told).toContain("service web Error")
      }),
      {
        projects: {
          shop: {
            services: {
              web: { image: "team/web:1", command: ["sleep", "infinity"] },
              built: {
                build: { dockerfile: { text: "FROM busybox\nARG TOKEN\nRUN make" } },
                command: ["sleep", "infinity"]
              }
            }
          }
        }
      },
      {
        registries: [{ images: [{ name: "team/web:1", layers: [{ size: 1_000, duration: "2 seconds" }] }] }],
        builds: [
          { tag: "shop-built", steps: [{ instruction: "FROM busybox" }, { instruction: "RUN make", output: ["made"] }] }
        ]
      }
    ))

  it("fail as the engine does", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const up = (service: string) => failureOf(compose.up("shop", { services: [service] }))
        expect(yield* up("nowhere")).toMatchObject({ _tag: "RegistryError" })
        expect(yield* up("named")).toMatchObject({ _tag: "ComposeFailed", reason: "NameConflict", service: "named" })
        expect(yield* up("second")).toMatchObject({ _tag: "PortAllocated", containerId: "shop-second-1" })
        expect(yield* up("after")).toMatchObject({
          _tag: "ComposeFailed",
          reason: "DependencyUnhealthy",
          service: "failing",
          exitCode: 4
        })
        yield* (yield* MemoryEngine).goOffline()
        expect(yield* failureOf(compose.stop("shop"))).toMatchObject({ _tag: "EngineUnavailable", reason: "Refused" })
      }),
      {
        projects: {
          shop: {
            services: {
              nowhere: { image: "nowhere.example/app" },
              named: { ...sleeping, containerName: "taken" },
              first: { ...sleeping, ports: [{ containerPort: 80, hostPort: 8080 }] },
              second: { ...sleeping, ports: [{ containerPort: 80, hostPort: 8080 }], dependsOn: ["first"] },
              failing: { image: "busybox", command: ["broken"] },
              after: { ...sleeping, dependsOn: { failing: "service_completed_successfully" } }
            }
          }
        }
      },
      {
        containers: [{ ...sleeping, name: "taken" }],
        programs: [{ command: "broken", run: () => Stream.make(ProgramStep.exit(4)) }]
      }
    ))
})

describe("scripted commands", () => {
  it("print, tell progress, take their time, act and fail", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const running = yield* Effect.fork(Operation.run(compose.up("shop")))
        yield* TestClock.adjust("59 seconds")
        expect(yield* printed).toEqual(["checking the licence"])
        expect(yield* told).toEqual(["layer web/0a1b Downloading 10", "container shop-web-1 Warning"])
        yield* TestClock.adjust("1 second")
        expect((yield* ended(running)).containers).toHaveLength(1)
        const error = yield* failureOf(compose.down("shop"))
        expect(error).toMatchObject({ reason: "Failed", lastLines: ["going"], detail: "as scripted" })
        expect(yield* compose.ps("shop")).toHaveLength(1)
        expect(yield* ran(compose.command("shop", ["top", "web"]))).toMatchObject({ stdout: "PID 1" })
      }),
      {
        ...single(),
        commands: [
          {
            command: "up",
            run: ({ act }) =>
              Stream.make(
                ComposeStep.line("checking the licence"),
                ComposeStep.progress("layer", "0a1b", "Downloading", { parent: "web", current: 10, total: 20 }),
                ComposeStep.line('{"id":"Container shop-web-1","status":"Warning"}')
              ).pipe(Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep("1 minute")))), Stream.concat(act))
          },
          {
            project: "shop",
            command: /^down\b/,
            run: () => Stream.concat(Stream.make(ComposeStep.line("going")), Stream.fail(failedWith("Failed")))
          },
          { project: "other", run: () => Stream.die("a script of another project") },
          { command: "top", run: ({ args }) => Stream.make(ComposeStep.line(`PID ${args.length - 1}`, "stdout")) }
        ]
      }
    ))

  it("fail with every error that commands have, and work again when healed", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        const { commands, fail, heal, slow } = yield* MemoryCompose
        const image = { image: "web", registry: "docker.io", credentials: "none", detail: "no" }
        for (const error of [
          failedWith("DependencyUnhealthy"),
          new PortAllocated({ containerId: "shop-web-1", address: "0.0.0.0:80", detail: "no" }),
          new ImageNotFound({ image: "web", detail: "no" }),
          new RegistryError({ ...image, reason: "Denied" }),
          new EngineUnavailable({ endpoint: "memory://engine", reason: "Lost", detail: "no" })
        ]) {
          yield* fail({ project: "shop", command: "up", times: 1 }, error)
          expect(yield* failureOf(compose.up("shop"))).toMatchObject({ _tag: error._tag, detail: error.detail })
        }
        expect(yield* compose.ps("shop")).toEqual([])
        yield* fail({ command: "version" }, failedWith("NotInstalled"))
        expect(yield* Effect.flip(compose.version())).toMatchObject({ reason: "NotInstalled" })
        yield* fail({ command: /^config/ }, failedWith("FileInvalid"))
        expect(yield* Effect.flip(compose.status("shop"))).toMatchObject({ reason: "FileInvalid" })
        yield* slow({}, "1 day")
        yield* heal
        yield* compose.version()
        yield* ran(compose.up({ directory: "shop", profiles: ["debug"] }, { build: true, services: ["web"] }))
        expect((yield* commands).slice(-1)).toEqual([
          { project: "shop", args: ["up", "--detach", "--build", "--", "web"], profiles: ["debug"] }
        ])
      }),
      single()
    ))

  it("wait for each other on a project of an engine, or refuse", () =>
    withCompose(
      Effect.gen(function* () {
        const compose = yield* Compose
        yield* (yield* MemoryCompose).slow({ command: "up" }, "1 minute")
        const first = yield* Effect.fork(Operation.run(compose.up("shop")))
        yield* TestClock.adjust(0)
        expect(yield* failureOf(compose.stop("shop", { busy: "refuse" }))).toMatchObject({ reason: "Busy" })
        const second = yield* Effect.fork(Operation.run(compose.down("shop")))
        yield* TestClock.adjust(0)
        expect(yield* printed).toEqual(['Waiting for another operation on the project "shop".'])
        // The project of the same name on another engine is another one.
        const other = MemoryCompose.layer(shop).pipe(Layer.provide([MemoryEngine.layer(), RegistryAuth.layer()]))
        const stopped = yield* Effect.flatMap(Compose, (compose) => ran(compose.stop("shop"))).pipe(
          Effect.provide(other)
        )
        expect(stopped.containers).toEqual([])
        expect((yield* ended(first)).containers).toHaveLength(1)
        expect((yield* ended(second)).containers).toEqual([])
      }),
      single()
    ))

  it("say what an interruption leaves behind", () =>
    withCompose(
      Effect.gen(function* () {
        const run = yield* Operation.start((yield* Compose).up("shop"))
        yield* TestClock.adjust("1 second")
        yield* run.cancel
        const events = yield* (yield* LogSinkRecorder).events
        expect(events.at(-1)).toMatchObject({
          _tag: "OperationInterrupted",
          detail: expect.stringContaining("shop-db-1 (running), shop-init-1 (exited), shop-web-1 (created)")
        })
        yield* TestClock.adjust("1 hour")
        const containers = yield* (yield* Compose).ps("shop")
        expect(containers.find(({ service }) => service === "web")?.state).toBe("created")
      })
    ))
})

describe("the layer", () => {
  const web = sleeping
  it.for([
    ["a service without an image", { web: {} }, 'service "web" has neither an image nor a build'],
    ["a dependency that is no service", { web: { ...web, dependsOn: ["db"] } }, 'depends on "db"'],
    [
      "services that depend on each other",
      { web: { ...web, dependsOn: ["db"] }, db: { ...web, dependsOn: { web: "service_healthy" } } },
      "dependency cycle: web -> db -> web"
    ],
    ["a name for two containers", { web: { ...web, containerName: "web", replicas: 2 } }, "cannot have 2 replicas"],
    ["half a container", { web: { ...web, replicas: 0.5 } }, "cannot have 0.5 replicas"]
  ] as const satisfies ReadonlyArray<readonly [string, MemoryComposeProject["services"], string]>)(
    "rejects %s",
    async ([, services, words]) => {
      const attempt = withCompose(Effect.void, { projects: { shop: { services } } })
      await expect(attempt).rejects.toThrow(words)
    }
  )

  it("rejects a name that compose would not take", () =>
    expect(withCompose(Effect.void, { projects: { "My Shop": { services: { web } } } })).rejects.toThrow("lower-case"))
})
