import type { ContainerAction, ContainerSummary } from "../Api/Containers.js"

/** A container as the page shows it. */
export interface Container extends Pick<ContainerSummary, "id" | "image" | "status"> {
  readonly name: string
  /** A `ContainerSummary["state"]`, or a state that only `container_status_change` reports, such as `removed`. */
  readonly state: string
}

/** A request failed. `message` is for people to read. */
export class ApiError extends Error {
  override readonly name = "ApiError"
  /** The HTTP status; 0 if the server could not be reached. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }

  /** Whether the server, or a proxy, answered that it does not accept the request. */
  get isRefusal(): boolean {
    return this.status >= 400 && this.status < 500
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

// The server that sent the page sends the list too, so its shape is the one that this page was compiled with.
const isContainerList = (value: unknown): value is ReadonlyArray<ContainerSummary> =>
  Array.isArray(value) && value.every((container) => isObject(container) && typeof container["id"] === "string")

const errorMessage = async (response: Response): Promise<string> => {
  const body: unknown = await response.json().catch(() => undefined)
  const message = isObject(body) ? body["message"] : undefined
  return typeof message === "string" && message !== "" ? message : `The server responded with HTTP ${response.status}.`
}

/** How long the server may take to answer, in milliseconds. Actions may take longer: a container has time to stop. */
const requestTimeout = 20_000
const actionTimeout = 600_000

const inFlight = new Set<AbortController>()

/** Ends all requests that wait for an answer: nothing gets through. They fail. */
export const abortRequests = (): void => {
  for (const controller of inFlight) controller.abort()
}

const request = async (path: string, init: RequestInit = {}, timeout = requestTimeout): Promise<Response> => {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), timeout)
  inFlight.add(controller)
  try {
    const url = new URL(path, document.baseURI)
    const response = await fetch(url, { cache: "no-store", ...init, signal: controller.signal })
    if (!response.ok) throw new ApiError(response.status, await errorMessage(response))
    // Read here, so that the timeout includes the body.
    return new Response(response.status === 204 ? null : await response.arrayBuffer(), response)
  } catch (cause) {
    if (cause instanceof ApiError) throw cause
    throw new ApiError(
      0,
      controller.signal.aborted ? "The Dockwire server did not answer." : "Can't reach the Dockwire server."
    )
  } finally {
    clearTimeout(timer)
    inFlight.delete(controller)
  }
}

/** Trades a token for a session cookie. It is in the body, because a proxy may use the Authorization header itself. */
export const openSession = async (token: string): Promise<void> => {
  await request("api/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token })
  })
}

/** Lists all containers, running or not. */
export const listContainers = async (): Promise<ReadonlyArray<Container>> => {
  const response = await request("api/containers")
  const body: unknown = await response.json()
  if (!isContainerList(body)) {
    throw new ApiError(response.status, "The server sent something other than a list of containers.")
  }
  return body.map(({ id, image, name, state, status }) => ({
    id,
    name: name || id.slice(0, 12),
    image,
    state,
    status
  }))
}

/** Starts, stops or restarts a container. Resolves when that is done. */
export const runAction = async (id: string, action: ContainerAction): Promise<void> => {
  await request(`api/containers/${encodeURIComponent(id)}/${action}`, { method: "POST" }, actionTimeout)
}
