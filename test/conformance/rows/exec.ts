import { Containers, Exec, type ExecSettings } from "@dockwire/core"
import { Chunk, Effect, type Scope, Stream } from "effect"
import { expect } from "vitest"
import type { Bench } from "../bench.js"
import { type Cell, failsWith, type Rows } from "../cell.js"

const missing = "dockwire-nobody"

const run = (id: string, command: ReadonlyArray<string>) => Effect.flatMap(Exec, (exec) => exec.run(id, command))

const stream = (id: string, command: ReadonlyArray<string>) =>
  Effect.flatMap(Exec, (exec) => Stream.runCollect(exec.stream(id, command)))

const attach = (id: string) => Effect.flatMap(Exec, (exec) => exec.attach(id))

const terminal = (id: string, command: ReadonlyArray<string>, settings: ExecSettings = {}) =>
  Effect.flatMap(Exec, (exec) => exec.terminal(id, command, { ...settings, rows: 33, columns: 99 }))

const startDetached = (id: string, command: ReadonlyArray<string>) =>
  Effect.flatMap(Exec, (exec) => exec.startDetached(id, command))

/** What a command can't be started for: its arguments and settings, and the engine's message. */
const startFailures: ReadonlyArray<readonly [ReadonlyArray<string>, ExecSettings, RegExp]> = [
  [["nope"], {}, /executable file not found/],
  [["/nope"], {}, /no such file or directory|not found/],
  // A file that is not executable.
  [["/etc/hostname"], {}, /permission denied|no such file or directory/],
  [["true"], { workingDirectory: "/nope" }, /chdir|no such file or directory/],
  [["true"], { user: "dockwire-nobody" }, /no matching entries in passwd file/],
  [["true"], { user: "0:dockwire-nobody" }, /no matching entries in group file/]
]

/** Any of them. */
type Use = (id: string, command: ReadonlyArray<string>) => Effect.Effect<unknown, unknown, Exec | Scope.Scope>

const notFound =
  (use: Use): Cell =>
  () =>
    failsWith(use(missing, ["true"]), "ContainerNotFound", { detail: `No such container: ${missing}` })

const conflict =
  (use: Use): Cell =>
  (bench: Bench) =>
    Effect.gen(function* () {
      const { id } = yield* bench.created(["sleep", "300"])
      yield* failsWith(use(id, ["true"]), "ContainerStateConflict", {
        state: bench.expected("the conflicting state", "stopped"),
        detail: `container ${id} is not running`
      })
    })

const noCommand = {
  command: ["nope"],
  detail:
    'OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown'
}

const badInput = (use: Use) => (bench: Bench) =>
  Effect.gen(function* () {
    const { id } = yield* bench.running()
    yield* failsWith(use(id, ["nope"]), "ExecFailed", { containerId: id, ...noCommand })
    yield* failsWith(use(id, []), "ExecFailed", { command: [] })
  })

/** Commands that can't be started fail, whatever the engine's message; an exit code of 126 or 127 alone is no failure. */
const neverStarted = (use: (id: string, command: ReadonlyArray<string>, settings: ExecSettings) => ReturnType<Use>) =>
  Effect.fn(function* (bench: Bench) {
    const { id } = yield* bench.running()
    for (const [command, settings, message] of startFailures) {
      yield* failsWith(use(id, command, settings), "ExecFailed", {
        containerId: id,
        command,
        detail: expect.stringMatching(message)
      })
    }
    return id
  })

