import * as Redacted from "effect/Redacted"
import type { DockerRequest } from "../../Docker.js"
import type { PreparedBuild } from "./preparedBuild.js"

/** The build arguments as the engine gets them. */
export const plainBuildArgs = ({ spec }: PreparedBuild): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(spec.buildArgs ?? {}).map(([name, value]) => [
      name,
      Redacted.isRedacted(value) ? Redacted.value(value) : value
    ])
  )

const json = (value: object | undefined): string | undefined =>
  value === undefined || Object.keys(value).length === 0 ? undefined : JSON.stringify(value)

/** Only what is set: the classic builder takes any value other than `0` and `false` for true. */
const flag = (value: boolean | undefined): true | undefined => (value === true ? true : undefined)

/** The parameters of `POST /build` that are the same for all builders. */
export const buildQuery = (build: PreparedBuild): NonNullable<DockerRequest["query"]> => {
  const { cacheFrom, extraHosts, labels, network, noCache, platform, pull, shmSize, target } = build.spec
  return {
    t: build.tags,
    target,
    platform,
    nocache: flag(noCache),
    pull: flag(pull),
    buildargs: json(plainBuildArgs(build)),
    labels: json(labels),
    networkmode: network,
    extrahosts: extraHosts,
    shmsize: shmSize,
    cachefrom: json(cacheFrom),
    // The containers of the classic builder, those of failed instructions too.
    rm: true,
    forcerm: true
  }
}
