/**
 * The old functions for images.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import { flagArgument, InvalidArgument, nameArgument, operandArgument, textArgument } from "../run/arguments.js"
import { defectText } from "../run/defectText.js"
import { daemonText } from "../run/failureText.js"
import { isFolder } from "../run/isFolder.js"
import type { OperationLog } from "../operations/operationLog.js"
import { operationOutcome, type WhyFailed } from "../operations/operationOutcome.js"
import { listOutcome, type ObjectOutcome, objectOutcome, type Outcome, outcome } from "../run/outcome.js"
import { images } from "../run/services.js"
import { type ImageRow, imageRows } from "../text/imageRows.js"

/**
 * Lists the images, newest first: a row for each tag, and one for an image without any. When the engine can't list them, the list
 * is empty and the reason goes to the `warn` option.
 *
 * @since 0.1.0
 * @category images
 */
export const get_images = (): Promise<Array<ImageRow>> =>
  listOutcome(Effect.flatMap(images, ({ list }) => Effect.map(list(), (all) => all.flatMap(imageRows))))

/** Why a pull failed, as the docker command says it; of a wrong reference, with the argument. */
const pullFailure = ({ error, text }: WhyFailed): string => {
  switch (error?._tag) {
    case "InvalidRequest":
      return `invalid reference format: image_name ${JSON.stringify(error.value)}: ${error.detail}`
    case "ImageNotFound":
    case "RegistryError":
    case "EngineError":
      return daemonText(error.detail)
    default:
      return `Error: ${text}`
  }
}

/**
 * Pulls an image. The output is what `docker pull` prints without a terminal. The `operation_log` gets the lines while it runs:
 * first `Starting docker pull for <image>`, and last `Image <image> pulled successfully` or
 * `Image pull failed with return code 1`.
 *
 * @since 0.1.0
 * @category images
 */
export const pull_image = (image_name: string, operation_log?: OperationLog | null): Promise<Outcome> =>
  operationOutcome({
    kind: "pull_image",
    operation: Effect.gen(function* () {
      const image = yield* operandArgument("image_name", image_name)
      return (yield* images).pull(image)
    }),
    log: operation_log,
    first: `Starting docker pull for ${defectText(image_name)}`,
    onSuccess: ({ lines }) => ({ last: `Image ${image_name} pulled successfully`, output: lines.join("\n") }),
    onFailure: ({ lines }, why) => {
      const reason = pullFailure(why)
      return {
        more: [reason],
        last: "Image pull failed with return code 1",
        output: [...lines, reason].join("\n")
      }
    }
  })

/**
 * Removes a reference to an image, and the image with its last one. The output is a line for each `Untagged` and `Deleted`. With
 * `force`, an image that does not exist is no failure, and the output is empty.
 *
 * @since 0.1.0
 * @category images
 */
export const remove_image = (image_id: string, force: boolean = false): Promise<Outcome> =>
  outcome(
    Effect.gen(function* () {
      const image = yield* nameArgument("image_id", image_id)
      const forced = yield* flagArgument("force", force)
      const removed = yield* (yield* images)
        .remove(image, { force: forced })
        .pipe(
          Effect.catchTag("ImageNotFound", (error) =>
            forced ? Effect.succeed({ untagged: [], deleted: [] }) : Effect.fail(error)
          )
        )
      return [
        ...removed.untagged.map((reference) => `Untagged: ${reference}\n`),
        ...removed.deleted.map((id) => `Deleted: ${id}\n`)
      ].join("")
    })
  )

/** What is wrong with an argument of a build. */
const invalidText = ({ detail, field, value }: InvalidRequest): string =>
  new InvalidArgument({ name: field === "tags" ? "tag" : field, value, detail }).message

const noSuchFolder = "there is no such folder"

/**
 * Builds an image from the Dockerfile in a folder, and gives it a tag. The output is what the builder prints, with `Error: ` before
 * it if the build failed. The `operation_log` gets the lines while it runs.
 *
 * @since 0.1.0
 * @category images
 */
export const build_image = (
  dockerfile_path: string,
  tag: string,
  operation_log?: OperationLog | null
): Promise<Outcome> => {
  const missing = () => `ERROR: unable to prepare context: path ${JSON.stringify(dockerfile_path)} not found`
  return operationOutcome({
    kind: "build_image",
    operation: Effect.gen(function* () {
      const context = yield* textArgument("dockerfile_path", dockerfile_path)
      const name = yield* textArgument("tag", tag)
      if (!(yield* isFolder(context))) {
        return yield* new InvalidArgument({ name: "dockerfile_path", value: context, detail: noSuchFolder })
      }
      return (yield* images).build({ context, tags: [name] })
    }),
    log: operation_log,
    onSuccess: ({ lines }) => ({ output: lines.map((line) => `${line}\n`).join("") }),
    onFailure: ({ lines }, { error, text }) => {
      const isMissing = error?._tag === "InvalidArgument" && error.detail === noSuchFolder
      const reason = isMissing ? missing() : error?._tag === "InvalidRequest" ? invalidText(error) : text
      return { more: [reason], output: `Error: ${[...lines, reason].join("\n")}\n` }
    }
  })
}

/**
 * Returns the engine's own inspect object of an image, or `{}` if there is none.
 *
 * @since 0.1.0
 * @category images
 */
export const inspect_image = (image_id: string): Promise<ObjectOutcome> =>
  objectOutcome(
    Effect.gen(function* () {
      const image = yield* nameArgument("image_id", image_id)
      return { ...(yield* (yield* images).inspect(image)).raw }
    })
  )
