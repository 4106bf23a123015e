import { columns } from "./cell.js"
import type { EngineOutcomes, Outcome } from "./outcomes.js"

const signs: Readonly<Record<Outcome, string>> = {
  ok: "+",
  differs: "*",
  unsupported: "o",
  "-": "-",
  left: ".",
  FAILED: "FAILED"
}

/** Renders the outcome of each cell: a sign for each engine, in their order. */
export const matrixText = (results: ReadonlyArray<EngineOutcomes>): string => {
  const methods = Object.keys(results[0]?.cells ?? {})
  const lines = methods.map((method) => {
    const shown = columns.map((column) =>
      results.map(({ cells }) => signs[cells[method]?.[column] ?? "FAILED"]).join(" ")
    )
    return [method, ...shown]
  })
  const all = [["", ...columns], ...lines]
  const widths = all.reduce(
    (widest: ReadonlyArray<number>, line) => line.map((word, i) => Math.max(word.length, widest[i] ?? 0)),
    []
  )
  return [
    `Engines in each cell: ${results.map(({ engine, version }) => `${engine} (${version})`).join(", ")}`,
    "+ passes, * passes with a documented difference, o not supported by the engine, - nothing to test, . left to conformance",
    ...all.map((line) =>
      line
        .map((word, i) => word.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd()
    )
  ].join("\n")
}
