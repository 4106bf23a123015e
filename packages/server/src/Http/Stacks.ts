/** The handlers of `StacksApi`. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { toAccepted } from "../Api/fields/Accepted.js"
import { Api } from "../Api/Api.js"
import { toErrorBody } from "../Api/Errors.js"
import { type IdempotencyKey, idempotencyKeyOf } from "../Api/fields/IdempotencyKey.js"
import { Identity } from "../access/Identity.js"
import * as Action from "../stacks/StackAction.js"
import { Stacks } from "../stacks/Stacks.js"
import { stackLogsResponse } from "./response/stackLogsResponse.js"

/** A time in seconds, as an option of compose. */
const seconds = <Options extends { readonly stopTimeout?: number }>({ stopTimeout, ...options }: Options) => ({
  ...options,
  ...(stopTimeout === undefined ? {} : { stopTimeout: `${stopTimeout} seconds` as const })
})

export const layer = HttpApiBuilder.group(Api, "stacks", (handlers) =>
  Effect.map(Stacks, (stacks) => {
    /** Starts an operation in the name of who asked for it. */
    const start = (name: string, headers: typeof IdempotencyKey.Type, action: Action.StackAction) =>
      Effect.flatMap(Identity, ({ name: startedBy }) =>
        stacks
          .start(name, action, { startedBy, ...idempotencyKeyOf(headers) })
          .pipe(Effect.map(toAccepted), Effect.mapError(toErrorBody))
      )

    return handlers
      .handle("list", () => stacks.list())
      .handle("add", ({ payload }) => Effect.mapError(stacks.add(payload), toErrorBody))
      .handle("get", ({ path: { name } }) => Effect.mapError(stacks.get(name), toErrorBody))
      .handle("check", ({ path: { name } }) => Effect.mapError(stacks.check(name), toErrorBody))
      .handleRaw("logs", ({ path: { name }, request, urlParams }) =>
        Effect.mapError(stackLogsResponse(stacks, request, name, urlParams), toErrorBody)
      )
      .handle("update", ({ headers, path: { name } }) => start(name, headers, Action.update))
      .handle("up", ({ headers, path: { name }, urlParams }) => start(name, headers, Action.up(seconds(urlParams))))
      .handle("down", ({ headers, path: { name }, urlParams }) => start(name, headers, Action.down(seconds(urlParams))))
      .handle("stop", ({ headers, path: { name }, urlParams }) => start(name, headers, Action.stop(seconds(urlParams))))
      .handle("start", ({ headers, path: { name }, urlParams }) => start(name, headers, Action.start(urlParams)))
      .handle("restart", ({ headers, path: { name }, urlParams }) =>
        start(name, headers, Action.restart(seconds(urlParams)))
      )
      .handle("pull", ({ headers, path: { name }, urlParams }) => start(name, headers, Action.pull(urlParams)))
      .handle("remove", ({ path: { name }, urlParams }) => Effect.mapError(stacks.remove(name, urlParams), toErrorBody))
  })
)
