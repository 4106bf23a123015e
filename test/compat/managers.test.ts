import * as compat from "@dockwire/compat"
import { MemoryEngine, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Stream from "effect/Stream"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest"
import { repositoryRoot } from "../packages/repositoryRoot.js"

const {
  ComposeManager,
  configure,
  ContainerManager,
  create_logger,
  dispose,
  DockerBase,
  DockerLogger,
  ImageManager,
  NetworkManager,
  VolumeManager,
  WebSocketLogger
} = compat

const page = await readFile(join(repositoryRoot, "packages/compat/README.md"), "utf8")
let warnings: Array<string> = []

beforeAll(() => {
  const ready = Stream.make(ProgramStep.line("one"), ProgramStep.line("two"))
  configure({
    layer: MemoryEngine.layer({
      programs: [{ image: "shop", run: () => ready }],
      containers: [{ name: "shop", image: "shop" }]
    }),
    warn: (message) => void warnings.push(message)
  })
})
afterAll(async () => {
  configure({})
  await dispose()
})

const logger = () => create_logger({ operation_type: "test" })

describe("the managers", () => {
  it("have every function as a method, and what they have in common", () => {
    const managers = [
      new ContainerManager(),
      new ImageManager(),
      new VolumeManager(),
      new NetworkManager(),
      new ComposeManager()
    ]
    const names = Object.entries(compat).flatMap(([name, value]) =>
      /^[a-z]+_/.test(name) && typeof value === "function" && name !== "create_logger" ? [name] : []
    )
    expect(names).toHaveLength(34)
    for (const name of names) {
      const owners = managers.filter((manager) => typeof Reflect.get(manager, name) === "function")
      expect([name, owners.length]).toEqual([name, /docker/.test(name) && !/compose/.test(name) ? 5 : 1])
    }
    for (const manager of managers) expect(manager).toBeInstanceOf(DockerBase)
    // The README says what each has become in core.
    const rows = page.split("\n").filter((line) => /^\| `.*\| `[A-Z]\w+\.\w+.*\|$/.test(line))
    for (const name of names)
      expect([name, rows.filter((row) => new RegExp(`\`${name}[(\`]`).test(row)).length]).toEqual([name, 1])
    expectTypeOf(new ComposeManager().run_compose).parameters.toEqualTypeOf<
      [config_path: string, logger?: compat.LoggerArgument]
    >()
    expectTypeOf(new ContainerManager().stop_container).returns.toEqualTypeOf<Promise<compat.Outcome>>()
  })

  it("give a logger the output, as an argument or by keyword", async () => {
    const containers = new ContainerManager()
    for (const wrap of [(own: compat.OperationLog) => own, (own: compat.OperationLog) => ({ logger: own })]) {
      const [first, second] = [logger(), logger()]
      expect(await containers.start_container("shop", wrap(first))).toEqual([true, "shop\n"])
      expect([first.status, first.log_lines]).toEqual(["completed", ["shop"]])
      expect((await containers.start_container("nope", wrap(second)))[0]).toBe(false)
      expect([second.status, second.log_lines]).toEqual([
        "failed",
        ["Error: Error response from daemon: No such container: nope", "Error: failed to start containers: nope"]
      ])
    }
    const own = logger()
    const [success, output] = await new ImageManager().pull_image("-x", { logger: own })
    expect([success, own.status, own.log_lines]).toEqual([
      false,
      "failed",
      ["Starting docker pull for -x", output, "Image pull failed with return code 1"]
    ])
    expect(await new VolumeManager().create_volume("data", "local", undefined, null)).toEqual([true, "data\n"])
  })

  it("stream the log of a container until it stops", async () => {
    const own = logger()
    expect(await new ContainerManager().stream_container_logs("shop", own)).toEqual([true, ""])
    expect([own.status, own.log_lines.slice(-2)]).toEqual(["completed", ["one", "two"]])
    const failed = logger()
    expect((await new ContainerManager().stream_container_logs("nope", failed))[0]).toBe(false)
    expect(failed.status).toBe("failed")
  })

  it("run commands of this machine without a shell", async () => {
    const base = new DockerBase()
    const node = [process.execPath, "-e"]
    expect(await base.run_command([...node, "console.log(process.argv[1])", "$HOME; x"])).toEqual([true, "$HOME; x\n"])
    expect(await base.run_command(`"${process.execPath}" -e 'console.log(process.cwd())'`, { cwd: "/" })).toEqual([
      true,
      "/\n"
    ])
    const failing = [...node, "console.log(1); console.error(2); process.exitCode = 3"]
    expect(await base.run_command(failing)).toEqual([false, "Error: 2\n"])
    expect(await base.run_command(failing, { check: false })).toEqual([true, "1\n"])
    const own = logger()
    expect((await base.run_command_with_streaming(failing, own))[0]).toBe(false)
    expect([own.status, own.log_lines.toSorted()]).toEqual(["failed", ["1", "2"]])
    for (const bad of [undefined, 7, "", [], [7], "echo 'x", "/no/such/program", ["\0"]]) {
      const result: unknown = await Reflect.apply(base.run_command, base, [bad])
      expect(result).toEqual([false, expect.stringMatching(/^Error: .+\n$/)])
    }
  })

  it("read the JSON that a docker command prints", () => {
    const base = new DockerBase()
    expect(base.parse_json_output('{"a":1}\n{"a":2}\n')).toEqual([{ a: 1 }, { a: 2 }])
    expect(base.parse_json_output('[{"a":1}]')).toEqual([{ a: 1 }])
    expect(base.parse_json_output("no JSON\n")).toEqual([])
  })
})

describe("create_logger", () => {
  it("gives a logger that sends lines only with use_websocket and a socket_io", () => {
    const socket_io = { to: () => ({ emit: () => true }) }
    const kinds = [{}, { use_websocket: true }, { socket_io }, { use_websocket: true, socket_io }].map((options) =>
      create_logger({ operation_type: "test", ...options })
    )
    expect(kinds.map((kind) => kind instanceof WebSocketLogger)).toEqual([false, false, false, true])
    for (const kind of kinds) expect(kind).toBeInstanceOf(DockerLogger)
  })

  it("warns once of a socket_io that throws, and goes on", () => {
    warnings = []
    const socket_io = {
      to: () => {
        throw new Error("boom")
      }
    }
    const own = create_logger({ operation_type: "test", use_websocket: true, socket_io })
    own.add_log_line("a")
    own.add_log_line("b")
    own.complete(false)
    own.complete(true)
    expect([own.get_log_content(), own.status, own.completed_at]).toEqual(["a\nb", "failed", expect.any(Date)])
    expect(warnings).toEqual(['socket_io could not send docker_log to the room "docker_logs": boom'])
  })
})
