import { Containers, type DockerFailure, Events, type FollowElement, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { engineCall } from "../../engine/engineRequest.js"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { describeKillableEngine } from "../../engine/realEngine.js"
import { startTestContainer, uniqueName } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"
import { followed } from "../logs/followed.js"
import { collectBatches, failureOf, runCore } from "../runCore.js"

const lineTexts = (elements: ReadonlyArray<FollowElement>) =>
  elements.flatMap((element) => (element._tag === "LogLine" ? [element.text] : []))

describeKillableEngine("an engine with live restore", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ liveRestore: true, name: "corelive" })
  })
  afterAll(() => engine?.dispose())

  it("that is killed fails pending requests with Lost, and follows resume without losing a line", async () => {
    const { endpoint } = engine
    const writer = await startTestContainer({
      endpoint,
      cmd: [
        "awk",
        `BEGIN { for (i = 1; i <= 6000; i++) { print "line " i; fflush(); if (i % 10 == 0) system("sleep 0.01") } }`
      ]
    })
    onTestFinished(writer.remove)
    const log = followed(endpoint, writer.id)
    onTestFinished(log.stop)
    await log.until((elements) => elements.length > 10)

    // The requests that are open when the engine is killed: a read that follows, a wait, the events.
    const open = new Set<string>()
    const opened = (name: string) => () => Effect.sync(() => void open.add(name))
    const lost: Array<Promise<unknown>> = [
      failureOf(
        endpoint,
        Effect.flatMap(Containers, (containers) => containers.wait(writer.id))
      ),
      failureOf(
        endpoint,
        Effect.flatMap(Logs, (logs) => Stream.runForEach(logs.read(writer.id, { follow: true }), opened("log")))
      ),
      failureOf(
        endpoint,
        Effect.flatMap(Events, (events) => Stream.runForEach(events.stream(), opened("events")))
      )
    ]
    await eventually(async () => {
      await engineCall(endpoint, "POST", `/containers/${writer.id}/rename?name=${uniqueName("writer")}`)
      return open.size
    }).toBe(2)
    const killed = Date.now()
    await engine.kill()
    for (const error of await Promise.all(lost)) {
      expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost", endpoint })
    }
    expect(Date.now() - killed).toBeLessThan(5_000)
    // A dead engine leaves its socket file behind.
    const inspect = Effect.flatMap(Containers, (containers) => containers.inspect(writer.id))
    expect(await failureOf(endpoint, inspect)).toMatchObject({ _tag: "EngineUnavailable", reason: "Refused" })

    for (let kill = 2; kill <= 4; kill++) {
      await engine.start()
      const count = log.elements.length
      await log.until((elements) => elements.length > count + 20)
      await engine.kill()
    }
    await engine.start()
    await log.until((elements) => elements.some((element) => element._tag === "LogMark"))
    // What the engine has, which may be less than the container wrote, as the engine was killed.
    const kept = await runCore(
      endpoint,
      Effect.flatMap(Logs, (logs) => collectBatches(logs.readBatches(writer.id)))
    )
    console.log(
      `4 kills: the engine kept ${kept.length} of 6000 lines, the follow emitted ${lineTexts(log.elements).length}`
    )
    expect(lineTexts(log.elements)).toEqual(kept.map((line) => line.text))
    expect(kept.length).toBeGreaterThan(5_000)
    expect(log.shown().filter((text) => text.startsWith("<"))).toEqual([expect.stringMatching(/^<stopped (\d+|\?)>$/)])
  }, 90_000)
})

describeKillableEngine("an engine without live restore", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ name: "coredies" })
  })
  afterAll(() => engine?.dispose())

  it("that is stopped or killed and then started again appears as marks, and no line is lost", async () => {
    const { endpoint } = engine
    const script = `run=$(cat /proc/sys/kernel/random/uuid); n=0
      while :; do n=$((n+1)); echo $run $n; sleep 0.02; done`
    const start = (hostConfig: Record<string, unknown>) =>
      startTestContainer({ endpoint, cmd: ["sh", "-c", script], hostConfig, config: { StopTimeout: 1 } })
    const always = await start({ RestartPolicy: { Name: "always" } })
    const once = await start({})
    const [alwaysLog, onceLog] = [followed(endpoint, always.id), followed(endpoint, once.id)]
    onTestFinished(alwaysLog.stop)
    onTestFinished(onceLog.stop)
    const started = (elements: ReadonlyArray<FollowElement>) =>
      elements.filter((element) => element._tag === "LogMark" && element.mark === "started").length
    for (const log of [alwaysLog, onceLog]) await log.until((elements) => elements.length > 10)

    await engine.stop()
    await engine.start()
    await alwaysLog.until((elements) => started(elements) === 1 && elements.at(-1)?._tag === "LogLine")
    await onceLog.until((elements) => elements.at(-1)?._tag === "LogMark")
    await engineCall(endpoint, "POST", `/containers/${once.id}/start`)
    await onceLog.until((elements) => elements.at(-1)?._tag === "LogLine")

    await engine.kill()
    await engine.start()
    await alwaysLog.until((elements) => started(elements) === 2 && elements.at(-1)?._tag === "LogLine")
    await onceLog.until((elements) => elements.at(-1)?._tag === "LogMark")
    for (const [container, log] of [
      [always, alwaysLog],
      [once, onceLog]
    ] as const) {
      await engineCall(endpoint, "POST", `/containers/${container.id}/stop?t=1`)
      await log.until((elements) => elements.at(-1)?._tag === "LogMark")
      const kept = await runCore(
        endpoint,
        Effect.flatMap(Logs, (logs) => collectBatches(logs.readBatches(container.id)))
      )
      await container.remove()
      expect(await log.ended).toBeUndefined()
      const lines = lineTexts(log.elements)
      expect(lines).toEqual(kept.map((line) => line.text))
      // In the order in which the container wrote them: from 1 in each run.
      const runs = [...new Set(lines.map((line) => line.slice(0, 36)))]
      for (const run of runs) {
        const own = lines.filter((line) => line.startsWith(run))
        expect(own).toEqual(own.map((_, index) => `${run} ${index + 1}`))
      }
      const isAlways = container === always
      expect(runs).toHaveLength(isAlways ? 3 : 2)
      const shown = log.shown()
      const marks = shown.flatMap((text) => (text.startsWith("<") ? [text.replace(/ (\d+|\?)>/, ">")] : []))
      const between = ["<stopped>", "<started>"]
      expect(marks).toEqual([...between, ...(isAlways ? between : []), "<stopped>", "<removed>"])
      for (const [index, text] of shown.entries()) {
        if (text !== "<started>") continue
        expect(shown[index - 1]).toMatch(/^<stopped/)
        expect(shown[index + 1]).toMatch(/ 1$/)
      }
      console.log(`engine restarts: ${runs.length} runs, ${lines.length} lines`)
    }
  }, 90_000)

  it("that is gone fails with its endpoint and a reason", async () => {
    await engine.stop()
    const list = Effect.flatMap(Containers, (containers) => containers.list())
    const error: DockerFailure | { readonly _tag: string } = await failureOf(engine.endpoint, list)
    expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "NotFound", endpoint: engine.endpoint })
  })
})
