import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ConfigProblem, type KeptLogs } from "../Config.js"
import { defaultLogRetention } from "../store/LogRecord.js"
import { LogStore } from "../store/LogStore.js"
import { keepingNews } from "./keepingNews.js"
import { LogKeeping } from "./LogKeeping.js"

/** The settings of a server that concern the logs that it keeps. */
export interface KeptLogsOptions {
  readonly dataDir: string
  readonly demo?: string
  readonly keepLogs?: KeptLogs | false
  readonly logStoreProgram?: URL
}

const notKept = "This server keeps no container logs. Start it without --keep-logs off to keep and search them."

/** The containers of a demo are others each time, so their logs are kept for as long as it runs. */
const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "dockwire-demo-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

/** The store of container logs, and what fills it. */
export const keptLogs = ({ dataDir, demo, keepLogs, logStoreProgram }: KeptLogsOptions) => {
  if (keepLogs === false) return Layer.merge(LogKeeping.layerNone, LogStore.layerNone(notKept))
  const { age, bytes, redact, sourceBytes, sources } = { ...defaultLogRetention, ...keepLogs }
  const store = Layer.unwrapScoped(
    Effect.map(demo === undefined ? Effect.succeed(dataDir) : temporaryFolder, (folder) =>
      LogStore.layerLazy({
        dataDir: folder,
        retention: { age, bytes, sourceBytes },
        ...(logStoreProgram === undefined ? {} : { program: logStoreProgram })
      })
    )
  )
  const keeping = LogKeeping.layer({
    bytes,
    sourceBytes,
    ...(sources === undefined ? {} : { sources }),
    ...(redact === undefined ? {} : { redact })
  })
  return Layer.merge(keeping, keepingNews).pipe(
    Layer.provideMerge(store),
    Layer.mapError(({ detail, value }) => new ConfigProblem(`Invalid --redact ${JSON.stringify(value)}: ${detail}`))
  )
}
