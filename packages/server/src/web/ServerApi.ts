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

const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
  let response: Response
  try {
    response = await fetch(new URL(path, document.baseURI), { cache: "no-store", ...init })
  } catch {
    throw new ApiError(0, "Can't reach the Dockwire server.")
  }
  if (!response.ok) throw new ApiError(response.status, await errorMessage(response))
  return response
}

/** Trades a token for a session cookie. */
export const openSession = async (token: string): Promise<void> => {
  await request("api/session", { method: "POST", headers: { authorization: `Bearer ${token}` } })
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
  await request(`api/containers/${encodeURIComponent(id)}/${action}`, { method: "POST" })
}
