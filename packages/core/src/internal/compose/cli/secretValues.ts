import * as Redacted from "effect/Redacted"

/** Values by name, some of them secret. */
export type SecretValues = Readonly<Record<string, string | Redacted.Redacted>>

/** The values as a program needs them. */
export const plainValues = (values: SecretValues): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Redacted.isRedacted(value) ? Redacted.value(value) : value])
  )

/** Those of the values that must not appear anywhere. */
export const secretValues = (values: SecretValues): ReadonlyArray<Redacted.Redacted> =>
  Object.values(values).filter((value) => Redacted.isRedacted(value))
