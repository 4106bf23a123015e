import * as compat from "@dockwire/compat"
import { type LogEvent, LogSink, LogSinkRecorder } from "@dockwire/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest"
import { startFileServer } from "../core/composeFiles/fileServer.js"
import { startCuttingProxy } from "../engine/cuttingProxy.js"
import { engineRequest } from "../engine/engineRequest.js"
import { describeCompose } from "../engine/describeCompose.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startRegistryFront } from "../engine/registryFront.js"
import { registryImage } from "../engine/registryImage.js"
import { createTestContainer, uniqueName } from "../engine/testContainer.js"
import { testProjectName } from "../engine/testRun.js"
import * as composeFileFunctions from "../../packages/compat/src/functions/composeFileFunctions.js"
import * as composeFunctions from "../../packages/compat/src/functions/composeFunctions.js"
import { repositoryRoot } from "../packages/repositoryRoot.js"
import { covered } from "./covered.js"

const coverage = covered(compat)
const {
  check_compose_status,
  check_for_updates,
  ComposeManager,
  configure,
  create_logger,
  dispose,
  download_compose_file,
  ensure_docker_installed,
  pull_image,
  pull_images,
  restart_compose,
  run_compose,
  stop_compose,
  update_compose_file
} = coverage.functions

let warnings: Array<string> = []
const warn = (message: string) => void warnings.push(message)

beforeEach(() => {
  warnings = []
})
afterAll(async () => {
  configure({})
  await dispose()
})

/** A log that keeps what it gets, and when. */
const recorder = () => {
  const calls: Array<string | boolean> = []
  const times: Array<number> = []
  const log: compat.OperationLog = {
    add_log_line: (line) => {
      calls.push(line)
      times.push(performance.now())
    },
    complete: (success) => void calls.push(success)
  }
  return { calls, times, log }
}

