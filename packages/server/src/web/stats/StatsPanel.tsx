import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useModel } from "../model/PageModel.js"
import { bytesText } from "../operations/operationWords.js"
import { Chart, type ChartLine } from "./Chart.js"
import { type Reading, StatsFeed } from "./StatsFeed.js"

interface FigureProps {
  readonly label: string
  readonly value: string
  readonly times: ReadonlyArray<number>
  readonly lines: ReadonlyArray<ChartLine>
  readonly top: number
}

const Figure = ({ label, lines, times, top, value }: FigureProps) => {
  const { theme } = useModel()
  return (
    <figure>
      <figcaption>
        <span>{label}</span> <strong>{value}</strong>
      </figcaption>
      <Chart times={times} lines={lines} top={top} theme={theme.name.value} />
    </figure>
  )
}

const percentText = (percent: number): string => `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`

const rateText = (rate: number | undefined): string => (rate === undefined ? "–" : `${bytesText(rate)}/s`)

/** What a container without a limit may use is all that the machine has, which would flatten its line. */
const memoryTop = (readings: ReadonlyArray<Reading>): number =>
  readings.reduce((most, { memory }) => Math.max(most, memory), 1) * 1.5

const Figures = ({ readings }: { readonly readings: ReadonlyArray<Reading> }) => {
  const times = readings.map(({ time }) => time)
  const last = readings.at(-1)
  if (last === undefined) return null
  const line = (color: string, value: (reading: Reading) => number | undefined): ChartLine => ({
    color,
    values: readings.map(value)
  })
  return (
    <>
      <Figure
        label="CPU"
        value={percentText(last.cpu)}
        times={times}
        top={10}
        lines={[line("--accent", ({ cpu }) => cpu)]}
      />
      <Figure
        label="Memory"
        value={`${bytesText(last.memory)} of ${bytesText(last.memoryLimit)}`}
        times={times}
        top={memoryTop(readings)}
        lines={[line("--good", ({ memory }) => memory)]}
      />
      <Figure
        label="Network"
        value={`↓ ${rateText(last.received)} ↑ ${rateText(last.sent)}`}
        times={times}
        top={1000}
        lines={[line("--accent", ({ received }) => received), line("--busy", ({ sent }) => sent)]}
      />
    </>
  )
}

const words = { running: "Measuring…", stopped: "It does not run, so it uses nothing.", removed: "It was removed." }

/** What a container uses: CPU, memory and network, now and in the last five minutes. */
export const StatsPanel = ({ id }: { readonly id: string }) => {
  const { socket } = useModel()
  const feed = useSignal<StatsFeed | undefined>(undefined)
  useEffect(() => {
    const opened = new StatsFeed(socket, id)
    feed.value = opened
    return () => opened.close()
  }, [id])
  const readings = feed.value?.readings.value ?? []
  const status = feed.value?.status.value ?? "running"
  const isShown = status === "running" && readings.length > 0
  return (
    <aside id="stats" aria-label="Stats">
      {isShown ? <Figures readings={readings} /> : <p class="stats-note">{words[status]}</p>}
    </aside>
  )
}
