import { configure, dispose, get_containers } from "@dockwire/compat"
import { MemoryEngine, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterEach, expect, it } from "vitest"
import { ageText } from "../../packages/core/src/memory/time/ageText.js"
import { ManualClock } from "../core/manualClock.js"
import { jsonAt } from "../engine/engineRequest.js"
import { itDockerCli } from "../engine/itDockerCli.js"
import { printed } from "./cliRows.js"
import { startAnswers } from "./startAnswers.js"

afterEach(async () => {
  configure({})
  await dispose()
})

const minute = 60
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

/** Ages in seconds, each beside those at which docker begins to say something else. */
const ages: ReadonlyArray<readonly [seconds: number, text: string]> = [
  [0, "Less than a second"],
  [1, "1 second"],
  [2, "2 seconds"],
  [59, "59 seconds"],
  [minute, "About a minute"],
  [2 * minute - 1, "About a minute"],
  [2 * minute, "2 minutes"],
  [hour - 1, "59 minutes"],
  [hour, "About an hour"],
  [1.5 * hour - 1, "About an hour"],
  [1.5 * hour, "2 hours"],
  [47.5 * hour - 1, "47 hours"],
  [47.5 * hour, "2 days"],
  [3 * day - 0.5 * hour - 1, "2 days"],
  [3 * day - 0.5 * hour, "3 days"],
  [14 * day - 0.5 * hour - 1, "13 days"],
  [14 * day - 0.5 * hour, "2 weeks"],
  [60 * day - 0.5 * hour - 1, "8 weeks"],
  [60 * day - 0.5 * hour, "2 months"],
  [2 * year - 0.5 * hour - 1, "24 months"],
  // As docker does it: it rounds the hours of months, and not those of years.
  [2 * year - 0.5 * hour, "1 years"],
  [2 * year, "2 years"],
  [3 * year - 1, "2 years"],
  [3 * year, "3 years"],
  [30 * year, "30 years"]
]

it("the status of a container that has run from a second to years, by the clock of the engine", async () => {
  const clock = new ManualClock(Date.parse("2026-11-30T12:00:00Z"))
  const engine = MemoryEngine.layer({
    programs: [
      { image: "up", run: () => Stream.never },
      { image: "down", run: () => Stream.make(ProgramStep.exit(3)) }
    ],
    containers: [
      { name: "up", image: "up" },
      { name: "down", image: "down" }
    ]
  })
  configure({ layer: Layer.provideMerge(engine, Layer.setClock(clock)) })
  const status = async (name: string) => (await get_containers()).find((row) => row.name === name)?.status
  await expect.poll(() => status("down")).toMatch(/^Exited/)
  // No two times of the engine are the same: it is a little later each time.
  await Effect.runPromise(clock.advance(500))
  let now = 0
  for (const [seconds, text] of ages) {
    await Effect.runPromise(clock.advance((seconds - now) * 1_000))
    now = seconds
    expect([seconds, await status("up"), await status("down")]).toEqual([
      seconds,
      `Up ${text}`,
      `Exited (3) ${text} ago`
    ])
  }
})

itDockerCli("the same ages as the docker command prints them", async (docker) => {
  const start = Math.floor(Date.now() / 1_000)
  const containers = ages.map(([seconds], index) => ({
    Id: String(index).padStart(64, "0"),
    Names: [`/age-${index}`],
    Image: "nginx",
    ImageID: `sha256:${"b".repeat(64)}`,
    Command: "sh",
    Created: start - seconds,
    Ports: [],
    Labels: {},
    State: "running",
    Status: "Up 3 seconds",
    HostConfig: { NetworkMode: "bridge" },
    NetworkSettings: { Networks: {} },
    Mounts: []
  }))
  const answers = await startAnswers({ "/containers/json": containers })
  const rows = await printed(docker, answers.endpoint, ["ps", "-a"])
  await answers.close()
  const passed = Math.ceil(Date.now() / 1_000) - start
  for (const [index, [seconds]] of ages.entries()) {
    // The command reads its clock some time in between.
    const possible = Array.from(
      { length: passed + 1 },
      (_, more) => `${ageText(BigInt(seconds + more) * 1_000_000_000n)} ago`
    )
    expect([seconds, possible]).toEqual([seconds, expect.arrayContaining([jsonAt(rows[index], "RunningFor")])])
  }
  expect(rows).toHaveLength(ages.length)
})
