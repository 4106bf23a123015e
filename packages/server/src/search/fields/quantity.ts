/** Numbers and quantities with a unit, as fields have them. */

const number = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/
const whole = /^[-+]?\d{16,}$/
const parts = /([-+]?(?:\d+\.?\d*|\.\d+))\s?([a-zA-Zµμ]+)/g
const quantity = /^(?:[-+]?(?:\d+\.?\d*|\.\d+)\s?[a-zA-Zµμ]+)+$/

/** Seconds and bytes per unit. */
const units: ReadonlyMap<string, readonly ["time" | "size", number]> = new Map([
  ["ns", ["time", 1e-9]],
  ["us", ["time", 1e-6]],
  ["µs", ["time", 1e-6]],
  ["μs", ["time", 1e-6]],
  ["ms", ["time", 1e-3]],
  ["s", ["time", 1]],
  ["m", ["time", 60]],
  ["h", ["time", 3600]],
  ["d", ["time", 86_400]],
  ["B", ["size", 1]],
  ["kB", ["size", 1e3]],
  ["KB", ["size", 1e3]],
  ["MB", ["size", 1e6]],
  ["GB", ["size", 1e9]],
  ["TB", ["size", 1e12]],
  ["KiB", ["size", 1024]],
  ["MiB", ["size", 1024 ** 2]],
  ["GiB", ["size", 1024 ** 3]],
  ["TiB", ["size", 1024 ** 4]]
])

/** What of a text can be compared: a number, a time, a size, or only the text. */
export interface Quantity {
  readonly kind: "number" | "integer" | "time" | "size" | "text"
  readonly amount: number
  /** Set for whole numbers that a `number` may not hold exactly. */
  readonly exact?: bigint
}

const textOnly: Quantity = { kind: "text", amount: Number.NaN }

/** Reads `500`, `12.5ms`, `1m30s`, `64MiB`. */
export const quantityOf = (text: string): Quantity => {
  if (text.length > 100) return textOnly
  if (number.test(text)) {
    const amount = Number(text)
    return whole.test(text)
      ? { kind: "number", amount, exact: BigInt(text.replace(/^\+/, "")) }
      : { kind: "number", amount }
  }
  if (!quantity.test(text)) return textOnly
  let kind: "time" | "size" | undefined
  let amount = 0
  for (const [, value, name = ""] of text.matchAll(parts)) {
    const unit = units.get(name)
    if (unit === undefined || (kind !== undefined && kind !== unit[0])) return textOnly
    kind = unit[0]
    amount += Number(value) * unit[1]
  }
  return kind === undefined ? textOnly : { kind, amount }
}
