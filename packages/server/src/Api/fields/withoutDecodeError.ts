const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const name = "HttpApiDecodeError"

/** The builder describes the status after its own error. */
const decodeErrorDescription = "The request did not match the expected schema"

const isDecodeError = (value: unknown): boolean => isObject(value) && value["$ref"] === `#/components/schemas/${name}`

const strip = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.filter((item) => !isDecodeError(item)).map(strip)
  if (!isObject(value)) return value
  const members = Object.entries(value).filter(([key]) => key !== name && key !== "Issue" && key !== "PropertyKey")
  const stripped = Object.fromEntries(
    members.map(([key, member]) => [key, member === decodeErrorDescription ? "InvalidRequest" : strip(member)])
  )
  const { anyOf, ...rest } = stripped
  // A choice of one is none.
  return Array.isArray(anyOf) && anyOf.length === 1 && isObject(anyOf[0]) ? { ...rest, ...anyOf[0] } : stripped
}

/**
 * Removes the builder's own error for a request that can't be decoded from an OpenAPI document: the server checks a request
 * before the builder does, and says what is wrong with it as `InvalidRequest`.
 */
export const withoutDecodeError = (document: Record<string, unknown>): Record<string, unknown> => {
  const stripped = strip(document)
  return isObject(stripped) ? stripped : document
}
