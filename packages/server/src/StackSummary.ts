/** Stacks as the HTTP API shows them. */
import { ComposeContainer, ComposeFileValidation, ContainerState } from "@dockwire/core/Models"
import * as Schema from "effect/Schema"

const optional = <A, I>(schema: Schema.Schema<A, I>, description: string) =>
  Schema.optionalWith(schema, { exact: true }).annotations({ description })

/** Where the compose file of a stack comes from. */
export const StackSource = Schema.Union(
  Schema.TaggedStruct("Url", {
    url: Schema.String.annotations({ description: "Without user name, password and query, any of which may be secret" })
  }),
  Schema.TaggedStruct("File", {
    path: Schema.String.annotations({ description: "A compose file, or the folder of one, on the server's machine" })
  })
).annotations({ identifier: "StackSource" })

/** See the schema. */
export type StackSource = typeof StackSource.Type

/** `partial`: some services are missing. `unknown`: `problem` says why. */
export const StackStatus = Schema.Literal("up", "partial", "down", "unknown").annotations({
  identifier: "StackStatus"
})

const fields = {
  name: Schema.String.annotations({ description: "Its `config_id`, and the name of its compose project" }),
  room: Schema.String.annotations({ description: "The room of the operations on it" }),
  source: optional(StackSource, "Missing if it was not added: a compose project that was found on the engine"),
  addedAt: optional(Schema.String, "When it was added, RFC 3339"),
  status: StackStatus,
  missing: Schema.Array(Schema.String).annotations({ description: "Services of which fewer run than there should be" }),
  done: Schema.Array(Schema.String).annotations({ description: "Services that have ended with 0, as they should" }),
  services: Schema.Record({ key: Schema.String, value: Schema.Array(ContainerState) }).annotations({
    description: "The states of each service's containers"
  }),
  configFiles: Schema.Array(Schema.String).annotations({
    description: "The compose files that its containers were made from, as compose has noted them"
  }),
  problem: optional(Schema.String, "What keeps its status from being known, or its compose file from being used")
}

/** A stack in a list. */
export const Stack = Schema.Struct(fields).annotations({ identifier: "Stack" })

/** See the schema. */
export type Stack = typeof Stack.Type

/** One stack. */
export const StackDetails = Schema.Struct({ ...fields, containers: Schema.Array(ComposeContainer) }).annotations({
  identifier: "StackDetails"
})

/** See the schema. */
export type StackDetails = typeof StackDetails.Type

/** A stack that was added. */
export const AddedStack = Schema.Struct({
  ...fields,
  validation: optional(ComposeFileValidation, "How its compose file was checked")
}).annotations({ identifier: "AddedStack" })

/** See the schema. */
export type AddedStack = typeof AddedStack.Type

/** A stack that was removed. */
export const RemovedStack = Schema.Struct({
  name: Schema.String,
  kept: optional(Schema.String, "The folder of the stack, if it is still there because something else is in it")
}).annotations({ identifier: "RemovedStack" })

/** See the schema. */
export type RemovedStack = typeof RemovedStack.Type

/** The stacks that were added, and the other compose projects that have containers. */
export const StackList = Schema.Struct({
  stacks: Schema.Array(Stack),
  problem: optional(Schema.String, "What is missing in the list, and why: sentences")
}).annotations({ identifier: "StackList" })

/** See the schema. */
export type StackList = typeof StackList.Type
