import type * as Stream from "effect/Stream"
import type { ComposeResource } from "../../internal/api/composeResource.js"
import type { ComposeError } from "../../internal/compose/failure/composeFailure.js"
import type { LogStream } from "../../LogEvent.js"

/**
 * One step of a scripted compose command: a line that it prints, or the progress of a resource.
 *
 * @since 0.1.0
 * @category models
 */
export type ComposeStep =
  | { readonly _tag: "Line"; readonly stream: LogStream; readonly text: string }
  | {
      readonly _tag: "Progress"
      readonly resource: ComposeResource
      /** The word of compose, such as `Created` or `Downloading`. */
      readonly status: string
      /** Bytes of a layer. */
      readonly current?: number
      readonly total?: number
    }

/**
 * Constructors of the steps of a compose command.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ComposeStep = {
  /**
   * Prints a line. One that compose 2.40 prints with `--progress json`, such as `{"id":"Container shop-web-1","status":"Started"}`,
   * is understood as progress, so that recorded output can be replayed.
   */
  line: (text: string, stream: LogStream = "stderr"): ComposeStep => ({ _tag: "Line", stream, text }),
  /** Tells the state of a resource, as compose does: `ComposeStep.progress("container", "shop-web-1", "Created")`. */
  progress: (
    kind: ComposeResource["kind"],
    name: string,
    status: string,
    more: {
      /** The service that a layer belongs to. */
      readonly parent?: string
      readonly detail?: string
      readonly current?: number
      readonly total?: number
    } = {}
  ): ComposeStep => {
    const { current, detail, parent, total } = more
    return {
      _tag: "Progress",
      resource: {
        kind,
        name,
        ...(parent === undefined ? {} : { parent }),
        ...(detail === undefined ? {} : { detail })
      },
      status,
      ...(current === undefined ? {} : { current }),
      ...(total === undefined ? {} : { total })
    }
  }
}

/**
 * What a compose command fails with.
 *
 * @since 0.1.0
 * @category errors
 */
export type ComposeCommandError = ComposeError

/**
 * What of a compose command is given to its script.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeRun {
  /** The name of the project. */
  readonly project: string
  /** The command with its arguments, as compose gets them: `["up", "--detach", "--", "web"]`. */
  readonly args: ReadonlyArray<string>
  /** The profiles that are active, `*` for all. */
  readonly profiles: ReadonlyArray<string>
  /** What the command does if it is not scripted. It works on the engine, and its steps say what it does. */
  readonly act: Stream.Stream<ComposeStep, ComposeCommandError>
}

/**
 * A scripted compose command. The first one that matches both the project and the arguments is used. Without one, the command
 * works on the engine in memory: `up` creates and starts containers there.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryComposeCommand {
  /** The name of the project to match. Any project if omitted. */
  readonly project?: string
  /**
   * The arguments to match, joined by spaces: a string matches the first words, a regular expression any part. Any command if
   * omitted.
   */
  readonly command?: string | RegExp
  /**
   * The steps of the command. It succeeds when the stream ends, and fails as the stream does. Nothing happens on the engine
   * unless the stream of `act` is part of it.
   */
  readonly run: (run: ComposeRun) => Stream.Stream<ComposeStep, ComposeCommandError>
}

/**
 * Which commands of compose a fault applies to.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeCommandPattern extends Pick<MemoryComposeCommand, "project" | "command"> {
  /** The fault applies to this many of the next matching commands. All if omitted. */
  readonly times?: number
}

/** Whether a command is one of those. */
export const matchesCommand = (
  { command, project }: Pick<MemoryComposeCommand, "project" | "command">,
  run: Pick<ComposeRun, "project" | "args">
): boolean => {
  if (project !== undefined && project !== run.project) return false
  if (command === undefined) return true
  const words = run.args.join(" ")
  return typeof command === "string" ? words === command || words.startsWith(`${command} `) : words.search(command) >= 0
}
