import { useLayoutEffect, useRef } from "preact/hooks"
import uPlot from "uplot"

/** A line of a chart. */
export interface ChartLine {
  /** The name of its color in the theme. */
  readonly color: string
  readonly values: ReadonlyArray<number | undefined>
}

interface ChartProps {
  readonly times: ReadonlyArray<number>
  readonly lines: ReadonlyArray<ChartLine>
  /** The end of the scale, unless a value is beyond it. */
  readonly top: number
  /** The colors are read again when this changes. */
  readonly theme: string
}

const height = 64

/** The time that a chart spans at first and at most, in seconds. */
const spans = { least: 60, most: 300 }

const beginning = (first: number, last: number): number =>
  last - Math.min(spans.most, Math.max(spans.least, last - first))

const makeChart = (box: HTMLElement, lines: ReadonlyArray<ChartLine>, top: number): uPlot => {
  const colors = getComputedStyle(document.documentElement)
  const axis = { show: false }
  return new uPlot(
    {
      width: Math.max(80, box.clientWidth),
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: [4, 0, 2, 0],
      axes: [axis, axis],
      scales: {
        x: { range: (_, first, last) => [beginning(first, last), last] },
        y: { range: (_, __, highest) => [0, Math.max(top, highest * 1.1)] }
      },
      series: [
        {},
        ...lines.map(({ color }, index) => ({
          stroke: colors.getPropertyValue(color).trim(),
          width: 1.5,
          ...(index > 0 ? { dash: [4, 3] } : {}),
          points: { show: false }
        }))
      ]
    },
    undefined,
    box
  )
}

/** A small chart of the last five minutes. The figures stand beside it in words. */
export const Chart = ({ lines, theme, times, top }: ChartProps) => {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | undefined>(undefined)
  useLayoutEffect(() => {
    const { current } = box
    if (current === null) return
    const made = makeChart(current, lines, top)
    chart.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(80, current.clientWidth), height }))
    observer.observe(current)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [theme, top])
  useLayoutEffect(() => {
    chart.current?.setData([[...times], ...lines.map(({ values }) => Array.from(values, (value) => value ?? null))])
  }, [times, theme, top])
  return <div class="chart" ref={box} aria-hidden="true" />
}
