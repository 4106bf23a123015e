import type { ComposeResource } from "../../api/composeResource.js"

/** What compose says of one of its resources. */
export interface ComposeEvent {
  readonly resource: ComposeResource
  /** Compose's word, such as `Started` or `Downloading`. */
  readonly status: string
  /** Bytes of a layer. */
  readonly current?: number
  readonly total?: number
}

/** The words that compose uses as a status. Anything else in their place is a message. */
const verbs = new Set([
  "Creating",
  "Created",
  "Recreate",
  "Recreated",
  "Starting",
  "Started",
  "Running",
  "Waiting",
  "Healthy",
  "Exited",
  "Restarting",
  "Stopping",
  "Stopped",
  "Killing",
  "Killed",
  "Removing",
  "Removed",
  "Pausing",
  "Paused",
  "Unpausing",
  "Unpaused",
  "Pulling",
  "Pulled",
  "Pushing",
  "Pushed",
  "Building",
  "Built",
  "Interrupted",
  "Error",
  "Warning",
  "Skipped",
  "Error while Stopping",
  "Error while Removing",
  "Resource is still in use",
  "Exists",
  "Pulling fs layer",
  "Downloading",
  "Verifying Checksum",
  "Download complete",
  "Extracting",
  "Pull complete",
  "Already exists"
])

/** Whether this is a word that compose uses as a status. A single word that is new counts as one. */
export const isVerb = (text: string): boolean => verbs.has(text) || /^[A-Z][a-z]+$/.test(text)

const kinds: Readonly<Record<string, ComposeResource["kind"]>> = {
  Container: "container",
  Network: "network",
  Volume: "volume",
  Image: "image",
  Service: "service",
  Config: "config",
  Secret: "secret"
}

/** What happened to a resource, as compose prints it where it has no JSON. */
export const eventLine = ({ detail, kind, name }: ComposeResource, status: string): string => {
  const isNamed = kind === "service" || kind === "layer"
  const subject = isNamed ? name : `${kind[0]?.toUpperCase()}${kind.slice(1)} ${name} `
  return `${subject} ${status}${detail === undefined ? "" : `: ${detail}`}`
}

/** What compose calls a resource: a kind and a name, or the name of a service, or with a parent the id of a layer. */
export const resourceOf = (id: string, parent?: string): ComposeResource => {
  if (parent !== undefined && parent !== "") return { kind: "layer", name: id, parent: resourceOf(parent).name }
  const space = id.indexOf(" ")
  const kind = kinds[id.slice(0, Math.max(0, space))]
  if (kind === undefined) return { kind: "service", name: id }
  const name = id.slice(space + 1).trim()
  // Version 2.26 quotes the names of volumes that it creates, and not of those that it removes.
  const [, unquoted = name] = /^"(.*)"$/.exec(name) ?? []
  return { kind, name: unquoted }
}

/** The event of a status word and a message, of which each may be in the place of the other. */
export const composeEvent = (
  resource: ComposeResource,
  word: string,
  message: string,
  amounts: Pick<ComposeEvent, "current" | "total"> = {}
): ComposeEvent => {
  const [, verb, rest] = /^(Skipped)(?: - |\b)(.*)$/s.exec(word) ?? []
  const status = verb ?? (isVerb(word) ? word : "Error")
  const detail = [verb === undefined ? (isVerb(word) ? "" : word) : (rest ?? ""), message].filter((text) => text !== "")
  return {
    resource: detail.length === 0 ? resource : { ...resource, detail: detail.join(": ") },
    status,
    ...amounts
  }
}
