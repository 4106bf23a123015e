import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { chmod, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "vitest"
import { describeCompose } from "../../engine/describeCompose.js"
import { processesIn } from "../../engine/processesIn.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { testProjectName } from "../../engine/testRun.js"
import { runWith } from "../runWith.js"
import { writeProject } from "./projectFiles.js"
import { ran } from "./runCompose.js"

const file = "services: { web: { image: busybox, command: sleep 600, stop_grace_period: 0s, network_mode: none } }\n"

describeEngine("a command that is named", () => {
  describeCompose("2.26", "and that is not quite compose", (compose) => {
    /** A script that says it is another version, and does this with everything else. */
    const script = async (name: string, version: string, otherwise: string): Promise<string> => {
      const path = join(compose().folder, name)
      const text = `#!/bin/sh\nfor word in "$@"; do [ "$word" = --short ] && echo ${version} && exit 0; done\n${otherwise}\n`
      await writeFile(path, text)
      await chmod(path, 0o755)
      return path
    }
    const live = (command: string) =>
      Compose.layerWith({ command: [command], environment: compose().environment }).pipe(
        Layer.provideMerge(Docker.layer({ endpoint: testEngine().endpoint })),
        Layer.provide(RegistryAuth.layerConfig),
        Layer.merge(LogSink.layerTest)
      )

    it("is called without JSON if it does not know it, whatever its version says", async () => {
      const command = await script("too-new", "2.29.0", `exec ${compose().tools.compose} "$@"`)
      const directory = await writeProject(compose().folder, "plain", { "compose.yaml": file })
      const project = { directory, name: testProjectName("plain") }
      await runWith(
        live(command),
        Effect.gen(function* () {
          const service = yield* Compose
          const { events, exit } = yield* ran(Effect.succeed(service.up(project)))
          expect(Exit.isSuccess(exit) || String(exit)).toBe(true)
          const id = `container ${project.name}-web-1`
          const words = events.flatMap((event) =>
            event._tag === "OperationProgress" && event.id === id ? [event.status] : []
          )
          expect(words).toEqual(["Creating", "Created", "Starting", "Started"])
          yield* ran(Effect.succeed(service.down(project)))
        })
      )
    })

    it("has no secret among its arguments, which everyone on the machine can read", async () => {
      const seen = join(compose().folder, "seen")
      const command = await script("watched", "2.26.1", `printf '%s\\n' "$@" >> ${seen}\nenv >> ${seen}.env\nexit 1`)
      const directory = await writeProject(compose().folder, "watched-project", { "compose.yaml": file })
      const given = { "registry.test": { username: "ann", password: Redacted.make("hunter-registry") } }
      const layer = Compose.layerWith({ command: [command], environment: compose().environment }).pipe(
        Layer.provideMerge(Docker.layer({ endpoint: testEngine().endpoint })),
        Layer.provide(RegistryAuth.layer(given)),
        Layer.merge(LogSink.layerTest)
      )
      await runWith(
        layer,
        Effect.gen(function* () {
          const service = yield* Compose
          const env = { OWN: Redacted.make("hunter-own") }
          const project = { directory, name: testProjectName("watched"), env }
          const buildArgs = { ARG: Redacted.make("hunter-argument") }
          for (const operation of [service.up(project), service.pull(project), service.build(project, { buildArgs })]) {
            const { events } = yield* ran<unknown, unknown, LogSink>(Effect.succeed(operation))
            expect(JSON.stringify(events)).not.toContain("hunter")
          }
        })
      )
      const [args, env] = await Promise.all([readFile(seen, "utf8"), readFile(`${seen}.env`, "utf8")])
      expect(args).toMatch(/^up$[^]*^pull$[^]*^build$/m)
      expect(args).not.toContain("hunter")
      expect(env).toMatch(/^OWN=hunter-own$/m)
      expect(env).toMatch(/^ARG=hunter-argument$/m)
    })

    it("is killed if it does not end when it is interrupted", async () => {
      const command = await script("stubborn", "2.26.1", "trap '' TERM INT\necho ready\nwhile :; do sleep 1000; done")
      const directory = await writeProject(compose().folder, "stubborn-project", { "compose.yaml": file })
      await runWith(
        live(command),
        Effect.scoped(
          Effect.gen(function* () {
            const service = yield* Compose
            const run = yield* Operation.start(service.up({ directory, name: testProjectName("stubborn") }))
            yield* Stream.runDrain(Stream.takeUntil(run.events, (event) => event._tag === "OperationLine"))
            expect(yield* Effect.promise(() => processesIn(directory))).not.toEqual([])
            const [took] = yield* Effect.timed(run.cancel)
            expect(Duration.toMillis(took)).toBeLessThan(5_000)
            expect(yield* Effect.promise(() => processesIn(directory))).toEqual([])
            const last = [...(yield* Stream.runCollect(run.events))].at(-1)
            expect(last).toMatchObject({
              _tag: "OperationInterrupted",
              detail: expect.stringContaining("nothing is left")
            })
          })
        )
      )
    })
  })
})
