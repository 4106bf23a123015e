/**
 * Brings a compose project up, as `docker compose up --detach` does. Shows it as a tree on a terminal, and lines elsewhere:
 *
 *     tsx compose-up.ts [--wait] FILE
 */
import { Compose, type ComposeFailed, Docker, Operation, RegistryAuth } from "@dockwire/core"
import { Effect, Exit, Layer, Option, Stream } from "effect"
import { parseArgs } from "node:util"
import { composeTree } from "./composeTree.js"
import { layerDrawing } from "./progressBars.js"

const usage = "Usage: compose-up.ts [--wait] FILE"

const argumentsOf = (args: ReadonlyArray<string>) => {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      options: { wait: { type: "boolean", default: false } },
      allowPositionals: true
    })
    const [file, ...more] = positionals
    return file === undefined || more.length > 0 ? undefined : { file, wait: values.wait }
  } catch {
    return undefined
  }
}

/** Waits until someone wants this program to end. The second Ctrl-C ends it at once. */
const endWanted = Effect.async<void>((resume) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resume(Effect.void))
})

const ends = (message: string, exitCode: number) =>
  Effect.sync(() => {
    console.error(message)
    process.exitCode = exitCode
  })

/** What went wrong, of which service, and the last that it said. */
const explained = (error: { readonly message: string } | ComposeFailed): string =>
  "lastLines" in error && error.lastLines.length > 0
    ? [error.message, "Last lines:", ...error.lastLines].join("\n")
    : error.message

const up = (file: string, wait: boolean) =>
  Effect.gen(function* () {
    const compose = yield* Compose
    const config = yield* compose.config(file)
    const drawing = layerDrawing(() => composeTree(config, wait))
    const run = yield* Effect.provide(Operation.start(compose.up(file, { wait })), yield* Layer.build(drawing))
    yield* Effect.forkScoped(Effect.zipRight(endWanted, run.cancel))
    const last = yield* Stream.runLast(run.events)
    const exit = yield* Effect.exit(run.result)
    const event = Option.getOrUndefined(last)
    if (event?._tag === "OperationInterrupted") return yield* ends(event.detail ?? "Interrupted.", 130)
    for (const { name, state } of (yield* exit).containers) console.log(`${name}: ${state}`)
  })

const given = argumentsOf(process.argv.slice(2))
const program =
  given === undefined
    ? ends(usage, 2)
    : Effect.scoped(up(given.file, given.wait)).pipe(Effect.catchAll((error) => ends(explained(error), 1)))

const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))

Exit.getOrElse(await Effect.runPromiseExit(program.pipe(Effect.provide(live))), (cause) => {
  console.error(String(cause))
  process.exitCode = 1
})
