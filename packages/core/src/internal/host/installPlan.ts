import * as Either from "effect/Either"
import { InstallFailed } from "../../DockerError.js"
import type { HostCommand } from "./hostCommand.js"

/** How Docker is installed on one distribution. */
export interface InstallPlan {
  /** The distribution's own name and version: `Debian GNU/Linux 13 (trixie)`. */
  readonly system: string
  readonly packages: ReadonlyArray<string>
  readonly commands: ReadonlyArray<HostCommand>
  /** The last command as a simulation, which changes nothing. */
  readonly simulation: HostCommand
  /** What the plan leaves out, as sentences. */
  readonly notes: ReadonlyArray<string>
}

/** Docker's own installation instructions. */
export const instructions = "https://docs.docker.com/engine/install/"

const field = (osRelease: string, name: string): string =>
  new RegExp(`^${name}=(.*)$`, "m").exec(osRelease)?.[1]?.replaceAll(/^["']|["']$/g, "") ?? ""

const packagesFor = (id: string, version: number): Pick<InstallPlan, "packages" | "notes"> => {
  if (id === "ubuntu") return { packages: ["docker.io", "docker-compose-v2", "docker-buildx"], notes: [] }
  return version >= 13
    ? { packages: ["docker.io", "docker-cli", "docker-compose", "docker-buildx"], notes: [] }
    : {
        packages: ["docker.io"],
        notes: [`Debian ${version} packages no supported version of Compose. See ${instructions} to install it.`]
      }
}

const nonInteractive = (program: string, ...args: ReadonlyArray<string>): HostCommand => ({
  program,
  args,
  environment: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" }
})

/** Plans an installation from a machine's platform and `/etc/os-release`. Supports Debian and Ubuntu. */
export const installPlan = (
  platform: string,
  osRelease: string | undefined
): Either.Either<InstallPlan, InstallFailed> => {
  const id = field(osRelease ?? "", "ID")
  const parsedVersion = Number.parseInt(field(osRelease ?? "", "VERSION_ID"), 10)
  const system = field(osRelease ?? "", "PRETTY_NAME") || id || platform
  const oldest = id === "ubuntu" ? 22 : 12
  // Debian testing and unstable have no VERSION_ID and are newer than every release.
  const version = id === "debian" && Number.isNaN(parsedVersion) ? 99 : parsedVersion
  if (platform !== "linux" || (id !== "debian" && id !== "ubuntu") || !(version >= oldest)) {
    const supported = "Debian 12 or newer and Ubuntu 22.04 or newer"
    const detail = `${system} is not supported. Docker can be installed automatically on ${supported}`
    return Either.left(new InstallFailed({ reason: "Unsupported", detail, instructions }))
  }
  const chosen = packagesFor(id, version)
  const install = ["install", "--yes", "--no-install-recommends", ...chosen.packages]
  return Either.right({
    ...chosen,
    system,
    // Finishes an interrupted installation first: apt refuses to install anything until that is done.
    commands: [
      nonInteractive("dpkg", "--configure", "-a"),
      nonInteractive("apt-get", "update"),
      nonInteractive("apt-get", ...install)
    ],
    simulation: nonInteractive("apt-get", "--simulate", ...install)
  })
}
