import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { lazyService, ServiceScope } from "./serviceScope.js"

export const containers = lazyService(async () => {
  const { Containers } = await import("@dockwire/core/Containers")
  return { tag: Containers, layer: Containers.layer }
})

export const logs = lazyService(async () => {
  const { Logs } = await import("@dockwire/core/Logs")
  return { tag: Logs, layer: Logs.layer }
})

export const exec = lazyService(async () => {
  const { Exec } = await import("@dockwire/core/Exec")
  return { tag: Exec, layer: Exec.layer }
})

export const stats = lazyService(async () => {
  const { Stats } = await import("@dockwire/core/Stats")
  return { tag: Stats, layer: Stats.layer }
})

export const images = lazyService(async () => {
  const [{ Images }, { RegistryAuth }] = await Promise.all([
    import("@dockwire/core/Images"),
    import("@dockwire/core/RegistryAuth")
  ])
  return { tag: Images, layer: Layer.provide(Images.layer, RegistryAuth.layerConfig) }
})

export const volumes = lazyService(async () => {
  const { Volumes } = await import("@dockwire/core/Volumes")
  return { tag: Volumes, layer: Volumes.layer }
})

export const networks = lazyService(async () => {
  const { Networks } = await import("@dockwire/core/Networks")
  return { tag: Networks, layer: Networks.layer }
})

export const compose = lazyService(async () => {
  const [{ Compose }, { RegistryAuth }] = await Promise.all([
    import("@dockwire/core/Compose"),
    import("@dockwire/core/RegistryAuth")
  ])
  return { tag: Compose, layer: Layer.provide(Compose.layer, RegistryAuth.layerConfig) }
})

export const composeFiles = lazyService(async () => {
  const { ComposeFiles } = await import("@dockwire/core/ComposeFiles")
  const layer = Layer.unwrapEffect(
    Effect.map(ServiceScope, ({ composeDir }) =>
      ComposeFiles.layer({ folder: composeDir, fileName: "docker-compose.yml" })
    )
  )
  return { tag: ComposeFiles, layer }
})

export const archive = lazyService(async () => {
  const { Archive } = await import("@dockwire/core/Archive")
  return { tag: Archive, layer: Archive.layer }
})

export const events = lazyService(async () => {
  const { Events } = await import("@dockwire/core/Events")
  return { tag: Events, layer: Events.layer }
})

export const system = lazyService(async () => {
  const { System } = await import("@dockwire/core/System")
  return { tag: System, layer: System.layer }
})

export const host = lazyService(async () => {
  const { Host } = await import("@dockwire/core/Host")
  return { tag: Host, layer: Host.layer }
})
