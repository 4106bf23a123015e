import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import type { InspectedContainer } from "../../../packages/core/src/internal/compose/project/inspectedContainer.js"
import {
  type JudgeSettings,
  ProjectJudge,
  type ProjectVerdict
} from "../../../packages/core/src/internal/compose/wait/projectJudge.js"

type Facts = Partial<InspectedContainer> & Pick<InspectedContainer, "service">

const container = (facts: Facts): InspectedContainer => ({
  id: `${facts.service}-id`,
  name: `shop-${facts.service}-1`,
  labels: { project: "shop", service: facts.service },
  state: "running",
  health: undefined,
  exitCode: 0,
  error: "",
  startedAt: "2026-01-01T00:00:10.000000000Z",
  finishedAt: "0001-01-01T00:00:00.000000000Z",
  restartCount: 0,
  restartPolicy: "no",
  hasHealthCheck: false,
  publishesPorts: false,
  runningFor: 0,
  ...facts
})

const settings: JudgeSettings = { settleMillis: 2_000, restarts: 0, services: undefined }

const judged = (
  observed: ReadonlyArray<readonly [at: number, ...facts: ReadonlyArray<Facts>]>,
  at: number,
  options: Partial<JudgeSettings> = {},
  before: ReadonlyArray<Facts> = []
): ProjectVerdict => {
  const judge = new ProjectJudge({ ...settings, ...options }, before.map(container))
  for (const [now, ...facts] of observed) judge.observeAll(facts.map(container), now)
  return judge.verdict(at)
}

const web = { service: "web" }
const exited = (service: string, exitCode = 0, more: Partial<Facts> = {}): Facts => ({
  service,
  state: "exited",
  exitCode,
  finishedAt: "2026-01-01T00:00:11.000000000Z",
  ...more
})
const needs = (service: string, condition: string): Facts => ({
  service: "app",
  id: "app-id",
  runningFor: 10_000,
  labels: { project: "shop", service: "app", dependsOn: [{ service, condition }] }
})
const labelsOf = (service: string, ...on: ReadonlyArray<string>): InspectedContainer["labels"] => ({
  project: "shop",
  service,
  dependsOn: on.map((service) => ({ service, condition: "service_started" }))
})
const old = "2026-01-01T00:00:00.000000000Z"
const later = "2026-01-01T00:00:20.000000000Z"

