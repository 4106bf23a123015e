import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import { expect, it } from "vitest"
import { prometheusText, registryFamilies } from "../../packages/server/src/metrics/prometheusText.js"

it("formats every kind of metric of the registry, and escapes what would break a line", async () => {
  const counter = Metric.counter("test_format_total", { description: 'With a \\ and a\nbreak and "quotes"' })
  const gauge = Metric.gauge("test_format_gauge")
  const histogram = Metric.histogram("test_format_seconds", MetricBoundaries.fromIterable([0.1, 1]))
  const frequency = Metric.frequency("test_format_words")
  const summary = Metric.summary({
    name: "test_format_summary",
    maxAge: "1 day",
    maxSize: 10,
    error: 0,
    quantiles: [0.5]
  })
  await Effect.runPromise(
    Effect.all([
      Metric.incrementBy(Metric.tagged(counter, "kind", 'a"b\\c\nd'), 3),
      Metric.increment(Metric.tagged(counter, "odd-name", "e")),
      Metric.set(gauge, Number.POSITIVE_INFINITY),
      Metric.update(histogram, 0.5),
      Metric.update(histogram, 5),
      Metric.update(frequency, "x"),
      Metric.update(summary, 4)
    ])
  )
  const text = prometheusText([
    ...registryFamilies("test_format_"),
    { name: "test format-own", help: "", type: "gauge", samples: [{ value: Number.NaN }] }
  ])
  const families = text.split(/(?=# HELP|(?<!# HELP .*\n)# TYPE)/).toSorted()
  expect(families).toEqual([
    '# HELP test_format_total With a \\\\ and a\\nbreak and "quotes"\n' +
      '# TYPE test_format_total counter\ntest_format_total{kind="a\\"b\\\\c\\nd"} 3\ntest_format_total{odd_name="e"} 1\n',
    "# TYPE test_format_gauge gauge\ntest_format_gauge +Inf\n",
    "# TYPE test_format_own gauge\ntest_format_own NaN\n",
    "# TYPE test_format_seconds histogram\n" +
      'test_format_seconds_bucket{le="0.1"} 0\ntest_format_seconds_bucket{le="1"} 1\n' +
      'test_format_seconds_bucket{le="+Inf"} 2\ntest_format_seconds_sum 5.5\ntest_format_seconds_count 2\n',
    '# TYPE test_format_summary summary\ntest_format_summary{quantile="0.5"} 4\n' +
      "test_format_summary_sum 4\ntest_format_summary_count 1\n",
    '# TYPE test_format_words counter\ntest_format_words{key="x"} 1\n'
  ])
})
