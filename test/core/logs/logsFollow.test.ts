import { type FollowElement, type FollowOptions, LogPosition, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { engineCall } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { createTestContainer, type TestContainer, type TestContainerOptions } from "../../engine/testContainer.js"
import { roundsOf } from "../../whole/isWhole.js"
import { eventually } from "../eventually.js"
import { followed, shown } from "./followed.js"
import { randomness } from "./randomness.js"
import { runCore } from "../runCore.js"

const created = async (script: string, options: Partial<TestContainerOptions> = {}): Promise<TestContainer> => {
  const { endpoint } = testEngine()
  const container = await createTestContainer({ endpoint, cmd: ["sh", "-c", script], ...options })
  onTestFinished(container.remove)
  return container
}

const follow = (container: TestContainer, options: FollowOptions = {}) => {
  const log = followed(testEngine().endpoint, container.id, options)
  onTestFinished(log.stop)
  return log
}

/** Follows a container that does not run, and resolves when the follow is waiting for its start. */
const followWaiting = async (container: TestContainer, options: FollowOptions = {}) => {
  const proxy = await startCuttingProxy(testEngine().endpoint)
  onTestFinished(proxy.close)
  const log = followed(proxy.endpoint, container.id, options)
  onTestFinished(log.stop)
  await eventually(() => proxy.requests.some((request) => request.startsWith("GET /events"))).toBe(true)
  return log
}

const verb = (container: TestContainer, path: string) =>
  engineCall(testEngine().endpoint, "POST", `/containers/${container.id}/${path}`)

const isMark = (mark: string) => (element: FollowElement) => element._tag === "LogMark" && element.mark === mark
const marks = (elements: ReadonlyArray<FollowElement>, mark: string) => elements.filter(isMark(mark)).length

/** Numbers its lines across runs. Ends each run with a complete line and exit code 7. */
const counter = `
  n=$(cat /n 2>/dev/null || echo 0); run=$(($(cat /run 2>/dev/null || echo 0) + 1)); echo $run > /run
  trap 'stop=1' TERM
  echo run $run begins
  while [ -z "$stop" ]; do n=$((n+1)); echo line $n; sleep 0.01; done
  echo $n > /n; echo run $run ends; exit 7`

describeEngine("a follow", () => {
  it("with a tail whose connection is lost before the first line emits all lines written until it is back", async () => {
    const container = await created("until [ -e /go ]; do sleep 0.05; done; seq 50; exec sleep 600")
    await container.start()
    let endOutage = () => {}
    const outage = new Promise<void>((resolve) => (endOutage = resolve))
    let cut = false
    const proxy = await startCuttingProxy(testEngine().endpoint, {
      hold: (request) => (cut && request.includes("/logs?") ? outage : undefined)
    })
    onTestFinished(proxy.close)
    const log = followed(proxy.endpoint, container.id, { tail: 5 })
    onTestFinished(log.stop)
    // It inspects the container again once the log is open.
    await eventually(() => {
      const opened = proxy.requests.findIndex((request) => request.includes("/logs?"))
      return opened >= 0 && proxy.requests.slice(opened).some((request) => request.endsWith("/json"))
    }).toBe(true)
    cut = true
    proxy.cutAll()
    const { json } = await engineCall(testEngine().endpoint, "POST", `/containers/${container.id}/exec`, {
      Cmd: ["touch", "/go"]
    })
    await engineCall(testEngine().endpoint, "POST", `/exec/${Object(json).Id}/start`, { Detach: true })
    await eventually(container.output).toContain("\n50\n")
    endOutage()
    await log.until((elements) => elements.length >= 50)
    expect(log.shown()).toEqual(Array.from({ length: 50 }, (_, index) => `${index + 1}`))
  })

  it("continues across five stops and starts, with every line once and marks in the right places", async () => {
    const container = await created(counter)
    const log = await followWaiting(container)
    await container.start()
    for (let round = 1; round <= 5; round++) {
      const count = log.elements.length
      await log.until((elements) => elements.length > count + 5)
      if (round % 2 === 0) await verb(container, "restart?t=10")
      else {
        await verb(container, "stop?t=10")
        await container.start()
      }
    }
    await log.until((elements) => marks(elements, "started") === 6)
    await verb(container, "stop?t=10")
    await log.until((elements) => marks(elements, "stopped") === 6)
    await container.remove()
    expect(await log.ended).toBeUndefined()

    const all = log.shown()
    const lines = all.filter((text) => text.startsWith("line "))
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, index) => `line ${index + 1}`))
    const rest = all.filter((text) => !text.startsWith("line "))
    const runs = [1, 2, 3, 4, 5, 6].flatMap((run) => [
      "<started>",
      `run ${run} begins`,
      `run ${run} ends`,
      "<stopped 7>"
    ])
    expect(rest).toEqual([...runs, "<removed>"])
    // Marks are after all lines of the run before and in front of all lines of the next run.
    expect(all.indexOf("run 1 ends")).toBeGreaterThan(all.indexOf("line 1"))
    for (let index = 1; index < all.length; index++) {
      if (all[index] === "<started>") expect(all[index - 1]).toBe("<stopped 7>")
      if (all[index] === "<stopped 7>") expect(all[index - 1]).toMatch(/^run \d ends$/)
    }
  })

  it("shows each crash of a container with a restart policy", async () => {
    const container = await created(
      "n=$(($(cat /n 2>/dev/null || echo 0) + 1)); echo $n > /n; echo crash $n; printf unfinished; exit $n",
      { hostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 4 } } }
    )
    const log = await followWaiting(container)
    await container.start()
    await log.until((elements) => marks(elements, "stopped") === 5)
    expect(log.shown()).toEqual(
      [1, 2, 3, 4, 5].flatMap((n) => ["<started>", `crash ${n}`, "unfinished", `<stopped ${n}>`])
    )
    await container.remove()
    expect(await log.ended).toBeUndefined()
    expect(log.shown().at(-1)).toBe("<removed>")
  })

  it("waits while the container is paused", async () => {
    const container = await created("trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done")
    await container.start()
    const log = follow(container)
    await log.until((elements) => elements.length > 10)
    await verb(container, "pause")
    await verb(container, "unpause")
    const count = log.elements.length
    await log.until((elements) => elements.length > count + 20)
    const lines = log.shown()
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, index) => `line ${index + 1}`))
  })

  it("ends when a running container is removed", async () => {
    const container = await created("echo only; sleep 600")
    await container.start()
    const log = follow(container)
    await log.until((elements) => elements.length === 1)
    await container.remove()
    expect(await log.ended).toBeUndefined()
    expect(log.shown()[0]).toBe("only")
    expect(log.shown().at(-1)).toBe("<removed>")
  })

  it("begins with new lines, with the last lines, or at a time", async () => {
    const container = await created(
      "trap 'go=1' USR1; echo old1; echo old2; while [ -z \"$go\" ]; do sleep 0.02; done; echo new1; echo new2 >&2"
    )
    const { endpoint } = testEngine()
    await container.start()
    const all = follow(container)
    await all.until((elements) => elements.length === 2)
    const second = all.elements[1]?.timestamp ?? ""
    const proxy = await startCuttingProxy(endpoint)
    onTestFinished(proxy.close)
    const some = [{ tail: 0 }, { tail: 1 }, { since: second }, { streams: ["stderr" as const] }].map((options) => {
      const log = followed(proxy.endpoint, container.id, options)
      onTestFinished(log.stop)
      return log
    })
    // All of them are following.
    await eventually(() => proxy.requests.filter((line) => line.includes("follow=true")).length).toBeGreaterThanOrEqual(
      4
    )
    await verb(container, "kill?signal=USR1")
    for (const log of [all, ...some]) await log.until((elements) => marks(elements, "stopped") === 1)
    const sorted = [...some, all].map((log) => log.shown().toSorted())
    expect(sorted).toEqual(
      [
        ["! new2", "<stopped 0>", "new1"],
        ["! new2", "<stopped 0>", "new1", "old2"],
        ["! new2", "<stopped 0>", "new1", "old2"],
        ["! new2", "<stopped 0>"],
        ["! new2", "<stopped 0>", "new1", "old1", "old2"]
      ].map((texts) => texts.toSorted())
    )
  })

  it("emits all lines of a log that was empty when it began, whatever the tail", async () => {
    const container = await created("echo first; echo second")
    const none = await followWaiting(container, { tail: 0 })
    const one = await followWaiting(container, { tail: 1 })
    await container.start()
    for (const log of [none, one]) {
      await log.until((elements) => marks(elements, "stopped") === 1)
      expect(log.shown()).toEqual(["<started>", "first", "second", "<stopped 0>"])
    }
  })

  it(
    "resumes after any element, in another runtime, with exactly the elements after it",
    { timeout: 120_000 },
    async () => {
      const random = randomness("positions")
      const container = await created(`
      run=$(($(cat /run 2>/dev/null || echo 0) + 1)); echo $run > /run
      for i in 1 2 3 4 5 6 7 8; do echo "out $run.$i 🚀"; echo "err $run.$i" >&2; done
      head -c 40000 /dev/zero | tr '\\0' x; echo
      head -c 40000 /dev/zero | tr '\\0' y >&2; echo >&2
      head -c 2600000 /dev/zero | tr '\\0' z; echo " €"
      for i in 1 2 3 4 5; do echo; done
      printf 'run %d ends' $run`)
      const log = await followWaiting(container)
      for (const run of [1, 2, 3]) {
        await container.start()
        await log.until((elements) => marks(elements, "stopped") === run)
      }
      const all = log.shown()
      const run = all.slice(0, all.indexOf("<stopped 0>") + 1)
      expect(all).toHaveLength(3 * run.length)
      expect(run.filter((text) => / \[\d( last)?\]$/.test(text))).toHaveLength(3)
      expect(all.filter((text) => text.startsWith("run "))).toEqual(["run 1 ends", "run 2 ends", "run 3 ends"])

      const indices = new Set([0, all.length - 1, ...all.flatMap((text, index) => (/[[<]/.test(text) ? [index] : []))])
      while (indices.size < roundsOf({ quick: 16, whole: 40 })) indices.add(random.between(0, all.length - 1))
      const resumed = [...indices].map((index) => {
        const text = String(log.elements[index]?.position)
        expect(text.length).toBeLessThan(16_000)
        return { index, log: follow(container, { position: Effect.runSync(LogPosition.parse(text)) }) }
      })
      for (const { index, log } of resumed) await log.until((elements) => elements.length >= all.length - index - 1)
      await container.remove()
      for (const { index, log } of resumed) {
        expect(await log.ended).toBeUndefined()
        expect(log.shown(), `after element ${index} (${all[index]}), seed ${random.seed}`).toEqual([
          ...all.slice(index + 1),
          "<removed>"
        ])
      }
    }
  )

  it("marks a gap, and repeats no line, when the engine rotates lines away", async () => {
    const container = await created(
      `trap 'go=1' USR1; for i in $(seq 1 50); do echo line $i; done; while [ -z "$go" ]; do sleep 0.02; done
       seq 51 200000 | sed 's/^/line /'`,
      { logConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } } }
    )
    await container.start()
    const live = follow(container)
    await live.until((elements) => elements.length === 50)
    const last = live.elements[49]
    await verb(container, "kill?signal=USR1")
    await live.until((elements) => marks(elements, "stopped") === 1)
    const numbers = (elements: ReadonlyArray<FollowElement>) =>
      elements.flatMap((element) => (element._tag === "LogLine" ? [Number(element.text.slice(5))] : []))
    const increases = (list: ReadonlyArray<number>) =>
      list.every((number, index) => index === 0 || number > (list[index - 1] ?? 0))
    const given = numbers(live.elements)
    expect(increases(given)).toBe(true)
    expect(given.at(-1)).toBe(200_000)

    const resumed = follow(container, { position: String(last?.position) })
    await resumed.until((elements) => marks(elements, "stopped") === 1)
    const [gap, first] = resumed.elements
    expect(gap).toMatchObject({ mark: "gap", from: last?.timestamp, to: first?.timestamp })
    expect(marks(resumed.elements, "gap")).toBe(1)
    const left = numbers(resumed.elements)
    expect(left).toEqual(Array.from({ length: left.length }, (_, index) => 200_000 - left.length + 1 + index))
  })

  it("rejects the position of another container, invalid options, and logs that can't be read", async () => {
    const [one, other] = [await created("echo line"), await created("echo line", { logConfig: { Type: "none" } })]
    for (const container of [one, other]) {
      await container.start()
      await container.wait()
    }
    const log = follow(one)
    await log.until((elements) => elements.length > 0)
    const position = log.elements[0]?.position
    expect(position?.containerId).toBe(one.id)
    expect(await follow(other, { position: String(position) }).ended).toMatchObject({
      _tag: "InvalidRequest",
      field: "position"
    })
    expect(await follow(one, { position: "nonsense" }).ended).toMatchObject({
      _tag: "InvalidRequest",
      value: "nonsense"
    })
    expect(await follow(one, { since: "nonsense" }).ended).toMatchObject({ _tag: "InvalidRequest", field: "since" })
    expect(await follow(one, { tail: -1 }).ended).toMatchObject({ _tag: "InvalidRequest", field: "tail" })
    expect(await follow(other).ended).toMatchObject({ _tag: "LogsUnreadable", containerId: other.id })
    const { endpoint } = testEngine()
    expect(await followed(endpoint, "dockwire-none").ended).toMatchObject({ _tag: "ContainerNotFound" })
    expect(await followed(endpoint, "../x").ended).toMatchObject({ _tag: "ContainerNotFound" })
    expect(await followed("unix:///nowhere.sock", one.id).ended).toMatchObject({ reason: "NotFound" })
  })

  it("buffers little while its reader is slow, and loses nothing", async () => {
    const container = await created(
      "yes 'a line of a moderate length that is written again and again' | head -n 250000"
    )
    await container.start()
    await container.wait()
    const proxy = await startCuttingProxy(testEngine().endpoint)
    onTestFinished(proxy.close)
    let batches = 0
    let lines = 0
    let passed = -1
    // Nothing more is read from the engine while the reader does not read.
    const whenStill = Effect.promise(async () => {
      for (let before = passed; before < (passed = proxy.passed()); before = passed) await sleep(1_000)
    })
    await runCore(
      proxy.endpoint,
      Effect.flatMap(Logs, (logs) =>
        logs.followBatches(container.id).pipe(
          Stream.takeUntil((batch) => batch.some(isMark("stopped"))),
          Stream.runForEach((batch) => {
            lines += batch.filter((element) => element._tag === "LogLine").length
            if (++batches > 20) return Effect.void
            return batches < 20 ? Effect.sleep("50 millis") : whenStill
          })
        )
      )
    )
    expect(lines).toBe(250_000)
    // The log has 25 MB. Socket buffers and a few batches account for some of it.
    expect(proxy.passed()).toBeGreaterThan(24_000_000)
    expect(passed).toBeLessThan(12_000_000)
  })

  it("closes its connections when it is interrupted, while lines arrive and while it waits for a start", async () => {
    const running = await created("echo line; sleep 600")
    await running.start()
    const exited = await created("echo line")
    await exited.start()
    await exited.wait()
    for (const container of [running, exited]) {
      const proxy = await startCuttingProxy(testEngine().endpoint)
      onTestFinished(proxy.close)
      const log = followed(proxy.endpoint, container.id)
      const last = container === running ? "line" : "<stopped 0>"
      await log.until((elements) => elements.slice(-1).map(shown)[0] === last)
      if (container === exited) {
        await eventually(() => proxy.requests.some((request) => request.startsWith("GET /events"))).toBe(true)
      }
      expect(proxy.open()).toBeGreaterThan(0)
      await log.stop()
      await eventually(() => proxy.open()).toBe(0)
    }
  })
})
