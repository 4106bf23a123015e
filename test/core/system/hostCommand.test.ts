import { LogSink, Operation } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { readFile, realpath } from "node:fs/promises"
import { tmpdir } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it, onTestFinished } from "vitest"
import {
  collectHostCommand,
  type HostCommand,
  streamHostCommand
} from "../../../packages/core/src/internal/host/hostCommand.js"
import { identityOf } from "../../engine/processIdentity.js"
import { eventually } from "../eventually.js"

const shell = (script: string, options: Partial<HostCommand> = {}): HostCommand => ({
  program: "sh",
  args: ["-c", script],
  ...options
})

const run = (command: HostCommand) => Effect.runPromise(collectHostCommand(streamHostCommand(command)))

/** Starts a program that first prints the ids of its processes. Interrupting it takes this many milliseconds. */
const interrupted = async (command: HostCommand) => {
  const program = Effect.gen(function* () {
    const printed = yield* Deferred.make<ReadonlyArray<number>>()
    const running = yield* Effect.fork(
      Stream.runForEach(streamHostCommand(command), (output) =>
        Deferred.succeed(printed, output._tag === "Line" ? output.text.split(" ").map(Number) : [])
      )
    )
    const pids = yield* Deferred.await(printed)
    const [duration] = yield* Effect.timed(Fiber.interrupt(running))
    return {
      pids,
      milliseconds: Duration.toMillis(duration)
    }
  })
  return Effect.runPromise(program)
}

