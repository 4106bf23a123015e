/**
 * The old functions under their old names. Their promises never reject, whatever Docker answers and whatever the arguments
 * are.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Containers } from "@dockwire/core/Containers"
import type { LogLine } from "@dockwire/core/LogEvent"
import { Logs } from "@dockwire/core/Logs"
import { type ContainerRow, containerRow } from "./containerRow.js"
import { listOutcome, type ObjectOutcome, objectOutcome, type Outcome, outcome } from "./outcome.js"

const lineText = ({ part, text }: LogLine) => (part === undefined || part.last ? `${text}\n` : text)

/** What the docker command passes on is read by the engine: all but a whole number from 0 stands for all lines. */
const tailOption = (tail: unknown): { readonly tail?: number } => {
  const lines = typeof tail === "string" && /^\+?\d+$/.test(tail) ? Number(tail) : tail
  return typeof lines === "number" && Number.isSafeInteger(lines) && lines >= 0 ? { tail: lines } : {}
}

/**
 * Returns the last `tail` lines of a container's log, stdout and stderr in the order in which they were written. Each line
 * ends with a newline. A `tail` that is no whole number from 0, such as -1 or `"all"`, stands for all lines.
 *
 * @since 0.1.0
 * @category containers
 */
export const get_container_logs = (container_id: string, tail: number | string = 100): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Logs, (logs) =>
      Stream.runFold(
        logs.readBatches(container_id, tailOption(tail)),
        "",
        (all, batch) => all + batch.map(lineText).join("")
      )
    ),
    (text) => text
  )

/**
 * Lists all containers, running or not, newest first. When the engine can't list them, the list is empty and the reason
 * goes to the `warn` option. `config_id` is ignored: it does not filter the list.
 *
 * @since 0.1.0
 * @category containers
 */
export const get_containers = (_config_id?: string | number | null): Promise<Array<ContainerRow>> =>
  listOutcome(
    Effect.flatMap(Containers, (containers) => containers.list()),
    containerRow
  )

/** The docker command prints each container as the caller named it. */
const idLine = (container_id: string) => () => `${container_id}\n`

/**
 * Starts a container. Succeeds if it is already running. The output is the id as given.
 *
 * @since 0.1.0
 * @category containers
 */
export const start_container = (container_id: string): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Containers, (containers) => containers.start(container_id)),
    idLine(container_id)
  )

/**
 * Stops a container. Succeeds if it is not running. The output is the id as given.
 *
 * @since 0.1.0
 * @category containers
 */
export const stop_container = (container_id: string): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Containers, (containers) => containers.stop(container_id)),
    idLine(container_id)
  )

/**
 * Restarts a container, or starts it if it is not running. The output is the id as given.
 *
 * @since 0.1.0
 * @category containers
 */
export const restart_container = (container_id: string): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Containers, (containers) => containers.restart(container_id)),
    idLine(container_id)
  )

/**
 * Removes a container. A running container is removed only with `force`. The output is the id as given.
 *
 * @since 0.1.0
 * @category containers
 */
export const remove_container = (container_id: string, force: boolean = false): Promise<Outcome> =>
  outcome(
    Effect.flatMap(Containers, (containers) => containers.remove(container_id, { force })),
    idLine(container_id)
  )

/**
 * Returns the engine's own inspect object of a container.
 *
 * @since 0.1.0
 * @category containers
 */
export const inspect_container = (container_id: string): Promise<ObjectOutcome> =>
  objectOutcome(
    Effect.flatMap(Containers, (containers) => Effect.map(containers.inspect(container_id), ({ raw }) => raw))
  )
