/** The engines that must behave the same. */
export const engineNames = ["memory", "usual", "tls", "ssh", "20.10", "28.5", "28.5-containerd", "podman"] as const

/** The name of one of the engines. */
export type EngineName = (typeof engineNames)[number]

/** Checks that a name is the name of an engine. */
export const isEngineName = (name: string): name is EngineName => engineNames.some((known) => known === name)

/** The editions whose behavior differs. The engine in memory behaves as 26.1. */
export type Edition = "memory" | "20.10" | "26.1" | "28.5" | "28.5-containerd" | "podman"

/** The edition that is closest to an engine of this version. With `inContainerd`, the engine keeps its images in containerd. */
export const editionOf = (version: string, isPodman: boolean, inContainerd: boolean): Edition => {
  if (isPodman) return "podman"
  if (inContainerd) return "28.5-containerd"
  const major = Number.parseInt(version, 10)
  return major >= 28 ? "28.5" : major <= 23 ? "20.10" : "26.1"
}
