/**
 * The old functions under their old names. None of their promises rejects for what Docker or an argument can cause.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Containers } from "@dockwire/core/Containers"
import type { LogLine } from "@dockwire/core/LogEvent"
import { Logs } from "@dockwire/core/Logs"
import { type ContainerRow, containerRow } from "./containerRow.js"
import { listOutcome, type ObjectOutcome, objectOutcome, type Outcome, outcome } from "./outcome.js"

const lineText = ({ part, text }: LogLine) => (part === undefined || part.last ? `${text}\n` : text)

/**
 * The last lines of a container's log, both streams' in the order in which they came, each ending in a newline. `tail` is
 * how many.
 */
export const get_container_logs = (container_id: string, tail: number = 100): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Logs, (logs) =>
      Stream.runFold(logs.readBatches(container_id, { tail }), "", (all, batch) => all + batch.map(lineText).join(""))
    ),
    (text) => text
  )

/**
 * All containers, running or not, newest first: an empty list, and a warning, where they can't be had. `config_id` is
 * accepted and does not narrow the list.
 */
export const get_containers = (_config_id?: string | number | null): Promise<Array<ContainerRow>> =>
  listOutcome(
    Effect.flatMap(Containers, (containers) => containers.list()),
    containerRow
  )

const named = (container_id: string) => () => `${container_id}\n`

/** Starts a container; the output is the id as given. One that runs already is left alone. */
export const start_container = (container_id: string): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Containers, (containers) => containers.start(container_id)),
    named(container_id)
  )

/** Stops a container; the output is the id as given. One that doesn't run is left alone. */
export const stop_container = (container_id: string): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Containers, (containers) => containers.stop(container_id)),
    named(container_id)
  )

/** Stops a container, if it runs, and starts it; the output is the id as given. */
export const restart_container = (container_id: string): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Containers, (containers) => containers.restart(container_id)),
    named(container_id)
  )

/** Removes a container, a running one with `force` only; the output is the id as given. */
export const remove_container = (container_id: string, force: boolean = false): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Containers, (containers) => containers.remove(container_id, { force })),
    named(container_id)
  )

/** The engine's own object about a container. */
export const inspect_container = (container_id: string): Promise<ObjectOutcome> =>
  objectOutcome(
    Effect.flatMap(Containers, (containers) => Effect.map(containers.inspect(container_id), ({ raw }) => raw))
  )
