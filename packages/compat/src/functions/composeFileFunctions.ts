/**
 * The old functions for compose files.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ComposeFilesShape } from "@dockwire/core/ComposeFiles"
import { InvalidArgument, textArgument } from "../run/arguments.js"
import { fileArgument } from "../run/fileArgument.js"
import { causeText, type Failure, failureOf } from "../run/failureText.js"
import { type Outcome, valueOr } from "../run/outcome.js"
import { composeFiles } from "../run/services.js"
import type { CompatServices } from "../run/servicesLayer.js"
import { run, type SetupFailed } from "../runtime.js"

/** What stands before the reason: whether the download, the file, or something on the disk is at fault. */
const failurePrefix = (error: Failure | SetupFailed | undefined): string => {
  switch (error?._tag) {
    case "DownloadFailed":
      return "Error downloading Docker Compose file: "
    case "InvalidArgument":
      return error.name === "config_path" || error.name === "name"
        ? "Error processing Docker Compose file: "
        : "Error downloading Docker Compose file: "
    case "ComposeFileInvalid":
      return "Invalid Docker Compose file: "
    default:
      return "Error processing Docker Compose file: "
  }
}

/** The URL as the argument that it is. */
const fromUrl =
  (name: string, value: unknown) =>
  <A, R>(effect: Effect.Effect<A, Failure, R>): Effect.Effect<A, Failure, R> =>
    Effect.mapError(effect, (error) =>
      error._tag === "InvalidRequest" && error.field === "URL"
        ? new InvalidArgument({ name, value, detail: error.detail })
        : error
    )

const fileOutcome = async <A>(
  effect: (service: ComposeFilesShape) => Effect.Effect<A, Failure, CompatServices>
): Promise<Exit.Exit<A, string>> => {
  const exit = await run(Effect.flatMap(composeFiles, effect))
  if (Exit.isSuccess(exit)) return Exit.succeed(exit.value)
  const error = failureOf(exit.cause)
  const reason = error?._tag === "InvalidRequest" ? error.message : causeText(exit.cause)
  return Exit.fail(`${failurePrefix(error)}${reason}`)
}

/**
 * Downloads a compose file to `<DOCKER_COMPOSE_DIR>/<name>/docker-compose.yml`, which replaces one that is there. Returns whether it
 * succeeded, a message, and the path, or `null` if it failed. It must be a valid compose file. A download may take 30 seconds.
 *
 * @since 0.1.0
 * @category compose
 */
export const download_compose_file = async (
  url: string,
  name: string
): Promise<[success: boolean, message: string, path: string | null]> => {
  const exit = await fileOutcome((files) =>
    Effect.gen(function* () {
      const source = yield* textArgument("url", url)
      return yield* files.download(source, yield* textArgument("name", name), { replace: true })
    }).pipe(fromUrl("url", url))
  )
  return Exit.match(exit, {
    onSuccess: ({ path }): [boolean, string, string | null] => [
      true,
      "Docker Compose file downloaded successfully",
      path
    ],
    onFailure: (cause) => [false, failureOf(cause) ?? "", null]
  })
}

/**
 * Whether a compose file could be compared with what a URL leads to, and whether they differ. If not, the reason goes to the `warn`
 * option.
 *
 * @since 0.1.0
 * @category compose
 */
export const check_for_updates = (
  config_path: string,
  source_url: string
): Promise<[success: boolean, changed: boolean]> =>
  valueOr(
    Effect.gen(function* () {
      const path = yield* fileArgument("config_path", config_path)
      const url = yield* textArgument("source_url", source_url)
      const { changed } = yield* (yield* composeFiles).check({ path }, url)
      const compared: [boolean, boolean] = [true, changed]
      return compared
    }).pipe(fromUrl("source_url", source_url)),
    [false, false]
  )

/**
 * Replaces a compose file by what a URL leads to, if that differs and is a valid compose file. The previous content is kept at
 * `<config_path>.bak`. After an error the file is as it was.
 *
 * @since 0.1.0
 * @category compose
 */
export const update_compose_file = async (config_path: string, source_url: string): Promise<Outcome> => {
  const exit = await fileOutcome((files) =>
    Effect.gen(function* () {
      const path = yield* fileArgument("config_path", config_path)
      return yield* files.update({ path }, yield* textArgument("source_url", source_url))
    }).pipe(fromUrl("source_url", source_url))
  )
  return Exit.match(exit, {
    onSuccess: (): Outcome => [true, "Docker Compose file updated successfully"],
    onFailure: (cause) => [false, failureOf(cause) ?? ""]
  })
}
