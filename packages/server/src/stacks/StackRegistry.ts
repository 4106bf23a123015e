/** The stacks that were added, in memory and in their file. */
import { ComposeFileUnusable } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import type { StackConflict } from "../StackError.js"
import { loadStacks, saveStacks, type StoredStack } from "./StackFile.js"
import * as Messages from "./stackMessages.js"

/** The stacks that were added. A change is made once it is in the file. */
export interface StackRegistry {
  /** What is missing since the start, and why: sentences. */
  readonly problem: string | undefined
  readonly names: () => ReadonlyArray<string>
  readonly get: (name: string) => StoredStack | undefined
  /** Adds a stack once `prepare` has succeeded. Until then, its name is taken, but not known. */
  readonly add: <A, E>(
    stack: StoredStack,
    prepare: Effect.Effect<A, E>
  ) => Effect.Effect<A, E | StackConflict | ComposeFileUnusable>
  readonly remove: (stack: StoredStack) => Effect.Effect<void, ComposeFileUnusable>
}

/** Reads the file. */
export const makeStackRegistry = (path: string): Effect.Effect<StackRegistry> =>
  Effect.gen(function* () {
    const { problem, stacks: loaded } = yield* loadStacks(path)
    const stacks = new Map(loaded.map((stack) => [stack.name, stack]))
    const adding = new Set<string>()
    const saving = yield* Effect.makeSemaphore(1)

    /** Makes a change, and takes it back if it cannot be kept. */
    const change = (make: () => void, takeBack: () => void): Effect.Effect<void, ComposeFileUnusable> =>
      Effect.suspend(() => {
        make()
        return saving
          .withPermits(1)(Effect.suspend(() => saveStacks(path, stacks.values())))
          .pipe(
            Effect.tapError(() => Effect.sync(takeBack)),
            Effect.mapError((detail) => new ComposeFileUnusable({ reason: "Failed", path, detail }))
          )
      }).pipe(Effect.uninterruptible)

    return {
      problem,
      names: () => [...stacks.keys()],
      get: (name) => stacks.get(name),
      add: <A, E>(stack: StoredStack, prepare: Effect.Effect<A, E>) =>
        Effect.suspend((): Effect.Effect<A, E | StackConflict | ComposeFileUnusable> => {
          const { name } = stack
          if (stacks.has(name) || adding.has(name)) return Effect.fail(Messages.nameTaken(name))
          adding.add(name)
          return prepare.pipe(
            Effect.tap(() =>
              change(
                () => stacks.set(name, stack),
                () => stacks.delete(name)
              )
            ),
            Effect.ensuring(Effect.sync(() => adding.delete(name)))
          )
        }),
      remove: (stack) =>
        change(
          () => stacks.delete(stack.name),
          () => stacks.set(stack.name, stack)
        )
    }
  })
