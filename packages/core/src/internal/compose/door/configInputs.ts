import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { type LocatedProject, projectArguments } from "../cli/composeProject.js"

type Environment = Readonly<Record<string, string>>

/**
 * A file that may be made of others. The words are in it, whatever the YAML, unless an escape hides them: `"incl\x75de"`, or a
 * line that ends within one.
 */
const mayNeedOthers = /\b(?:include|extends)\b|\\[xuU\r\n]/

/** Variables that name other compose files. */
const namesFiles = /COMPOSE_(?:FILE|PATH_SEPARATOR)/

/** Variables that are new for each command, where they are set at all. */
const changing = /DOCKER_(?:CONFIG|CERT_PATH|AUTH_CONFIG)/

/** The text of a file, `null` if there is none. Fails if it can't be told. */
const textOf = (path: string): Effect.Effect<string | null, void> =>
  Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: (error) => error }).pipe(
    Effect.catchAll((error) =>
      error instanceof Error && "code" in error && error.code === "ENOENT"
        ? Effect.succeed(null)
        : Effect.fail(undefined)
    )
  )

/**
 * A hash of everything that compose reads for the names, the services and the mounts that a project declares. While it is the
 * same, so are they. `undefined` if compose may read more than what is known of here.
 *
 * @param environment of the command, but for what it connects with
 */
export const configInputs = (
  located: LocatedProject,
  environment: Environment,
  command: ReadonlyArray<string>
): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const { directory, files, knownEnvFiles, knownFiles } = located
    if (knownFiles.length === 0) return undefined
    const texts = yield* Effect.forEach(knownFiles, textOf)
    // Those of a service, in `env_file`, are for its containers alone.
    const variables = yield* Effect.forEach(new Set([join(directory, ".env"), ...knownEnvFiles]), textOf)
    if (texts.some((text) => text === null || mayNeedOthers.test(text))) return undefined
    if (files === undefined && variables.some((text) => text !== null && namesFiles.test(text))) return undefined
    if ([...texts, ...variables].some((text) => text !== null && changing.test(text))) return undefined
    const inputs = [command, projectArguments(located), environment, knownFiles, texts, variables]
    return createHash("sha256").update(JSON.stringify(inputs)).digest("base64")
  }).pipe(Effect.orElseSucceed(() => undefined))
