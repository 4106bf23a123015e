/** What can be done with a stack as an operation. */
import type {
  ComposeDownOptions,
  ComposeProjectSpec,
  ComposePullOptions,
  ComposeShape,
  ComposeStartOptions,
  ComposeStopOptions,
  ComposeUpOptions
} from "@dockwire/core/Compose"
import type { ComposeFilesShape, ComposeFileUpdate } from "@dockwire/core/ComposeFiles"
import type {
  ComposeFileInvalid,
  ComposeFileUnusable,
  DownloadFailed,
  InvalidRequest
} from "@dockwire/core/DockerError"
import { Operation } from "@dockwire/core/Operation"
import * as Stream from "effect/Stream"
import type { OperationRequest } from "../operations/OperationRequest.js"

/**
 * What an action works with.
 *
 * @since 0.1.0
 * @category models
 */
export interface StackTools {
  readonly compose: ComposeShape
  readonly files: ComposeFilesShape
  /** Absent if the stack is a file of this machine, or was not added. */
  readonly url?: string | undefined
}

/**
 * A stack as compose knows it. With only the name, it is what the engine has of it.
 *
 * @since 0.1.0
 * @category models
 */
export type StackProject = ComposeProjectSpec & { readonly name: string }

/**
 * An action with its options.
 *
 * @since 0.1.0
 * @category models
 */
export interface StackAction {
  /** What it is called in messages. */
  readonly verb: string
  /** Whether it takes the compose file, or works on what the engine has of the project. */
  readonly needs: "file" | "url" | "containers"
  /** Its options, to tell whether a request is repeated. */
  readonly asked: unknown
  readonly operation: (project: StackProject, tools: StackTools) => OperationRequest["operation"]
}

type UpdateError = InvalidRequest | DownloadFailed | ComposeFileInvalid | ComposeFileUnusable

const textLines = (text: string) =>
  text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => Operation.line(line, "stdout"))

const updateLines = ({ backup, changed, diff, validation }: ComposeFileUpdate) =>
  changed
    ? [
        ...textLines(diff),
        ...(validation?._tag === "YamlOnly"
          ? [Operation.line(`Compose did not check the file: ${validation.detail}`)]
          : []),
        ...(backup === undefined ? [] : [Operation.line(`The previous file is kept as ${backup}`)]),
        Operation.line("Docker Compose file updated successfully")
      ]
    : [Operation.line("The file is what the URL leads to already")]

/** Replaces the file of a stack by what its URL leads to, with the difference as lines. */
const updateFile = (
  name: string,
  update: ReturnType<ComposeFilesShape["update"]>
): Operation<ComposeFileUpdate, UpdateError> => ({
  kind: "update_compose_file",
  target: { configId: name },
  steps: Stream.concat(
    Stream.make(Operation.line(`Updating the compose file of ${name}`)),
    Stream.flatMap(Stream.fromEffect(update), (updated) =>
      Stream.fromIterable([...updateLines(updated), Operation.result(updated)])
    )
  )
})

/** An action that is one operation of compose. */
const composeAction =
  <Options>(
    verb: string,
    needs: StackAction["needs"],
    run: (compose: ComposeShape, project: StackProject, options: Options) => OperationRequest["operation"]
  ) =>
  (options: Options): StackAction => ({
    verb,
    needs,
    asked: options,
    operation: (project, { compose }) => run(compose, project, options)
  })

/** Creates and starts the containers. */
export const up = composeAction("up", "file", (compose, project, options: ComposeUpOptions) =>
  compose.up(project, options)
)

/** Stops and removes the containers and networks. */
export const down = composeAction("down", "containers", (compose, project, options: ComposeDownOptions) =>
  compose.down(project, options)
)

/** Stops containers. */
export const stop = composeAction("stop", "containers", (compose, project, options: ComposeStopOptions) =>
  compose.stop(project, options)
)

/** Starts containers that exist. */
export const start = composeAction("start", "containers", (compose, project, options: ComposeStartOptions) =>
  compose.start(project, options)
)

/** Restarts containers. */
export const restart = composeAction("restart", "containers", (compose, project, options: ComposeStopOptions) =>
  compose.restart(project, options)
)

/** Pulls the images. */
export const pull = composeAction("pull", "file", (compose, project, options: ComposePullOptions) =>
  compose.pull(project, options)
)

/** Replaces the compose file by what the URL leads to. */
export const update: StackAction = {
  verb: "update",
  needs: "url",
  asked: {},
  operation: ({ name }, { files, url = "" }) => updateFile(name, files.update(name, url))
}
