/** The commands that ask a running server: what the parser, the help and the completions need to know. Loads nothing. */

/** What a value can be completed with. */
export type Completion = "container" | "stack" | "operation" | "directory" | ReadonlyArray<string>

/** A flag. */
export interface RemoteFlag {
  readonly name: string
  readonly short?: string
  /** What the help shows for its value; absent if it takes none. */
  readonly value?: string
  readonly repeated?: true
  readonly description: string
  readonly variable?: string
  readonly completion?: Completion
}

/** A command. */
export interface RemoteCommand {
  /** In the list of commands. */
  readonly summary: string
  /** What follows the flags. */
  readonly operands: {
    readonly usage: string
    readonly min: number
    readonly max: number
    readonly completion: Completion
    /** Of the second operand, where the first one says what to do. */
    readonly second?: Completion
  }
  readonly about: string
  readonly flags: ReadonlyArray<RemoteFlag>
}

/** The flags that say which server to ask, and as whom. Every command has them. */
export const connectionFlags: ReadonlyArray<RemoteFlag> = [
  {
    name: "server",
    value: "url",
    description: 'Address of the server. Default: the one that "dockwire serve" runs on this machine.',
    variable: "DOCKWIRE_SERVER"
  },
  {
    name: "token",
    value: "token",
    description:
      "Token for the server. Default: the one in the data directory of the server on this machine. Prefer the environment variable, because other users of this machine can see flags.",
    variable: "DOCKWIRE_TOKEN"
  },
  {
    name: "data-dir",
    value: "directory",
    description: 'Data directory of the server on this machine. Default: as for "dockwire serve".',
    variable: "DOCKWIRE_DATA_DIR",
    completion: "directory"
  }
]

const json = (description: string): RemoteFlag => ({ name: "json", description })

const follow = (description: string): RemoteFlag => ({ name: "follow", short: "f", description })

const stackExits =
  "Exits with 0 if it completes, 1 if it fails, 3 if it is interrupted, and 130 if Ctrl-C leaves it running."

const timeout: RemoteFlag = {
  name: "timeout",
  short: "t",
  value: "seconds",
  description: "How long a container may take to stop before it is killed. Default: its own, or 10."
}

const stackFlags: ReadonlyArray<RemoteFlag> = [
  { name: "detach", short: "d", description: "Do not watch: print the id of the operation and exit." },
  json("Print each line, progress and the end as a JSON object.")
]

const stackCommand = (
  summary: string,
  about: string,
  flags: ReadonlyArray<RemoteFlag>,
  hasServices: boolean
): RemoteCommand => ({
  summary,
  operands: {
    usage: hasServices ? "<stack> [<service>...]" : "<stack>",
    min: 1,
    max: hasServices ? 100 : 1,
    completion: "stack"
  },
  about: `${about} This runs on the server and goes on if the command ends. On a terminal, the progress is drawn as a tree, and Ctrl-C asks whether to leave it running or to cancel it; a second Ctrl-C leaves it running. Elsewhere, with NO_COLOR or in CI, the lines are printed. ${stackExits}`,
  flags: [...flags, ...stackFlags]
})

