/** The text format of Prometheus. */
import * as Metric from "effect/Metric"
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"

/** A value of a metric. */
export interface Sample {
  /** Is appended to the name of the metric: `_sum`, `_count`, `_bucket`. */
  readonly suffix?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric, with its values. */
export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly type: "counter" | "gauge" | "histogram" | "summary"
  readonly samples: ReadonlyArray<Sample>
}

const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"')

/** A name with the characters that Prometheus allows. */
const nameOf = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_]/g, "_").replace(/^(?=\d)/, "_")

const number = (value: number | bigint): string => {
  if (typeof value === "bigint" || Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"
}

const sampleText = (name: string, { labels = {}, suffix = "", value }: Sample): string => {
  const pairs = Object.entries(labels).map(([label, text]) => `${nameOf(label)}="${escapeLabel(text)}"`)
  return `${name}${suffix}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${number(value)}\n`
}

/** Formats metrics. Those of one name have to be one family. */
export const prometheusText = (families: ReadonlyArray<MetricFamily>): string =>
  families
    .map(({ help, name: given, samples, type }) => {
      const name = nameOf(given)
      const head = `${help === "" ? "" : `# HELP ${name} ${escapeHelp(help)}\n`}# TYPE ${name} ${type}\n`
      return head + samples.map((sample) => sampleText(name, sample)).join("")
    })
    .join("")

type Labels = Readonly<Record<string, string>>

const histogramSamples = (state: MetricState.MetricState.Histogram, labels: Labels): ReadonlyArray<Sample> => {
  const buckets = state.buckets
    .filter(([bound]) => Number.isFinite(bound))
    .map(([bound, value]) => ({ suffix: "_bucket", labels: { ...labels, le: number(bound) }, value }))
  return [
    ...buckets,
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: state.count },
    { suffix: "_sum", labels, value: state.sum },
    { suffix: "_count", labels, value: state.count }
  ]
}

const read = (
  state: MetricState.MetricState.Untyped,
  labels: Labels
): Pick<MetricFamily, "type" | "samples"> | undefined => {
  if (MetricState.isCounterState(state)) return { type: "counter", samples: [{ labels, value: Number(state.count) }] }
  if (MetricState.isGaugeState(state)) return { type: "gauge", samples: [{ labels, value: Number(state.value) }] }
  if (MetricState.isHistogramState(state)) return { type: "histogram", samples: histogramSamples(state, labels) }
  if (MetricState.isFrequencyState(state)) {
    const samples = [...state.occurrences].map(([key, value]) => ({ labels: { ...labels, key }, value }))
    return { type: "counter", samples }
  }
  if (!MetricState.isSummaryState(state)) return undefined
  const quantiles = state.quantiles.flatMap(([quantile, value]) =>
    value._tag === "Some" ? [{ labels: { ...labels, quantile: number(quantile) }, value: value.value }] : []
  )
  const totals = [
    { suffix: "_sum", labels, value: state.sum },
    { suffix: "_count", labels, value: state.count }
  ]
  return { type: "summary", samples: [...quantiles, ...totals] }
}

const labelsOf = ({ metricKey }: MetricPair.MetricPair.Untyped): Labels =>
  Object.fromEntries(metricKey.tags.map(({ key, value }) => [key, value]))

/** The metrics of Effect's registry whose names begin with this. */
export const registryFamilies = (prefix: string): ReadonlyArray<MetricFamily> => {
  const families = new Map<string, MetricFamily>()
  for (const pair of Metric.unsafeSnapshot()) {
    const { description, name } = pair.metricKey
    if (!name.startsWith(prefix)) continue
    const found = read(pair.metricState, labelsOf(pair))
    if (found === undefined) continue
    const { samples = [] } = families.get(name) ?? {}
    const help = description._tag === "Some" ? description.value : ""
    families.set(name, { name, help, type: found.type, samples: [...samples, ...found.samples] })
  }
  return [...families.values()]
}