describeEngine("an operation_log", () => {
  describeCompose("2.26", "of compose", (compose) => {
    let file = ""
    const project = testProjectName("compat-log")
    beforeAll(async () => {
      for (const [name, value] of Object.entries(compose().environment)) vi.stubEnv(name, value)
      configure({ endpoint: testEngine().endpoint, composeDir: join(compose().folder, "files"), warn })
      await mkdir(join(compose().folder, "log"))
      file = join(compose().folder, "log/docker-compose.yml")
      const service = "image: busybox, command: sleep 600, stop_grace_period: 0s"
      await writeFile(
        file,
        `name: ${project}\nservices:\n  a: { ${service}, healthcheck: { test: sleep 0.3, interval: 1s } }\n` +
          `  b: { ${service}, depends_on: { a: { condition: service_healthy } } }\n`
      )
    })
    afterAll(async () => {
      await stop_compose(file)
      vi.unstubAllEnvs()
      configure({})
      await dispose()
    })

    it("gets the lines in order, one by one while they happen", async () => {
      expect(await ensure_docker_installed()).toBe(true)
      expect(await check_compose_status(file)).toBe("down")
      const up = recorder()
      const [success, output] = await run_compose(file, up.log)
      const lines = output.split("\n")
      expect(up.calls).toEqual([
        `Starting docker compose up for ${file}`,
        ...lines,
        "Docker Compose started successfully",
        true
      ])
      expect(success).toBe(true)
      expect(lines.slice(0, 2)).toEqual([`Network ${project}_default  Creating`, `Network ${project}_default  Created`])
      // The second service waits for the health of the first, which takes a second.
      const at = (line: string) => up.times[up.calls.indexOf(line)] ?? Number.NaN
      expect(at(`Container ${project}-b-1  Starting`) - at(`Container ${project}-a-1  Started`)).toBeGreaterThan(500)
      expect(await check_compose_status(file)).toBe("up")

      for (const [call, verb, last] of [
        [restart_compose, "restart", "Docker Compose restarted successfully"],
        [stop_compose, "down", "Docker Compose stopped successfully"]
      ] as const) {
        const { calls, log } = recorder()
        const [, output] = await call(file, log)
        expect(calls).toEqual([`Starting docker compose ${verb} for ${file}`, ...output.split("\n"), last, true])
      }
      expect(await check_compose_status(file)).toBe("down")
      expect(warnings).toEqual([])
    })

    it("gets the lines of a pull while they happen", async () => {
      const front = await startRegistryFront()
      const [repository, pulled] = [uniqueName("compose-pull"), join(compose().folder, "log/pulled.yml")]
      const image = `${front.host}/${repository}:1`
      front.add(repository, "1", registryImage({ layers: [500_000] }))
      front.break(repository, { kind: "throttle", bytesPerSecond: 1_000_000 })
      onTestFinished(async () => {
        await engineRequest(testEngine().endpoint, "DELETE", `/images/${image}?force=1`)
        await front.stop()
      })
      await writeFile(pulled, `name: ${project}\nservices: { web: { image: "${image}" } }\n`)
      const { calls, log, times } = recorder()
      const [success, output] = await pull_images(pulled, log)
      expect([success, calls]).toEqual([
        true,
        [
          `Starting docker compose pull for ${pulled}`,
          ...output.split("\n"),
          "Docker Compose pull completed successfully",
          true
        ]
      ])
      // The layer takes half a second.
      const at = (line: string) => times[calls.indexOf(line)] ?? Number.NaN
      expect(at("web Pulled") - at("web Pulling")).toBeGreaterThan(300)
    })

    it("gets the lines of a failure, and the code with which compose exited", async () => {
      const broken = join(compose().folder, "log/broken.yml")
      await writeFile(broken, `name: ${project}\nservices: { web: { image: "localhost:1/x" } }\n`)
      const invalid = join(compose().folder, "log/invalid.yml")
      await writeFile(invalid, "services: [\n")
      const missing = join(compose().folder, "log/missing.yml")
      const taken = join(compose().folder, "log/taken.yml")
      const { name, remove } = await createTestContainer({ endpoint: testEngine().endpoint, cmd: ["true"] })
      onTestFinished(remove)
      await writeFile(taken, `name: ${project}\nservices: { web: { image: busybox, container_name: ${name} } }\n`)
      const refused = "Error response from daemon: .*connection refused"
      for (const [call, path, failed, output] of [
        [
          pull_images,
          broken,
          "Docker Compose pull failed with return code 18",
          new RegExp(`^web Pulling\n.*${refused}$`, "s")
        ],
        [run_compose, broken, "Docker Compose failed with return code 18", new RegExp(refused)],
        [run_compose, invalid, "Docker Compose failed with return code 15", /^yaml: /],
        [
          run_compose,
          taken,
          "Docker Compose failed with return code 1",
          /Conflict\. The container name ".*" is already in/
        ],
        [stop_compose, invalid, "Docker Compose failed with return code 15", /^yaml: /],
        [restart_compose, invalid, "Docker Compose failed with return code 15", /^yaml: /],
        [
          run_compose,
          missing,
          "Docker Compose failed with return code 14",
          /^Error: open .*: no such file or directory\n$/
        ]
      ] as const) {
        const { calls, log } = recorder()
        const [success, text] = await call(path, log)
        expect([success, text]).toEqual([false, expect.stringMatching(output)])
        const lines = text
          .replace(/^Error: /, "")
          .trim()
          .split("\n")
        expect(calls.slice(1)).toEqual([...lines, failed, false])
      }
      expect(await check_compose_status(missing)).toBe("error")
      expect(await check_compose_status(invalid)).toBe("error")
      expect(warnings).toHaveLength(2)
    })

    it("gets a line before the engine is lost because of it, and is completed once", async () => {
      const proxy = await startCuttingProxy(testEngine().endpoint)
      configure({ endpoint: proxy.endpoint, warn })
      const { calls, log } = recorder()
      const cut = `Container ${project}-a-1  Started`
      const [success, output] = await run_compose(file, {
        add_log_line: (line) => {
          log.add_log_line(line)
          // The second service waits for the health of the first.
          if (line === cut) void proxy.close()
        },
        complete: log.complete
      })
      expect(success).toBe(false)
      expect(calls).toEqual([
        `Starting docker compose up for ${file}`,
        ...output.split("\n"),
        "Docker Compose failed with return code 1",
        false
      ])
      const lines = output.split("\n")
      expect(lines.slice(lines.indexOf(cut)).join("\n")).toMatch(/Cannot connect|error during connect|EOF/)
      await proxy.close()
      configure({ endpoint: testEngine().endpoint, warn })
      expect((await stop_compose(file))[0]).toBe(true)
    })

    it("gets the reason of an engine that can't be reached", async () => {
      const nowhere = "unix:///nowhere/docker.sock"
      configure({ endpoint: nowhere, warn })
      coverage.under("unreachable")
      onTestFinished(() => {
        coverage.under("")
        configure({ endpoint: testEngine().endpoint, warn })
      })
      for (const call of [run_compose, stop_compose, restart_compose, pull_images]) {
        const { calls, log } = recorder()
        const [success, text] = await call(file, log)
        expect([success, text]).toEqual([false, expect.stringContaining(nowhere)])
        expect(calls.at(0)).toMatch(/^Starting docker compose /)
        expect(calls.slice(1, -2).join("\n")).toContain(nowhere)
        expect(calls.slice(-2)).toEqual([expect.stringMatching(/ failed with return code \d+$/), false])
      }
      expect(await check_compose_status(file)).toBe("error")
      expect(await ensure_docker_installed()).toBe(false)
      // What else is wrong depends on the machine.
      expect(warnings.filter((warning) => warning.includes(nowhere))).toHaveLength(2)
    })

    it("is completed when a signal ends the process", async () => {
      // The built package: to compile the sources takes longer than all of this.
      const program = `import { configure, run_compose } from "@dockwire/compat"
        configure({ endpoint: ${JSON.stringify(testEngine().endpoint)} })
        await run_compose(${JSON.stringify(file)}, {
          add_log_line: (line) => process.stdout.write(line + "\\n"),
          complete: (success) => process.stdout.write("complete " + success + "\\n")
        })`
      const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { cwd: repositoryRoot })
      let output = ""
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes("a-1  Started")) child.kill("SIGTERM")
      })
      const signal = await new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)))
      expect([signal, output.match(/complete \w+/g)]).toEqual(["SIGTERM", ["complete false"]])
    })

    it("may be a logger, whose operation goes to the sink of the program", async () => {
      const scope = await Effect.runPromise(Scope.make())
      const context = await Effect.runPromise(Layer.buildWithScope(LogSink.layerTest, scope))
      const events = () => Effect.runPromise(Context.get(context, LogSinkRecorder).events)
      configure({
        endpoint: testEngine().endpoint,
        warn,
        logSink: Layer.succeed(LogSink, Context.get(context, LogSink))
      })
      const hidden = create_logger({ operation_type: "stop_compose", use_db: false })
      await new ComposeManager().stop_compose(file, { logger: hidden })
      expect([hidden.status, await events()]).toEqual(["completed", []])
      const emitted: Array<readonly [string, string, object]> = []
      const logger = create_logger({
        operation_type: "run_compose",
        config_id: 7,
        use_websocket: true,
        socket_io: { to: (room) => ({ emit: (event, payload) => emitted.push([room, event, Object(payload)]) }) }
      })
      const [, output] = await new ComposeManager().run_compose(file, logger)
      expect(logger.get_log_content()).toBe(
        [`Starting docker compose up for ${file}`, output, "Docker Compose started successfully"].join("\n")
      )
      const about = {
        log_id: logger.log_id,
        operation_type: "run_compose",
        config_id: 7,
        container_id: null,
        image_name: null,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/)
      }
      expect(emitted).toEqual([
        ...logger.log_lines.map((line) => [
          "docker_logs",
          "docker_log",
          { ...about, status: "running", line, stream: "stdout" }
        ]),
        ["docker_logs", "docker_log_complete", { ...about, status: "completed", success: true }]
      ])
      // The sink gets what the log gets, in the same order.
      const kept: ReadonlyArray<LogEvent> = await events()
      expect(kept.flatMap((event) => (event._tag === "OperationLine" ? [event.text.trim()] : []))).toEqual(
        logger.log_lines
      )
      for (const event of kept) expect(event).toMatchObject({ logId: logger.log_id, target: { configId: 7 } })
    })

    it("stands beside the compose files that are downloaded, checked and updated", async () => {
      let text = "services: { web: { image: nginx } }\n"
      const server = await startFileServer((_, response) => response.end(text))
      configure({ endpoint: testEngine().endpoint, composeDir: join(compose().folder, "files"), warn })
      const path = join(compose().folder, "files/shop/docker-compose.yml")
      const done = "Docker Compose file downloaded successfully"
      expect(await download_compose_file(server.url, "shop")).toEqual([true, done, path])
      expect(await check_for_updates(path, server.url)).toEqual([true, false])
      const before = text
      text = "services: { web: { image: 'nginx:2' } }\n"
      expect(await check_for_updates(path, server.url)).toEqual([true, true])
      expect(await update_compose_file(path, server.url)).toEqual([true, "Docker Compose file updated successfully"])
      expect([await readFile(path, "utf8"), await readFile(`${path}.bak`, "utf8")]).toEqual([text, before])
      const good = text
      text = "services: [\n"
      expect(await update_compose_file(path, server.url)).toEqual([
        false,
        expect.stringMatching(/^Invalid Docker Compose file: /)
      ])
      expect(await readFile(path, "utf8")).toBe(good)
      await server.close()
      const failed = expect.stringMatching(/^Error downloading Docker Compose file: Cannot download /)
      expect(await download_compose_file(server.url, "shop")).toEqual([false, failed, null])
      expect(await update_compose_file(path, server.url)).toEqual([false, failed])
      expect(await download_compose_file(server.url, "../shop")).toEqual([
        false,
        expect.stringMatching(/^Error processing Docker Compose file: Invalid name "\.\.\/shop": /),
        null
      ])
      expect(await check_for_updates(path, server.url)).toEqual([false, false])
      expect(warnings).toEqual([expect.stringMatching(/^Cannot download /)])
    })

    it("is covered: every function for compose has succeeded, has failed, and has failed without an engine", () => {
      const commands = Object.keys(composeFunctions)
      const files = Object.keys(composeFileFunctions)
      expect(coverage.what("succeeded")).toEqual(expect.arrayContaining([...commands, ...files]))
      expect(coverage.what("failed")).toEqual(expect.arrayContaining([...commands, ...files]))
      // Compose files come from elsewhere.
      expect(coverage.what("unreachable")).toEqual(expect.arrayContaining(commands))
    })
  })
})

