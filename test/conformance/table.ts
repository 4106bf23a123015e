import {
  Archive,
  Compose,
  ComposeFiles,
  Containers,
  Docker,
  Events,
  Exec,
  Host,
  Images,
  Logs,
  Networks,
  RegistryAuth,
  Stats,
  System,
  Volumes
} from "@dockwire/core"
import type { Effect } from "effect"
import type { Services } from "./bench.js"
import type { Rows } from "./cell.js"
import { archiveRows } from "./rows/archive.js"
import { composeRows } from "./rows/compose.js"
import { composeFilesRows } from "./rows/composeFiles.js"
import { containerRows } from "./rows/containers.js"
import { containerVerbRows } from "./rows/containerVerbs.js"
import { dockerRows } from "./rows/docker.js"
import { eventRows } from "./rows/events.js"
import { execRows } from "./rows/exec.js"
import { hostRows } from "./rows/host.js"
import { imageBuildRows } from "./rows/imageBuild.js"
import { imageRows } from "./rows/images.js"
import { imageTransferRows } from "./rows/imageTransfers.js"
import { logRows } from "./rows/logs.js"
import { networkRows } from "./rows/networks.js"
import { registryAuthRows } from "./rows/registryAuth.js"
import { statsRows } from "./rows/stats.js"
import { systemRows } from "./rows/system.js"
import { volumeRows } from "./rows/volumes.js"

/** The services that must behave the same on all engines, with a row for each method. */
export const table: Readonly<
  Record<string, { readonly service: Effect.Effect<object, never, Services>; readonly rows: Rows }>
> = {
  Containers: { service: Containers, rows: { ...containerRows, ...containerVerbRows } },
  Images: { service: Images, rows: { ...imageRows, ...imageBuildRows, ...imageTransferRows } },
  RegistryAuth: { service: RegistryAuth, rows: registryAuthRows },
  Volumes: { service: Volumes, rows: volumeRows },
  Networks: { service: Networks, rows: networkRows },
  Exec: { service: Exec, rows: execRows },
  Stats: { service: Stats, rows: statsRows },
  Archive: { service: Archive, rows: archiveRows },
  Logs: { service: Logs, rows: logRows },
  Events: { service: Events, rows: eventRows },
  System: { service: System, rows: systemRows },
  Host: { service: Host, rows: hostRows },
  Docker: { service: Docker, rows: dockerRows },
  Compose: { service: Compose, rows: composeRows },
  ComposeFiles: { service: ComposeFiles, rows: composeFilesRows }
}
