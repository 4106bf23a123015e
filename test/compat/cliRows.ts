import { jsonAt } from "../engine/engineRequest.js"
import type { RunDocker } from "../engine/itDockerCli.js"

/** What a docker command prints. */
export const outputOf = async (docker: RunDocker, endpoint: string, args: ReadonlyArray<string>): Promise<string> => {
  const { stderr, stdout, success } = await docker(args, { DOCKER_HOST: endpoint })
  if (!success) throw new Error(stderr)
  return stdout
}

/** The objects that a docker command prints with `--format '{{json .}}'`. */
export const printed = async (
  docker: RunDocker,
  endpoint: string,
  args: ReadonlyArray<string>
): Promise<ReadonlyArray<unknown>> =>
  (await outputOf(docker, endpoint, [...args, "--format", "{{json .}}"]))
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line))

export const fields = (
  rows: ReadonlyArray<unknown>,
  ...names: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<unknown>> => rows.map((row) => names.map((name) => jsonAt(row, name)))

/** Of `docker ps`, what `get_containers` has too. */
export const containerFields = (rows: ReadonlyArray<unknown>): ReadonlyArray<ReadonlyArray<unknown>> =>
  fields(rows, "ID", "Names", "Image", "Status", "CreatedAt", "Ports")

/** Of `docker images`, what `get_images` has too. */
export const imageFields = (rows: ReadonlyArray<unknown>): ReadonlyArray<ReadonlyArray<unknown>> =>
  fields(rows, "Repository", "Tag", "ID", "CreatedAt", "Size")

/** Lists that hold between two looks of the docker command: ages move on. */
export const listed = async <A>(
  look: () => Promise<unknown>,
  list: () => Promise<A>
): Promise<readonly [unknown, A]> => {
  for (let tries = 0; ; tries++) {
    const before = await look()
    const found = await list()
    const after = await look()
    if (tries === 20 || JSON.stringify(before) === JSON.stringify(after)) return [before, found]
  }
}
