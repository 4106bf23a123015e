/** What is taken out of lines before they are kept. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import { RE2JS } from "re2js"
import { expressionProblem } from "../search/expressions/searchExpression.js"

/** Stands where something was taken out. */
export const redacted = "[redacted]"

const compile = (pattern: string): RE2JS | string => {
  try {
    const expression = RE2JS.compile(pattern)
    if (expression.matches("")) return "It matches an empty text, and so every line. Make it match what is secret."
    return expression
  } catch (error) {
    return expressionProblem(error)
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
