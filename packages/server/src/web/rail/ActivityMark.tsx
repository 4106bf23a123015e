import { useModel } from "../model/PageModel.js"

const size = { width: 32, height: 16 }

/** The corners of the line. A line per second fills the height by a quarter, a hundred fill it whole. */
const points = (rates: ReadonlyArray<number>): string => {
  const step = size.width / Math.max(6, rates.length - 1)
  const from = size.width - (rates.length - 1) * step
  const heightOf = (rate: number): number => Math.min(1, Math.log10(1 + rate) / 2) * (size.height - 2)
  return rates
    .map((rate, index) => `${(from + index * step).toFixed(1)},${(size.height - 1 - heightOf(rate)).toFixed(1)}`)
    .join(" ")
}

const rateText = (rate: number): string => (rate >= 10 || rate === 0 ? String(Math.round(rate)) : rate.toFixed(1))

/** How much is written to the log of a container, and how many errors. The place is the same if there is nothing to show. */
export const ActivityMark = ({ id }: { readonly id: string }) => {
  const { errors = 0, rates = [] } = useModel().activity.all.value.get(id) ?? {}
  const text = `${rateText(rates.at(-1) ?? 0)} lines per second`
  return (
    <>
      {errors > 0 && (
        <span class="error-count" title={`${errors.toLocaleString("en")} errors in the last 5 minutes`}>
          {errors > 99 ? "99+" : errors}
          <span class="unseen"> {errors === 1 ? "error" : "errors"} in the last 5 minutes</span>
        </span>
      )}
      <svg class="rates" width={size.width} height={size.height} role="img" aria-label={text}>
        {rates.length > 1 && <polyline points={points(rates)} />}
      </svg>
    </>
  )
}
