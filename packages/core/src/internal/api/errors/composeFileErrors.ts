import * as Schema from "effect/Schema"

/**
 * Why a compose file was not downloaded: the host name is unknown (`HostNotFound`) or the host cannot be reached
 * (`Unreachable`); the URL leads to an address that is not public (`AddressRefused`); the certificate is not valid
 * (`Untrusted`); there are too many redirects, or one that leads elsewhere than to http and https, or from https to http
 * (`RedirectRefused`); the server answered with another status than 200 (`Status`) or with something that is not understood
 * (`BadResponse`); the file is larger than 1 MiB (`TooLarge`); it took too long (`TimedOut`), or the connection was lost
 * before the end (`Lost`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const DownloadFailure = Schema.Literal(
  "HostNotFound",
  "Unreachable",
  "AddressRefused",
  "Untrusted",
  "RedirectRefused",
  "Status",
  "BadResponse",
  "TooLarge",
  "TimedOut",
  "Lost"
)

/**
 * @since 0.1.0
 * @category models
 */
export type DownloadFailure = typeof DownloadFailure.Type

const downloadSentence: Record<DownloadFailure, string> = {
  HostNotFound: "no such host. Check the URL.",
  Unreachable: "the server cannot be reached. Check the URL, and that the server is running.",
  AddressRefused: "it leads to an address that is not public, which is not allowed here.",
  Untrusted: "the server's certificate is not valid. Check the URL, or trust the authority that signed it.",
  RedirectRefused: "the server redirects to where this download does not follow. Use the URL that it leads to.",
  Status: "the server does not send the file. Check the URL.",
  BadResponse: "the server's response is not understood. Check the URL.",
  TooLarge: "it is larger than 1 MiB. Check that the URL is that of a compose file.",
  TimedOut: "it took too long. Try again.",
  Lost: "the connection was lost. Try again."
}

/**
 * A compose file was not downloaded.
 *
 * @since 0.1.0
 * @category errors
 */
export class DownloadFailed extends Schema.TaggedError<DownloadFailed>("@dockwire/core/DownloadFailed")(
  "DownloadFailed",
  {
    reason: DownloadFailure,
    /** The URL as the caller passed it, without user name, password and query. */
    url: Schema.String,
    /** The status that the server answered with, for the reason `Status`. */
    status: Schema.optional(Schema.Number),
    /** What happened. */
    detail: Schema.String
  }
) {
  override get message(): string {
    return `Cannot download ${this.url}: ${downloadSentence[this.reason]} (${this.detail})`
  }
}

/**
 * A file is not a compose file, or not a valid one.
 *
 * @since 0.1.0
 * @category errors
 */
export class ComposeFileInvalid extends Schema.TaggedError<ComposeFileInvalid>("@dockwire/core/ComposeFileInvalid")(
  "ComposeFileInvalid",
  {
    /** The path of the file, or the URL that it came from, without user name, password and query. */
    source: Schema.String,
    /** It is not UTF-8, or larger than 1 MiB; it is not the YAML of a compose file; or compose rejects it. */
    reason: Schema.Literal("NotUtf8", "TooLarge", "InvalidYaml", "Rejected"),
    /** What kind of problem the YAML has, such as `BAD_INDENT`, `DUPLICATE_KEY`, `EMPTY` or `NOT_A_MAPPING`. */
    code: Schema.optional(Schema.String),
    /** From 1, for `InvalidYaml`. */
    line: Schema.optional(Schema.Number),
    /** From 1, for `InvalidYaml`. */
    column: Schema.optional(Schema.Number),
    /** What is wrong, or the message of compose. */
    detail: Schema.String
  }
) {
  override get message(): string {
    const place = this.line === undefined ? "" : `, line ${this.line}, column ${this.column ?? 1}`
    return `${this.source}${place} is not a valid compose file: ${this.detail}. Correct the file, or choose another.`
  }
}

/**
 * Why a compose file on this machine cannot be read or written: it does not exist (`NotFound`) or exists already (`Exists`);
 * something else than a file is in its place (`NotAFile`); it is a link that leads out of the folder (`OutsideFolder`); this
 * process may not use it (`PermissionDenied`); the disk is full (`DiskFull`); anything else (`Failed`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeFileProblem = Schema.Literal(
  "NotFound",
  "Exists",
  "NotAFile",
  "OutsideFolder",
  "PermissionDenied",
  "DiskFull",
  "Failed"
)

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeFileProblem = typeof ComposeFileProblem.Type

const fileSentence: Record<ComposeFileProblem, string> = {
  NotFound: "it does not exist. Check the name, or list the files to see which exist.",
  Exists: "it exists already. Choose another name, or replace it.",
  NotAFile: "something else than a file is in its place. Move that away first.",
  OutsideFolder: "it is a link that leads out of the folder. Replace the link by a file.",
  PermissionDenied: "permission denied. Use an account that may read and write it.",
  DiskFull: "the disk is full. Free some space first.",
  Failed: "the operation failed."
}

/**
 * A compose file on this machine cannot be read or written. It is as it was before.
 *
 * @since 0.1.0
 * @category errors
 */
export class ComposeFileUnusable extends Schema.TaggedError<ComposeFileUnusable>("@dockwire/core/ComposeFileUnusable")(
  "ComposeFileUnusable",
  {
    reason: ComposeFileProblem,
    path: Schema.String,
    /** The underlying error. */
    detail: Schema.String
  }
) {
  override get message(): string {
    return `Cannot use ${this.path}: ${fileSentence[this.reason]} (${this.detail})`
  }
}
