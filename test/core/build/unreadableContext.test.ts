import { chmod } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type CuttingProxy, startCuttingProxy } from "../../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { command } from "../../packages/command.js"
import { repositoryRoot } from "../../packages/repositoryRoot.js"
import { type ContextFiles, contextFiles, type TestFile } from "./contextFiles.js"

/** Builds each context, and prints how it ended. A user that may read everything becomes one that may not. */
const program = `
import { Docker, Images, LogSink, MemoryEngine, Operation, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
const { contexts, endpoint } = JSON.parse(process.argv[1])
if (process.getuid() === 0) {
  process.setgroups([])
  process.setgid(65534)
  process.setuid(65534)
}
const build = (context) => Effect.gen(function* () {
  const images = yield* Images
  const outcome = yield* Effect.either(Operation.run(images.build({ context })))
  if (outcome._tag === "Left") return { ...outcome.left, message: outcome.left.message }
  yield* images.remove(outcome.right.id, { force: true })
  return { _tag: "Built" }
})
const all = Effect.forEach(Object.values(contexts), build)
const on = (engine) => Effect.provide(all, Layer.merge(LogSink.layerNone, Images.layer.pipe(Layer.provide([engine, RegistryAuth.layer()]))))
const classic = await Effect.runPromise(on(MemoryEngine.layer()))
const buildkit = await Effect.runPromise(on(Docker.layer({ endpoint })))
const named = (outcomes) => Object.fromEntries(Object.keys(contexts).map((name, index) => [name, outcomes[index]]))
console.log(JSON.stringify({ classic: named(classic), buildkit: named(buildkit) }))
`

const secret: TestFile = { text: "secret", mode: 0 }
const dockerfile = (copied: string) => `FROM busybox\nCOPY ${copied} /copied/\n`

/** What is in each context, and what may not be read is listed. Everything else may be. */
const contexts = {
  file: { Dockerfile: dockerfile("a secret"), a: "a", secret },
  everything: { Dockerfile: dockerfile("."), a: "a", "sub/secret": secret },
  folder: { Dockerfile: dockerfile("sub"), "sub/a": "a" },
  ignored: { Dockerfile: dockerfile("."), a: "a", ".dockerignore": "secret\nsub", secret, "sub/a": "a" },
  unwanted: { Dockerfile: dockerfile("a"), a: "a", secret },
  dockerfile: { Dockerfile: { text: dockerfile("."), mode: 0 } },
  ignoreFile: { Dockerfile: dockerfile("."), ".dockerignore": { text: "", mode: 0 } },
  context: { Dockerfile: dockerfile(".") }
} satisfies Record<string, Readonly<Record<string, TestFile>>>

describeEngine("a build context of which something may not be read", () => {
  const made = new Map<string, ContextFiles>()
  let proxy: CuttingProxy
  let outcomes: Record<string, Record<string, unknown>>

  beforeAll(async () => {
    for (const [name, files] of Object.entries(contexts)) {
      const folder = await contextFiles(files)
      made.set(name, folder)
      await chmod(folder.path, name === "context" ? 0 : 0o755)
      if (name === "folder" || name === "ignored") await chmod(join(folder.path, "sub"), 0)
    }
    // Only root may connect to the engine's own socket.
    proxy = await startCuttingProxy(testEngine().endpoint, { tcp: true })
    const paths = Object.fromEntries([...made].map(([name, { path }]) => [name, path]))
    const input = JSON.stringify({ contexts: paths, endpoint: proxy.endpoint })
    const args = ["--input-type=module", "--eval", program, input]
    const { code, output } = await command(repositoryRoot, process.execPath, args)
    expect(code, output).toBe(0)
    outcomes = JSON.parse(output)
  }, 120_000)
  afterAll(async () => {
    await proxy?.close()
    for (const [name, { path, remove }] of made) {
      await chmod(path, 0o755)
      if (name === "folder" || name === "ignored") await chmod(join(path, "sub"), 0o755)
      await remove()
    }
  })

  const refused = (field: string, context: string, path: string) => ({
    _tag: "InvalidRequest",
    field,
    value: join(made.get(context)?.path ?? "", path),
    detail: expect.stringMatching(/permission denied/i)
  })

  it.each(["classic", "buildkit"])("is an invalid request that names the file: %s", (builder) => {
    expect(outcomes[builder]).toMatchObject({
      file: refused("context", "file", "secret"),
      everything: refused("context", "everything", "sub/secret"),
      folder: refused("context", "folder", "sub"),
      ignored: { _tag: "Built" },
      // BuildKit asks only for what it needs.
      unwanted: builder === "buildkit" ? { _tag: "Built" } : refused("context", "unwanted", "secret"),
      dockerfile: refused("dockerfile", "dockerfile", "Dockerfile"),
      ignoreFile: refused("context", "ignoreFile", ".dockerignore"),
      context: refused("context", "context", ".dockerignore")
    })
  })
})