/** Every command, in the order in which the help lists them. */
export const remoteCommands = {
  logs: {
    summary: "Print or follow the logs of containers",
    operands: { usage: "<container>...", min: 1, max: 500, completion: "container" },
    about:
      'Prints what containers have written: stdout to stdout and stderr to stderr, as "docker logs" does. With -f it goes on across restarts of the containers, the engine and the server, until they are removed. What is no line of a log goes to stderr, as "-- ... --": starts, stops, and lines that are lost. Into a file or a pipe, lines go as they are; on a terminal, control characters other than colors are shown as ^X and \\xNN.',
    flags: [
      follow("Go on with new lines."),
      {
        name: "tail",
        short: "n",
        value: "lines",
        description: 'Only the last lines of each log: a number, or "all". Default: all.'
      },
      {
        name: "since",
        value: "time",
        description:
          "Only lines from this time on: 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 90s, 10m, 2h30m, 3d."
      },
      { name: "until", value: "time", description: "Only lines up to this time. Not with -f." },
      { name: "timestamps", short: "t", description: "Begin each line with its time." },
      { name: "no-prefix", description: "Do not begin the lines of several containers with their names." },
      { name: "raw", description: "Pass control characters on to a terminal." },
      json("Print each line as a JSON object: container, timestamp, stream, text.")
    ]
  },
  search: {
    summary: "Find lines in everything that is kept",
    operands: { usage: "<query>...", min: 1, max: 500, completion: [] },
    about:
      'Finds lines in the logs that the server has kept, also of containers that were removed, and prints them with their time and source, the newest first. A query is a text, "an exact text" in double quotes, /an expression/i, +required, -excluded (behind "--" if it comes first), a field such as "status>=500", level:warn,error, or source:shop/*. Exits with 0 if a line is found, 1 if none is, and 2 if the command line is wrong. Ctrl-C cancels the search.',
    flags: [
      {
        name: "source",
        short: "s",
        value: "patterns",
        description:
          'Only these services or containers, with * and ?, separated by commas: web, "shop/*". Default: all.'
      },
      {
        name: "since",
        value: "time",
        description:
          "Only lines from this time on: 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 90s, 10m, 2h30m, 3d."
      },
      { name: "until", value: "time", description: "Only lines before this time." },
      {
        name: "level",
        short: "l",
        value: "levels",
        description:
          "Only lines of these levels, separated by commas: trace, debug, info, warn, error, fatal, unknown.",
        completion: ["trace", "debug", "info", "warn", "error", "fatal", "unknown"]
      },
      {
        name: "stream",
        value: "stream",
        description: "Only lines of this output.",
        completion: ["stdout", "stderr"]
      },
      {
        name: "context",
        short: "C",
        value: "count",
        description: "Also print so many lines of the container before and after each line."
      },
      {
        name: "limit",
        short: "n",
        value: "count",
        description: 'At most so many lines, or "all". Default: 1000.'
      },
      { name: "raw", description: "Pass control characters on to a terminal." },
      json("Print each line that was found as a JSON object, with what is before and after it.")
    ]
  },
  operations: {
    summary: "List operations, or print or follow one",
    operands: { usage: "[<id>]", min: 0, max: 1, completion: "operation" },
    about:
      "Without an id, lists operations, the newest first. With one (its first characters are enough), prints its lines, and on stderr how it ended. With -f it follows the operation to its end, from its first line on, or without an id all operations from now on. With an id and -f, exits with 0 if the operation completes, 1 if it fails, and 3 if it is interrupted.",
    flags: [
      follow("Go on with new lines until the end."),
      {
        name: "status",
        value: "status",
        description: "Only those that are waiting, running, completed, failed or interrupted.",
        completion: ["waiting", "running", "completed", "failed", "interrupted"]
      },
      { name: "kind", value: "kind", description: "Only those of this kind, such as pull_image or run_compose." },
      { name: "target", value: "target", description: "Only those on this target, such as stack:web." },
      { name: "text", value: "text", description: "Only those with this text in their id, kind, targets or error." },
      { name: "limit", short: "n", value: "count", description: "At most this many. Default: 50." },
      { name: "raw", description: "Pass control characters on to a terminal." },
      json("Print each operation, or each line of one, as a JSON object.")
    ]
  },
  cancel: {
    summary: "Cancel an operation",
    operands: { usage: "<id>", min: 1, max: 1, completion: "operation" },
    about:
      "Cancels an operation that is waiting or running, and exits when it has ended. Its first characters are enough.",
    flags: []
  },
  up: stackCommand(
    "Bring a stack up, and watch it",
    "Creates and starts the containers of a stack, or of some of its services.",
    [
      {
        name: "wait",
        description: "Complete only when each service is healthy, or has run for a while, or has ended with 0."
      },
      { name: "build", description: "Build images even if they are there." },
      { name: "remove-orphans", description: "Remove containers of services that are no longer in the compose file." }
    ],
    true
  ),
  down: stackCommand(
    "Take a stack down, and watch it",
    "Stops and removes the containers and networks of a stack.",
    [{ name: "volumes", short: "v", description: "Remove its volumes as well." }, timeout],
    false
  ),
  stop: stackCommand(
    "Stop the containers of a stack, and watch it",
    "Stops the containers of a stack, or of some of its services. They stay, and can be started again.",
    [timeout],
    true
  ),
  start: stackCommand(
    "Start the containers of a stack, and watch it",
    "Starts containers of a stack that exist, or those of some of its services. It does not create any: up does that.",
    [],
    true
  ),
  restart: stackCommand(
    "Restart a stack, and watch it",
    "Restarts the containers of a stack, or of some of its services.",
    [timeout],
    true
  ),
  pull: stackCommand(
    "Pull the images of a stack, and watch it",
    "Pulls the images of a stack, or of some of its services.",
    [],
    true
  ),
  stack: {
    summary: "List, add, check, update or remove stacks",
    operands: {
      usage: "list | add <stack> <url or path> | check|update|remove <stack>",
      min: 1,
      max: 3,
      completion: ["list", "add", "check", "update", "remove"],
      second: "stack"
    },
    about: `"list" prints the stacks, and the compose projects that run without having been added. "add" makes a compose file known under a name: from a URL, or at a path of the server's machine that the server was allowed to use; its containers are not started, "dockwire up" does that. "check" prints how the file differs from what its URL leads to now, and "update" replaces it and is watched as "dockwire up" is. "remove" forgets a stack. ${stackExits}`,
    flags: [
      { name: "force", description: "remove: even if it has containers, which then go on." },
      { name: "detach", short: "d", description: "update: print the id of the operation and exit." },
      json("Print JSON objects.")
    ]
  }
} as const satisfies Readonly<Record<string, RemoteCommand>>

/** The name of a command. */
export type RemoteCommandName = keyof typeof remoteCommands

/** Whether a word is the name of such a command. */
export const isRemoteCommand = (word: string): word is RemoteCommandName => Object.hasOwn(remoteCommands, word)
