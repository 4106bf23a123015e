import type { LogPosition } from "@dockwire/core/LogPosition"
import type { Logs } from "@dockwire/core/Logs"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { logStart } from "../../rooms/logPositionKeys.js"

type LogsService = Context.Tag.Service<typeof Logs>

/** Whether the log has no lines. */
export const isLogEmpty = (logs: LogsService, containerId: string) =>
  Effect.map(Stream.runHead(logs.read(containerId, { tail: 1 })), Option.isNone)

/** The position at the end of the log. `undefined` if the log can't be read, or not within 2 seconds. */
export const findLogEnd = (logs: LogsService, containerId: string): Effect.Effect<LogPosition | undefined> =>
  Effect.gen(function* () {
    if (yield* isLogEmpty(logs, containerId)) return logStart(containerId)
    const batch = yield* Stream.runHead(logs.followBatches(containerId, { tail: 1 }))
    return Option.getOrUndefined(batch)?.at(-1)?.position
  }).pipe(
    Effect.timeoutOption("2 seconds"),
    Effect.map(Option.getOrUndefined),
    Effect.orElseSucceed(() => undefined)
  )
