/** Draws a compose project as a tree: its networks and volumes, and its services with their images, layers and containers. */
import type { ComposeConfig, OperationProgress } from "@dockwire/core"
import { Predicate } from "effect"
import { bar, type Drawing, percent } from "./progressBars.js"

/** A row of the tree, with the rows below it. */
interface Row {
  readonly label: string
  /** How much of it is done, from 0 to 1. */
  readonly share: number
  readonly state: "waiting" | "under way" | "done" | "failed" | "given up"
  readonly words: string
  readonly rows: ReadonlyArray<Row>
}

const marks = { waiting: "○", "under way": "●", done: "✔", failed: "✘", "given up": "–" } as const

/** How far each word of compose is on the way. Where a container is waited for, it has not arrived when it is started. */
const shareOf = ({ current = 0, resource, status, total = 0 }: OperationProgress, waits: boolean): number => {
  const amount = total > 0 ? Math.min(1, current / total) : 0
  switch (status) {
    case "Downloading":
      return 0.8 * amount
    case "Verifying Checksum":
    case "Download complete":
      return 0.8
    case "Extracting":
      return 0.8 + 0.2 * amount
    case "Created":
    case "Recreated":
      return resource?.kind === "container" ? 0.25 : 1
    case "Starting":
      return 0.5
    case "Started":
    case "Waiting":
      return resource?.kind !== "container" ? 0 : waits || status === "Waiting" ? 0.75 : 1
    case "Interrupted":
      return 0
    default:
      return /ing$|^Pulling fs layer$|^Recreate$/.test(status) && status !== "Running" ? 0 : 1
  }
}

const stepShare = ({ current = 0, status, total = 0 }: OperationProgress): number =>
  /^(?:done|cached|failed|canceled)$/.test(status) ? 1 : total > 0 ? Math.min(0.99, current / total) : 0

const isFailed = ({ resource, status }: OperationProgress): boolean =>
  /^(?:Error|Unhealthy|Restarting|failed)/.test(status) ||
  (status === "Exited" && /^code (?!0$)/.test(resource?.detail ?? "code 0"))

/** None for what is done in an instant. */
const amountOf = ({ current = 0, total = current }: OperationProgress): string =>
  total < 50_000 ? "" : ` ${(current / 1e6).toFixed(1)}/${(total / 1e6).toFixed(1)} MB`

const wordsOf = (event: OperationProgress): string => {
  const { resource, status } = event
  return `${status}${amountOf(event)}${resource?.detail === undefined ? "" : `: ${resource.detail}`}`
}

/** What others wrote moves no cursor. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ")

const rowLine = ({ label, share, state, words }: Row, indent: number): string =>
  `${marks[state]} ${plain(label)
    .padEnd(38 - indent)
    .slice(0, 38 - indent)} ${bar(share, 10)} ${plain(words)}`

const treeLines = (rows: ReadonlyArray<Row>, indent = ""): ReadonlyArray<string> =>
  rows.flatMap((row, index) => {
    const isLast = index === rows.length - 1
    return [
      `${indent}${isLast ? "└─" : "├─"} ${rowLine(row, indent.length)}`,
      ...treeLines(row.rows, `${indent}${isLast ? "   " : "│  "}`)
    ]
  })

/** Without what is done, where the terminal is too small for all. */
const unfinished = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> =>
  rows.flatMap((row) => (row.state === "done" ? [] : [{ ...row, rows: unfinished(row.rows) }]))

const average = (shares: ReadonlyArray<number>): number =>
  shares.length === 0 ? 0 : shares.reduce((sum, share) => sum + share, 0) / shares.length

/** What of a project has been heard of. */
class ComposeTree {
  readonly #items = new Map<string, { readonly event: OperationProgress; readonly share: number }>()
  #share = 0
  #hasEnded = false

  /** @param waits whether the services are waited for */
  constructor(
    readonly config: ComposeConfig,
    readonly waits: boolean
  ) {}

  update(event: Parameters<Drawing["update"]>[0]): void {
    if (/^Operation(Completed|Failed|Interrupted)$/.test(event._tag)) this.#hasEnded = true
    if (event._tag === "OperationCompleted") this.#share = 1
    if (event._tag !== "OperationProgress") return
    if (event.resource === undefined && event.step === undefined) return
    // Containers are reported more than once as waiting. A bar does not go back.
    const share = event.step === undefined ? shareOf(event, this.waits) : stepShare(event)
    this.#items.set(event.id, { event, share: Math.max(share, this.#items.get(event.id)?.share ?? 0) })
  }

  lines(height: number): ReadonlyArray<string> {
    const rows = this.#rows()
    // All services are known from the beginning. It is not done before it has ended.
    this.#share = Math.max(this.#share, Math.min(0.99, average(rows.map(({ share }) => share))))
    const head = `${plain(this.config.name).slice(0, 40)} ${bar(this.#share)} ${percent(this.#share)}`
    const all = treeLines(rows)
    if (all.length < height) return [head, ...all]
    const shorter = treeLines(unfinished(rows))
    const shown = shorter.slice(0, Math.max(0, height - 2))
    return [head, ...shown, `… and ${all.length - shown.length} more`].slice(0, height)
  }

