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

/** What is not read: a line that names its level does it before. */
const maxLength = 8192

/** Where a word in upper case or in brackets is a level: in the first third of a line, but not only within so many characters. */
const [minHead, maxHead] = [96, 300]

/** The names of the levels, in lower case. */
const names: Readonly<Record<Exclude<LogLevel, "unknown">, ReadonlyArray<string>>> = {
  trace: ["trace", "trc", "trce", "verbose", "vrb", "finest", "finer", "silly"],
  debug: ["debug", "dbg", "dbug", "fine", "config"],
  info: ["info", "inf", "information", "informational", "notice", "note", "log", "system"],
  warn: ["warn", "warning", "wrn"],
  error: ["error", "err", "eror", "fail", "severe"],
  fatal: ["fatal", "ftl", "critical", "crit", "alert", "emerg", "emergency", "panic", "dpanic", "pnc"]
}

const byName = new Map<string, LogLevel>()
for (const level of logLevels) {
  if (level !== "unknown") for (const name of names[level]) byName.set(name, level)
}

const levelNamed = (name: string): LogLevel => byName.get(name.toLowerCase().replace(/\d$/, "")) ?? "unknown"

/** Levels that are one letter, as in klog, MongoDB and Gitea. */
const byLetter = new Map<string, LogLevel>([
  ["T", "trace"],
  ["D", "debug"],
  ["I", "info"],
  ["N", "info"],
  ["W", "warn"],
  ["E", "error"],
  ["C", "fatal"],
  ["F", "fatal"],
  ["A", "unknown"]
])
const levelLettered = (letter: string): LogLevel => byLetter.get(letter) ?? "unknown"

/** The severities of syslog: 0 to 7. */
const bySeverity: ReadonlyArray<LogLevel> = ["fatal", "fatal", "fatal", "error", "warn", "info", "info", "debug"]

/** The levels of Nextcloud: 0 to 4. */
const byNextcloud: ReadonlyArray<LogLevel> = ["debug", "info", "warn", "error", "fatal"]

/** Pino's and Bunyan's numbers, or a severity of syslog, as GELF has it. */
const levelNumbered = (number: number, line: string): LogLevel => {
  if (number >= 10) return logLevels[Math.min(Math.floor(number / 10), 6) - 1] ?? "unknown"
  const list = line.startsWith('{"reqId"') ? byNextcloud : bySeverity
  return list[number] ?? "unknown"
}

const statusLevel = (status: number): LogLevel => (status >= 500 ? "error" : status >= 400 ? "warn" : "info")

const jsonKey =
  /"(?:@?[lL]evel|lvl|[sS]everity|log[._]?[lL]evel|LogLevel|@l|level_?name|severity_?[tT]ext|SeverityText)"\s*:\s*(?:"([A-Za-z]+\d?)"|(\d{1,3})\b)/
const jsonStatus = /"(?:status|status_code|statusCode|DownstreamStatus)"\s*:\s*"?([1-5]\d\d)\b/
const mongoSeverity = /"s":\s*"([FEWID])\d?"/

const jsonLevel = (line: string): LogLevel => {
  const key = jsonKey.exec(line)
  if (key !== null) {
    const [, name, number] = key
    return name === undefined ? levelNumbered(Number(number), line) : levelNamed(name)
  }
  if (line.startsWith('{"t":{"$date"')) return levelLettered(mongoSeverity.exec(line)?.[1] ?? "")
  // Serilog leaves out the level where it is `Information`.
  if (line.startsWith('{"@t"')) return "info"
  const status = jsonStatus.exec(line)
  return status === null ? "unknown" : statusLevel(Number(status[1]))
}

/** The match of an expression. Most find nothing, and `test` says so in half the time. */
const found = (pattern: RegExp, line: string): RegExpExecArray | null =>
  pattern.test(line) ? pattern.exec(line) : null

/** The match of a sticky expression at a place. */
const foundAt = (pattern: RegExp, line: string, index: number): RegExpExecArray | null => {
  pattern.lastIndex = index
  if (!pattern.test(line)) return null
  pattern.lastIndex = index
  return pattern.exec(line)
}

