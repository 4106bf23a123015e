import { type EngineName, engineNames } from "./engineName.js"
import type { EngineDifference, EngineOutcomes, TableRun } from "./outcomes.js"

const titles: Readonly<Record<EngineName, (version: string) => string>> = {
  memory: () => "in memory",
  usual: (version) => version,
  tls: () => "same, over TLS",
  ssh: () => "same, over ssh",
  "20.10": (version) => version,
  "28.5": (version) => version,
  "28.5-containerd": (version) => `${version}, images in containerd`,
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
  const [differing, unsupported, failed] = [of("differs"), of("unsupported"), of("FAILED")]
  return [
    String(of("ok")),
    ...(differing > 0 ? [`${differing} differ`] : []),
    ...(unsupported > 0 ? [`${unsupported} unsupported`] : []),
    ...(failed > 0 ? [`${failed} FAILED`] : [])
  ].join(", ")
}

const bullets = (differences: ReadonlyArray<EngineDifference>): ReadonlyArray<string> => {
  const methods = new Map<string, Set<string>>()
  for (const { method, what, why } of differences) {
    const key = `${what}: ${why}`
    methods.set(key, (methods.get(key) ?? new Set()).add(`\`${method}\``))
  }
  return Array.from(methods, ([key, names]) => `- ${key} (${[...names].join(", ")})`).sort()
}

/** Renders the outcomes as Markdown: a row for each service, a column for each engine, and the differences of each engine. */
export const supportTable = (runs: ReadonlyArray<TableRun>): string => {
  const [first, ...others] = runs
  if (first === undefined) throw new Error("There are no runs to show in a table.")
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
  const nodes = [
    `${first.node} (all engines)`,
    ...others.map(
      ({ engines, node }) => `${node} (${engines.map(({ engine, version }) => titles[engine](version)).join(", ")})`
    )
  ]
  // TLS and ssh lead to the usual engine, which already has its list.
  const lists = engines.flatMap(({ engine, differences, version }) =>
    engine === "tls" || engine === "ssh" || differences.length === 0
      ? []
      : [`${titles[engine](version)}:`, bullets(differences).join("\n")]
  )
  return [
    [
      tableLine(["passing cells", ...engines.map(({ engine, version }) => titles[engine](version))]),
      tableLine(["---", ...engines.map(() => "---")]),
      ...rows
    ].join("\n"),
    `Tested with Node ${nodes.join("; ")}.`,
    ...lists
  ].join("\n\n")
}
