import type { ComposeFailure } from "../../../DockerError.js"

/** What the words of compose say of a failure. */
export interface FailureText {
  readonly reason:
    | Exclude<ComposeFailure, "NotInstalled" | "Busy">
    | "PortAllocated"
    | "EngineUnavailable"
    | "Image"
    | "CredentialsUnavailable"
  readonly service?: string | undefined
  /** The container whose service is at fault. */
  readonly container?: string | undefined
  readonly variable?: string | undefined
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly exitCode?: number | undefined
  /** The image that could not be got. */
  readonly image?: string | undefined
}

type Groups = Readonly<Record<string, string | undefined>>

const integer = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))

const fields = (reason: FailureText["reason"], groups: Groups): FailureText => ({
  reason,
  service: groups["service"],
  container: groups["container"],
  variable: groups["variable"],
  file: groups["file"],
  line: integer(groups["line"]),
  exitCode: integer(groups["code"]),
  image: groups["image"]
})

/**
 * What compose writes, by what it means. The first row that matches counts: those in front may contain the words of others. The
 * groups are the fields of `FailureText`.
 */
const rows: ReadonlyArray<readonly [FailureText["reason"], RegExp]> = [
  [
    "EngineUnavailable",
    /Cannot connect to the Docker daemon|Is the docker daemon running|failed to connect to the docker API/
  ],
  ["EngineUnavailable", /error during connect: |permission denied while trying to connect to the Docker daemon/],
  ["VariableMissing", /required variable (?<variable>\S+) is missing a value/],
  ["VariableMissing", /environment variable "(?<variable>[^"]+)" required by (?:file|secret|config)/],
  ["CredentialsUnavailable", /error getting credentials - err: /],
  // A build: the image of its Dockerfile, or the build itself.
  ["Image", /failed to resolve source metadata for (?<image>\S+): /],
  ["BuildFailed", /target (?<service>[\w.-]+): failed to solve: (?:.*exit code: (?<code>\d+))?/s],
  ["BuildFailed", /failed to solve: (?:.*exit code: (?<code>\d+))?/s],
  ["BuildFailed", /unable to prepare context: |failed to read dockerfile|dockerfile parse error|failed to build: /],
  ["DependencyUnhealthy", /dependency failed to start: container (?<container>\S+) is unhealthy/],
  ["DependencyUnhealthy", /dependency failed to start: container (?<container>\S+) exited \((?<code>\d+)\)/],
  ["DependencyUnhealthy", /service "(?<service>[^"]+)" didn't complete successfully: exit (?<code>\d+)/],
  ["DependencyUnhealthy", /dependency failed to start: /],
  ["Unhealthy", /container (?<container>\S+) is unhealthy/],
  ["Exited", /container (?<container>\S+) exited \((?<code>\d+)\)/],
  [
    "PortAllocated",
    /(?:endpoint (?<container>\S+) .*)?(?:port is already allocated|bind: address already in use|failed to bind host port .*address already in use|ports are not available)/s
  ],
  ["NameConflict", /container name "\/?(?<container>[^"]+)" is already in use/],
  ["ExternalMissing", /(?:network|volume) \S+ declared as external, but could not be found/],
  ["ExternalMissing", /external volume \S+ not found|^(?:Error response from daemon: )?network \S+ not found/m],
  ["ServiceNotFound", /no such service:(?: (?<service>.+))?$/m],
  ["Image", /unable to get image '(?<image>[^']+)': /],
  ["Image", /No such image: (?<image>\S+)/],
  // Podman's words.
  ["Image", /initializing source docker:\/\/(?<image>\S+): /],
  ["Image", /(?:pull access denied|access denied|manifest) for (?<image>[^\s,]+)/],
  // A file of the engine's host.
  ["FileNotFound", /bind source path does not exist: (?<file>.+)$/m],
  // Of files, as the engine does not speak of them.
  [
    "FileNotFound",
    /^(?!Error response from daemon)(?:.*: )?(?:open|stat) (?<file>.+?): (?:no such file or directory|permission denied|not a directory)/m
  ],
  ["FileNotFound", /env file (?<file>.+) not found: |[Cc]ouldn't find env file: (?<file2>.+)$/m],
  ["FileNotFound", /^(?:failed to read .+: )?read (?<file>.+): is a directory/m],
  ["FileNotFound", /no configuration file provided: not found/],
  ["FileInvalid", /failed to (?:read|parse) (?<file>.+?): (?:yaml: )?(?:unmarshal errors:\s+)?line (?<line>\d+): /],
  ["FileInvalid", /failed to (?:read|parse) (?<file>.+?): yaml: /],
  ["FileInvalid", /validating (?<file>.+?): /],
  ["FileInvalid", /cannot extend service "(?<service>[^"]+)" in (?<file>.+?): /],
  ["FileInvalid", /service "?(?<service>[\w.-]+)"? .*: invalid compose project/],
  ["FileInvalid", /dependency cycle detected: (?<service>\S+) ->/],
  ["FileInvalid", /include cycle detected:\s+(?<file>.+)$/m],
  ["FileInvalid", /Circular reference:\s+(?<service>\S+) in (?<file>.+)$/m],
  ["FileInvalid", /^yaml: (?:unmarshal errors:\s+)?(?:line (?<line>\d+): )?/m],
  [
    "FileInvalid",
    /empty compose file|top-level object must be a mapping|\bmust be an? (?:list|array|mapping|object|string|boolean|number|integer)\b|invalid compose project|invalid interpolation format|invalid (?:host|container)Port|invalid project name|project name must not be empty|non-string key|cannot unmarshal|failed to read .*\.env: line|invalid (?:proto|spec|mount|volume|service name)|invalid reference format/i
  ],
  ["Failed", /service "(?<service>[^"]+)" (?:has no container|is not running)/]
]

/** What compose says of a line in a file of variables. Version 2.26 does not say in which one. */
export const isOfVariables = (words: string): boolean =>
  /^line \d+: (?:unexpected character|unterminated quoted value)/m.test(words)

/** What the docker command says that has no plugin `compose`: its first argument is not known, and all of the usage may follow. */
const pluginMissing =
  /^unknown flag: --progress$|'compose' is not a docker command|unknown command: docker compose|^Run 'docker (?:COMMAND )?--help' for more information/m

/** Whether it was the docker command that failed, as it has no plugin `compose`. */
export const isPluginMissing = (words: string): boolean => pluginMissing.test(words)

/** By the exit codes of version 2.32 and before, for words that are not known. */
const byExitCode: Readonly<Record<number, FailureText["reason"]>> = {
  14: "FileNotFound",
  15: "FileInvalid",
  17: "BuildFailed",
  18: "Image"
}

/** What the words of a compose command that failed mean. */
export const failureText = (words: string, exitCode: number | undefined): FailureText => {
  for (const [reason, pattern] of rows) {
    const match = pattern.exec(words)
    if (match === null) continue
    const groups = match.groups ?? {}
    return fields(reason, { ...groups, file: groups["file"] ?? groups["file2"] })
  }
  return { reason: byExitCode[exitCode ?? 0] ?? "Failed" }
}
