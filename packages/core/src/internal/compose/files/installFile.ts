import * as Effect from "effect/Effect"
import type { ComposeFileInvalid, ComposeFileUnusable, DownloadFailed } from "../../api/errors/composeFileErrors.js"
import type { FileCheck } from "./composeCheck.js"
import { download, type DownloadOptions, type Validator } from "./download/download.js"
import { safeUrl } from "./download/downloadUrl.js"
import { readRecord, writeRecord } from "./downloadRecord.js"
import { decodeText, type LocatedFile, readComposeFile } from "./localFile.js"
import { backupPath, replaceFile } from "./replaceFile.js"
import { unifiedDiff } from "./unifiedDiff.js"

/** A file that was downloaded in full, and differs from the local one. */
interface NewContent {
  readonly bytes: Uint8Array
  readonly text: string
  readonly source: string
  readonly validator: Validator | undefined
}

/** For a diff: what is not UTF-8 is shown as replacement characters. */
const lossyText = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

/** Downloads what a file is to be. `undefined` if that is what it is already. */
const fetchNew = (
  { realPath }: LocatedFile,
  local: Uint8Array | undefined,
  url: URL,
  options: DownloadOptions
): Effect.Effect<NewContent | undefined, DownloadFailed | ComposeFileInvalid> =>
  Effect.gen(function* () {
    const known = local === undefined ? undefined : yield* readRecord(realPath, url, local)
    const fetched = yield* download(url, options, known)
    if (fetched._tag === "Unchanged") return undefined
    const { bytes, validator } = fetched
    if (local !== undefined && Buffer.compare(local, bytes) === 0) {
      yield* writeRecord(realPath, url, bytes, validator)
      return undefined
    }
    const source = safeUrl(url)
    return { bytes, text: yield* decodeText(source, bytes), source, validator }
  })

/** Compares a file with what a URL leads to. */
export const compareFile = (located: LocatedFile, url: URL, options: DownloadOptions) =>
  Effect.gen(function* () {
    const local = yield* readComposeFile(located)
    const content = yield* fetchNew(located, local, url, options)
    const { path } = located
    if (content === undefined) return { path, changed: false, diff: "" }
    return { path, changed: true, diff: yield* unifiedDiff(path, content.source, lossyText(local), content.text) }
  })

/** What was done to a file. */
export interface InstalledFile {
  readonly path: string
  readonly changed: boolean
  readonly diff: string
  readonly backup?: string
  readonly validation?: FileCheck
}

/** Makes a file what a URL leads to. */
export const installFile = (
  located: LocatedFile,
  url: URL,
  options: DownloadOptions,
  validate: (source: string, text: string) => Effect.Effect<FileCheck, ComposeFileInvalid>
): Effect.Effect<InstalledFile, DownloadFailed | ComposeFileInvalid | ComposeFileUnusable> =>
  Effect.gen(function* (): Effect.fn.Return<InstalledFile, DownloadFailed | ComposeFileInvalid | ComposeFileUnusable> {
    const { exists, path, realPath } = located
    const local = exists ? yield* readComposeFile(located) : undefined
    const content = yield* fetchNew(located, local, url, options)
    if (content === undefined) return { path, changed: false, diff: "" }
    const { bytes, source, text, validator } = content
    const validation = yield* validate(source, text)
    const diff = yield* unifiedDiff(path, source, lossyText(local), text)
    yield* replaceFile(realPath, bytes, exists)
    yield* writeRecord(realPath, url, bytes, validator)
    return { path, changed: true, diff, ...(exists ? { backup: backupPath(realPath) } : {}), validation }
  })
