import { Docker, Exec } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../engine/testContainer.js"
import { failureWith } from "./runWith.js"

const layerOf = (endpoint: string) => Exec.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })))

const lost = { _tag: "EngineUnavailable", reason: "Lost" }

/** Lines that come as frames of 13 bytes each. */
const lines = "for i in $(seq 60); do echo 1234; usleep 2000; done"

/** More than the head of an answer that hands a connection over, and less than the lines are. */
const beginning = 500

describeEngine("the output of a command whose connection is cut", () => {
  let container: TestContainer
  beforeAll(async () => {
    container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "600"] })
  })
  afterAll(() => container?.remove())

  /** A way to the engine on which connections that are taken over are cut after so many bytes. */
  const cutting = async (bytes: number) => {
    const proxy = await startCuttingProxy(testEngine().endpoint, {
      cutAfter: (request) => (/\/start$|\/attach\?/.test(request) ? bytes : undefined)
    })
    onTestFinished(proxy.close)
    return layerOf(proxy.endpoint)
  }
  const run = (script: string) => Effect.flatMap(Exec, (exec) => exec.run(container.id, ["sh", "-c", script]))

  it("ends with an error where a frame is not whole, also when the command has ended", async () => {
    for (const bytes of [beginning, 4_000]) {
      const error = await failureWith(await cutting(bytes), run("head -c 20000 /dev/zero"))
      expect(error).toMatchObject({ ...lost, detail: expect.stringContaining("middle of a frame") })
    }
  })

  it("ends with an error wherever it is cut, while the command runs", async () => {
    // One of so many in a row is between two frames.
    const cuts = Array.from({ length: 13 }, (_, index) => beginning + index)
    const errors = await Promise.all(
      cuts.map(async (bytes) => failureWith(await cutting(bytes), run(`${lines}; sleep 100`)))
    )
    for (const error of errors) expect(error).toMatchObject(lost)
  })

  it("of a container's own process ends so too, also when its run has ended", async () => {
    const writer = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sh", "-c", "read go; head -c 20000 /dev/zero"],
      openStdin: true
    })
    onTestFinished(writer.remove)
    const attached = Effect.scoped(
      Effect.gen(function* () {
        const { output, write } = yield* (yield* Exec).attach(writer.id)
        yield* write("go\n")
        yield* Effect.promise(writer.wait)
        yield* Stream.runDrain(output)
      })
    )
    expect(await failureWith(await cutting(beginning), attached)).toMatchObject({
      ...lost,
      detail: expect.stringContaining("middle of a frame")
    })
  })
})
