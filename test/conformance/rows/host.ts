import { Host, LogSink, Operation, System } from "@dockwire/core"
import { Effect, Either } from "effect"
import { readFile } from "node:fs/promises"
import { expect } from "vitest"
import { installPlan } from "../../../packages/core/src/internal/host/installPlan.js"
import type { Rows } from "../cell.js"

const isInstalled = Effect.flatMap(Host, (host) => host.isInstalled())

const nothingAsked = "it takes no argument, and an engine has always one of it"
const nobodysWay = "it only looks, and is in nobody's way"

const dryRun = Effect.flatMap(Host, (host) => Operation.run(host.install({ dryRun: true })))

const aboutTheHost =
  "it is about the packages of this machine, whatever is on the engine: test/core/system/host.test.ts"

/** The cells of `Host`. */
export const hostRows: Rows = {
  isInstalled: {
    call: () => isInstalled,
    missing: nothingAsked,
    conflict: nobodysWay,
    "bad input": nothingAsked,
    success: () =>
      Effect.gen(function* () {
        const { compose, engine, problems } = yield* isInstalled
        const said = yield* Effect.flatMap(System, (system) => system.version())
        expect(engine).toMatchObject({ _tag: "Available", version: said.version, apiVersion: said.apiVersion })
        expect(problems).toHaveLength(compose._tag === "Missing" ? 1 : 0)
      }),
    "engine gone": (bench) =>
      Effect.gen(function* () {
        yield* bench.gone
        const { engine, problems } = yield* isInstalled
        expect(engine).toMatchObject({ _tag: "Unavailable", error: { reason: bench.goneReason } })
        expect(problems.length).toBeGreaterThanOrEqual(1)
      })
  },
  install: {
    call: () => Effect.provide(dryRun, LogSink.layerNone),
    success: () =>
      Effect.gen(function* () {
        const outcome = yield* Effect.either(dryRun)
        const osRelease = yield* Effect.promise(() => readFile("/etc/os-release", "utf8").catch(() => undefined))
        const plan = installPlan(process.platform, osRelease)
        expect(outcome).toMatchObject(
          Either.isRight(plan)
            ? { _tag: "Right", right: { dryRun: true, installation: { engine: { _tag: "Available" } } } }
            : { _tag: "Left", left: { _tag: "InstallFailed", reason: "Unsupported" } }
        )
      }).pipe(Effect.provide(LogSink.layerNone)),
    missing: aboutTheHost,
    conflict: aboutTheHost,
    "bad input": aboutTheHost,
    "engine gone": aboutTheHost,
    interrupted: aboutTheHost
  }
}
