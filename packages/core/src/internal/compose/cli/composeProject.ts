import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { stat } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { ComposeFailed } from "../../../DockerError.js"
import { readText } from "../readText.js"
import { composeFileNames, composeOverrideNames } from "./composeFileNames.js"
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
  /** Those that are given. */
  readonly envFiles: ReadonlyArray<string>
  /** Those that compose reads before the files, if they exist. */
  readonly knownEnvFiles: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** What the environment of compose says, over its files of variables. */
  readonly settings: Readonly<Record<string, string>>
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

/** The first of some names that a folder has, whatever it is: compose does not look at that either. */
const firstIn = (folder: string, names: ReadonlyArray<string>) =>
  Effect.map(
    Effect.findFirst(names, (name) =>
      Effect.promise(() =>
        stat(join(folder, name)).then(
          () => true,
          () => false
        )
      )
    ),
    Option.map((name) => join(folder, name))
  )

/** Whether one of some files of variables names the compose files. */
const nameFiles = (envFiles: ReadonlyArray<string>): Effect.Effect<boolean> =>
  Effect.map(Effect.forEach(envFiles, readText), (texts) =>
    texts.some((text) => /^\s*(?:export\s+)?COMPOSE_FILE\s*[=:]/m.test(text ?? ""))
  )

/** The files that compose finds in a folder by itself, if there are no others named for it: one, and one over it. */
const foundFiles = (folder: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const file = yield* firstIn(folder, composeFileNames)
    if (file._tag === "None") return []
    return [file.value, ...Option.toArray(yield* firstIn(folder, composeOverrideNames))]
  })

/** A value that is empty is as good as none. */
const setting = (settings: LocatedProject["settings"], name: string): string | undefined => settings[name] || undefined

/** The files of variables that compose reads before the others: those that are given or named, or `.env`. */
const envFilesOf = (given: ReadonlyArray<string>, settings: LocatedProject["settings"], folder: string) => {
  if (given.length > 0) return given
  const named = setting(settings, "COMPOSE_ENV_FILES")
  return named === undefined ? [join(folder, ".env")] : named.split(",").map((file) => resolve(folder, file))
}

/** A name that compose takes as it is, or not at all, where it is not in a file. */
const invalidName = (project: string, name: string | undefined): ComposeFailed | undefined => {
  if (name === undefined || /^[a-z0-9][a-z0-9_-]*$/.test(name)) return undefined
  const rule = "must consist only of lowercase alphanumeric characters, hyphens, and underscores"
  const detail = `invalid project name ${JSON.stringify(name)}: ${rule} as well as start with a letter or number`
  return new ComposeFailed({ reason: "FileInvalid", project, detail, lastLines: [] })
}

/** The name that is given, if it is one. */
export const givenName = (project: ComposeProject): Effect.Effect<string | undefined, ComposeFailed> => {
  const name = typeof project === "string" ? undefined : project.name || undefined
  return Effect.as(invalidName(projectLabel(project), name) ?? Effect.void, name)
}

/** What to call a project in an error as long as it has no name. */
export const projectLabel = (project: ComposeProject): string =>
  typeof project === "string" ? project : project.name || (project.files?.[0] ?? project.directory ?? ".")

/**
 * Finds a project on the disk. `environment` is what compose gets besides the project's own. With `byLabels`, a project of which
 * only the name is given needs no files.
 */
export const locateProject = (
  project: ComposeProject,
  environment: Readonly<Record<string, string>> = {},
  byLabels = false
): Effect.Effect<LocatedProject, ComposeFailed> =>
  Effect.gen(function* () {
    const label = projectLabel(project)
    const name = yield* givenName(project)
    const isFolder = typeof project === "string" && (yield* statOf(label, resolve(project))).isDirectory()
    const spec: ComposeProjectSpec =
      typeof project !== "string" ? project : isFolder ? { directory: project } : { files: [project] }
    const files = spec.files?.length === 0 ? undefined : spec.files?.map((file) => resolve(file))
    const needsFiles = !byLabels || name === undefined || spec.directory !== undefined || files !== undefined
    // No file of where this process happens to be has a say in a project that needs none.
    const here = needsFiles ? "." : "/"
    const directory = resolve(spec.directory ?? (files?.[0] === undefined ? here : dirname(files[0])))
    const env = plainValues(spec.env ?? {})
    const settings = { ...environment, ...env }
    if (name === undefined) yield* invalidName(label, setting(settings, "COMPOSE_PROJECT_NAME")) ?? Effect.void
    for (const path of files ?? []) yield* statOf(label, path)
    if (!(yield* statOf(label, directory)).isDirectory()) {
      return yield* missing(label, directory, `${directory} is not a folder`)
    }
    const envFiles = (spec.envFiles ?? []).map((file) => resolve(file))
    const knownEnvFiles = envFilesOf(envFiles, settings, directory)
    const isElsewhere =
      files === undefined && (settings["COMPOSE_FILE"] !== undefined || (yield* nameFiles(knownEnvFiles)))
    const knownFiles = files ?? (isElsewhere ? [] : yield* foundFiles(directory))
    // Compose would look in the parent folders too, and work on another project.
    if (needsFiles && files === undefined && !isElsewhere && knownFiles.length === 0) {
      const detail = `${directory} has none of ${composeFileNames.join(", ")}`
      return yield* missing(label, join(directory, "compose.yaml"), detail)
    }
    return {
      directory,
      files,
      knownFiles,
      name,
      profiles: spec.profiles ?? [],
      envFiles,
      knownEnvFiles,
      env,
      settings,
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
