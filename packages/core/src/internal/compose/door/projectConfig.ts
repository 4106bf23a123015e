import { isRecord } from "effect/Predicate"
import type { DeclaredService } from "../failure/composeFailure.js"
import type { ExpectedService } from "../project/projectStatus.js"

type Fields = Readonly<Record<PropertyKey, unknown>>

const parsed = (text: string): Fields => {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

const servicesIn = ({ services }: Fields): ReadonlyArray<readonly [name: string, service: Fields]> =>
  isRecord(services)
    ? Object.entries(services).flatMap(([name, service]) => (isRecord(service) ? [[name, service] as const] : []))
    : []

const numberOf = (value: unknown, otherwise: number): number => {
  const number = typeof value === "string" ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) ? number : otherwise
}

/** How many containers a service has. */
export const replicasOf = ({ deploy, scale }: Fields): number =>
  numberOf(isRecord(deploy) ? deploy["replicas"] : undefined, numberOf(scale, 1))

/** The services in what `config --format json` prints. */
export const declaredServices = (text: string): ReadonlyArray<DeclaredService> =>
  servicesIn(parsed(text)).map(([name, service]) => ({
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

const bindSources = (services: ReadonlyArray<readonly [name: string, service: Fields]>): ReadonlyArray<BindSource> =>
  services.flatMap(([service, { volumes }]) =>
    (Array.isArray(volumes) ? volumes : []).flatMap((volume: unknown) => {
      if (!isRecord(volume) || volume["type"] !== "bind") return []
      const source = textOf(volume["source"])
      const bind = volume["bind"]
      return source !== undefined && isRecord(bind) && bind["create_host_path"] === true ? [{ service, source }] : []
    })
  )

/** What the files of a project declare for the active profiles. */
export interface ProjectDeclaration {
  readonly name: string
  readonly services: ReadonlyArray<ExpectedService>
  readonly binds: ReadonlyArray<BindSource>
}

/** What is declared in what `config --format json` prints; `undefined` if it prints something else. */
export const projectDeclaration = (text: string): ProjectDeclaration | undefined => {
  const config = parsed(text)
  const name = textOf(config["name"])
  if (name === undefined) return undefined
  const services = servicesIn(config)
  return {
    name,
    services: services.map(([service, fields]) => ({ service, replicas: replicasOf(fields) })),
    binds: bindSources(services)
  }
}
