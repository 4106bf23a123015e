import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createHash, randomBytes } from "node:crypto"
import { readFile, rename, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import type { Validator } from "./download/download.js"
import { fingerprint } from "./download/downloadUrl.js"

/**
 * What is remembered of a download, in a file beside the compose file. It only saves transfers: without it, or with one that is
 * damaged, the file is downloaded again.
 */
const DownloadRecord = Schema.parseJson(
  Schema.Struct({
    /** Stands for the URL that was asked for. */
    url: Schema.String,
    /** SHA-256 of the content. */
    content: Schema.String,
    source: Schema.String,
    etag: Schema.optional(Schema.String),
    lastModified: Schema.optional(Schema.String)
  })
)

const decode = Schema.decodeUnknown(DownloadRecord)
const encode = Schema.encode(DownloadRecord)

/** Where the record of a compose file is. */
export const recordPath = (path: string): string => join(dirname(path), `.${basename(path)}.download.json`)

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** With what to ask whether a URL has changed, if the local file is what was downloaded from there. */
export const readRecord = (path: string, url: URL, local: Uint8Array): Effect.Effect<Validator | undefined> =>
  Effect.tryPromise(() => readFile(recordPath(path), "utf8")).pipe(
    Effect.flatMap(decode),
    Effect.map((record) => (record.url === fingerprint(url) && record.content === digest(local) ? record : undefined)),
    // It is a header of a request.
    Effect.filterOrElse(
      (record) => record === undefined || /^[\x20-\x7E]*$/.test(`${record.etag ?? ""}${record.lastModified ?? ""}`),
      () => Effect.succeed(undefined)
    ),
    Effect.orElseSucceed(() => undefined)
  )

/** Remembers a download. Where that is not possible, the next one is made in full. */
export const writeRecord = (
  path: string,
  url: URL,
  bytes: Uint8Array,
  validator: Validator | undefined
): Effect.Effect<void> => {
  const target = recordPath(path)
  if (validator === undefined) return Effect.ignore(Effect.tryPromise(() => rm(target, { force: true })))
  const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`
  return encode({ ...validator, url: fingerprint(url), content: digest(bytes) }).pipe(
    Effect.flatMap((text) =>
      Effect.tryPromise(async () => {
        try {
          await writeFile(temporary, text, { flag: "wx" })
          await rename(temporary, target)
        } finally {
          await rm(temporary, { force: true })
        }
      })
    ),
    Effect.uninterruptible,
    Effect.ignore
  )
}
