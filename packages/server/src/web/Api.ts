/** A container, as far as the page shows it. */
export interface Container {
  readonly id: string
  readonly name: string
  readonly image: string
  /** `running`, `exited`, ... */
  readonly state: string
  /** The engine's words: `Up 3 seconds`. */
  readonly status: string
}

/** What the page can have done to a container. */
export type Action = "start" | "stop" | "restart"

/** The server did not do what was asked. `message` is for a person. */
export class ApiError extends Error {
  override readonly name = "ApiError"
  /** The HTTP status; 0 when the server could not be reached. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const sentence = async (response: Response): Promise<string> => {
  const body: unknown = await response.json().catch(() => undefined)
  const said = isObject(body) ? text(body["message"]) : ""
  return said === "" ? `The server answered with HTTP ${response.status}.` : said
}

const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
  let response: Response
  try {
    response = await fetch(new URL(path, document.baseURI), { cache: "no-store", ...init })
  } catch {
    throw new ApiError(0, "The server can't be reached.")
  }
  if (!response.ok) throw new ApiError(response.status, await sentence(response))
  return response
}

/** Trades the token of the link for a cookie. */
export const openSession = async (token: string): Promise<void> => {
  await request("api/session", { method: "POST", headers: { authorization: `Bearer ${token}` } })
}

const container = (value: unknown): ReadonlyArray<Container> => {
  if (!isObject(value) || typeof value["id"] !== "string") return []
  const names: unknown = value["names"]
  const name = Array.isArray(names) ? text(names[0]) : ""
  return [
    {
      id: value["id"],
      name: name === "" ? value["id"].slice(0, 12) : name,
      image: text(value["image"]),
      state: text(value["state"]),
      status: text(value["status"])
    }
  ]
}

/** All containers, also those that do not run. */
export const listContainers = async (): Promise<ReadonlyArray<Container>> => {
  const response = await request("api/containers")
  const body: unknown = await response.json()
  if (!Array.isArray(body)) throw new ApiError(response.status, "The server's answer is not a list of containers.")
  return body.flatMap(container)
}

/** Starts, stops or restarts a container; comes back when that is done. */
export const act = async (id: string, action: Action): Promise<void> => {
  await request(`api/containers/${encodeURIComponent(id)}/${action}`, { method: "POST" })
}
