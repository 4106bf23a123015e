/**
 * The old functions for containers.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ContainersShape } from "@dockwire/core/Containers"
import { containerArgument, flagArgument, InvalidArgument, textArgument } from "../run/arguments.js"
import type { Failure } from "../run/failureText.js"
import { listOutcome, type ObjectOutcome, objectOutcome, type Outcome, outcome } from "../run/outcome.js"
import { containers, exec, logs, stats } from "../run/services.js"
import { type ContainerRow, containerRow } from "../text/containerRow.js"
import { lineText } from "../text/lineText.js"
import { noUsage, type StatsRow, statsRow } from "../text/statsRow.js"

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
    Effect.gen(function* () {
      const id = yield* containerArgument("container_id", container_id)
      const batches = (yield* logs).readBatches(id, tailOption(tail))
      return yield* Stream.runFold(batches, "", (all, batch) => all + batch.map(lineText).join(""))
    })
  )

/**
 * Lists all containers, running or not, newest first. When the engine can't list them, the list is empty and the reason
 * goes to the `warn` option. `config_id` is ignored: it does not filter the list.
 *
 * @since 0.1.0
 * @category containers
 */
export const get_containers = (_config_id?: string | number | null): Promise<Array<ContainerRow>> =>
  listOutcome(Effect.flatMap(containers, ({ list }) => Effect.map(list(), (all) => all.map(containerRow))))

/** Does something with a container. The docker command prints each container as the caller named it. */
const withContainer = (
  container_id: string,
  effect: (service: ContainersShape, id: string) => Effect.Effect<unknown, Failure>
) =>
  Effect.gen(function* () {
    const id = yield* containerArgument("container_id", container_id)
    yield* effect(yield* containers, id)
    return `${id}\n`
  })

/**
 * Starts a container. Succeeds if it is already running. The output is the id as given.
 *
 * @since 0.1.0
 * @category containers
 */
export const start_container = (container_id: string): Promise<Outcome> =>
  outcome(
    withContainer(container_id, ({ start }, id) => start(id)),
    () => (typeof container_id === "string" ? `Error: failed to start containers: ${container_id}\n` : "")
  )

/**
 * Stops a container. Succeeds if it is not running. The output is the id as given.
 *
 * @since 0.1.0
 * @category containers
 */
export const stop_container = (container_id: string): Promise<Outcome> =>
  outcome(withContainer(container_id, ({ stop }, id) => stop(id)))

/**
 * Restarts a container, or starts it if it is not running. The output is the id as given.
 *
 * @since 0.1.0
 * @category containers
 */
export const restart_container = (container_id: string): Promise<Outcome> =>
  outcome(withContainer(container_id, ({ restart }, id) => restart(id)))

/**
 * Removes a container. The output is the id as given. A running container is removed only with `force`; with it, a container
 * that does not exist is no failure, and the output is empty.
 *
 * @since 0.1.0
 * @category containers
 */
export const remove_container = (container_id: string, force: boolean = false): Promise<Outcome> =>
  outcome(
    Effect.flatMap(flagArgument("force", force), (forced) =>
      withContainer(container_id, ({ remove }, id) => remove(id, { force: forced })).pipe(
        Effect.catchIf(
          ({ _tag }) => forced && _tag === "ContainerNotFound",
          () => Effect.succeed("")
        )
      )
    )
  )

/**
 * Runs a command in a container and returns its standard output. If it exits with another code than 0, the output is `Error: `
 * and its standard error. The command is split into words by the rules of a POSIX shell, so quotes are honoured, but no shell
 * runs it.
 *
 * @since 0.1.0
 * @category containers
 */
export const exec_container_command = async (container_id: string, command: string): Promise<Outcome> => {
  let isFailure = false
  const [success, output] = await outcome(
    Effect.gen(function* () {
      const id = yield* containerArgument("container_id", container_id)
      const line = yield* textArgument("command", command)
      const { exitCode, stderr, stdout } = yield* (yield* exec).run(id, line)
      isFailure = exitCode !== 0
      return isFailure ? `Error: ${stderr}` : stdout
    }).pipe(
      Effect.catchTag("ExecFailed", ({ detail }) => {
        const [, refused] = /^request not sent: (.*)$/s.exec(detail) ?? []
        if (refused !== undefined) {
          return Effect.fail(new InvalidArgument({ name: "command", value: command, detail: refused }))
        }
        isFailure = true
        // The engine's words, which the docker command prints without any before them.
        return Effect.succeed(`Error: ${detail.trimEnd()}\n`)
      })
    )
  )
  return [success && !isFailure, output]
}

/**
 * Returns the resource usage of a container with the texts of `docker stats`, or `{}` if it can't be read. It takes the engine a
 * second or two. A container that is not running uses nothing.
 *
 * @since 0.1.0
 * @category containers
 */
export const get_container_stats = (
  container_id: string
): Promise<[success: true, value: StatsRow] | [success: false, value: Record<string, never>]> =>
  objectOutcome(
    Effect.gen(function* () {
      const id = yield* containerArgument("container_id", container_id)
      const usage = yield* (yield* stats).once(id)
      if (usage._tag === "Running") return statsRow(id, usage)
      const stopped = yield* (yield* containers).inspect(id)
      return statsRow(id, noUsage(stopped.id, stopped.name))
    })
  )

/**
 * Returns the engine's own inspect object of a container, or `{}` if there is none.
 *
 * @since 0.1.0
 * @category containers
 */
export const inspect_container = (container_id: string): Promise<ObjectOutcome> =>
  objectOutcome(
    Effect.gen(function* () {
      const id = yield* containerArgument("container_id", container_id)
      return { ...(yield* (yield* containers).inspect(id)).raw }
    })
  )