describe("whether a project is ready", () => {
  const ready: Record<string, ProjectVerdict> = {
    nothing: judged([[0]], 0),
    "healthy at once": judged([[0, { ...web, health: "healthy" }]], 0),
    "running for the settling time": judged([[0, web]], 2_000),
    "running since long ago": judged([[0, { ...web, runningFor: 60_000 }]], 0),
    "running for a part of it before": judged([[0, { ...web, runningFor: 1_000 }]], 1_000),
    "done, and nobody waits for it": judged([[0, exited("init")]], 0),
    "done after failures": judged([[0, exited("init", 0, { restartPolicy: "on-failure", restartCount: 2 })]], 0, {
      restarts: 2
    }),
    "done, as another service expects": judged(
      [[0, exited("init", 0, { restartPolicy: "always" }), needs("init", "service_completed_successfully")]],
      0
    ),
    "restarted as often as allowed": judged([[0, { ...web, restartCount: 2 }]], 2_000, { restarts: 2 }),
    "restarted before the wait only": judged([[0, { ...web, restartCount: 5 }]], 2_000, {}, [
      { ...web, restartCount: 5 }
    ]),
    "ended before the wait, and not started": judged([[0, exited("old", 3, { startedAt: old })]], 0, {}, [
      exited("old", 3, { startedAt: old })
    ]),
    "another service than those asked for": judged([[0, exited("web", 3)]], 0, { services: new Set(["db"]) }),
    "one of compose run": judged(
      [[0, exited("web", 3, { labels: { project: "shop", service: "web", oneOff: true } })]],
      0
    ),
    "made anew": judged(
      [
        [0, { ...web, id: "first" }],
        [1, { ...web, id: "second", runningFor: 3_000 }]
      ],
      1
    )
  }
  it.each(Object.entries(ready))("%s: ready", (_name, verdict) => {
    expect(verdict).toEqual({ _tag: "Ready" })
  })

  const waiting: Record<string, readonly [ProjectVerdict, until: number | undefined]> = {
    "not running for long": [judged([[0, web]], 1_999), 2_000],
    "started again": [
      judged(
        [
          [0, web],
          [1_500, { ...web, startedAt: later }]
        ],
        2_500
      ),
      3_500
    ],
    "starting health check": [judged([[0, { ...web, health: "starting" }]], 60_000), undefined],
    created: [judged([[0, { ...web, state: "created" }]], 60_000), undefined],
    paused: [judged([[0, { ...web, state: "paused" }]], 60_000), undefined],
    "restarting, which is allowed": [
      judged([[0, { ...web, state: "restarting", exitCode: 1, restartCount: 1 }]], 60_000, { restarts: 1 }),
      undefined
    ],
    "running, and another service waits for its end": [
      judged([[0, web, needs("web", "service_completed_successfully")]], 60_000),
      undefined
    ]
  }
  it.each(Object.entries(waiting))("%s: waiting", (_name, [verdict, until]) => {
    expect(verdict).toEqual({ _tag: "Waiting", services: ["web"], until })
  })

  const failed: Record<string, readonly [ProjectVerdict, object]> = {
    "ended with a code": [judged([[0, exited("web", 3)]], 0), { reason: "Exited", exitCode: 3 }],
    "ended with a code after it was ready": [
      judged(
        [
          [0, web],
          [5_000, exited("web", 3)]
        ],
        5_000
      ),
      { reason: "Exited", exitCode: 3 }
    ],
    "ended with a code before the wait, started, and ended so again": [
      judged([[0, exited("web", 3, { startedAt: later })]], 0, {}, [exited("web", 3, { startedAt: old })]),
      { reason: "Exited", exitCode: 3 }
    ],
    "ended with 0 with ports": [
      judged([[0, exited("web", 0, { publishesPorts: true })]], 0),
      { reason: "Exited", exitCode: 0 }
    ],
    "ended with 0 though it should always run": [
      judged([[0, exited("web", 0, { restartPolicy: "unless-stopped" })]], 0),
      { reason: "Exited", exitCode: 0 }
    ],
    "ended with 0, and another service needs it healthy": [
      judged([[0, exited("web"), needs("web", "service_healthy")]], 0),
      { reason: "Exited", exitCode: 0 }
    ],
    unhealthy: [judged([[0, { ...web, health: "unhealthy" }]], 0), { reason: "Unhealthy" }],
    restarted: [
      judged(
        [
          [0, web],
          [500, { ...web, startedAt: later, restartCount: 1 }]
        ],
        500
      ),
      { reason: "Exited" }
    ],
    "restarted more often than allowed": [
      judged([[0, { ...web, restartCount: 3 }]], 0, { restarts: 2 }),
      { reason: "Exited" }
    ],
    "restarted after a start by hand": [
      judged([[0, { ...web, startedAt: later, restartCount: 1 }]], 0, {}, [exited("web", 1, { restartCount: 7 })]),
      { reason: "Exited" }
    ],
    "not started": [
      judged([[0, { ...web, state: "created", error: "no such file", exitCode: 127 }]], 0),
      { reason: "NotStarted", exitCode: 127, detail: "no such file" }
    ],
    removed: [judged([[0, web], [1]], 1), { reason: "Removed" }]
  }
  it.each(Object.entries(failed))("%s: failed", (_name, [verdict, expected]) => {
    expect(verdict).toMatchObject({ _tag: "Unready", service: "web", containerId: "web-id", ...expected })
  })

  // `up` starts the services that are named, and those that they depend on: no others count.
  const chain: ReadonlyArray<Facts> = [
    { service: "web", labels: labelsOf("web", "db", "cache"), runningFor: 10_000 },
    { service: "db", labels: labelsOf("db", "init"), runningFor: 10_000 },
    { service: "cache", labels: labelsOf("cache"), runningFor: 10_000 },
    { service: "init", labels: labelsOf("init"), runningFor: 10_000 },
    { service: "worker", labels: labelsOf("worker", "web", "queue"), runningFor: 10_000 },
    { service: "queue", labels: labelsOf("queue", "worker"), runningFor: 10_000 }
  ]
  const counted: ReadonlyArray<readonly [named: ReadonlyArray<string>, counted: ReadonlyArray<string>]> = [
    [["web"], ["web", "db", "cache", "init"]],
    [["db"], ["db", "init"]],
    [["init"], ["init"]],
    [
      ["cache", "db"],
      ["db", "cache", "init"]
    ],
    [["worker"], ["web", "db", "cache", "init", "worker", "queue"]],
    [["nobody"], []]
  ]
  it.each(counted)("of %j, %j count", (named, expected) => {
    const services = new Set(named)
    const failing = chain.filter(({ service }) => {
      const broken = chain.map((facts) => (facts.service === service ? { ...facts, health: "unhealthy" } : facts))
      const verdict = judged([[0, ...broken]], 0, { services })
      if (verdict._tag === "Unready") expect(verdict.service).toBe(service)
      const gone = chain.filter((facts) => facts.service !== service)
      const removed = judged(
        [
          [0, ...chain],
          [1, ...gone]
        ],
        1,
        { services }
      )
      expect(removed._tag).toBe(verdict._tag)
      return verdict._tag === "Unready"
    })
    expect(failing.map(({ service }) => service)).toEqual(expected)
    const judge = new ProjectJudge({ ...settings, services }, [])
    judge.observeAll(chain.map(container), 0)
    expect(judge.steps(0).map(({ service }) => service)).toEqual(expected)
  })

  it("tells the code of the run before a restart, or none that it does not know", () => {
    const restarted = container({ ...web, restartCount: 1 })
    const unknown = new ProjectJudge(settings, [])
    unknown.observe(restarted, 0)
    expect(unknown.verdict(0)).toEqual({
      _tag: "Unready",
      reason: "Exited",
      service: "web",
      containerId: "web-id",
      detail: "it ended and was restarted once"
    })
    const judge = new ProjectJudge(settings, [])
    judge.ended("web-id", 5)
    judge.observe(restarted, 0)
    expect(judge.verdict(0)).toMatchObject({ exitCode: 5, detail: "it ended with code 5 and was restarted once" })
  })

  it("blames the service that failed first", () => {
    const finishedAt = "2026-01-01T00:00:10.500000000Z"
    expect(judged([[0, exited("web", 3), exited("db", 1, { finishedAt })]], 0)).toMatchObject({ service: "db" })
  })

  it("tells each step once", () => {
    const judge = new ProjectJudge(settings, [])
    const told = (now: number) => judge.steps(now).map(({ service, status }) => `${service} ${status}`)
    judge.observeAll([container(web), container({ service: "db", health: "starting" })], 0)
    expect(told(0)).toEqual(["web waiting", "db waiting"])
    expect(told(1_000)).toEqual([])
    judge.observe(container({ service: "db", health: "healthy" }), 1_000)
    expect(told(1_000)).toEqual(["db healthy"])
    expect(told(2_000)).toEqual(["web running"])
    judge.observe(container(exited("web")), 2_000)
    expect(judge.steps(2_000)).toMatchObject([{ service: "web", status: "exited", exitCode: 0 }])
  })

  // Whatever happens in whatever order: the last state of each container alone decides, but for restarts and settling.
  it("does not depend on what was seen in between", () => {
    const fact = FastCheck.record({
      service: FastCheck.constantFrom("web", "db", "init"),
      state: FastCheck.constantFrom("created" as const, "running" as const, "paused" as const, "exited" as const),
      health: FastCheck.constantFrom(undefined, "starting", "healthy", "unhealthy"),
      exitCode: FastCheck.constantFrom(0, 0, 3),
      runningFor: FastCheck.constantFrom(0, 10_000)
    })
    FastCheck.assert(
      FastCheck.property(FastCheck.array(fact, { maxLength: 12 }), (facts) => {
        const judge = new ProjectJudge(settings, [])
        const last = new Map<string, InspectedContainer>()
        facts.forEach((facts, now) => {
          judge.observe(container(facts), now)
          last.set(facts.service, container(facts))
        })
        const alone = new ProjectJudge(settings, [])
        alone.observeAll([...last.values()], 0)
        const end = 1_000_000
        expect(judge.verdict(end)._tag).toBe(alone.verdict(end)._tag)
      }),
      { numRuns: 50 }
    )
  })
})
