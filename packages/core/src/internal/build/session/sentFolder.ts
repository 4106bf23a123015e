import { InvalidRequest } from "../../../DockerError.js"
import { type BuildContext, ignoreFileName } from "../context/buildContext.js"
import type { ContextDocument } from "../context/contextDocument.js"
import type { ContextEntry } from "../context/contextEntry.js"
import type { OpenContextFile } from "../context/contextFile.js"
import type { ContextFilter } from "../context/contextFilter.js"
import { ContextWalk } from "../context/contextWalk.js"
import { findLocalPaths } from "../context/localPaths.js"
import { OpenedFiles } from "../context/openedFiles.js"
import { FollowedPaths } from "../context/followPaths.js"
import { PatternList } from "../patterns/patternList.js"
import { type GrpcCall, GrpcFailure, grpcStatus } from "./grpcServer.js"

/** A folder that is sent to the engine. */
export interface SentFolder {
  /** What there is in it, in order. Throws `InvalidRequest`. */
  readonly batches: AsyncIterable<ReadonlyArray<ContextEntry>>
  /** Hands out no more batches. */
  readonly stop: () => void
  /** Opens a file that was told of. Returns a promise if that may take a while. Fails with `InvalidRequest`. */
  readonly open: (path: string) => Promise<OpenContextFile> | OpenContextFile
}

const decode = (value: string): string => decodeURIComponent(value.replaceAll("+", " "))

/** The values of a header. They are encoded if one of them is not ASCII. */
const headerValues = (call: GrpcCall, name: string): ReadonlyArray<string> => {
  const values = call.header(name)
  return call.header(`${name}-encoded`)[0] === "1" ? values.map(decode) : values
}

const parsePatterns = (texts: ReadonlyArray<string>): PatternList | undefined => {
  const list = texts.length === 0 ? undefined : PatternList.parse(texts)
  if (typeof list === "string") throw new InvalidRequest({ field: "context", value: ignoreFileName, detail: list })
  return list
}

const readFilter = async (call: GrpcCall, root: string): Promise<ContextFilter> => {
  const followed = headerValues(call, "followpaths")
  const found = followed.length === 0 ? undefined : await new FollowedPaths(root).resolve(followed)
  return {
    include: parsePatterns([...headerValues(call, "include-patterns"), ...(found ?? [])]),
    exclude: parsePatterns(headerValues(call, "exclude-patterns"))
  }
}

const memoryFile = (content: Uint8Array): OpenContextFile => {
  let position = 0
  return {
    fill: (target) => {
      target.set(content.subarray(position, position + target.length))
      position += target.length
      return undefined
    },
    close: () => undefined
  }
}

/** A folder with files in memory. */
const memoryFolder = (documents: ReadonlyMap<string, ContextDocument>): SentFolder => {
  const entries = [...documents].map(([path, { content, modified }]): ContextEntry => {
    const plain = { linkTarget: "", deviceMajor: 0, deviceMinor: 0 }
    return { path, kind: "file", mode: 0o644, size: content.length, modified, ...plain }
  })
  return {
    batches: (async function* () {
      yield entries
    })(),
    stop: () => {},
    open: (path) => memoryFile(documents.get(path)?.content ?? new Uint8Array())
  }
}

/** A folder with the Dockerfile and its ignore file only, so that the engine cannot ask for what else is beside them. */
const dockerfileFolder = ({ dockerfile, dockerfileName, ownIgnoreFile }: BuildContext): SentFolder => {
  const documents = new Map<string, ContextDocument>([[dockerfileName, dockerfile]])
  if (ownIgnoreFile !== undefined) documents.set(`${dockerfileName}${ignoreFileName}`, ownIgnoreFile)
  return memoryFolder(documents)
}

/** The folder that a call asks for, filtered as it says. */
export const requestedFolder = async (call: GrpcCall, context: BuildContext): Promise<SentFolder> => {
  const [name] = headerValues(call, "dir-name")
  if (name === "dockerfile") return dockerfileFolder(context)
  if (name !== "context") throw new GrpcFailure(grpcStatus.notFound, `this build has no directory "${name ?? ""}"`)
  const { folder } = context
  if (folder === undefined) return memoryFolder(new Map())
  const isLocal = await findLocalPaths(folder)
  const walk = new ContextWalk(folder, await readFilter(call, folder), isLocal)
  const files = new OpenedFiles(folder, isLocal)
  return {
    batches: walk.batches(),
    stop: () => walk.stop(),
    open: (path) => files.open(path)
  }
}
