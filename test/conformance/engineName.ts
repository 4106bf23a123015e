/** The engines that must answer alike: one column each. */
export const engineNames = ["memory", "usual", "tls", "ssh", "20.10", "28.5", "podman"] as const

/** The engines that must answer alike: one column each. */
export type EngineName = (typeof engineNames)[number]

/** Whether it is one of them. */
export const isEngineName = (name: string): name is EngineName => engineNames.some((known) => known === name)

/** What they answer differs by: the engine in memory does as 26.1 does. */
export type Edition = "memory" | "20.10" | "26.1" | "28.5" | "podman"

/** The edition that an engine of this version is nearest to. */
export const editionOf = (version: string, isPodman: boolean): Edition => {
  if (isPodman) return "podman"
  const major = Number.parseInt(version, 10)
  return major >= 28 ? "28.5" : major <= 23 ? "20.10" : "26.1"
}
