import * as Either from "effect/Either"
import { InstallFailed } from "../../DockerError.js"
import type { HostCommand } from "./hostCommand.js"

/** What an installation does. */
export interface InstallPlan {
  /** The distribution, as it calls itself. */
  readonly system: string
  readonly packages: ReadonlyArray<string>
  readonly commands: ReadonlyArray<HostCommand>
  /** The same as far as it can be tried without changing anything. */
  readonly simulation: HostCommand
  /** What it leaves out, in words. */
  readonly notes: ReadonlyArray<string>
}

/** Where Docker itself says how it is installed. */
export const instructions = "https://docs.docker.com/engine/install/"

const field = (osRelease: string, name: string): string =>
  new RegExp(`^${name}=(.*)$`, "m").exec(osRelease)?.[1]?.replaceAll(/^["']|["']$/g, "") ?? ""

const packagesFor = (id: string, version: number): Pick<InstallPlan, "packages" | "notes"> => {
  if (id === "ubuntu") return { packages: ["docker.io", "docker-compose-v2", "docker-buildx"], notes: [] }
  return version >= 13
    ? { packages: ["docker.io", "docker-cli", "docker-compose", "docker-buildx"], notes: [] }
    : {
        packages: ["docker.io"],
        notes: [`Debian ${version} has no compose that is in use today; see ${instructions} for one.`]
      }
}

const run = (program: string, ...args: ReadonlyArray<string>): HostCommand => ({
  program,
  args,
  environment: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" }
})

/** How the engine comes onto a machine with this `/etc/os-release`: by the packages of Debian and Ubuntu, or not at all. */
export const installPlan = (
  platform: string,
  osRelease: string | undefined
): Either.Either<InstallPlan, InstallFailed> => {
  const id = field(osRelease ?? "", "ID")
  const version = Number.parseInt(field(osRelease ?? "", "VERSION_ID"), 10)
  const system = field(osRelease ?? "", "PRETTY_NAME") || id || platform
  const oldest = id === "ubuntu" ? 22 : 12
  // Debian's unstable has no number, and is newer than all that have.
  const number = id === "debian" && Number.isNaN(version) ? 99 : version
  if (platform !== "linux" || (id !== "debian" && id !== "ubuntu") || !(number >= oldest)) {
    const known = "only Debian from 12 on and Ubuntu from 22.04 on are known, by their own packages"
    return Either.left(
      new InstallFailed({ reason: "Unsupported", detail: `this is ${system}, and ${known}`, instructions })
    )
  }
  const chosen = packagesFor(id, number)
  const install = ["install", "--yes", "--no-install-recommends", ...chosen.packages]
  return Either.right({
    ...chosen,
    system,
    // What an interrupted installation left half done is done first: apt refuses to go on before that.
    commands: [run("dpkg", "--configure", "-a"), run("apt-get", "update"), run("apt-get", ...install)],
    simulation: run("apt-get", "--simulate", ...install)
  })
}
