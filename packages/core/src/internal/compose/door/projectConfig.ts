import { isRecord } from "effect/Predicate"
import type { DeclaredService } from "../failure/composeFailure.js"

const parsed = (text: string): Readonly<Record<PropertyKey, unknown>> => {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

const servicesIn = (
  text: string
): ReadonlyArray<readonly [name: string, service: Readonly<Record<PropertyKey, unknown>>]> => {
  const { services } = parsed(text)
  return isRecord(services)
    ? Object.entries(services).flatMap(([name, service]) => (isRecord(service) ? [[name, service] as const] : []))
    : []
}

/** The name of the project in what `config --format json` prints. */
export const projectNameIn = (text: string): string | undefined => textOf(parsed(text)["name"])

/** The services in what `config --format json` prints. */
export const declaredServices = (text: string): ReadonlyArray<DeclaredService> =>
  servicesIn(text).map(([name, service]) => ({
    name,
    image: textOf(service["image"]),
    containerName: textOf(service["container_name"]),
    isBuilt: isRecord(service["build"])
  }))

/** A folder of the engine's host that a service mounts, and that compose makes if it is missing. */
export interface BindSource {
  readonly service: string
  readonly source: string
}

/** The sources in what `config --format json` prints. */
export const bindSources = (text: string): ReadonlyArray<BindSource> =>
  servicesIn(text).flatMap(([service, { volumes }]) =>
    (Array.isArray(volumes) ? volumes : []).flatMap((volume: unknown) => {
      if (!isRecord(volume) || volume["type"] !== "bind") return []
      const source = textOf(volume["source"])
      const bind = volume["bind"]
      return source !== undefined && isRecord(bind) && bind["create_host_path"] === true ? [{ service, source }] : []
    })
  )
