import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { constants } from "node:fs"
import { access, readFile } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { type HostCommand, type HostCommandOutput, streamHostCommand } from "./hostCommand.js"

/** What `Host` needs to know about the machine it runs on. */
export interface HostMachineShape {
  /** As in `process.platform`. */
  readonly platform: string
  /** The contents of `/etc/os-release`, or `undefined` where there is no such file. */
  readonly osRelease: Effect.Effect<string | undefined>
  /** Whether this process runs as root. */
  readonly isRoot: Effect.Effect<boolean>
  /** Whether an executable of this name is on the `PATH` or in one of the folders where daemons are installed. */
  readonly hasProgram: (name: string) => Effect.Effect<boolean>
  /** Whether there is a file that this process may run. */
  readonly isExecutable: (path: string) => Effect.Effect<boolean>
  readonly run: (command: HostCommand) => Stream.Stream<HostCommandOutput>
}

// A user's PATH often lacks the sbin folders, where dockerd is.
const daemonFolders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]

const isExecutable = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    access(path, constants.X_OK).then(
      () => true,
      () => false
    )
  )

const thisMachine: HostMachineShape = {
  platform: process.platform,
  osRelease: Effect.promise(() => readFile("/etc/os-release", "utf8").catch(() => undefined)),
  isRoot: Effect.sync(() => process.getuid?.() === 0),
  hasProgram: (name) =>
    Effect.suspend(() => {
      const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...daemonFolders]
      return Effect.exists(new Set(folders.filter((folder) => folder !== "")), (folder) =>
        isExecutable(join(folder, name))
      )
    }),
  isExecutable,
  run: streamHostCommand
}

/** The machine that `Host` looks at: this one, unless a test provides another. */
export class HostMachine extends Context.Reference<HostMachine>()("@dockwire/core/HostMachine", {
  defaultValue: (): HostMachineShape => thisMachine
}) {}
