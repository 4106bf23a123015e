import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest } from "../../Docker.js"
import { decodeResponse } from "../api/decode.js"

/**
 * A file or directory in a container.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FileStat = Schema.Struct({
  name: Schema.String,
  kind: Schema.Literal("file", "directory", "symlink", "device", "pipe", "socket", "other"),
  size: Schema.Number.annotations({ description: "In bytes" }),
  mode: Schema.Number.annotations({
    description: "The permission bits with set-user-ID, set-group-ID and sticky, such as 0o4755"
  }),
  modified: Schema.String.annotations({ description: "The modification time, RFC 3339" }),
  linkTarget: Schema.optionalWith(
    Schema.String.annotations({
      description: "The absolute path that a symbolic link leads to in the end, whether it exists or not"
    }),
    { exact: true }
  )
}).annotations({ identifier: "FileStat", description: "A file or directory in a container" })

/**
 * @since 0.1.0
 * @category models
 */
export type FileStat = typeof FileStat.Type

const decodePathStat = decodeResponse(
  Schema.parseJson(
    Schema.Struct({
      name: Schema.String,
      size: Schema.Number,
      mode: Schema.Number,
      mtime: Schema.String,
      linkTarget: Schema.optional(Schema.String)
    })
  )
)

// The bits of Go's io/fs.FileMode.
const kinds = [
  [31, "directory"],
  [27, "symlink"],
  [26, "device"],
  [25, "pipe"],
  [24, "socket"],
  [19, "other"]
] as const
const modeBits = [
  [23, 0o4000],
  [22, 0o2000],
  [20, 0o1000]
] as const

const hasBit = (mode: number, bit: number): boolean => Math.floor(mode / 2 ** bit) % 2 === 1

const toFileStat = (stat: Effect.Effect.Success<ReturnType<typeof decodePathStat>>): FileStat => {
  const { linkTarget, mode, mtime, name, size } = stat
  const kind = kinds.find(([bit]) => hasBit(mode, bit))?.[1] ?? "file"
  return {
    name,
    kind,
    size,
    mode: modeBits.reduce((sum, [bit, value]) => sum + (hasBit(mode, bit) ? value : 0), mode % 0o1000),
    modified: mtime,
    // For anything but a symbolic link, Podman sends the path itself.
    ...(kind !== "symlink" || linkTarget === undefined || linkTarget === "" ? {} : { linkTarget })
  }
}

/** Decodes the header in which the engine describes the file of a request. */
export const decodeFileStat = (
  request: DockerRequest,
  status: number,
  headers: Readonly<Record<string, string>> | undefined
) => {
  const encoded = headers?.["x-docker-container-path-stat"] ?? ""
  const text = Buffer.from(encoded, "base64").toString("utf8")
  return Effect.map(decodePathStat(request, status, text), toFileStat)
}
