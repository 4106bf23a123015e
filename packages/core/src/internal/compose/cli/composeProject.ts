import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { stat } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { ComposeFailed } from "../../../DockerError.js"
import { readText } from "../readText.js"
import { composeFileNames } from "./composeFileNames.js"
import { plainValues, secretValues } from "./secretValues.js"

/**
 * A compose project, where more than its path is to be said. Paths are relative to the working directory of this process.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeProjectSpec {
  /** The compose files, the later ones over the earlier. Default: those that compose finds in `directory`. */
  readonly files?: ReadonlyArray<string>
  /** Default: what the environment or the file says, else that of the directory. */
  readonly name?: string
  /** To which paths in the files are relative, and where `.env` is. Default: that of the first file. */
  readonly directory?: string
  /** The profiles whose services take part as well. */
  readonly profiles?: ReadonlyArray<string>
  /** What is read instead of `.env`, for `${VARIABLE}` in the files. */
  readonly envFiles?: ReadonlyArray<string>
  /**
   * Variables for `${VARIABLE}` in the files, and for those that a container takes over by their name. Of values that are
   * `Redacted`, nothing appears in an event or an error.
   */
  readonly env?: Readonly<Record<string, string | Redacted.Redacted>>
  /** Whether the project may see every variable of this process. Default `false`. */
  readonly inheritEnv?: boolean
  /** What the caller calls the project, the `target.configId` of events. Default: its name or path. */
  readonly configId?: string | number
}

/**
 * A compose project: the path of its folder or its file, or more.
 *
 * @since 0.1.0
 * @category models
 */
export type ComposeProject = string | ComposeProjectSpec

/** A project with absolute paths, which has been found on the disk. */
export interface LocatedProject {
  readonly directory: string
  /** `undefined` if compose is to find them in the directory. */
  readonly files: ReadonlyArray<string> | undefined
  /** Those that are given or found. Empty if others name them, such as `.env`. */
  readonly knownFiles: ReadonlyArray<string>
  readonly name: string | undefined
  readonly profiles: ReadonlyArray<string>
  readonly envFiles: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** The values that must not appear anywhere. */
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  readonly inheritEnv: boolean
}

const missing = (project: string, file: string, detail: string): ComposeFailed =>
  new ComposeFailed({ reason: "FileNotFound", project, file, detail, lastLines: [] })

const statOf = (project: string, path: string) =>
  Effect.tryPromise({
    try: () => stat(path),
    catch: (error) => missing(project, path, error instanceof Error ? error.message : String(error))
  })

const isFile = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(path).then(
      (found) => found.isFile(),
      () => false
    )
  )

/** Whether the `.env` of a folder names the compose files. */
const namesFiles = (folder: string): Effect.Effect<boolean> =>
  Effect.map(readText(join(folder, ".env")), (text) => /^\s*(?:export\s+)?COMPOSE_FILE\s*[=:]/m.test(text ?? ""))

/** The files that compose finds in a folder by itself, if there are no others named for it: one, and what overrides it. */
const foundFiles = (folder: string) =>
  Effect.gen(function* () {
    const file = yield* Effect.findFirst(composeFileNames, (name) => isFile(join(folder, name)))
    if (file._tag === "None") return []
    const override = file.value.replace(/\.ya?ml$/, ".override")
    const others = file.value.endsWith(".yml") ? [".yml", ".yaml"] : [".yaml", ".yml"]
    const names = [file.value, ...others.map((ending) => override + ending)]
    return yield* Effect.filter(
      names.map((name) => join(folder, name)),
      isFile
    )
  })

/** What to call a project in an error as long as it has no name. */
export const projectLabel = (project: ComposeProject): string =>
  typeof project === "string" ? project : (project.name ?? project.files?.[0] ?? project.directory ?? ".")

/** Finds a project on the disk. */
export const locateProject = (project: ComposeProject): Effect.Effect<LocatedProject, ComposeFailed> =>
  Effect.gen(function* () {
    const label = projectLabel(project)
    const isFolder = typeof project === "string" && (yield* statOf(label, resolve(project))).isDirectory()
    const spec: ComposeProjectSpec =
      typeof project !== "string" ? project : isFolder ? { directory: project } : { files: [project] }
    const files = spec.files?.length === 0 ? undefined : spec.files?.map((file) => resolve(file))
    const directory = resolve(spec.directory ?? (files?.[0] === undefined ? "." : dirname(files[0])))
    const env = plainValues(spec.env ?? {})
    for (const path of files ?? []) yield* statOf(label, path)
    if (!(yield* statOf(label, directory)).isDirectory()) {
      return yield* missing(label, directory, `${directory} is not a folder`)
    }
    const isElsewhere = files === undefined && (env["COMPOSE_FILE"] !== undefined || (yield* namesFiles(directory)))
    const knownFiles = files ?? (isElsewhere ? [] : yield* foundFiles(directory))
    // Compose would look in the parent folders too, and work on another project.
    if (files === undefined && !isElsewhere && knownFiles.length === 0) {
      const detail = `${directory} has none of ${composeFileNames.join(", ")}`
      return yield* missing(label, join(directory, "compose.yaml"), detail)
    }
    return {
      directory,
      files,
      knownFiles,
      name: spec.name,
      profiles: spec.profiles ?? [],
      envFiles: (spec.envFiles ?? []).map((file) => resolve(file)),
      env,
      secrets: secretValues(spec.env ?? {}),
      inheritEnv: spec.inheritEnv ?? false
    }
  })

/** The arguments that tell compose which project it is, before those of the command. */
export const projectArguments = (
  { directory, envFiles, files, name, profiles }: LocatedProject,
  allProfiles = false
): ReadonlyArray<string> => [
  ...(files ?? []).flatMap((file) => ["--file", file]),
  "--project-directory",
  directory,
  ...(name === undefined ? [] : ["--project-name", name]),
  ...envFiles.flatMap((file) => ["--env-file", file]),
  ...(allProfiles ? ["*"] : profiles).flatMap((profile) => ["--profile", profile])
]
