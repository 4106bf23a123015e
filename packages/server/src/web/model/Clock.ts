import { signal } from "@preact/signals"
import { loadSetting, saveSetting } from "./settings.js"

/** How times can be shown. */
export const clocks = { local: "Local time", utc: "UTC", relative: "Relative time" } as const

export type ClockName = keyof typeof clocks

const isClock = (name: string | undefined): name is ClockName => name !== undefined && name in clocks

const stored = loadSetting("clock")

/** How times are shown. */
export const clock = signal<ClockName>(isClock(stored) ? stored : "local")

export const chooseClock = (name: string): void => {
  if (!isClock(name)) return
  clock.value = name
  saveSetting("clock", name)
}

const pad = (value: number, length = 2): string => String(value).padStart(length, "0")

/** How long ago, with one figure after the point below a minute: `12.3 s ago`, `3 min 20 s ago`. */
const ago = (milliseconds: number): string => {
  const seconds = Math.max(0, milliseconds / 1000)
  if (seconds < 60) return `${seconds.toFixed(1)} s ago`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min ago` : `${Math.floor(hours / 24)} d ago`
}

/** A time of a log as `14:03:22.123`, with the date if it is not today; `Z` marks UTC. */
export const formatTime = (time: string, name: ClockName, now = new Date()): string => {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return time
  if (name === "relative") return ago(now.getTime() - date.getTime())
  if (name === "utc") {
    const text = date.toISOString()
    return text.slice(0, 10) === now.toISOString().slice(0, 10) ? text.slice(11) : text.replace("T", " ")
  }
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} `
  const seconds = `${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`
  const isToday = date.toDateString() === now.toDateString()
  return `${isToday ? "" : day}${pad(date.getHours())}:${pad(date.getMinutes())}:${seconds}`
}