/** The cells of `Exec`. */
export const execRows: Rows = {
  run: {
    call: () => run(missing, ["true"]),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        expect(yield* run(id, ["sh", "-c", "echo out; echo err >&2; exit 3"])).toEqual({
          exitCode: 3,
          stdout: "out\n",
          stderr: "err\n"
        })
        const exec = yield* Exec
        expect(yield* exec.run(id, "cat", { stdin: Stream.make("a", "b\n") })).toMatchObject({
          exitCode: 0,
          stdout: "ab\n"
        })
        const { stdout } = yield* exec.run(id, "env", { environment: { GREETING: "hello" } })
        expect(stdout.split("\n")).toContain("GREETING=hello")
      }),
    missing: notFound(run),
    conflict: conflict(run),
    "bad input": (bench) =>
      Effect.gen(function* () {
        yield* badInput(run)(bench)
        const exec = yield* Exec
        const id = yield* neverStarted((id, command, settings) => exec.run(id, command, settings))(bench)
        for (const exitCode of [126, 127]) {
          const script = `echo 'OCI runtime exec failed: executable file not found'; exit ${exitCode}`
          expect(yield* run(id, ["sh", "-c", script])).toMatchObject({ exitCode })
        }
      })
  },
  stream: {
    call: () => stream(missing, ["true"]),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const output = Chunk.toReadonlyArray(yield* stream(id, ["sh", "-c", "echo out; exit 4"]))
        expect(output.at(-1)).toEqual({ _tag: "Exit", exitCode: 4 })
        expect(
          output.slice(0, -1).map((piece) => (piece._tag === "Output" ? String(Buffer.from(piece.bytes)) : ""))
        ).toEqual(["out\n"])
      }),
    missing: notFound(stream),
    conflict: conflict(stream),
    "bad input": (bench) =>
      Effect.gen(function* () {
        yield* badInput(stream)(bench)
        const exec = yield* Exec
        const use = (id: string, command: ReadonlyArray<string>, settings: ExecSettings) =>
          Stream.runDrain(exec.stream(id, command, settings))
        const id = yield* neverStarted(use)(bench)
        const output = yield* stream(id, ["sh", "-c", "exit 126"])
        expect(Chunk.toReadonlyArray(output)).toEqual([{ _tag: "Exit", exitCode: 126 }])
      }),
    "engine gone": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const attempt = (yield* Exec)
          .stream(id, ["sh", "-c", "echo out; sleep 300"])
          .pipe(Stream.runForEach(() => bench.gone))
        yield* failsWith(attempt, "EngineUnavailable")
      })
  },
  startDetached: {
    call: () => startDetached(missing, ["true"]),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const { execId, exitCode } = yield* startDetached(id, ["sh", "-c", "sleep 1; exit 5"])
        expect(execId).toMatch(/^[0-9a-f]{64}$/)
        expect(yield* exitCode).toBe(5)
      }),
    missing: notFound(startDetached),
    conflict: conflict(startDetached),
    "bad input": (bench) =>
      Effect.gen(function* () {
        yield* badInput(startDetached)(bench)
        const exec = yield* Exec
        yield* neverStarted((id, command, settings) => exec.startDetached(id, command, settings))(bench)
      })
  },
  terminal: {
    call: () => terminal(missing, ["true"]),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const { exitCode, output, resize, write } = yield* terminal(id, ["cat"])
        yield* write("hello\n")
        const text = yield* output.pipe(
          Stream.decodeText(),
          Stream.scan("", (before, now) => before + now),
          Stream.tap((all) =>
            all.endsWith("hello\r\nhello\r\n")
              ? Effect.zipRight(resize({ rows: 40, columns: 120 }), write("\u0004"))
              : Effect.void
          ),
          Stream.runLast
        )
        expect(text).toMatchObject({ value: "hello\r\nhello\r\n" })
        expect(yield* exitCode).toBe(0)
      }),
    missing: notFound(terminal),
    conflict: conflict(terminal),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const id = yield* neverStarted((id, command, settings) =>
          Effect.flatMap(terminal(id, command, settings), ({ output }) => Stream.runDrain(output))
        )(bench)
        const { exitCode } = yield* terminal(id, ["nope"])
        const unread = yield* Effect.either(exitCode)
        const failed = { _tag: "Left", left: { _tag: "ExecFailed", containerId: id, command: ["nope"] } }
        expect({ unread }).toMatchObject({
          unread: bench.expected("the end of a terminal whose output nobody reads", failed)
        })
        // Once the output is read, all engines agree.
        const read = Effect.flatMap(terminal(id, ["nope"]), ({ exitCode, output }) =>
          Effect.zipRight(Effect.ignore(Stream.runDrain(output)), exitCode)
        )
        yield* failsWith(read, "ExecFailed", { containerId: id, command: ["nope"] })
        yield* failsWith(terminal(id, []), "ExecFailed", { command: [] })
      })
  },
  attach: {
    call: () => attach(missing),
    success: (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.created(["sh", "-c", "echo out; echo err >&2"])
        const { output, tty } = yield* attach(id)
        expect(tty).toBe(false)
        yield* (yield* Containers).start(id)
        const pieces = Chunk.toReadonlyArray(yield* Stream.runCollect(output))
        const text = (stream: string) =>
          pieces.map((piece) => (piece.stream === stream ? String(Buffer.from(piece.bytes)) : "")).join("")
        expect([text("stdout"), text("stderr")]).toEqual(["out\n", "err\n"])
      }),
    missing: notFound(attach),
    conflict: (bench) =>
      Effect.gen(function* () {
        const containers = yield* Containers
        const { id } = yield* bench.created(["true"])
        yield* containers.start(id)
        yield* containers.wait(id)
        yield* failsWith(attach(id), "ContainerStateConflict", { containerId: id })
      }),
    "bad input": (bench) =>
      Effect.gen(function* () {
        const { id } = yield* bench.running()
        const { write } = yield* attach(id)
        yield* failsWith(write("hello\n"), "InvalidRequest", { field: "standard input", value: id })
      })
  }
}