describe("a command of this machine", () => {
  it("ends with all its processes when it is interrupted", async () => {
    const { milliseconds, pids } = await interrupted(shell("sleep 100 & echo $$ $!; wait"))
    expect(pids).toHaveLength(2)
    expect(pids.map(identityOf)).toEqual([undefined, undefined])
    expect(milliseconds).toBeLessThan(2_000)
  })

  it("ends with the processes that outlive its first one", async () => {
    // The shell ends at SIGTERM, its child takes a while.
    const { pids } = await interrupted(
      shell(`sh -c 'trap "sleep 0.3; exit" TERM; echo $PPID $$; while :; do sleep 0.05; done' & wait`)
    )
    expect(pids.map(identityOf)).toEqual([undefined, undefined])
  })

  it("is killed with all its processes when it does not end", async () => {
    const stubborn = `trap '' TERM; sh -c 'while :; do sleep 1; done' & echo $$ $!; while :; do sleep 1; done`
    const { milliseconds, pids } = await interrupted(shell(stubborn, { killAfter: "300 millis" }))
    expect(pids.map(identityOf)).toEqual([undefined, undefined])
    expect(milliseconds).toBeGreaterThan(290)
    expect(milliseconds).toBeLessThan(3_000)
  })

  it("has 5 seconds to end", async () => {
    const program = Effect.gen(function* () {
      const printed = yield* Deferred.make<number>()
      const running = yield* Effect.fork(
        Stream.runForEach(streamHostCommand(shell("trap '' TERM; echo $$; while :; do sleep 1; done")), (output) =>
          Deferred.succeed(printed, output._tag === "Line" ? Number(output.text) : 0)
        )
      )
      const pid = yield* Deferred.await(printed)
      const ending = yield* Effect.fork(Fiber.interrupt(running))
      yield* TestClock.adjust("4900 millis")
      const isAlive = identityOf(pid) !== undefined
      // The kernel takes its own time for the signal, and the poll that sees its effect takes the test's.
      yield* Effect.whileLoop({
        while: () => identityOf(pid) !== undefined,
        body: () =>
          Effect.zipRight(
            TestClock.adjust("100 millis"),
            Effect.promise(() => sleep(5))
          ),
        step: () => {}
      })
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(ending)
      return isAlive
    })
    expect(await Effect.runPromise(Effect.provide(program, TestContext.TestContext))).toBe(true)
  })

  it("ends with its program, though a process in the background keeps its output open", async () => {
    const script = "sleep 100 & echo $!; seq 3; exit 7"
    const startedAt = performance.now()
    const { exitCode, stdout } = await run(shell(script))
    const [pid, ...lines] = stdout.split("\n")
    onTestFinished(() => void process.kill(Number(pid)))
    expect([lines, exitCode]).toEqual([["1", "2", "3"], 7])
    // It was left alone.
    expect(identityOf(Number(pid))).toBeDefined()
    expect(performance.now() - startedAt).toBeLessThan(50_000)
  })

  it("ends so too if that process prints for ever, and loses nothing to a slow reader", async () => {
    const background = "(while :; do echo tick; sleep 0.05; done) & echo $!"
    const script = `${background}; seq 20000; exit 7`
    const program = Effect.gen(function* () {
      let pid: number | undefined
      const numbers: Array<string> = []
      let exit: unknown
      yield* Stream.runForEach(Stream.rechunk(streamHostCommand(shell(script)), 1_000), (output) => {
        if (output._tag === "Exit") exit = output.exitCode
        else if (output.text === "tick") return Effect.void
        else if (pid === undefined) pid = Number(output.text)
        else numbers.push(output.text)
        // Slower than the program, which is held back and exits long before everything is read.
        return numbers.length % 4_000 === 1 ? Effect.sleep("400 millis") : Effect.void
      })
      return { exit, numbers, pid }
    })
    const { exit, numbers, pid } = await Effect.runPromise(program)
    // Its next line may have ended it.
    onTestFinished(() => void (identityOf(Number(pid)) !== undefined && process.kill(Number(pid))))
    expect(exit).toBe(7)
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, index) => String(index + 1)))
  })

  it.runIf(process.platform === "linux")("waits for a slow reader", async () => {
    const written = async (pid: number) => Number(/^wchar: (\d+)/m.exec(await readFile(`/proc/${pid}/io`, "utf8"))?.[1])
    const program = Effect.gen(function* () {
      const pid = yield* Deferred.make<number>()
      const goOn = yield* Deferred.make<void>()
      let lines = 0
      const reading = yield* streamHostCommand(shell("echo $$; exec yes a line of some length")).pipe(
        Stream.runForEachWhile((output) =>
          Effect.gen(function* () {
            if (lines++ === 0) {
              yield* Deferred.succeed(pid, output._tag === "Line" ? Number(output.text) : 0)
              yield* Deferred.await(goOn)
            }
            return lines < 20_000
          })
        ),
        Effect.fork
      )
      const id = yield* Deferred.await(pid)
      const held = yield* Effect.promise(async () => {
        let before = -1
        // Until it writes no more.
        for (let now = await written(id); now !== before; now = await written(id)) {
          before = now
          await sleep(100)
        }
        return before
      })
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(reading)
      return { held, lines, isAlive: identityOf(id) !== undefined }
    })
    const { held, isAlive, lines } = await Effect.runPromise(program)
    console.log(`yes had written ${held} bytes when it waited`)
    expect(held).toBeGreaterThan(50_000)
    expect(held).toBeLessThan(1_000_000)
    expect(lines).toBe(20_000)
    expect(isAlive).toBe(false)
  })

  it("is read line by line, cut where a line has no end", async () => {
    const outputs = await Effect.runPromise(
      Stream.runCollect(
        streamHostCommand(shell(`printf 'a\\r\\nb\\n\\n'; head -c 2500000 /dev/zero | tr '\\0' x; printf '\\nend'`))
      )
    )
    expect(
      Chunk.toArray(outputs).map((output) =>
        output._tag === "Line" ? output.text.replace(/x+/, ({ length }) => `${length} x`) : output.exitCode
      )
    ).toEqual(["a", "b", "", "1048576 x", "1048576 x", "402848 x", "end", 0])
    // A character may arrive in two pieces.
    expect((await run(shell(`printf '\\303'; sleep 0.1; printf '\\274\\n'`))).stdout).toBe("ü")
  })

  it("has its own environment, folder and input", async () => {
    process.env["DOCKWIRE_TEST_INHERITED"] = "inherited"
    const show = `echo "[$DOCKWIRE_TEST_INHERITED][$OWN]"; pwd`
    const folder = await realpath(tmpdir())
    expect((await run(shell(show, { environment: { OWN: "own" }, directory: folder }))).stdout).toBe(
      `[inherited][own]\n${folder}`
    )
    const alone = await run(shell(show, { program: "/bin/sh", environment: { OWN: "own" }, inheritEnvironment: false }))
    expect(alone.stdout).toBe(`[][own]\n${process.cwd()}`)
    delete process.env["DOCKWIRE_TEST_INHERITED"]
    const pieces = Array.from({ length: 50 }, () => Buffer.alloc(20_000, "x"))
    expect((await run(shell("wc -c", { stdin: Stream.fromIterable(pieces) }))).stdout.trim()).toBe("1000000")
    expect((await run(shell("exit 3", { stdin: Stream.fromIterable(pieces) }))).exitCode).toBe(3)
    expect((await run(shell("true", { directory: "/nowhere" }))).detail).toBe("could not be started (spawn sh ENOENT)")
  })

  it.for([
    ["an argument with a null character", { args: ["-c", "secret\0"] }, "has a null character"],
    ["a variable with a null character", { environment: { A: "secret\0" } }, "has a null character"],
    ["a variable that is too long", { environment: { A: "secret".repeat(50_000) } }, "are too long"]
  ] as const)("says that it was not started with %s, and shows no value", async ([, more, word]) => {
    const { detail, exitCode } = await run(shell("true", more))
    expect(exitCode).toBeUndefined()
    expect(detail).toMatch(/^could not be started \(/)
    expect(detail).toContain(word)
    expect(detail).not.toContain("secret")
  })

  it("is marked with the run that it is part of, in a way that no file can refer to", async () => {
    const command = shell("tr '\\0' '\\n' < /proc/$$/environ | grep '^dockwire'", {
      environment: { PATH: process.env["PATH"] ?? "" },
      inheritEnvironment: false
    })
    const steps = Stream.fromEffect(Effect.map(collectHostCommand(streamHostCommand(command)), Operation.result))
    const run = Operation.run({ kind: "marked", target: {}, steps }, { id: "the-run" })
    const { stdout } = await Effect.runPromise(Effect.provide(run, LogSink.layerNone))
    expect(stdout).toBe("dockwire.log-id=the-run")
    expect((await Effect.runPromise(collectHostCommand(streamHostCommand(command)))).stdout).toBe("")
  })

  it("leaves what it started in the background when it ends by itself", async () => {
    const { stdout } = await run(shell("sleep 100 > /dev/null 2>&1 & echo $!"))
    const pid = Number(stdout)
    expect(identityOf(pid)).not.toBeUndefined()
    process.kill(pid, "SIGKILL")
    await eventually(() => identityOf(pid)).toBeUndefined()
  })
})
