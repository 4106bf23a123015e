import { cleanPath, trimSpace } from "./pathPattern.js"

/** The pattern of a line, cleaned as the docker command cleans it. Patterns are relative to the context: `/a` is `a`. */
const readLine = (line: string): string => {
  const trimmed = trimSpace(line)
  const isException = trimmed.startsWith("!")
  const rest = isException ? trimSpace(trimmed.slice(1)) : trimmed
  const cleaned = rest === "" ? "" : cleanPath(rest).replace(/^\/(?=.)/, "")
  return isException ? `!${cleaned}` : cleaned
}

/** The patterns in an ignore file, in order. Empty lines and those that begin with `#` are left out. */
export const readIgnoreFile = (content: Uint8Array): ReadonlyArray<string> =>
  Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    .toString("utf8")
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#") && trimSpace(line) !== "")
    .map(readLine)
