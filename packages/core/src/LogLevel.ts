/**
 * The levels of log lines, found in their text. Has no dependencies, so that browsers can load it.
 *
 * @since 0.1.0
 */

/**
 * The levels in ascending order, and `unknown` for a line that names none.
 *
 * @since 0.1.0
 * @category models
 */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "unknown"] as const

/**
 * The level of a log line.
 *
 * @since 0.1.0
 * @category models
 */
export type LogLevel = (typeof logLevels)[number]

const words = /\b(?:(TRACE)|(DEBUG)|(INFO)|(WARN(?:ING)?)|(ERROR)|(FATAL))\b/

/**
 * Finds the level of a log line in its text.
 *
 * @since 0.1.0
 * @category getters
 */
export const levelOf = (text: string): LogLevel => {
  const match = words.exec(text)
  if (match === null) return "unknown"
  const group = match.findIndex((found, index) => index > 0 && found !== undefined)
  return logLevels[group - 1] ?? "unknown"
}