const syslog = /^<(\d{1,3})>/
/** klog, and the logger of Ruby. */
const lettered = /^(?:([IWEF])\d{4} \d\d:\d\d:\d\d\.|([DIWEFA]), \[\d{4}-)/
/** `Zigbee2MQTT:info`, `[GIN-debug]`, and qBittorrent's `(W)` at the start of a line. */
const named = /^(?:[A-Za-z]\w*:(debug|info|warn|warning|error)\s|\[[A-Za-z]+-(debug|warning|error)\]|\(([NIWC])\) \d)/
/** What PostgreSQL says more about the line before. */
const more = /^\S+ \S+ \S+ \[\d+\] (?:\S+ )?(?:DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION): /
/** A line of a stack trace, which belongs to the one before it. */
const continuation = /^\s+(?:at |File "|\.{3} |\^|from |raise )/
const redis = /^\d+:[XCSM] \d\d [A-Z][a-z]{2} \d{4} [\d:.]+ ([.*#-]) /
const byRedis = new Map<string, LogLevel>([
  [".", "debug"],
  ["-", "debug"],
  ["*", "info"],
  ["#", "warn"]
])

const levelOfName = (line: string): LogLevel | undefined => {
  const match = found(named, line)
  if (match === null) return undefined
  return match[3] === undefined ? levelNamed(match[1] ?? match[2] ?? "") : levelLettered(match[3])
}

const levelOfFormat = (line: string): LogLevel | undefined => {
  const first = line.charCodeAt(0)
  // "<"
  if (first === 60) {
    const severity = found(syslog, line)
    return severity === null ? undefined : bySeverity[Number(severity[1]) & 7]
  }
  // A capital letter
  if (first >= 65 && first <= 90) {
    const letter = found(lettered, line)
    return letter === null ? levelOfName(line) : levelLettered(letter[1] ?? letter[2] ?? "")
  }
  // A space or a tab
  if (first === 32 || first === 9) return continuation.test(line) ? "unknown" : undefined
  // A digit
  if (first >= 48 && first <= 57) {
    const sign =
      line.charCodeAt(1) === 58 || line.charCodeAt(2) === 58 || line.charCodeAt(3) === 58 ? found(redis, line) : null
    if (sign !== null) return byRedis.get(sign[1] ?? "")
    return line.includes(":  ") && more.test(line) ? "unknown" : undefined
  }
  // "[" or "("
  return first === 91 || first === 40 ? levelOfName(line) : undefined
}

/** The status of a request: of Apache's format and those like it, HAProxy's, Gin's, and Morgan's. */
const access = /HTTP\/[\d.]+"?,? ([1-5]\d\d)(?=\s|$)/
const haproxy = /\] \S+ \S+ [\d/+-]+ ([1-5]\d\d) \d/
const gin = /^\[GIN\][^|]*\|\s+([1-5]\d\d) \|/
const morgan = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S+ ([1-5]\d\d) /
const fpm = /^\S+ - +\S* ?\d\d\/[A-Z][a-z]{2}\/\d{4}:\S+ \S+ "[A-Z]+ [^"]*" ([1-5]\d\d)/

const statusOf = (line: string): string | undefined => {
  if (line.includes("HTTP/")) return (access.exec(line) ?? haproxy.exec(line))?.[1]
  const first = line.charCodeAt(0)
  // "[", a digit, a capital letter
  if (first === 91) return gin.exec(line)?.[1]
  if (first >= 48 && first <= 57) return line.includes(" - ") ? fpm.exec(line)?.[1] : undefined
  return first >= 65 && first <= 90 ? morgan.exec(line)?.[1] : undefined
}

const accessLevel = (line: string): LogLevel | undefined => {
  const status = statusOf(line)
  return status === undefined ? undefined : statusLevel(Number(status))
}

const logfmtKey = /(?:^|[\s,;{[(|])(?:[lL]evel|LEVEL|lvl|[sS]everity|log[._]?level)=\\?"?([A-Za-z]+|\d{1,3})\b/
const logfmtLevel = (line: string): LogLevel => {
  const value = found(logfmtKey, line)?.[1]
  if (value === undefined) return "unknown"
  return /^\d/.test(value) ? levelNumbered(Number(value), line) : levelNamed(value)
}

const php = /\bPHP (?:((?:Recoverable |Catchable )?[Ff]atal error|Parse error)|(Warning)|(Notice|Deprecated)):/
const phpLevel = (line: string): LogLevel => {
  const message = php.exec(line)
  if (message === null) return "unknown"
  return message[1] !== undefined ? "error" : message[2] !== undefined ? "warn" : "info"
}

/** What may stand in front of a message: a time, a number of a process, signs, something in brackets that is no level. */
const prefix =
  /(?:[\d\s:.,+/()|#*=>-]|[\u2000-\u2bff]|\ufe0f|[TZ](?=\d|\s|\])|UTC|GMT|[AP]M\b|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b|\[(?!\s*(?:trace|trc|verbose|vrb|debug|dbg|info|inf|information|notice|note|system|warn|warning|wrn|err|error|severe|fatal|ftl|critical|crit|alert|emerg|panic|[tdinwecf])\s*\])[a-z][^\][]{0,40}\]|[[\]])*/iy

/** A level at the start of a message, in any case. */
const atStart =
  /(trace|trce|verbose|debug|dbug|dbg|info|information|notice|note|log|warn|warning|error|err|fail|severe|fatal|critical|crit|alert|emerg|panic)(?:\[\d+\])?(?::(?=\s|$)(?!\s?(?:0|nil|null|none)\b)|\t|\s\s|\s+[|-]\s)/iy

/** A letter at the start of a message, as in older versions of MongoDB and etcd. */
const letterAtStart = /([DIWEFC])\d?(?: \| |  [A-Z]+ )/y

/** An upper-case abbreviation at the start of a message. */
const shortAtStart = /(INF|WRN|ERR|DBG|TRC|VRB|FTL|PNC|LOG|NOTE)\b(?![=:]?\s?0\b)/y

/** A failure in words at the start of a message. */
const failure =
  /(?:(?:[\w.$]*(?:Error|Exception)(?::\s|:?$))|(?:Error|ERROR) (?!handl|report|log|track|page|code)(?:\w+ing|while|in|at|on|from|during|occurred)\b|Traceback \(most recent|Exception in thread |Caused by: |Un(?:handled|caught) |Segmentation fault)|(panic: |fatal error: |thread '[^']*' (?:\(\d+\) )?panicked at )/y

/** Words that are levels anywhere in the head of a line. The other names are only at the start of a message or in brackets. */
const upperCase = new Set(
  Array.from(byName.keys(), (name) => name.toUpperCase()).filter(
    (name) => name.length > 3 && !["NOTE", "SYSTEM", "FAIL", "TRCE", "DBUG", "EROR"].includes(name)
  )
)

/** Counts of zero and answers of no are no failures, and parts of other words are no levels. */
const [noneBefore, noneAfter] = [/(?:\b0|\b[nN]o|\b[wW]ithout)\s$|[\w/-]$/, /^(?:\s?[=:]\s?(?:0\b|nil|null|none)|-)/]

const isLevel = (line: string, start: number, end: number): boolean => {
  if (noneAfter.test(line.slice(end, end + 8))) return false
  const before = line.slice(Math.max(0, start - 9), start)
  return !noneBefore.test(before) || /[\d:.]{3} $/.test(before)
}

/** A word in upper case, or the start of FTL's `DEBUG_QUERIES: `. */
const upperWord = /\b[A-Z]{4,11}(?:\b|(?=_[A-Z]+: ))/g

/** A word in brackets or between bars, in any case, or a letter in brackets. */
const inBrackets =
  /[[<(|/:]\s{0,3}(trace|trc|verbose|vrb|debug|dbg|info|inf|information|notice|note|system|warn|warning|wrn|err|error|severe|fatal|ftl|critical|crit|alert|emerg|panic)\s{0,4}[\]>)|]|[ \]]\[([TDINWECF])\] /i

const bracketedLevel = ([, name, letter = ""]: RegExpExecArray): LogLevel =>
  name === undefined ? levelLettered(letter.toUpperCase()) : levelNamed(name)

/** A level in upper case or in brackets, whichever comes first. */
const levelInHead = (line: string): LogLevel => {
  const head = line.slice(0, Math.min(Math.max(minHead, line.length / 3), maxHead))
  const bracketed = found(inBrackets, head)
  upperWord.lastIndex = 0
  for (let match = upperWord.exec(head); match !== null; match = upperWord.exec(head)) {
    if (bracketed !== null && bracketed.index <= match.index) break
    const [word] = match
    const end = match.index + word.length
    if (!upperCase.has(word)) continue
    if (head[end] === "_" ? word === "DEBUG" : isLevel(head, match.index, end)) return levelNamed(word)
  }
  return bracketed === null ? "unknown" : bracketedLevel(bracketed)
}

const isCapital = (code: number): boolean => code >= 65 && code <= 90

const levelAtStart = (line: string): LogLevel => {
  prefix.lastIndex = 0
  const start = prefix.test(line) ? prefix.lastIndex : 0
  const named = foundAt(atStart, line, start)?.[1]
  if (named !== undefined) return levelNamed(named)
  if (isCapital(line.charCodeAt(start))) {
    const short = isCapital(line.charCodeAt(start + 1)) ? foundAt(shortAtStart, line, start) : undefined
    const level =
      short === undefined ? levelLettered(foundAt(letterAtStart, line, start)?.[1] ?? "") : levelNamed(short?.[1] ?? "")
    if (level !== "unknown") return level
  }
  const failed = foundAt(failure, line, start)
  return failed === null ? "unknown" : failed[1] === undefined ? "error" : "fatal"
}

// oxlint-disable-next-line no-control-regex
const colours = /\x1b\[[\d;:]*[A-Za-z]/g

/**
 * Finds the level of a log line in its text, by rules: the fields of JSON (`level`, `severity`, `log.level`, the numbers of Pino
 * and Bunyan) and logfmt, the formats of klog, syslog, Redis, PostgreSQL and web servers (a status of 5xx is an error, 4xx a
 * warning), words in brackets, upper-case words in the first third, and failures as languages print them. `0 failed`, `err=nil` and
 * `no errors` are none. Colours are ignored. A line of a stack trace is `unknown`: it belongs to the line before it. Takes
 * about a microsecond, and time linear in the length of the line at most.
 *
 * @example
 * ```ts
 * import { levelOf } from "@dockwire/core/LogLevel"
 *
 * console.log(levelOf('{"level":50,"msg":"no route"}')) // error
 * console.log(levelOf('172.17.0.1 - - [31/Jan/2026:12:00:00 +0000] "GET / HTTP/1.1" 404 153')) // warn
 * console.log(levelOf("Tests: 12 passed, 0 failed")) // unknown
 * ```
 *
 * @since 0.1.0
 * @category getters
 */
export const levelOf = (text: string): LogLevel => {
  const cut = text.length > maxLength ? text.slice(0, maxLength) : text
  const line = cut.includes("\u001b") ? cut.replace(colours, "") : cut
  if (line.charCodeAt(0) === 123) return jsonLevel(line)
  const byFormat = levelOfFormat(line)
  if (byFormat !== undefined) return byFormat
  const status = accessLevel(line)
  if (status === "warn" || status === "error") return status
  const logfmt = line.includes("=") ? logfmtLevel(line) : "unknown"
  if (logfmt !== "unknown") return logfmt
  const inPhp = line.includes("PHP ") ? phpLevel(line) : "unknown"
  if (inPhp !== "unknown") return inPhp
  const first = levelAtStart(line)
  if (first !== "unknown") return first
  const inHead = levelInHead(line)
  if (inHead !== "unknown") return inHead
  return status ?? (line.includes('"level"') ? jsonLevel(line) : "unknown")
}
