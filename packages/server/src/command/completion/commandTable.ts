/** Every command, with what completes it. */
import {
  type Completion,
  connectionFlags,
  type RemoteCommand,
  remoteCommands,
  type RemoteFlag
} from "../remote/commands.js"
import { type ServeFlag, serveFlags } from "../serveFlags.js"

/** A command, as far as it can be completed. */
export interface CompletedCommand {
  readonly summary: string
  readonly flags: ReadonlyArray<
    Pick<RemoteFlag, "completion" | "description" | "name" | "repeated" | "short" | "value">
  >
  readonly operands: { readonly max: number; readonly completion: Completion; readonly second?: Completion }
}

const none = { max: 0, completion: [] }

const serveCompletions: Readonly<Record<string, Completion>> = {
  engine: ["docker", "auto", "memory"],
  "data-dir": "directory",
  "stacks-dir": "directory",
  "tokens-file": "directory"
}

const withCompletion = (flag: ServeFlag): RemoteFlag => {
  const completion = serveCompletions[flag.name]
  return completion === undefined ? flag : { ...flag, completion }
}

const flagsOf = (...names: ReadonlyArray<keyof typeof serveFlags>): ReadonlyArray<RemoteFlag> =>
  names.map((name) => withCompletion(serveFlags[name]))

const remote: ReadonlyArray<readonly [string, RemoteCommand]> = Object.entries(remoteCommands)

/** By name, in the order of the help. */
export const commandTable: ReadonlyMap<string, CompletedCommand> = new Map<string, CompletedCommand>([
  [
    "serve",
    {
      summary: "Run the log server and print the link to open",
      flags: Object.values<ServeFlag>(serveFlags).map(withCompletion),
      operands: none
    }
  ],
  [
    "token",
    {
      summary: "Create, list and revoke tokens with scopes",
      flags: [
        {
          name: "scope",
          value: "scope",
          repeated: true,
          description: "What the token allows",
          completion: ["read", "operate", "exec"]
        },
        { name: "expires", value: "time", description: "How long the token is valid" },
        ...flagsOf("tokensFile", "dataDir")
      ],
      operands: { max: 1, completion: ["create", "list", "revoke"] }
    }
  ],
  [
    "healthcheck",
    {
      summary: "Exit with 0 if the server on this machine responds, otherwise with 1",
      flags: flagsOf("host", "port"),
      operands: none
    }
  ],
  ...remote.map(
    ([name, { flags, operands, summary }]) =>
      [name, { summary, flags: [...flags, ...connectionFlags], operands }] as const
  ),
  [
    "completion",
    {
      summary: "Print a script that completes commands in bash, zsh or fish",
      flags: [],
      operands: { max: 1, completion: ["bash", "zsh", "fish"] }
    }
  ]
])
