import * as compat from "@dockwire/compat"
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest"
import { startFileServer } from "../core/composeFiles/fileServer.js"

const { configure, dispose } = compat

let warnings: Array<string> = []
let folder = ""

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-bad-input-"))
})
beforeEach(() => {
  warnings = []
  configure({
    endpoint: "unix:///nowhere/docker.sock",
    composeDir: join(folder, "files"),
    warn: (message) => void warnings.push(message)
  })
})
afterAll(async () => {
  configure({})
  await dispose()
  await rm(folder, { recursive: true })
})

/** The old functions: what has an underscore in its name and returns a promise. */
type OldFunctions = {
  readonly [
    K in keyof typeof compat as K extends `${string}_${string}`
      ? (typeof compat)[K] extends (...args: never) => Promise<unknown>
        ? K
        : never
      : never
  ]: (typeof compat)[K]
}

/** A parameter of an old function. */
interface Parameter {
  readonly name: string
  /** A value that it takes. */
  readonly good: unknown
  /** Values that it does not. */
  readonly bad: ReadonlyArray<unknown>
}

/** One for each of the parameters, also those that may be left out. */
type Each<P extends ReadonlyArray<unknown>> = { readonly [I in keyof P]-?: Parameter }

const throwing = new Proxy(
  {},
  Object.fromEntries(
    (["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"] as const).map((trap) => [
      trap,
      () => {
        throw new Error("trap")
      }
    ])
  )
)

const noText: ReadonlyArray<unknown> = [7, Number.NaN, 7n, {}, [], true, Symbol("x"), Object.create(null), throwing]
const noTextAtAll: ReadonlyArray<unknown> = [undefined, null, ...noText, "", " ", "\0"]
const noName: ReadonlyArray<unknown> = [...noTextAtAll, "-f", "--all", "../x", "a/../../b", "a\nb"]
/** The root is a folder. */
const noFile: ReadonlyArray<unknown> = [...noTextAtAll, "/", ".."]
const noFlag: ReadonlyArray<unknown> = ["yes", "", 1, {}, throwing]
const noUrl: ReadonlyArray<unknown> = [...noTextAtAll, "x", "-x", "file:///etc/passwd", "http://"]

const one = (name: string, good: unknown, bad: ReadonlyArray<unknown>): Parameter => ({ name, good, bad })
const container = one("container_id", "web", noName)
const network = one("network_id", "web", noName)
const named = one("name", "web", noName)
const force = one("force", false, noFlag)
const file = one("config_path", "nowhere.yml", noFile)
const source = one("source_url", "http://127.0.0.1:1/x", noUrl)
const driver = one("driver", "local", [...noText, "-x"])
const log = one("operation_log", undefined, [7, {}, "log", { add_log_line: () => {} }, throwing])

/** Every parameter of every function: one that is missing here does not compile. */
const parameters: { readonly [K in keyof OldFunctions]: Each<Parameters<OldFunctions[K]>> } = {
  ensure_docker_installed: [],
  install_docker: [log],
  download_compose_file: [
    one("url", "http://127.0.0.1:1/x", noUrl),
    one("name", "web", [...noName, "/etc", "a/b", "..", ".", "a\\b"])
  ],
  check_for_updates: [file, source],
  update_compose_file: [file, source],
  run_compose: [file, log],
  stop_compose: [file, log],
  restart_compose: [file, log],
  pull_images: [file, log],
  check_compose_status: [file],
  // What is no number of lines stands for all of them.
  get_container_logs: [container, one("tail", 100, [])],
  // It is ignored.
  get_containers: [one("config_id", undefined, [])],
  start_container: [container],
  stop_container: [container],
  restart_container: [container],
  remove_container: [container, force],
  exec_container_command: [
    container,
    one("command", "ls", [...noTextAtAll.filter((text) => text !== "\0"), "sh -c 'x", 'echo "', "echo \\"])
  ],
  get_container_stats: [container],
  inspect_container: [container],
  get_images: [],
  pull_image: [one("image_name", "web", [...noTextAtAll, "-f", "../x", "a/../../b", "a\nb", "A", "a:b:c"]), log],
  remove_image: [one("image_id", "web", noName), force],
  build_image: [
    one("dockerfile_path", ".", noTextAtAll),
    one("tag", "web", [...noTextAtAll, "-t", "../x", "A", "a:b:c"]),
    log
  ],
  inspect_image: [one("image_id", "web", noName)],
  get_volumes: [],
  create_volume: [named, driver, one("labels", {}, [7, "a=b", ["a"], { a: 1 }, throwing])],
  remove_volume: [named, force],
  inspect_volume: [named],
  get_networks: [],
  create_network: [
    named,
    driver,
    one("subnet", "10.0.0.0/8", [...noText, "10.0.0.0", "10.0.0.0/33", "-x", "x/8"]),
    one("gateway", "10.0.0.1", [...noText, "10.0.0", "-x"])
  ],
  remove_network: [named],
  inspect_network: [named],
  connect_container_to_network: [container, network],
  disconnect_container_from_network: [container, network]
}

const call = (name: string, args: ReadonlyArray<unknown>): Promise<unknown> => {
  const found: unknown = Reflect.get(compat, name)
  if (typeof found !== "function") throw new Error(`${name} is no function`)
  return Reflect.apply(found, undefined, args)
}

