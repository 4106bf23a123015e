import { Containers } from "@dockwire/core"
import { Effect } from "effect"
import { expect } from "vitest"
import { failsWith, type Row, inTurn } from "../cell.js"

/** A name that no container has. */
export const missing = "dockwire-nobody"

/** Why there is no conflict. */
export const anyState = "it is the same whatever state the container is in"

/** Uses the service. */
export const on = <A, E>(use: (containers: Effect.Effect.Success<typeof Containers>) => Effect.Effect<A, E>) =>
  Effect.flatMap(Containers, use)

/** The cell of a container that is not there. */
export const notFound: (call: Row["call"]) => Row["missing"] = (call) => (bench) =>
  failsWith(call(bench), "ContainerNotFound", {
    containerId: missing,
    detail: expect.stringMatching(
      new RegExp(`^([Cc]annot kill container: ${missing}: )?No such container: ${missing}$`)
    )
  })

/** A verb on one container, which is called on nobody for the cells that are all alike. */
export const verb = (call: Row["call"], cells: Omit<Row, "call" | "missing">): Row => ({
  call,
  missing: notFound(call),
  ...cells
})

/** What is no name. */
export const badName = "a b"

/** The cell of what is no name. */
export const neverNamed =
  (use: (containers: Effect.Effect.Success<typeof Containers>) => Effect.Effect<unknown, unknown>) => () =>
    failsWith(on(use), "ContainerNotFound", { containerId: badName })

/** Prunes. */
export const pruned = <A, E extends { readonly message: string }>(
  use: (containers: Effect.Effect.Success<typeof Containers>) => Effect.Effect<A, E>
) => inTurn(on(use))