  #rows(): ReadonlyArray<Row> {
    const others: Array<Row> = []
    const ofServices = new Map(Object.keys(this.config.services).map((service) => [service, new Array<Row>()]))
    for (const { event, share } of this.#items.values()) {
      const { resource, step } = event
      // A layer or a step is below its image.
      if (resource?.kind === "layer" && (share === 1 || this.#imageOf(resource.parent) !== undefined)) continue
      if (step !== undefined && (share === 1 || this.#builtService(step.name) !== undefined)) continue
      const service = this.#serviceOf(event)
      ;(ofServices.get(service ?? "") ?? others).push(this.#row(event, service))
    }
    const services = Array.from(ofServices, ([service, rows]) => this.#serviceRow(service, rows))
    return [...others, ...services]
  }

  #serviceRow(service: string, rows: ReadonlyArray<Row>): Row {
    const steps = rows.some(({ label }) => label === "image") ? [] : this.#parts(service)
    const all = steps.length === 0 ? rows : [this.#imageRow(steps, rows.length > 0), ...rows]
    // Its container is still to come.
    const shares = [...all.map(({ share }) => share), ...(all.some(({ label }) => label !== "image") ? [] : [0])]
    const state =
      (["failed", "given up", "under way"] as const).find((state) => all.some((row) => row.state === state)) ??
      (all.length === 0 ? "waiting" : all.some((row) => row.label !== "image") ? "done" : "under way")
    return { label: service, share: average(shares), state, words: all.at(-1)?.words ?? "", rows: all }
  }

  /** The image of a service of which compose tells the steps of the build only. With a container of it, it is built. */
  #imageRow(rows: ReadonlyArray<Row>, isBuilt: boolean): Row {
    if (isBuilt) return { label: "image", share: 1, state: "done", words: "Built", rows: [] }
    const state = (["failed", "given up"] as const).find((state) => rows.some((row) => row.state === state))
    const share = Math.min(0.99, average(rows.map(({ share }) => share)))
    return { label: "image", share, state: state ?? "under way", words: "Building", rows }
  }

  #row(event: OperationProgress, service: string | undefined): Row {
    const { resource, step } = event
    const isImage = resource?.kind === "service" || resource?.kind === "image"
    const parts = isImage && service !== undefined ? this.#parts(service) : []
    const share = this.#items.get(event.id)?.share ?? 0
    const name = this.#shortName(resource?.name ?? "")
    return {
      label: step?.name ?? (service === undefined ? `${resource?.kind} ${name}` : isImage ? "image" : name),
      share: isImage && share === 0 ? average(parts.map(({ share }) => share)) : share,
      state: isFailed(event)
        ? "failed"
        : /^(?:Interrupted|canceled)$/.test(event.status) || (this.#hasEnded && share < 1)
          ? "given up"
          : share === 1
            ? "done"
            : "under way",
      words: wordsOf(event),
      rows: share === 1 ? [] : parts
    }
  }

  /** The layers of a service's image that are under way, and the steps of its build. */
  #parts(service: string): ReadonlyArray<Row> {
    return Array.from(this.#items.values()).flatMap(({ event, share }) => {
      const { resource, step } = event
      const isLayer = resource?.kind === "layer" && this.#imageOf(resource.parent) === service && share < 1
      const isStep = step !== undefined && this.#builtService(step.name) === service && event.status !== "waiting"
      return isLayer || isStep ? [this.#row(event, service)] : []
    })
  }

  /** A name without that of the project. */
  #shortName(name: string): string {
    const { length } = this.config.name
    return name.startsWith(this.config.name) && /^[-_]./.test(name.slice(length)) ? name.slice(length + 1) : name
  }

  #serviceOf({ resource }: OperationProgress): string | undefined {
    if (resource === undefined) return undefined
    const { kind, name } = resource
    if (kind === "service" || kind === "image") return this.#imageOf(name)
    if (kind !== "container") return undefined
    return Object.keys(this.config.services).find((service) => {
      const prefix = `${this.config.name}-${service}-`
      return name === this.#ownName(service) || (name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    })
  }

  /** The service of an image, which compose calls by the name of the service, or by its own. */
  #imageOf(name: string | undefined): string | undefined {
    const { services } = this.config
    if (name === undefined || Object.hasOwn(services, name)) return name
    return Object.keys(services).find(
      (service) => services[service]?.image === name || `${this.config.name}-${service}` === name
    )
  }

  /** The service whose build has a step: compose puts its name in front, if it builds several. */
  #builtService(step: string): string | undefined {
    const built = Object.keys(this.config.services).filter((service) => this.config.services[service]?.isBuilt)
    const [, first] = /^\[([^\s\]]+)/.exec(step) ?? []
    return built.find((service) => service === first) ?? (built.length === 1 ? built[0] : undefined)
  }

  /** The `container_name` of a service. */
  #ownName(service: string): unknown {
    const services = this.config.raw["services"]
    const declared = Predicate.isRecord(services) ? services[service] : undefined
    return Predicate.isRecord(declared) ? declared["container_name"] : undefined
  }
}

/** The tree of a project. `waits`: the services are waited for. */
export const composeTree = (config: ComposeConfig, waits: boolean): Drawing => {
  const tree = new ComposeTree(config, waits)
  return { update: (event) => tree.update(event), lines: (rows) => tree.lines(rows) }
}