describe("an argument that is invalid", () => {
  const all: ReadonlyArray<readonly [string, ReadonlyArray<Parameter>]> = Object.entries(parameters)

  it("is looked for in every function", () => {
    const names = Object.entries(compat).flatMap(([name, value]) =>
      /^[a-z]+_/.test(name) && typeof value === "function" && name !== "create_logger" ? [name] : []
    )
    expect(all.map(([name]) => name).toSorted()).toEqual(names.toSorted())
  })

  it.for(all)("makes %s fail, with a sentence that names it", async ([name, own]) => {
    const sentence = (argument: string) => new RegExp(`(Invalid|invalid reference format:) ${argument} `)
    const wrong: Array<unknown> = []
    for (const [index, { bad, name: argument }] of own.entries()) {
      for (const value of bad) {
        warnings = []
        const result = await call(
          name,
          own.map(({ good }, place) => (place === index ? value : good))
        )
        const [success, text] = Array.isArray(result) ? [result[0], result[1]] : [result !== "error", undefined]
        // Where the result has no place for a sentence, it is a warning.
        const told = typeof text === "string" ? [text] : warnings
        const isTold = told.length === 1 && sentence(argument).test(told[0] ?? "")
        // The engine is not asked.
        if (success !== false || !isTold || told.join().includes("nowhere/docker.sock"))
          wrong.push([argument, typeof value === "object" ? "an object" : inspect(value), result, warnings])
      }
    }
    expect(wrong).toEqual([])
  })

  it("is a gateway without a subnet", async () => {
    expect(await call("create_network", ["web", "bridge", undefined, "10.0.0.1"])).toEqual([
      false,
      expect.stringContaining("Invalid gateway ")
    ])
  })

  it("makes no promise of a manager reject, and no logger throw", async () => {
    for (const manager of [new compat.ContainerManager(), new compat.ImageManager(), new compat.ComposeManager()]) {
      for (const method of Object.keys(parameters)) {
        const own: unknown = Reflect.get(manager, method)
        // The others would look for Docker.
        if (typeof own !== "function" || /docker/.test(method)) continue
        for (const value of [undefined, 7, throwing, { logger: 7 }]) {
          const result: unknown = await Reflect.apply(own, manager, [value, value, value])
          expect([method, result]).not.toEqual([method, undefined])
        }
      }
    }
    for (const options of [
      undefined,
      null,
      7,
      {},
      { operation_type: Symbol("x"), use_websocket: true, socket_io: 7 }
    ]) {
      const logger: compat.DockerLogger = Reflect.apply(compat.create_logger, undefined, [options])
      for (const line of [undefined, Symbol("x"), throwing]) Reflect.apply(logger.add_log_line, logger, [line])
      logger.complete()
      expect([logger.status, logger.log_lines.length]).toEqual(["completed", 3])
      expect(logger.get_log_content()).toContain("Symbol(x)")
    }
  })

  it("makes every function fail in its own way if it is one of configure", async () => {
    for (const options of [{ endpoint: 7 }, { layer: 7 }, { logSink: throwing }, { composeDir: 7 }, { endpoint: "" }]) {
      Reflect.apply(configure, undefined, [{ ...options, warn: (message: string) => void warnings.push(message) }])
      warnings = []
      expect((await compat.download_compose_file("http://127.0.0.1:1/x", "web"))[0]).toBe(false)
      expect(warnings).toEqual([])
    }
    const emitted = vi.spyOn(process, "emitWarning").mockImplementation(() => {})
    onTestFinished(() => emitted.mockRestore())
    for (const options of [undefined, null, 7, { warn: 7 }]) {
      Reflect.apply(configure, undefined, [options])
      expect(await compat.inspect_container("")).toEqual([false, {}])
    }
  })
})

describe("a compose file", () => {
  it("is put in a folder of the compose files, whatever its name", async () => {
    const server = await startFileServer((_, response) => response.end("services: { web: { image: nginx } }\n"))
    const outside = join(folder, "outside")
    await mkdir(join(folder, "files"), { recursive: true })
    await mkdir(outside)
    await writeFile(join(outside, "docker-compose.yml"), "kept\n")
    await symlink(outside, join(folder, "files/link"))
    const before = await readdir(folder, { recursive: true })
    const names = [
      "../outside",
      "../../x",
      "a/../../outside",
      "/etc",
      outside,
      "link",
      "..",
      ".",
      "a/b",
      "a\0b",
      "-x",
      "~"
    ]
    for (const name of names) {
      expect([name, await compat.download_compose_file(server.url, name)]).toEqual([
        name,
        [false, expect.stringMatching(/^Error processing Docker Compose file: .*name|link/), null]
      ])
    }
    expect(await readdir(folder, { recursive: true })).toEqual(before)
    expect(await readFile(join(outside, "docker-compose.yml"), "utf8")).toBe("kept\n")
    expect(await compat.download_compose_file(server.url, "web")).toEqual([
      true,
      "Docker Compose file downloaded successfully",
      join(folder, "files/web/docker-compose.yml")
    ])
    await server.close()
  })
})
