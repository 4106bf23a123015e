import { mkdir, symlink } from "node:fs/promises"
import { join } from "node:path"
import { obtainPackages, type PackageSet } from "./debianPackages.js"
import { obtainBinaries } from "./engineBinaries.js"

/** The compose of the usual engine's packages, and the newest one that Debian has. */
export type ComposeEdition = "2.26" | "2.40"

/** Names the edition for `testedEdition`. The conformance command sets it. */
export const editionVariable = "DOCKWIRE_COMPOSE_EDITION"

/** The edition with which those tests run that run with one: the usual one, unless the newest is asked for. */
export const testedEdition = (): ComposeEdition => (process.env[editionVariable] === "2.40" ? "2.40" : "2.26")

const newest: PackageSet = {
  what: "Compose 2.40",
  size: "60 MB",
  packages: ["docker-cli/sid", "docker-compose/sid", "docker-buildx/sid"],
  layout: 1
}

/** Where the programs of an edition are. */
export interface ComposeTools {
  readonly edition: ComposeEdition
  /** The docker command. */
  readonly docker: string
  /** The plugin, which is the standalone command as well. */
  readonly compose: string
  readonly buildx: string
}

/** The programs of an edition, fetched on first use. */
export const obtainCompose = async (
  edition: ComposeEdition,
  progress: (line: string) => void = () => {}
): Promise<ComposeTools> => {
  const usual = await obtainBinaries(progress)
  if (edition === "2.26") return { edition, docker: usual.docker, compose: usual.compose, buildx: usual.buildx }
  const root = await obtainPackages(newest, progress)
  const plugins = join(root, "usr/libexec/docker/cli-plugins")
  return {
    edition,
    docker: join(root, "usr/bin/docker"),
    compose: join(plugins, "docker-compose"),
    buildx: join(plugins, "docker-buildx")
  }
}

/**
 * An environment in which `docker compose` is this edition, and nothing else of this machine's configuration of docker is
 * found. Its files are in `folder`.
 */
export const composeEnvironment = async (
  tools: ComposeTools,
  folder: string
): Promise<{ readonly PATH: string; readonly HOME: string; readonly DOCKER_CONFIG: string }> => {
  const [bin, config] = [join(folder, "bin"), join(folder, "docker")]
  await Promise.all([mkdir(bin, { recursive: true }), mkdir(join(config, "cli-plugins"), { recursive: true })])
  await symlink(tools.docker, join(bin, "docker"))
  await symlink(tools.compose, join(config, "cli-plugins", "docker-compose"))
  await symlink(tools.buildx, join(config, "cli-plugins", "docker-buildx"))
  return { PATH: `${bin}:${process.env["PATH"] ?? "/usr/bin:/bin"}`, HOME: folder, DOCKER_CONFIG: config }
}
