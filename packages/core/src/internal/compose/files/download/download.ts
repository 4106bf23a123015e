import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DownloadFailed } from "../../../../DockerError.js"
import { type ConnectionOptions, openConnection } from "./connection.js"
import { basicCredentials, fingerprint, isSameOrigin, parseDownloadUrl, safeUrl } from "./downloadUrl.js"
import { transfer, type Transferred } from "./transfer.js"
import { TransferError } from "./transferError.js"

/** How files are downloaded. */
export interface DownloadOptions extends ConnectionOptions {
  /** For everything: finding the hosts, redirects, and the whole file. */
  readonly timeout: Duration.Duration
}

/** With what a server can tell that a file has not changed since. */
export interface Validator {
  /** Stands for the URL that the file was sent from, at the end of all redirects. */
  readonly source: string
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

/** A file that was downloaded. */
export interface DownloadedFile {
  readonly _tag: "Downloaded"
  readonly bytes: Uint8Array
  /** Missing if the server sends nothing that tells every change. */
  readonly validator: Validator | undefined
}

/** The file has not changed, and was not sent. */
export interface UnchangedFile {
  readonly _tag: "Unchanged"
}

const maxRedirects = 5

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

/** How much older than its response a file must be for its time to tell every change: the time counts seconds only. */
const settled = 60_000

const validatorOf = (url: URL, { date = "", etag, lastModified }: Transferred): Validator | undefined => {
  // A weak ETag may stay the same when the content changes.
  if (etag !== undefined && /^"[\x21\x23-\x7E]*"$/.test(etag)) return { source: fingerprint(url), etag }
  const age = Date.parse(date) - Date.parse(lastModified ?? "")
  return age >= settled ? { source: fingerprint(url), lastModified } : undefined
}

const conditions = ({ etag, lastModified }: Validator): Readonly<Record<string, string>> => ({
  ...(etag === undefined ? {} : { "If-None-Match": etag }),
  ...(lastModified === undefined ? {} : { "If-Modified-Since": lastModified })
})

/** The URL that a redirect leads to. */
const redirected = (from: URL, { location, status }: Transferred): Effect.Effect<URL, TransferError> => {
  const refuse = (detail: string) => Effect.fail(new TransferError("RedirectRefused", detail))
  if (location === undefined) return refuse(`status ${status} without a location`)
  if (!URL.canParse(location, from.href)) return refuse(`status ${status} with a location that is not a URL`)
  const to = new URL(location, from)
  const parsed = parseDownloadUrl(to.href)
  if (parsed._tag === "Left") return refuse(`it leads to ${to.protocol}, and only http and https are supported`)
  if (from.protocol === "https:" && to.protocol === "http:")
    return refuse(`it leads from https to ${safeUrl(to)}, which is not encrypted`)
  return Effect.succeed(parsed.right)
}

const follow = (
  asked: URL,
  options: DownloadOptions,
  known: Validator | undefined
): Effect.Effect<DownloadedFile | UnchangedFile, TransferError> =>
  Effect.gen(function* (): Effect.fn.Return<DownloadedFile | UnchangedFile, TransferError> {
    let url = asked
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const current = url
      // Credentials are for the server that they were given for, and for no other.
      const credentials =
        basicCredentials(current) ?? (isSameOrigin(current, asked) ? basicCredentials(asked) : undefined)
      const isConditional = known !== undefined && known.source === fingerprint(current)
      const response = yield* openConnection(current, options).pipe(
        Effect.flatMap((socket) =>
          transfer(socket, current, {
            Accept: "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": "dockwire",
            ...(credentials === undefined ? {} : { Authorization: credentials }),
            ...(isConditional ? conditions(known) : {})
          })
        ),
        Effect.scoped
      )
      if (response.status === 200)
        return { _tag: "Downloaded", bytes: response.body, validator: validatorOf(current, response) }
      if (response.status === 304 && isConditional) return { _tag: "Unchanged" }
      if (!isRedirect(response.status)) {
        const where = current === asked ? "" : ` from ${safeUrl(current)}`
        return yield* Effect.fail(new TransferError("Status", `status ${response.status}${where}`, response.status))
      }
      url = yield* redirected(current, response)
    }
    return yield* Effect.fail(new TransferError("RedirectRefused", `more than ${maxRedirects} redirects`))
  })

/** Downloads a file. With a validator, a server need not send it if it has not changed. Uses no proxy. */
export const download = (
  url: URL,
  options: DownloadOptions,
  known?: Validator
): Effect.Effect<DownloadedFile | UnchangedFile, DownloadFailed> =>
  follow(url, options, known).pipe(
    Effect.timeoutFail({
      duration: options.timeout,
      onTimeout: () => new TransferError("TimedOut", `no complete file within ${Duration.format(options.timeout)}`)
    }),
    Effect.mapError(
      ({ message, reason, status }) =>
        new DownloadFailed({ reason, url: safeUrl(url), ...(status === undefined ? {} : { status }), detail: message })
    )
  )
