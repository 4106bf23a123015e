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

const recordsIn = (value: unknown): ReadonlyArray<Fields> => (Array.isArray(value) ? value.filter(isRecord) : [])

/** The services in what `config --format json` prints. */
export const declaredServices = (text: string): ReadonlyArray<DeclaredService> => {
  const config = parsed(text)
  const fileOf = (section: "configs" | "secrets", { source }: Fields) => {
    const files = config[section]
    const declared = isRecord(files) && typeof source === "string" ? files[source] : undefined
    return isRecord(declared) ? textOf(declared["file"]) : undefined
  }
  return servicesIn(config).map(([name, service]) => ({
    name,
    image: textOf(service["image"]),
    containerName: textOf(service["container_name"]),
    isBuilt: isRecord(service["build"]),
    mounted: [
      ...recordsIn(service["volumes"]).map(({ source }) => textOf(source)),
      ...recordsIn(service["secrets"]).map((used) => fileOf("secrets", used)),
      ...recordsIn(service["configs"]).map((used) => fileOf("configs", used))
    ].filter((path) => path !== undefined)
  }))
}

/** A folder of the engine's host that a service mounts. */
export interface BindSource {
  readonly service: string
  readonly source: string
  /** Whether every version of compose makes it if it is missing. */
  readonly isCreated: boolean
}

const bindSources = (services: ReadonlyArray<readonly [name: string, service: Fields]>): ReadonlyArray<BindSource> =>
  services.flatMap(([service, { volumes }]) =>
    recordsIn(volumes).flatMap((volume) => {
      if (volume["type"] !== "bind") return []
      const source = textOf(volume["source"])
      const bind = volume["bind"]
      const isCreated = isRecord(bind) && bind["create_host_path"] === true
      return source === undefined ? [] : [{ service, source, isCreated }]
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
