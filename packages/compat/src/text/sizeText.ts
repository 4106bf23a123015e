/** Whether the digits after the last one that is kept make it one more. Like Go, and unlike JavaScript, a tie goes to the even digit. */
const roundsUp = (kept: string, rest: string): boolean =>
  /^50*$/.test(rest) ? Number(kept.at(-1)) % 2 === 1 : /^[5-9]/.test(rest)

/** As `significant`, for any number but 0. */
const exactlySignificant = (value: number, digits: number): string => {
  const [mantissa = "", exponent = "0"] = value.toExponential(20).replace(".", "").split("e")
  const kept = mantissa.slice(0, digits)
  const rounded = roundsUp(kept, mantissa.slice(digits)) ? String(Number(kept) + 1) : kept
  // All digits were 9.
  const power = Number(exponent) + rounded.length - digits
  const short = rounded.replace(/0+$/, "")
  if (power >= digits) {
    const fraction = short.length > 1 ? `.${short.slice(1)}` : ""
    return `${short.charAt(0)}${fraction}e+${String(power).padStart(2, "0")}`
  }
  if (power < 0) return `0.${"0".repeat(-power - 1)}${short}`
  const whole = short.slice(0, power + 1).padEnd(power + 1, "0")
  return short.length > power + 1 ? `${whole}.${short.slice(power + 1)}` : whole
}

/** A number with `digits` significant digits and no zeros at the end, as Go's `%.3g`. */
const significant = (value: number, digits: number): string => {
  if (Number.isInteger(value) && value < 10 ** digits) return String(value)
  // Of the numbers from 1 on, only multiples of 1/16 are as near to one number of up to four digits as to the next.
  const text = value >= 1 && !Number.isInteger(value * 16) ? value.toPrecision(digits) : ""
  return text === "" || text.includes("e") ? exactlySignificant(value, digits) : String(Number(text))
}

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]

const sizeText = (bytes: number, base: number, units: ReadonlyArray<string>, digits: number): string => {
  let size = Number.isFinite(bytes) ? Math.max(0, bytes) : 0
  let unit = 0
  while (size >= base && unit < units.length - 1) {
    size /= base
    unit++
  }
  return `${significant(size, digits)}${units[unit] ?? ""}`
}

/** Bytes with three digits and decimal units, as the size of an image: `1.98MB`. */
export const humanSize = (bytes: number): string => sizeText(bytes, 1000, decimalUnits, 3)

/** Bytes with four digits and binary units, as the memory of a container: `1.016MiB`. */
export const bytesSize = (bytes: number): string => sizeText(bytes, 1024, binaryUnits, 4)

/** A percentage with two decimals: `0.13%`. */
export const percentText = (percent: number): string => {
  const value = Number.isFinite(percent) ? Math.max(0, percent) : 0
  const [whole = "0", fraction = ""] = value.toFixed(20).split(".")
  const kept = `${whole}${fraction.slice(0, 2)}`
  const digits = roundsUp(kept, fraction.slice(2)) ? String(BigInt(kept) + 1n).padStart(kept.length, "0") : kept
  return `${digits.slice(0, -2)}.${digits.slice(-2)}%`
}
