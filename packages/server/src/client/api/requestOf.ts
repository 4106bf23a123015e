/** The parts of a request, as an endpoint has them. */
export interface RequestParts {
  readonly path?: object
  readonly query?: object
  readonly body?: unknown
}

const queryValue = (value: unknown): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : String(value)

/** Fills in the path, and appends the query: several values are repeated, objects are JSON. */
export const addressOf = (pattern: string, { path, query }: RequestParts): string => {
  const fields = new Map<string, unknown>(Object.entries(path ?? {}))
  const filled = pattern.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(queryValue(fields.get(name))))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    const values: ReadonlyArray<unknown> = Array.isArray(value) ? value : [value]
    for (const each of values) if (each !== undefined) search.append(name, queryValue(each))
  }
  const text = search.toString()
  return text === "" ? filled : `${filled}?${text}`
}
