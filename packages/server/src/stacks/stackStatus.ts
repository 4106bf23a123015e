/** How a stack is. */
import type { ComposeProjectSummary, ComposeShape, ComposeStatus } from "@dockwire/core/Compose"
import * as Effect from "effect/Effect"
import type { Stack, StackSource } from "../StackSummary.js"
import { configRoom } from "../Wire.js"
import type { StackProject } from "./StackAction.js"
import type { StoredStack } from "./StackFile.js"

/** What is known of a stack before the engine and compose are asked for its status. */
export interface KnownStack {
  readonly name: string
  /** Absent if it was not added. */
  readonly stored?: StoredStack | undefined
  /** Its project, or why it cannot be used. */
  readonly project: StackProject | string
  /** What the engine has of it; a sentence if the engine does not tell. */
  readonly summary: ComposeProjectSummary | string | undefined
}

/** A URL as it is shown: its user name, password and query may be secret. */
const shownUrl = (text: string): string => {
  const { host, pathname, protocol, search } = new URL(text)
  return `${protocol}//${host}${pathname}${search === "" ? "" : "?..."}`
}

const shownSource = (source: StoredStack["source"]): StackSource =>
  source._tag === "Url" ? { _tag: "Url", url: shownUrl(source.url) } : source

type Judged = Pick<Stack, "status" | "missing" | "done" | "problem">

const judged = ({ done, missing, status }: ComposeStatus, problem?: string): Judged => ({
  status,
  missing,
  done,
  ...(problem === undefined ? {} : { problem })
})

const unknown = (problem: string): Judged => ({ status: "unknown", missing: [], done: [], problem })

/** The status by what the engine has of the project. */
const byContainers = (compose: ComposeShape, name: string, problem?: string): Effect.Effect<Judged> =>
  compose.status({ name }, { expected: "containers" }).pipe(
    Effect.map((status) => judged(status, problem)),
    Effect.catchAll(({ message }) => Effect.succeed(unknown(message)))
  )

const judge = (compose: ComposeShape, { name, project, stored, summary }: KnownStack): Effect.Effect<Judged> => {
  if (typeof summary === "string") return Effect.succeed(unknown(summary))
  if (stored === undefined) return byContainers(compose, name)
  if (typeof project === "string") return byContainers(compose, name, project)
  return Effect.catchTags(
    Effect.map(compose.status(project), (status) => judged(status)),
    {
      // What the engine has is known even if the file is not valid any more.
      ComposeFailed: ({ message }) => byContainers(compose, name, message),
      EngineUnavailable: ({ message }) => Effect.succeed(unknown(message))
    }
  )
}

/** Describes a stack. What cannot be had is said in `problem`. */
export const describeStack = (compose: ComposeShape, known: KnownStack): Effect.Effect<Stack> =>
  Effect.map(judge(compose, known), (judged) => {
    const { name, stored, summary } = known
    const project = typeof summary === "object" ? summary : undefined
    return {
      name,
      room: configRoom(name),
      ...(stored === undefined ? {} : { source: shownSource(stored.source), addedAt: stored.addedAt }),
      ...judged,
      services: project?.services ?? {},
      configFiles: project?.configFiles ?? []
    }
  })
