/** What is said when something cannot be done with a stack. */
import type { ComposeProjectSummary } from "@dockwire/core/Compose"
import { type ComposeFailed, ComposeFileInvalid, ComposeFileUnusable, DownloadFailed } from "@dockwire/core/DockerError"
import { StackConflict, StackUnsuitable } from "../StackError.js"

const quoted = (text: string): string => JSON.stringify(text)

/** A project that runs, but whose compose file the server was not told to use. */
export const notAdded = (
  verb: string,
  { configFiles, name, workingDirectory }: ComposeProjectSummary
): StackUnsuitable => {
  const [file] = configFiles
  const from = workingDirectory === undefined ? "" : ` in ${workingDirectory}`
  const origin =
    file === undefined
      ? "Its containers do not tell which one that is"
      : `Its containers were made from ${configFiles.join(" and ")}${from}, on the machine where compose ran`
  const path = file === undefined ? "..." : file
  return new StackUnsuitable({
    name,
    reason: "NotAdded",
    files: configFiles,
    detail: `${quoted(verb)} needs the compose file of ${quoted(name)}, and the project was not added here. ${origin}. Add it with POST /api/stacks and ${JSON.stringify({ name, path })}, or with a "url". Until then, it can be stopped, started, restarted and taken down.`
  })
}

/** A stack whose file is one of this machine. */
export const withoutUrl = (verb: string, name: string, path: string): StackUnsuitable =>
  new StackUnsuitable({
    name,
    reason: "NoUrl",
    files: [path],
    detail: `${quoted(verb)} needs a URL, and ${quoted(name)} is the file ${path} of the server's machine. Change it there; "up" applies the change. Or remove the stack, and add it with its URL.`
  })

/** A stack whose file cannot be used any more. */
export const fileNotAllowed = (name: string, path: string, detail: string): StackUnsuitable =>
  new StackUnsuitable({
    name,
    reason: "FileNotAllowed",
    files: [path],
    detail: `The file of ${quoted(name)}, ${path}, cannot be used: ${detail}`
  })

/** The engine does not tell whether a project exists. */
export const engineRefused = (name: string, { message }: ComposeFailed): StackUnsuitable =>
  new StackUnsuitable({
    name,
    reason: "EngineRefused",
    files: [],
    detail: `Whether there is a project ${quoted(name)} is not known: ${message}`
  })

/** Another stack has the name. */
export const nameTaken = (name: string): StackConflict =>
  new StackConflict({
    name,
    reason: "Exists",
    detail: `There is a stack ${quoted(name)} already. Choose another name, or remove that one first with DELETE /api/stacks/${name}.`
  })

/** The file runs under another name: a second set of its containers is hardly what is wanted. */
export const otherProject = (name: string, path: string, { name: other }: ComposeProjectSummary): StackConflict =>
  new StackConflict({
    name,
    reason: "OtherProject",
    detail: `The compose file ${path} runs already, as the project ${quoted(other)}; as ${quoted(name)}, it would run a second time. Add it with the name ${quoted(other)}, or take that project down first with POST /api/stacks/${other}/down.`
  })

/** A stack with containers is not removed. */
export const inUse = (name: string, containers: number): StackConflict =>
  new StackConflict({
    name,
    reason: "InUse",
    detail: `${quoted(name)} has ${containers === 1 ? "a container" : `${containers} containers`}. Take it down first with POST /api/stacks/${name}/down, or pass ?force to only forget its compose file.`
  })

/** Whether a stack has containers is not known. */
export const maybeInUse = (name: string, why: string): StackConflict =>
  new StackConflict({
    name,
    reason: "InUse",
    detail: `Whether ${quoted(name)} has containers is not known: ${why} Try again later, or pass ?force to only forget its compose file.`
  })

/** With the setting that allows what was refused. */
export const explainedDownload = (error: DownloadFailed): DownloadFailed =>
  error.reason !== "AddressRefused"
    ? error
    : new DownloadFailed({
        reason: error.reason,
        url: error.url,
        detail: `${error.detail}. If this server may use it, start it with --stacks-any-address (DOCKWIRE_STACKS_ANY_ADDRESS)`
      })

/** Why a file that is on this machine is no compose file. */
export const invalidFile = (path: string, error: ComposeFailed): ComposeFileInvalid | ComposeFileUnusable => {
  const { column, detail, file = path, line, message, reason } = error
  if (reason === "FileNotFound") return new ComposeFileUnusable({ reason: "NotFound", path: file, detail })
  return new ComposeFileInvalid({
    source: file,
    reason: "Rejected",
    detail: reason === "FileInvalid" ? detail : message,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column })
  })
}
