import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { defectText } from "./defectText.js"

const shown = (value: unknown): string => {
  try {
    const text = typeof value === "string" ? JSON.stringify(value) : defectText(value)
    return text.length > 200 ? `${text.slice(0, 200)}...` : text
  } catch {
    return typeof value
  }
}

/** An argument that no docker command could take. Nothing was done. */
export class InvalidArgument extends Data.TaggedError("InvalidArgument")<{
  /** The name of the parameter. */
  readonly name: string
  readonly value: unknown
  readonly detail: string
}> {
  override get message(): string {
    return `Invalid ${this.name} ${shown(this.value)}: ${this.detail.replace(/\.$/, "")}.`
  }
}

const invalid = (name: string, value: unknown, detail: string) =>
  Effect.fail(new InvalidArgument({ name, value, detail }))

type Checked<A> = Effect.Effect<A, InvalidArgument>

/** A text that is not empty. */
export const textArgument = (name: string, value: unknown): Checked<string> =>
  typeof value !== "string"
    ? invalid(name, value, "it must be a string")
    : value.trim() === ""
      ? invalid(name, value, "it must not be empty")
      : /[\p{Surrogate}\0]/u.test(value)
        ? invalid(name, value, "it contains characters that are not text")
        : Effect.succeed(value)

/** A text that the docker command would not take for an option. */
export const operandArgument = (name: string, value: unknown): Checked<string> =>
  Effect.flatMap(textArgument(name, value), (text) =>
    text.startsWith("-") ? invalid(name, value, "it must not begin with a dash") : Effect.succeed(text)
  )

/** The name or id of something on the engine. */
export const nameArgument = (name: string, value: unknown): Checked<string> =>
  Effect.flatMap(operandArgument(name, value), (text) =>
    text.split("/").some((part) => part === "." || part === ".." || part === "")
      ? invalid(name, value, "it is a path")
      : /\p{Cc}/u.test(text)
        ? invalid(name, value, "it contains control characters")
        : Effect.succeed(text)
  )

const containerIdOrName = /^\/?[a-zA-Z0-9][\w.-]*(?:\/[a-zA-Z0-9][\w.-]*)*$/

/** The name or id of a container. */
export const containerArgument = (name: string, value: unknown): Checked<string> =>
  Effect.flatMap(textArgument(name, value), (text) =>
    containerIdOrName.test(text)
      ? Effect.succeed(text)
      : invalid(
          name,
          value,
          'ids and names of containers consist of letters, digits, "_", "." and "-", and begin with a letter or a digit'
        )
  )

/** A text that may be left out. */
export const optionalText = (name: string, value: unknown): Checked<string | undefined> =>
  value === undefined || value === null || value === "" ? Effect.succeed(undefined) : operandArgument(name, value)

/** Whether something is to be done. Default: not. */
export const flagArgument = (name: string, value: unknown): Checked<boolean> =>
  value === undefined || value === null
    ? Effect.succeed(false)
    : typeof value === "boolean"
      ? Effect.succeed(value)
      : invalid(name, value, "it must be true or false")

/** Texts by name. Default: none. */
export const recordArgument = (name: string, value: unknown): Checked<Record<string, string>> => {
  if (value === undefined || value === null) return Effect.succeed({})
  if (typeof value !== "object" || Array.isArray(value)) return invalid(name, value, "it must be an object of strings")
  return Effect.flatMap(
    Effect.try({
      try: () => Object.entries(value),
      catch: (error) => new InvalidArgument({ name, value, detail: defectText(error) })
    }),
    (all) => {
      const entries: Array<[string, string]> = []
      for (const [key, text] of all) {
        if (typeof text !== "string") return invalid(name, value, `its "${key}" must be a string`)
        entries.push([key, text])
      }
      return Effect.succeed(Object.fromEntries(entries))
    }
  )
}
