/** The words of an operation. */
import type { OperationSummary } from "../../Api/json/ApiTypes.js"

/** `pull_image` is `Pull image`. */
export const kindText = (kind: string): string => {
  const words = kind.replaceAll("_", " ")
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}

/** What it works on, without the kind of each target. */
export const targetText = ({ image_name, targets }: Pick<OperationSummary, "image_name" | "targets">): string =>
  targets.length === 0
    ? (image_name ?? "")
    : targets.map((target) => target.replace(/^(image:docker\.io\/(library\/)?|\w+:)/, "")).join(", ")

const units = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"]
] as const

/** How long ago something was, in its largest unit. */
export const ageText = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const [length, unit] = units.find(([each]) => seconds >= each) ?? [1, "s"]
  return `${Math.floor(seconds / length)} ${unit} ago`
}

/** A time span as its largest unit and, below an hour, the next one. */
export const spanText = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const index = units.findIndex(([length]) => seconds >= length)
  const [length, unit] = units[index < 0 ? units.length - 1 : index] ?? [1, "s"]
  const rest = unit === "min" ? ` ${seconds % 60} s` : unit === "h" ? ` ${Math.floor((seconds % 3600) / 60)} min` : ""
  return `${Math.floor(seconds / length)} ${unit}${rest}`
}

const byteUnits = ["B", "kB", "MB", "GB", "TB"] as const

/** A size as the docker command shows it: `12.3 MB`. */
export const bytesText = (bytes: number): string => {
  let value = bytes
  let index = 0
  while (value >= 1000 && index < byteUnits.length - 1) {
    value /= 1000
    index++
  }
  return `${index === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${byteUnits[index] ?? "B"}`
}

/** Whether it has ended. */
export const hasEnded = (status: string): boolean => status !== "running" && status !== "waiting"
