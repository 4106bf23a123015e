import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { ContainerState } from "../../api/containerState.js"
import { type LabelledContainer, listProjectContainers } from "./projectContainers.js"

/**
 * A compose project that has containers on the engine.
 *
 * @since 0.1.0
 * @category models
 */
export const ComposeProjectSummary = Schema.Struct({
  name: Schema.String,
  /** The project's folder on the machine where compose was run. */
  workingDirectory: Schema.optionalWith(Schema.String, { exact: true }),
  configFiles: Schema.Array(Schema.String),
  /** The states of each service's containers, those of `compose run` left out. */
  services: Schema.Record({ key: Schema.String, value: Schema.Array(ContainerState) })
}).annotations({ identifier: "ComposeProjectSummary" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeProjectSummary = typeof ComposeProjectSummary.Type

const summary = (name: string, containers: ReadonlyArray<LabelledContainer>): ComposeProjectSummary => {
  const folder = containers.find(({ labels }) => labels.workingDirectory !== undefined)?.labels
  const services = new Map<string, ReadonlyArray<ContainerState>>()
  for (const { container } of containers) {
    if (!container.oneOff)
      services.set(container.service, [...(services.get(container.service) ?? []), container.state])
  }
  return {
    name,
    ...(folder?.workingDirectory === undefined ? {} : { workingDirectory: folder.workingDirectory }),
    configFiles: folder?.configFiles ?? [],
    services: Object.fromEntries(services)
  }
}

/** The projects that have containers, by name. `GET /containers/json` */
export const listProjects = (docker: DockerShape): Effect.Effect<ReadonlyArray<ComposeProjectSummary>, DockerFailure> =>
  Effect.map(listProjectContainers(docker), (all) => {
    const projects = new Map<string, Array<LabelledContainer>>()
    for (const found of all) {
      const own = projects.get(found.labels.project)
      if (own === undefined) projects.set(found.labels.project, [found])
      else own.push(found)
    }
    return [...projects.keys()].toSorted().map((name) => summary(name, projects.get(name) ?? []))
  })
