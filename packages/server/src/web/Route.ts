/** What the address of the page, after the `#`, refers to. */
export type Route =
  | { readonly view: "home" }
  | { readonly view: "container"; readonly name: string }
  | { readonly view: "operations"; readonly filter: OperationQuery }
  | { readonly view: "operation"; readonly id: string }
  | { readonly view: "stacks" }
  | { readonly view: "stack"; readonly name: string }
  | { readonly view: "search"; readonly query: string }

/** Which operations the history shows. */
export interface OperationQuery {
  readonly text?: string
  readonly kind?: string
  readonly status?: string
}

const filterFields = ["text", "kind", "status"] as const

const containers = "#/containers/"
const operations = "#/operations"
const stacks = "#/stacks"
const search = "#/search"

/** The URL fragment of a search over everything. */
export const routeToSearch = (query: string): string =>
  query === "" ? search : `${search}?${new URLSearchParams({ q: query }).toString()}`

/** The URL fragment of the list of stacks. */
export const routeToStacks = stacks

/** The URL fragment of a stack. */
export const routeToStack = (name: string): string => `${stacks}/${encodeURIComponent(name)}`

/** The URL fragment of a container's log. */
export const routeTo = (name: string): string => containers + encodeURIComponent(name)

/** The URL fragment of an operation. */
export const routeToOperation = (id: string): string => `${operations}/${encodeURIComponent(id)}`

/** The URL fragment of the history of operations. */
export const routeToOperations = (filter: OperationQuery = {}): string => {
  const query = new URLSearchParams()
  for (const name of filterFields) {
    const value = filter[name] ?? ""
    if (value !== "") query.set(name, value)
  }
  const text = query.toString()
  return text === "" ? operations : `${operations}?${text}`
}

/** `undefined` if it is not a fragment that this page wrote. */
const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text) || undefined
  } catch {
    return undefined
  }
}

/** The name of the container that a URL fragment refers to. */
export const selectedContainer = (hash: string): string | undefined =>
  hash.startsWith(containers) ? decoded(hash.slice(containers.length)) : undefined

/** What a URL fragment refers to. */
export const parseRoute = (hash: string): Route => {
  const name = selectedContainer(hash)
  if (name !== undefined) return { view: "container", name }
  if (hash === stacks) return { view: "stacks" }
  if (hash === search || hash.startsWith(`${search}?`)) {
    return { view: "search", query: new URLSearchParams(hash.slice(search.length)).get("q") ?? "" }
  }
  if (hash.startsWith(`${stacks}/`)) {
    const stack = decoded(hash.slice(stacks.length + 1))
    return stack === undefined ? { view: "stacks" } : { view: "stack", name: stack }
  }
  if (hash.startsWith(`${operations}/`)) {
    const id = decoded(hash.slice(operations.length + 1))
    if (id !== undefined) return { view: "operation", id }
  }
  if (hash !== operations && !hash.startsWith(`${operations}?`)) return { view: "home" }
  const query = new URLSearchParams(hash.slice(operations.length))
  const given = filterFields.flatMap((field) => {
    const value = query.get(field)
    return value === null || value === "" ? [] : [[field, value] as const]
  })
  return { view: "operations", filter: Object.fromEntries(given) }
}

/** Takes the token out of the address, so that it stays neither in sight nor in the history. */
export const takeToken = (): string | undefined => {
  // Not URLSearchParams, which would turn a plus into a space.
  const token = /(?:^#|&)token=([^&]*)/.exec(location.hash)?.[1]
  if (token === undefined) return undefined
  history.replaceState(null, "", location.pathname + location.search)
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}
