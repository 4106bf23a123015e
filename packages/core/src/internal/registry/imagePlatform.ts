import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../DockerError.js"

/** A platform, with the names that engines use. */
export interface RequestedPlatform {
  readonly os?: string
  readonly architecture?: string
  readonly variant?: string
}

// The names are those of github.com/containerd/platforms, which the engines use.
const operatingSystems = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " "
  )
)

const architectureNames: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  i386: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"]
}

/** The variant that an architecture has if none is named. */
const defaultVariants: Readonly<Record<string, string>> = { amd64: "v1", arm: "v7", arm64: "v8" }

const normalOs = (os: string): string => (os.toLowerCase() === "macos" ? "darwin" : os.toLowerCase())

const normal = (architecture: string, variant: string) => {
  const lower = architecture.toLowerCase()
  const [name, implied] = architectureNames[lower] ?? [lower]
  const given = implied ?? variant.toLowerCase()
  const version = /^\d/.test(given) ? `v${given}` : given
  const isDefault = version === defaultVariants[name] || (name === "arm64" && version === "v8.0")
  return { architecture: name, variant: isDefault ? "" : version }
}

/** Parses a platform such as `linux/arm64`, `linux/arm/v7` or `arm64`. */
export const parsePlatform = (platform: string): Effect.Effect<RequestedPlatform, InvalidRequest> => {
  const [first = "", architecture, variant = "", ...rest] = platform.trim().split("/")
  const parts = [first, ...(architecture === undefined ? [] : [architecture]), ...(variant === "" ? [] : [variant])]
  if (rest.length > 0 || platform.trim().endsWith("/") || !parts.every((part) => /^[\w.-]+$/.test(part))) {
    const detail = "it is not a platform. Write it as OS/ARCHITECTURE[/VARIANT], such as linux/arm64"
    return Effect.fail(new InvalidRequest({ field: "platform", value: platform, detail }))
  }
  if (architecture !== undefined) {
    const { variant: normalVariant, ...rest } = normal(architecture, variant)
    return Effect.succeed({ os: normalOs(first), ...rest, ...(normalVariant === "" ? {} : { variant: normalVariant }) })
  }
  if (operatingSystems.has(normalOs(first))) return Effect.succeed({ os: normalOs(first) })
  const { variant: normalVariant, ...named } = normal(first, "")
  return Effect.succeed({ ...named, ...(normalVariant === "" ? {} : { variant: normalVariant }) })
}

/** The platform of an image, as it says. */
export interface ActualPlatform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
}

/** A platform in words, such as `linux/arm/v7`. */
export const platformName = ({ architecture, os, variant = "" }: ActualPlatform): string =>
  [os, architecture, ...(variant === "" ? [] : [variant])].join("/")

/** Whether an image is for exactly this platform. One without a variant is for the default one. */
export const isSamePlatform = (wanted: RequestedPlatform, image: ActualPlatform): boolean => {
  const actual = normal(image.architecture, image.variant ?? "")
  return (
    (wanted.os === undefined || wanted.os === normalOs(image.os)) &&
    (wanted.architecture === undefined ||
      (wanted.architecture === actual.architecture && (wanted.variant ?? "") === actual.variant))
  )
}

const armVersion = (variant: string): number => Number(/^v(\d+)$/.exec(variant)?.[1] ?? Number.NaN)

/**
 * Whether an image is for a platform. As for the engine, an image without a variant, and one for an earlier version of ARM,
 * are.
 */
export const isForPlatform = (wanted: RequestedPlatform, image: ActualPlatform): boolean => {
  const actual = normal(image.architecture, image.variant ?? "")
  if (wanted.os !== undefined && wanted.os !== normalOs(image.os)) return false
  if (wanted.architecture === undefined) return true
  if (wanted.architecture !== actual.architecture) return false
  if (image.variant === undefined || image.variant === "" || (wanted.variant ?? "") === actual.variant) return true
  const defaultVariant = defaultVariants[actual.architecture] ?? ""
  return armVersion(actual.variant || defaultVariant) <= armVersion(wanted.variant ?? defaultVariant)
}
