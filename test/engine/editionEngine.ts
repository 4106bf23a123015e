import { type DockerEdition, obtainEdition } from "./dockerEditions.js"
import { type KillableEngine, startKillableEngine } from "./killableEngine.js"

/** An edition of Docker with one of its image stores. */
export type EditionEngineName = DockerEdition | "28.5-containerd"

/** Starts a killable engine of this edition, with `busybox:latest` in it. */
export const startEditionEngine = async (
  name: EditionEngineName,
  progress: (line: string) => void = () => {}
): Promise<KillableEngine> => {
  const isContainerd = name === "28.5-containerd"
  return startKillableEngine({
    name: isContainerd ? "28.5c" : name,
    binaries: await obtainEdition(isContainerd ? "28.5" : name, progress),
    flags: [
      // Transfers of one test do not wait for those of another.
      "--max-concurrent-downloads=20",
      "--max-concurrent-uploads=20",
      // New installations of Docker 29 keep images in containerd. Engines before it do so on demand.
      ...(isContainerd ? ["--feature=containerd-snapshotter=true"] : [])
    ]
  })
}
