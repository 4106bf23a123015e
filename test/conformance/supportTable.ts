import { type EngineName, engineNames } from "./engineName.js"
import type { EngineOutcomes, OwnWay, TableRun } from "./outcomes.js"

const titles: Readonly<Record<EngineName, (version: string) => string>> = {
  memory: () => "in memory",
  usual: (version) => version,
  tls: () => "the same over TLS",
  ssh: () => "the same over ssh",
  "20.10": (version) => version,
  "28.5": (version) => version,
  podman: (version) => version
}

const serviceOf = (method: string): string => method.slice(0, method.indexOf("."))
const nameOf = (method: string): string => method.slice(method.indexOf(".") + 1)

const tableLine = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const count = ({ cells }: EngineOutcomes, service: string): string => {
  const outcomes = Object.entries(cells)
    .filter(([method]) => serviceOf(method) === service)
    .flatMap(([, columns]) => Object.values(columns))
  const of = (wanted: string) => outcomes.filter((outcome) => outcome === wanted).length
  const [own, lacking, failed] = [of("differs"), of("lacks"), of("FAILED")]
  return [
    String(of("ok")),
    ...(own > 0 ? [`${own} own`] : []),
    ...(lacking > 0 ? [`${lacking} not`] : []),
    ...(failed > 0 ? [`${failed} FAILED`] : [])
  ].join(", ")
}

const grouped = (ways: ReadonlyArray<OwnWay>): ReadonlyArray<string> => {
  const methods = new Map<string, Set<string>>()
  for (const { method, what, why } of ways) {
    const key = `${what}: ${why}`
    methods.set(key, (methods.get(key) ?? new Set()).add(`\`${method}\``))
  }
  return Array.from(methods, ([key, names]) => `- ${key} (${[...names].join(", ")})`).sort()
}

/** What came of the table, for readers: a row for each service, a column for each engine, and in what engines have their own ways. */
export const supportTable = (runs: ReadonlyArray<TableRun>): string => {
  const [first, ...others] = runs
  if (first === undefined) throw new Error("There is no run to make a table of.")
  const engines = engineNames.flatMap((name) => first.engines.find(({ engine }) => engine === name) ?? [])
  const methods = Object.keys(engines[0]?.cells ?? {})
  const services = [...new Set(methods.map(serviceOf))]
  const rows = services.map((service) =>
    tableLine([
      `\`${service}\`: ${methods
        .filter((method) => serviceOf(method) === service)
        .map(nameOf)
        .join(", ")}`,
      ...engines.map((engine) => count(engine, service))
    ])
  )
  const under = [
    `${first.node} (all of it)`,
    ...others.map(
      ({ engines, node }) => `${node} (${engines.map(({ engine, version }) => titles[engine](version)).join(", ")})`
    )
  ]
  // What the ways to the usual engine have is the usual engine's.
  const ways = engines.flatMap(({ engine, ownWays, version }) =>
    engine === "tls" || engine === "ssh" || ownWays.length === 0
      ? []
      : [`${titles[engine](version)}:`, grouped(ownWays).join("\n")]
  )
  return [
    [
      tableLine(["cells that hold", ...engines.map(({ engine, version }) => titles[engine](version))]),
      tableLine(["---", ...engines.map(() => "---")]),
      ...rows
    ].join("\n"),
    `Run under Node ${under.join("; ")}.`,
    ...ways
  ].join("\n\n")
}
