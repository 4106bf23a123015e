import type { OperationStep } from "@dockwire/core"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { Redactor } from "../../../packages/core/src/internal/build/output/redactor.js"
import { ComposeDecoder } from "../../../packages/core/src/internal/compose/progress/composeDecoder.js"
import { recordedOutput, type RecordedRun, type recordings } from "./recordedOutput.js"

const decode = (edition: keyof typeof recordings, lines: RecordedRun["lines"], decoder = decoderOf(edition)) => {
  const steps = lines.flatMap(([stream, text]) => decoder.push(stream === "out" ? "stdout" : "stderr", text))
  return [...steps, ...decoder.end()]
}

const decoderOf = (edition: keyof typeof recordings) => new ComposeDecoder(edition !== "2.26")

type Progress = Extract<OperationStep<never>, { readonly _tag: "Progress" }>

const progressOf = (steps: ReadonlyArray<OperationStep<never>>): ReadonlyArray<Progress> =>
  steps.filter((step) => step._tag === "Progress")

const textsOf = (steps: ReadonlyArray<OperationStep<never>>): ReadonlyArray<string> =>
  steps.flatMap((step) => (step._tag === "Line" ? [step.text] : []))

/** What every version says of each item, sorted: the order differs from run to run. */
const histories = (steps: ReadonlyArray<OperationStep<never>>): Readonly<Record<string, ReadonlyArray<string>>> => {
  const found: Record<string, Array<string>> = {}
  for (const { id, status } of progressOf(steps)) (found[id] ??= []).push(status)
  return Object.fromEntries(Object.entries(found).toSorted(([one], [other]) => one.localeCompare(other)))
}

const runs = (edition: keyof typeof recordings) => Object.entries(recordedOutput(edition))

