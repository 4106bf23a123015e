/** The help of `dockwire` and its commands. */
import {
  connectionFlags,
  type RemoteCommand,
  type RemoteCommandName,
  remoteCommands,
  type RemoteFlag
} from "./remote/commands.js"
import { type ServeFlag, serveFlags } from "./serveFlags.js"

/** Columns of the text. */
const width = 80

const wrap = (text: string, indent: string): string => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  return [...lines, line].map((each) => `${indent}${each}`).join("\n")
}

const withValue = ({ name, value }: ServeFlag): string => (value === undefined ? `--${name}` : `--${name} <${value}>`)

const usage = (flag: ServeFlag): string => `[${withValue(flag)}]${flag.repeated === true ? "..." : ""}`

/** Breaks only between flags. */
const wrapUsage = (command: string, flags: ReadonlyArray<string>): string => {
  const indent = " ".repeat(command.length + 1)
  // Spaces within a flag must not break, so they are replaced while wrapping.
  const wrapped = wrap(flags.map((flag) => flag.replaceAll(" ", "\u0000")).join(" "), indent).replaceAll("\u0000", " ")
  return command + wrapped.slice(command.length)
}

const flags: ReadonlyArray<ServeFlag> = Object.values(serveFlags)

const describe = (flag: ServeFlag): string =>
  `  ${withValue(flag)}\n${wrap(flag.description, "      ")}\n      Environment: ${flag.variable}\n`

/** What `dockwire serve --help` prints. */
export const serveHelp = `${wrapUsage("Usage: dockwire serve", flags.map(usage))}

Runs the log server and prints the link to open. Every setting is also an
environment variable; the flag takes precedence.

Options:
${flags.map(describe).join("")}  -h, --help
      Show this help.

Exits with 2 if a setting is invalid, and with 1 if it cannot be used.
`

const remoteFlag = ({ description, name, short, value, variable }: RemoteFlag): string => {
  const long = value === undefined ? `--${name}` : `--${name} <${value}>`
  const environment = variable === undefined ? "" : `      Environment: ${variable}\n`
  return `  ${short === undefined ? "" : `-${short}, `}${long}\n${wrap(description, "      ")}\n${environment}`
}

/** What `dockwire <command> --help` prints. */
export const remoteHelp = (name: RemoteCommandName): string => {
  const { about, flags, operands }: RemoteCommand = remoteCommands[name]
  const all = [...flags, ...connectionFlags].map(remoteFlag)
  return `Usage: dockwire ${name} [options] ${operands.usage}

${wrap(about, "")}

Options:
${all.join("")}  -h, --help
      Show this help.
`
}

const summary = ([name, { summary }]: readonly [string, RemoteCommand]): string => `  ${name.padEnd(11)}   ${summary}\n`

/** What `dockwire --help` prints. */
export const dockwireHelp = `Usage: dockwire <command> [options]

Live Docker logs in your browser.

The server:
  serve         Run the log server and print the link to open
  token         Create, list and revoke tokens with scopes
  healthcheck   Exit with 0 if the server on this machine responds, otherwise with 1

Through a running server:
${Object.entries(remoteCommands).map(summary).join("")}
  completion    Print a script that completes commands in bash, zsh or fish

Options:
  -h, --help      Show the help of dockwire, or of a command
  -v, --version   Show the version

Run "dockwire <command> --help" for the options of a command.
`

/** What `dockwire completion --help` prints. */
export const completionHelp = `Usage: dockwire completion bash|zsh|fish

Prints a script that completes commands, flags, and the names of containers,
stacks and operations, which it asks the server for.

  bash   source <(dockwire completion bash)
         in ~/.bashrc
  zsh    dockwire completion zsh > "\${fpath[1]}/_dockwire"
         or source <(dockwire completion zsh) in ~/.zshrc, after compinit
  fish   dockwire completion fish > ~/.config/fish/completions/dockwire.fish
`

/** What `dockwire token --help` prints. */
export const tokenHelp = `Usage: dockwire token create <name> --scope <scope>... [--expires <time>]
       dockwire token list
       dockwire token revoke <name>

Creates, lists and revokes the tokens of the tokens file, which holds only their
hashes. A running server reads the file again when it changes. A new token is
printed once.

Options:
  --scope <scope>
      What the token allows: read, operate or exec. Can be repeated. One scope
      does not contain another.
  --expires <time>
      How long the token is valid: 12h, 30d, 8w, 1y. Default: until it is revoked.
  --tokens-file <file>
      Default: tokens in the data directory.
      Environment: DOCKWIRE_TOKENS_FILE
  --data-dir <directory>
      The server's data directory. Default: as for "dockwire serve".
      Environment: DOCKWIRE_DATA_DIR
  -h, --help
      Show this help.
`
