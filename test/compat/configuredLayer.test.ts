import {
  check_compose_status,
  configure,
  connect,
  dispose,
  get_container_logs,
  get_containers,
  inspect_container,
  remove_container,
  run_compose,
  start_container,
  stop_compose,
  stop_container
} from "@dockwire/compat"
import { Docker } from "@dockwire/core/Docker"
import { InvalidRequest } from "@dockwire/core/DockerError"
import { MemoryCompose } from "@dockwire/core/MemoryCompose"
import { MemoryEngine, ProgramStep } from "@dockwire/core/MemoryEngine"
import { RegistryAuth } from "@dockwire/core/RegistryAuth"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { afterEach, describe, expect, it } from "vitest"

let warnings: Array<string> = []
const warn = (message: string) => void warnings.push(message)

afterEach(async () => {
  warnings = []
  configure({})
  await dispose()
})

const engine = MemoryEngine.layer({
  programs: [
    {
      image: "shop",
      run: () => Stream.concat(Stream.make(ProgramStep.line("ready"), ProgramStep.line("open")), Stream.never)
    }
  ],
  containers: [{ name: "shop", image: "shop", ports: [{ containerPort: 80, hostPort: 8080, hostIp: "127.0.0.1" }] }]
})

describe("configure({ layer })", () => {
  it("makes all functions use that engine", async () => {
    configure({ layer: engine, warn })
    const [row, ...rest] = await get_containers()
    expect(rest).toEqual([])
    expect(row).toMatchObject({ name: "shop", image: "shop", ports: "127.0.0.1:8080->80/tcp" })
    expect(row?.status).toMatch(/^Up /)
    expect(await get_container_logs("shop", 1)).toEqual([true, "open\n"])
    expect(await stop_container("shop")).toEqual([true, "shop\n"])
    expect(await start_container("shop")).toEqual([true, "shop\n"])
    expect((await inspect_container("shop"))[1]).toMatchObject({ Name: "/shop" })
    expect(await remove_container("shop", true)).toEqual([true, "shop\n"])
    expect(await get_containers()).toEqual([])
    expect(await start_container("shop")).toEqual([
      false,
      "Error: Error response from daemon: No such container: shop\nError: failed to start containers: shop\n"
    ])
    expect(warnings).toEqual([])
  })

  it("may provide other services too, such as compose in memory", async () => {
    const service = { image: "shop" }
    const layer = MemoryCompose.layer({
      projects: { shop: { services: { web: service, db: service } } }
    }).pipe(Layer.provideMerge(engine), Layer.provide(RegistryAuth.layer()))
    configure({ layer, warn })
    const file = "/srv/shop/docker-compose.yml"
    const lines: Array<unknown> = []
    const log = {
      add_log_line: (line: string) => void lines.push(line),
      complete: (done: boolean) => void lines.push(done)
    }
    const [success, output] = await run_compose(file, log)
    expect([success, lines]).toEqual([
      true,
      [`Starting docker compose up for ${file}`, ...output.split("\n"), "Docker Compose started successfully", true]
    ])
    expect(output).toContain("Container shop-web-1  Started")
    expect(await check_compose_status(file)).toBe("up")
    expect((await get_containers()).map(({ name }) => name).toSorted()).toEqual(["shop", "shop-db-1", "shop-web-1"])
    expect(await stop_compose(file)).toEqual([true, expect.stringContaining("Container shop-web-1  Removed")])
    expect(await run_compose("/srv/nowhere/docker-compose.yml")).toEqual([false, expect.stringMatching(/nowhere/)])

    await using docker = connect({ layer })
    await docker.compose.up("/srv/shop").result
    expect(await docker.compose.status("/srv/shop")).toMatchObject({ status: "up" })
    expect(await docker.containers.list()).toHaveLength(3)
    expect(warnings).toEqual([])
  })

  it("takes precedence over endpoint", async () => {
    configure({ layer: engine, endpoint: "unix:///nowhere/docker.sock", warn })
    expect((await get_containers()).map(({ name }) => name)).toEqual(["shop"])
  })

  it("accepts a Docker service that the program has already built, and sees what the program does with it", async () => {
    const scope = await Effect.runPromise(Scope.make())
    const context = await Effect.runPromise(Layer.buildWithScope(engine, scope))
    configure({ layer: Layer.succeed(Docker, Context.get(context, Docker)), warn })
    await Effect.runPromise(Context.get(context, MemoryEngine).writeLine("shop", "stdout", "by hand"))
    expect(await get_container_logs("shop", 1)).toEqual([true, "by hand\n"])
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  it("builds the layer on the first call and releases it on dispose and on the next configure", async () => {
    const log: Array<string> = []
    const layer = Layer.provideMerge(
      engine,
      Layer.scopedDiscard(
        Effect.acquireRelease(
          Effect.sync(() => log.push("built")),
          () => Effect.sync(() => log.push("released"))
        )
      )
    )
    configure({ layer, warn })
    expect(log).toEqual([])
    await Promise.all([get_containers(), get_containers()])
    expect(log).toEqual(["built"])
    await dispose()
    expect(log).toEqual(["built", "released"])
    expect((await get_containers()).map(({ name }) => name)).toEqual(["shop"])
    configure({ endpoint: "unix:///nowhere/docker.sock", warn })
    await expect.poll(() => log).toEqual(["built", "released", "built", "released"])
    expect(await get_containers()).toEqual([])
  })

  it("reports a layer that can't be built as the failure of each call", async () => {
    const error = new InvalidRequest({ field: "images", value: "nowhere", detail: "broken on purpose" })
    configure({ layer: Layer.fail(error), warn })
    expect(await stop_container("shop")).toEqual([false, `Error: ${error.message}\n`])
    expect(await get_containers()).toEqual([])
    expect(warnings).toEqual([error.message])
  })
})
