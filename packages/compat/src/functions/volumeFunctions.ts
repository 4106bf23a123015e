/**
 * The old functions for volumes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { flagArgument, nameArgument, optionalText, recordArgument } from "../run/arguments.js"
import { listOutcome, type ObjectOutcome, objectOutcome, type Outcome, outcome } from "../run/outcome.js"
import { volumes } from "../run/services.js"
import { naturalOrder } from "../text/naturalOrder.js"
import { type VolumeRow, volumeRow } from "../text/volumeRow.js"

/**
 * Lists the volumes, sorted by name. When the engine can't list them, the list is empty and the reason goes to the `warn` option.
 *
 * @since 0.1.0
 * @category volumes
 */
export const get_volumes = (): Promise<Array<VolumeRow>> =>
  listOutcome(
    Effect.flatMap(volumes, ({ list }) =>
      Effect.map(list(), (all) => all.map(volumeRow).toSorted((a, b) => naturalOrder(a.name, b.name)))
    )
  )

/**
 * Creates a volume. The output is its name. A volume of this name and driver that exists already is a success, whatever its
 * labels are.
 *
 * @since 0.1.0
 * @category volumes
 */
export const create_volume = (
  name: string,
  driver: string = "local",
  labels?: Readonly<Record<string, string>> | null
): Promise<Outcome> =>
  outcome(
    Effect.gen(function* () {
      const volume = yield* nameArgument("name", name)
      const wanted = (yield* optionalText("driver", driver)) ?? "local"
      const service = yield* volumes
      yield* service.create({ name: volume, driver: wanted, labels: yield* recordArgument("labels", labels) }).pipe(
        Effect.catchTag("NameConflict", (conflict) =>
          Effect.filterOrFail(
            service.inspect(volume),
            ({ driver }) => driver === wanted,
            () => conflict
          )
        )
      )
      return `${volume}\n`
    })
  )

/**
 * Removes a volume. The output is its name. With `force`, a volume that does not exist is no failure.
 *
 * @since 0.1.0
 * @category volumes
 */
export const remove_volume = (name: string, force: boolean = false): Promise<Outcome> =>
  outcome(
    Effect.gen(function* () {
      const volume = yield* nameArgument("name", name)
      yield* (yield* volumes).remove(volume, { force: yield* flagArgument("force", force) })
      return `${volume}\n`
    })
  )

/**
 * Returns the engine's own inspect object of a volume, or `{}` if there is none.
 *
 * @since 0.1.0
 * @category volumes
 */
export const inspect_volume = (name: string): Promise<ObjectOutcome> =>
  objectOutcome(
    Effect.gen(function* () {
      const volume = yield* nameArgument("name", name)
      return { ...(yield* (yield* volumes).inspect(volume)).raw }
    })
  )
