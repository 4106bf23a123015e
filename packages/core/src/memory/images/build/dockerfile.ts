import * as Either from "effect/Either"
import { type ErrorResponse, errorResponse } from "../../state/errorResponse.js"

/** An instruction of a Dockerfile. */
export interface Instruction {
  /** Such as `RUN`, in capitals. */
  readonly keyword: string
  /** As the builder prints it: on a single line. */
  readonly text: string
  /** Flags such as `--from=build`, by name. */
  readonly flags: Readonly<Record<string, string>>
  /** What follows the keyword and the flags. */
  readonly argument: string
}

const keywords = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR"
]

/** Parses an instruction on a single line. */
export const parseInstruction = (text: string): Instruction => {
  const [, word = "", rest = ""] = /^(\S+)\s*([^]*)$/.exec(text.trim()) ?? []
  const flags: Record<string, string> = {}
  let argument = rest
  for (let match = /^--([\w-]+)(?:=(\S*))?(?:\s+|$)/.exec(argument); match !== null;) {
    const [whole, name = "", value = ""] = match
    flags[name] = value
    argument = argument.slice(whole.length)
    match = /^--([\w-]+)(?:=(\S*))?(?:\s+|$)/.exec(argument)
  }
  return { keyword: word.toUpperCase(), text: `${word} ${rest}`.trim(), flags, argument }
}

/** Parses a Dockerfile as the classic builder does. */
export const parseDockerfile = (
  content: string,
  name: string
): Either.Either<ReadonlyArray<Instruction>, ErrorResponse> => {
  const escape = /^\s*#\s*escape\s*=\s*(\S)/i.exec(content)?.[1] ?? "\\"
  const instructions: Array<Instruction> = []
  let pending = ""
  for (const [index, line] of content.replaceAll("\r\n", "\n").split("\n").entries()) {
    if (/^\s*#/.test(line) || line.trim() === "") continue
    const isContinued = line.trimEnd().endsWith(escape)
    pending += isContinued ? line.trimEnd().slice(0, -1) : line
    if (isContinued) continue
    const instruction = parseInstruction(pending)
    pending = ""
    if (!keywords.includes(instruction.keyword)) {
      const message = `dockerfile parse error on line ${index + 1}: unknown instruction: ${instruction.keyword}`
      return Either.left(errorResponse(400, message))
    }
    instructions.push(instruction)
  }
  if (pending.trim() !== "") instructions.push(parseInstruction(pending))
  return instructions.length === 0
    ? Either.left(errorResponse(400, `the Dockerfile (${name}) cannot be empty`))
    : Either.right(instructions)
}

/** The words of an argument. Quotes keep spaces together, and are taken away. */
export const words = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/(?:[^\s"']|"(?:\\.|[^"\\])*"|'[^']*')+/g), ([word]) =>
    word.replaceAll(
      /"((?:\\.|[^"\\])*)"|'([^']*)'/g,
      (_, double?: string, single?: string) => single ?? (double ?? "").replaceAll(/\\(["\\$])/g, "$1")
    )
  )

/** The elements of an argument in its JSON form; `undefined` if it has another form. */
export const jsonWords = (text: string): ReadonlyArray<string> | undefined => {
  if (!text.trim().startsWith("[")) return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) && parsed.every((word) => typeof word === "string") ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Replaces variables: `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`. */
export const expand = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replaceAll(
    /\\\$|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g,
    (whole, bare?: string, braced?: string, operator?: string, other: string = ""): string => {
      const name = bare ?? braced
      if (name === undefined) return whole.slice(1)
      const value = variables[name] ?? ""
      if (operator === "-") return value === "" ? other : value
      if (operator === "+") return value === "" ? "" : other
      return value
    }
  )
