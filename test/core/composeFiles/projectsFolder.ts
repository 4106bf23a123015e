import { ComposeFiles, type ComposeFilesOptions } from "@dockwire/core"
import { Effect, Layer } from "effect"
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"
import { streamHostCommand } from "../../../packages/core/src/internal/host/hostCommand.js"
import { HostMachine } from "../../../packages/core/src/internal/host/hostMachine.js"

/** A folder that is removed after the test. Tests that run side by side pass their own `onTestFinished`. */
export const temporaryFolder = async (finished: typeof onTestFinished = onTestFinished): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-files-"))
  finished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Writes a file, with its folders. */
export const writeFileAt = async (path: string, content: string | Uint8Array, mode = 0o644): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  await chmod(path, mode)
}

/** Everything in a folder: the mode and content of each file, and where links lead. */
export const snapshot = async (folder: string): Promise<Readonly<Record<string, string>>> => {
  const entries: Record<string, string> = {}
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    const path = join(folder, name)
    const found = await lstat(path)
    const content = found.isFile()
      ? (await readFile(path)).toString("latin1")
      : found.isSymbolicLink()
        ? await readlink(path)
        : "-"
    entries[name] = `${found.mode.toString(8)} ${content}`
  }
  return entries
}

/** A machine whose programs are those in one folder. Without a folder, it has none. */
export const machineWith = (programs = "/nonexistent"): Layer.Layer<HostMachine> =>
  Layer.succeed(HostMachine, {
    ...machine,
    isExecutable: () => Effect.succeed(false),
    run: (command) => streamHostCommand({ ...command, environment: { ...command.environment, PATH: programs } })
  })

const machine = HostMachine.defaultValue()

/** The service, on a machine without compose. */
export const filesIn = (folder: string, options: Partial<ComposeFilesOptions> = {}): Layer.Layer<ComposeFiles> =>
  ComposeFiles.layer({ folder, ...options }).pipe(Layer.provide(machineWith()))
