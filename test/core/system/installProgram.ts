/**
 * Installs Docker on the machine it runs on, and prints what happens as lines of JSON. Its first argument selects what to do:
 * `status` reports what is installed, `dry-run` shows an installation, `install` runs it, `interrupt` interrupts it at the
 * first line that matches the second argument, and `old` runs it by the old function.
 */
import { configure, ensure_docker_installed, install_docker } from "@dockwire/compat"
import { Docker, Host, LogSink, Operation, type OperationEvent } from "@dockwire/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

const [mode = "status", pattern = ""] = process.argv.slice(2)
const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

const install = Effect.gen(function* () {
  const host = yield* Host
  const run = yield* Operation.start(host.install({ dryRun: mode === "dry-run" }))
  const stopAt = new RegExp(pattern)
  const watch = (event: OperationEvent) =>
    Effect.suspend(() => {
      print({ event })
      return mode === "interrupt" && event._tag === "OperationLine" && stopAt.test(event.text)
        ? Effect.asVoid(Effect.fork(run.cancel))
        : Effect.void
    })
  yield* Stream.runForEach(run.events, watch)
  const exit = yield* Effect.exit(run.result)
  const failure = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
  print({
    outcome: Exit.isSuccess(exit)
      ? { _tag: "Success", value: exit.value }
      : failure === undefined
        ? { _tag: Cause.isInterruptedOnly(exit.cause) ? "Interrupted" : "Defect" }
        : { _tag: "Failure", error: failure, message: failure.message }
  })
})

const status = Effect.flatMap(Host, (host) => host.isInstalled()).pipe(
  Effect.map((installation) => print({ installation }))
)

const old = Effect.promise(async () => {
  const warnings: Array<string> = []
  configure({ warn: (message) => void warnings.push(message) })
  const lines: Array<string | boolean> = []
  const log = { add_log_line: (line: string) => lines.push(line), complete: (success: boolean) => lines.push(success) }
  const result = await install_docker(log)
  print({ old: { result, lines, installed: await ensure_docker_installed(), warnings } })
})

await Effect.scoped(mode === "status" ? status : mode === "old" ? old : install).pipe(
  Effect.provide(Layer.merge(Host.layer.pipe(Layer.provide(Docker.layerConfig)), LogSink.layerNone)),
  Effect.runPromise
)
