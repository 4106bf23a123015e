/** What is taken out of lines before they are kept. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js"

/** Stands where something was taken out. */
export const redacted = "[redacted]"

const compile = (pattern: string): RE2JS | string => {
  try {
    const expression = RE2JS.compile(pattern)
    if (expression.matches("")) return "It matches an empty text, and so every line. Make it match what is secret."
    return expression
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) {
      return `${error.getDescription()}. It must be an expression of RE2, which has no look-around and no back-references.`
    }
    if (error instanceof RE2JSException) return `${error.message}. Simplify it.`
    throw error
  }
}

/** Takes what matches one of the expressions out of a text, in linear time. Fails on the first that is not an expression. */
export const makeRedaction = (
  patterns: ReadonlyArray<string>
): Effect.Effect<(text: string) => string, InvalidRequest> =>
  Effect.gen(function* () {
    const expressions: Array<RE2JS> = []
    for (const pattern of patterns) {
      const compiled = compile(pattern)
      if (typeof compiled === "string") {
        return yield* new InvalidRequest({ field: "redact", value: pattern, detail: compiled })
      }
      expressions.push(compiled)
    }
    return (text) =>
      expressions.reduce(
        (rest, expression) => (expression.test(rest) ? expression.matcher(rest).replaceAll(redacted) : rest),
        text
      )
  })
