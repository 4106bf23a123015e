import { Docker, Exec } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { isWhole } from "../../whole/isWhole.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../../engine/testContainer.js"
import { failureWith, runWith } from "../runWith.js"

const layerOf = (endpoint: string) => Exec.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })))

const lost = { _tag: "EngineUnavailable", reason: "Lost" }

/** Prints lines that arrive as frames of 13 bytes each. */
const lines = "for i in $(seq 60); do echo 1234; usleep 2000; done"

/** More bytes than the head of an upgrade response, and fewer than the lines have. */
const beginning = 500

describeEngine("the output of a command whose connection is cut", () => {
  let container: TestContainer
  beforeAll(async () => {
    container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "600"] })
  })
  afterAll(() => container?.remove())

  /** A connection to the engine on which upgraded connections are cut after this many bytes. */
  const cutting = async (bytes: number) => {
    const proxy = await startCuttingProxy(testEngine().endpoint, {
      cutAfter: (request) => (/\/start$|\/attach\?/.test(request) ? bytes : undefined)
    })
    onTestFinished(proxy.close)
    return layerOf(proxy.endpoint)
  }
  const run = (script: string) => Effect.flatMap(Exec, (exec) => exec.run(container.id, ["sh", "-c", script]))

  it("fails if a frame is incomplete, even if the command has exited", async () => {
    for (const bytes of [beginning, 4_000]) {
      const error = await failureWith(await cutting(bytes), run("head -c 20000 /dev/zero"))
      expect(error).toMatchObject({ ...lost, detail: expect.stringContaining("middle of a frame") })
    }
  })

  it("fails wherever it is cut while the command is running", async () => {
    // One of 13 consecutive positions is between two frames.
    const cuts = Array.from({ length: 13 }, (_, index) => beginning + index)
    const errors = await Promise.all(
      cuts.map(async (bytes) => failureWith(await cutting(bytes), run(`${lines}; sleep 100`)))
    )
    for (const error of errors) expect(error).toMatchObject(lost)
  })

  it("fails for the main process of a container too, even if that has exited", async () => {
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

describeEngine("a command", () => {
  let container: TestContainer
  beforeAll(async () => {
    container = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "600"] })
  })
  afterAll(() => container?.remove())
  const layer = () => layerOf(testEngine().endpoint)

  it("that prints the message of a failed exec itself is read while it runs", async () => {
    // More than the buffers between the command and a reader hold.
    const script = "echo 'exec failed: of my own'; head -c 20000000 /dev/zero; exit 3"
    const seen = Effect.flatMap(Exec, (exec) =>
      Stream.runFold(exec.stream(container.id, ["sh", "-c", script]), { bytes: 0, exitCode: -1 }, (sum, output) =>
        output._tag === "Exit"
          ? { ...sum, exitCode: output.exitCode }
          : { ...sum, bytes: sum.bytes + output.bytes.length }
      )
    )
    expect(await runWith(layer(), seen)).toEqual({ bytes: 20_000_023, exitCode: 3 })
  })

  // Half a gigabyte takes its time.
  if (isWhole)
    it("that prints more than fits in a string fails without a defect", async () => {
      const run = Effect.flatMap(Exec, (exec) => exec.run(container.id, "head -c 600000000 /dev/zero"))
      expect(await failureWith(layer(), run)).toMatchObject({
        _tag: "EngineError",
        detail: expect.stringMatching(
          /^the output of the command exceeds \d+ bytes, the longest string of Node\.js\. Read it with Exec\.stream$/
        )
      })
    })
})
