import { constants } from "node:os"

const numbers: Readonly<Record<string, number>> = constants.signals

/** Normalizes `SIGTERM`, `TERM` or `15` to `SIGTERM`; `undefined` for an unknown signal. */
export const signalName = (text: string): string | undefined => {
  if (/^\d+$/.test(text)) return Object.keys(numbers).find((name) => numbers[name] === Number(text))
  const name = text.toUpperCase()
  const full = name.startsWith("SIG") ? name : `SIG${name}`
  return Object.hasOwn(numbers, full) ? full : undefined
}

/** The number of a signal on this platform; 0 for an unknown one. */
export const signalNumber = (name: string): number => numbers[name] ?? 0