describe("an operation_log that is broken", () => {
  beforeEach(() => configure({ endpoint: "unix:///nowhere/docker.sock", warn }))
  afterEach(() => vi.useRealTimers())

  const boom = () => {
    throw new Error("boom")
  }
  it.for([
    ["throws", boom, /add_log_line .* threw: boom\. The operation goes on\.$/],
    ["rejects", () => Promise.reject(new Error("boom")), /add_log_line .* rejected: boom\. The operation goes on\.$/]
  ] as const)("because it %s is a warning for each method", async ([, method, line]) => {
    const result = await pull_image("busybox", { add_log_line: method, complete: method })
    expect(result).toEqual([false, expect.stringContaining("/nowhere/docker.sock")])
    await expect.poll(() => warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(line)
    expect(warnings[1]).toMatch(/^The method complete /)
  })

  it("because it never settles is a warning after a while", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const never = () => new Promise<void>(() => {})
    const pulled = pull_image("-x", { add_log_line: never, complete: never })
    expect((await pulled)[0]).toBe(false)
    vi.advanceTimersByTime(5_000)
    expect(warnings).toEqual([
      expect.stringMatching(/^The method add_log_line .* has not settled within 5 seconds/),
      expect.stringMatching(/^The method complete .* has not settled within 5 seconds/)
    ])
  })
})
