import { constants } from "node:os"

const numbers: Readonly<Record<string, number>> = constants.signals

/** The signal's name as `SIGTERM`, given that, `TERM` or its number; `undefined` where there is none. */
export const signalName = (text: string): string | undefined => {
  if (/^\d+$/.test(text)) return Object.keys(numbers).find((name) => numbers[name] === Number(text))
  const name = text.toUpperCase()
  const full = name.startsWith("SIG") ? name : `SIG${name}`
  return Object.hasOwn(numbers, full) ? full : undefined
}

/** The number of a signal. */
export const signalNumber = (name: string): number => numbers[name] ?? 0
