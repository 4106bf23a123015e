/** The parts of the text form of a query. */
import type { QueryTerm } from "./QueryTerm.js"

/** Excluded, or required besides others. */
export type Sign = "" | "-" | "+"

/** A part of the text form. */
export type Token =
  | { readonly kind: "term"; readonly sign: Sign; readonly term: QueryTerm }
  | {
      readonly kind: "setting"
      readonly sign: Sign
      readonly name: "level" | "stream" | "source" | "from" | "to" | "has" | "case"
      readonly values: ReadonlyArray<string>
    }
  | {
      readonly kind: "field"
      readonly sign: Sign
      readonly path: string
      readonly op: "=" | "!=" | ">" | ">=" | "<" | "<=" | "~"
      readonly value: string
      readonly isQuoted: boolean
    }

const settingStart = /(level|stream|source|from|to|has|case):(?=\S)/y
const fieldStart = /([\p{L}\p{N}_@$](?:[\p{L}\p{N}_@$./-]*[\p{L}\p{N}_@$])?)(>=|<=|!=|==?|>|<|~)(?![=<>~!]|\s|$)/uy
const quoted = /"((?:[^"\\]|\\[^])*)"(?=\s|$)/y
const quotedItem = /"((?:[^"\\]|\\[^])*)"/y
const expression = /\/((?:[^/\\]|\\[^])+(?:\/(?!i?(?:\s|$))(?:[^/\\]|\\[^])*)*)\/(i?)(?=\s|$)/y
const word = /\S+/y
const item = /[^\s,]+/y
const space = /\s+/y

/** Reads the text from left to right. */
class Reader {
  index = 0

  constructor(readonly text: string) {}

  get isAtEnd(): boolean {
    return this.index >= this.text.length
  }

  /** Takes what matches here. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.index
    const match = pattern.exec(this.text)
    if (match === null) return undefined
    this.index += match[0].length
    return match
  }
}

const unquote = (inner: string): string => inner.replace(/\\(["\\])/g, "$1")

const regexOf = ([, source = "", flag = ""]: RegExpExecArray): string =>
  `${flag === "i" ? "(?i)" : ""}${source.replace(/\\([^])/g, (part, letter) => (letter === "/" ? "/" : part))}`

const readTerm = (reader: Reader): QueryTerm | undefined => {
  const literal = reader.take(quoted)
  if (literal !== undefined) return literal[1] === "" ? undefined : { text: unquote(literal[1] ?? "") }
  const found = reader.take(expression)
  return found === undefined ? undefined : { regex: regexOf(found) }
}

const readList = (reader: Reader): ReadonlyArray<string> => {
  const values: Array<string> = []
  for (;;) {
    const inQuotes = reader.take(quotedItem)
    const value = inQuotes === undefined ? reader.take(item)?.[0] : unquote(inQuotes[1] ?? "")
    if (value !== undefined && value !== "") values.push(value)
    if (reader.take(/,/y) === undefined) return values
  }
}

const settingNames = ["level", "stream", "source", "from", "to", "has", "case"] as const

const readSetting = (reader: Reader, sign: Sign): Token | undefined => {
  const start = reader.take(settingStart)
  const name = settingNames.find((known) => known === start?.[1])
  if (name === undefined) return undefined
  return { kind: "setting", sign, name, values: readList(reader) }
}

const operators = ["=", "!=", ">", ">=", "<", "<=", "~"] as const

const readField = (reader: Reader, sign: Sign): Token | undefined => {
  const start = reader.take(fieldStart)
  if (start === undefined) return undefined
  const [, path = "", written = ""] = start
  const op = operators.find((known) => known === (written === "==" ? "=" : written)) ?? "="
  const found = op === "~" ? reader.take(expression) : undefined
  if (found !== undefined) return { kind: "field", sign, path, op, value: regexOf(found), isQuoted: true }
  const inQuotes = reader.take(quoted)
  const value = inQuotes === undefined ? (reader.take(word)?.[0] ?? "") : unquote(inQuotes[1] ?? "")
  return { kind: "field", sign, path, op, value, isQuoted: inQuotes !== undefined }
}

const signOf = (reader: Reader): Sign => {
  const sign = reader.take(/[-+](?=[^\s+-])/y)?.[0]
  return sign === "-" || sign === "+" ? sign : ""
}

/** Splits the text form of a query. Every text has one: what means nothing else is a text to find. */
export const readTokens = (text: string): ReadonlyArray<Token> => {
  const reader = new Reader(text)
  const tokens: Array<Token> = []
  /** Whether the last token is made of words, which the next one belongs to. */
  let isPhrase = false
  reader.take(space)
  while (!reader.isAtEnd) {
    const sign = signOf(reader)
    const before = reader.index
    const token = readSetting(reader, sign) ?? readField(reader, sign)
    const term = token === undefined ? readTerm(reader) : undefined
    if (token !== undefined) tokens.push(token)
    else if (term !== undefined) tokens.push({ kind: "term", sign, term })
    const isWord = reader.index === before
    if (isWord) {
      const found = reader.take(word)?.[0] ?? ""
      const last = tokens.at(-1)
      const phrase =
        isPhrase && sign === "" && last?.kind === "term" && "text" in last.term
          ? `${last.term.text} ${found}`
          : undefined
      if (phrase === undefined) tokens.push({ kind: "term", sign, term: { text: found } })
      else tokens[tokens.length - 1] = { kind: "term", sign: "", term: { text: phrase } }
    }
    isPhrase = isWord && sign === ""
    reader.take(space)
  }
  return tokens
}