describe("the output of compose", () => {
  it("is the same progress for each version", () => {
    const up = {
      "container up-db-1": ["Creating", "Created", "Starting", "Started", "Waiting", "Healthy"],
      "container up-init-1": ["Creating", "Created", "Starting", "Started", "Waiting", "Exited"],
      "container up-web-1": ["Creating", "Created", "Starting", "Started"],
      "network up_default": ["Creating", "Created"],
      "volume up_data": ["Creating", "Created"]
    }
    for (const edition of ["2.26", "2.40", "5"] as const) {
      expect(histories(decode(edition, recordedOutput(edition)["up"]?.lines ?? []))).toEqual(up)
    }
    const stopped = ["Stopping", "Stopped", "Removing", "Removed"]
    for (const edition of ["2.26", "2.40"] as const) {
      expect(histories(decode(edition, recordedOutput(edition)["down"]?.lines ?? []))).toEqual({
        "container up-db-1": stopped,
        "container up-init-1": stopped,
        "container up-web-1": stopped,
        "network up_default": ["Removing", "Removed"],
        "volume up_data": ["Removing", "Removed"]
      })
    }
  })

  it("is progress for every line about a resource, and a line for everything else", () => {
    for (const edition of ["2.26", "2.40", "5"] as const) {
      for (const [name, { exitCode, lines }] of runs(edition)) {
        const steps = decode(edition, lines)
        const plain = steps.filter(
          (step) => step._tag === "Line" && step.item === undefined && step.stream === "stderr"
        )
        // Only a failure makes compose print lines that are not about a resource.
        if (exitCode === 0) expect([edition, name, textsOf(plain)]).toEqual([edition, name, []])
        else expect([edition, name, textsOf(plain).length > 0]).toEqual([edition, name, true])
        for (const { resource, step } of progressOf(steps)) expect(resource ?? step).toBeDefined()
      }
    }
  })

  it("has the bytes of layers, with what they belong to where compose tells", () => {
    const layer = (edition: keyof typeof recordings) =>
      progressOf(decode(edition, recordedOutput(edition)["pull"]?.lines ?? []))
        .filter(({ resource, status }) => resource?.kind === "layer" && status === "Downloading")
        .map(({ current, resource, total }) => ({ current, total, parent: resource?.parent }))
    expect(layer("2.26")).toContainEqual({ current: 36_610, total: 3_001_000, parent: undefined })
    expect(layer("2.40")).toContainEqual({ current: 36_606, total: 3_001_112, parent: "b" })
    expect(layer("5")).toEqual([{ current: 1_500_000, total: 3_000_000, parent: "registry.test/app:1" }])
    const skipped = progressOf(decode("2.40", recordedOutput("2.40")["pull"]?.lines ?? [])).find(
      ({ status }) => status === "Skipped"
    )
    expect(skipped?.resource).toEqual({ kind: "service", name: "a", detail: "Image is already being pulled by b" })
  })

  it("has a fraction that never goes back and does not reach 1", () => {
    for (const edition of ["2.26", "2.40", "5"] as const) {
      for (const [, { lines }] of runs(edition)) {
        const fractions = progressOf(decode(edition, lines)).map(({ fraction = -1 }) => fraction)
        expect(fractions).toEqual(fractions.toSorted((one, other) => one - other))
        for (const fraction of fractions) expect(fraction).toSatisfy((value: number) => value >= 0 && value < 1)
      }
    }
  })

  it.each([
    ["up", "Network p_default  Created", 0.5],
    ["up", "Container p-web-1  Creating", 0.5],
    ["up", "Container p-web-1  Created", 0.75],
    ["up", "Container p-web-1  Started", 0.99],
    ["down", "Container p-web-1  Stopping", 0],
    ["down", "Container p-web-1  Stopped", 0.5],
    ["down", "Container p-web-1  Removing", 0.5],
    ["stop", "Container p-web-1  Stopped", 0.99],
    ["create", "Container p-web-1  Created", 0.99]
  ])("knows that %s has more to do after %s", (command, last, fraction) => {
    const decoder = new ComposeDecoder(false, new Redactor(), command)
    const before = last.startsWith("Network") || command !== "up" ? [] : ["Network p_default  Created"]
    const found = [...before, last].flatMap((line) => progressOf(decoder.push("stderr", ` ${line}`))).at(-1)
    expect(found?.fraction).toBe(fraction)
  })

  it("keeps a message that is in the place of a status", () => {
    const detail = `service "init" didn't complete successfully: exit 4`
    for (const edition of ["2.26", "2.40", "5"] as const) {
      const last = progressOf(decode(edition, recordedOutput(edition)["init-failed"]?.lines ?? [])).at(-1)
      expect(last).toMatchObject({ status: "Error", resource: { kind: "container", name: "init-init-1", detail } })
      const missing = progressOf(decode(edition, recordedOutput(edition)["pull-missing"]?.lines ?? []))
      expect(missing).toContainEqual(
        expect.objectContaining({ status: "Error", resource: expect.objectContaining({ detail: "manifest unknown" }) })
      )
    }
  })

  it("has the steps of builds with their output, where BuildKit says what they are", () => {
    const decoder = decoderOf("2.40")
    const steps = decode("2.40", recordedOutput("2.40")["build-failed"]?.lines ?? [], decoder)
    const names = new Set(progressOf(steps).flatMap(({ step }) => (step === undefined ? [] : [step.name])))
    expect([...names].filter((name) => name.includes(" RUN "))).toHaveLength(2)
    expect(steps.some((step) => step._tag === "Line" && step.stream === "stdout" && step.text.startsWith("bad "))).toBe(
      true
    )
    expect(decoder.failedStep?.name).toMatch(/^\[two 2\/2\] RUN echo bad \d+; exit 3$/)
    expect(decoder.failures.join("\n")).toContain("target two: failed to solve")
  })

  it("may have any lines in between", () => {
    const noise = FastCheck.oneof(
      FastCheck.string(),
      FastCheck.constantFrom(
        'time="2026-01-01T00:00:00Z" level=warning msg="x"',
        "{",
        "{}",
        "[]",
        "null",
        '{"id":1}',
        '{"vertexes":1}',
        '{"id":"","status":"Working"}',
        "canceled",
        " Container",
        " Container x",
        "Container x  Started",
        "\u0000\uFFFD"
      )
    ).map((text) => text.replaceAll("\n", " "))
    for (const edition of ["2.26", "2.40", "5"] as const) {
      const { lines } = recordedOutput(edition)["up"] ?? { lines: [] }
      const expected = progressOf(decode(edition, lines))
      FastCheck.assert(
        FastCheck.property(FastCheck.array(FastCheck.tuple(FastCheck.nat(lines.length), noise)), (inserted) => {
          const mixed = [...lines]
          for (const [place, text] of inserted) mixed.splice(place, 0, ["err", text])
          const steps = decode(edition, mixed)
          expect(progressOf(steps)).toEqual(expected)
          const texts = textsOf(steps)
          for (const [, text] of inserted) if (!text.startsWith("{")) expect(texts).toContain(text)
        })
      )
    }
  })

  it("shows no secret", () => {
    const decoder = new ComposeDecoder(true, new Redactor([Redacted.make("hunter2")]))
    const steps = [
      '{"id":"Container x","status":"Error response: hunter2"}',
      '{"error":true,"message":"variable hunter2"}',
      "hunter2",
      '{"level":"warning","msg":"hunter2"}'
    ].flatMap((line) => decoder.push("stderr", line))
    expect(JSON.stringify([steps, decoder.failures, decoder.lastLines])).not.toContain("hunter2")
    expect(textsOf(steps)).toHaveLength(4)
  })
})
