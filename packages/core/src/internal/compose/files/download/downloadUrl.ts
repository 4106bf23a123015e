import * as Either from "effect/Either"
import { createHash } from "node:crypto"
import { InvalidRequest } from "../../../../DockerError.js"

/** A URL for messages: without user name, password, query and fragment, any of which may be secret. */
export const safeUrl = (url: URL): string =>
  `${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : "?..."}`

/** The same for a text that is no URL: whatever stands before an @ or behind a question mark may be secret. */
const safeText = (text: string): string =>
  text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1")
    .replace(/[?#].*$/s, "")
    .slice(0, 200)

/** Parses the URL of a compose file. */
export const parseDownloadUrl = (text: string): Either.Either<URL, InvalidRequest> => {
  const invalid = (value: string, detail: string) => Either.left(new InvalidRequest({ field: "URL", value, detail }))
  if (!URL.canParse(text))
    return invalid(safeText(text), "it is not a URL. Use one such as https://example.com/compose.yaml.")
  const url = new URL(text)
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return invalid(safeText(text), "only http and https are supported.")
  url.hash = ""
  return Either.right(url)
}

/** Whether two URLs are of one server, which may then get the same credentials. */
export const isSameOrigin = (left: URL, right: URL): boolean => left.origin === right.origin

/** The credentials in a URL, for the header `Authorization`. */
export const basicCredentials = ({ password, username }: URL): string | undefined => {
  if (username === "" && password === "") return undefined
  const decoded = [username, password].map((part) => {
    try {
      return decodeURIComponent(part)
    } catch {
      return part
    }
  })
  return `Basic ${Buffer.from(decoded.join(":")).toString("base64")}`
}

/** A text that stands for a URL without its user name and password, and does not reveal its query. */
export const fingerprint = ({ host, pathname, protocol, search }: URL): string =>
  createHash("sha256").update(`${protocol}//${host}${pathname}${search}`).digest("hex")
