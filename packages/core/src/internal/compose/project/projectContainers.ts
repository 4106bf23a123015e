import * as Effect from "effect/Effect"
import type { DockerRequest, DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { requestDecoded } from "../../api/decode.js"
import { filtersQuery } from "../../api/filters.js"
import type { ContainerSummary } from "../../containers/containerModels.js"
import { decodeContainerSummaries } from "../../containers/decodeContainer.js"
import type { ComposeContainer } from "./containerModel.js"
import { type ComposeLabels, composeLabels, projectFilter } from "./composeLabels.js"

/** A container of a project, with the labels of compose. */
export interface LabelledContainer {
  readonly container: ComposeContainer
  readonly labels: ComposeLabels
}

/** The list has a container's health and exit code only in the text of its status. */
const health = (status: string): Pick<ComposeContainer, "health"> => {
  const [, word] = /\((?:health: )?(starting|healthy|unhealthy)\)$/.exec(status) ?? []
  return word === "starting" || word === "healthy" || word === "unhealthy" ? { health: word } : {}
}

const exitCode = (status: string): Pick<ComposeContainer, "exitCode"> => {
  const [, code] = /^(?:Exited|Restarting) \((-?\d+)\)/.exec(status) ?? []
  return code === undefined ? {} : { exitCode: Number(code) }
}

/** What belongs to a project and carries no service's name is none of its containers. */
const labelled = ({
  id,
  image,
  labels,
  name,
  ports,
  state,
  status
}: ContainerSummary): LabelledContainer | undefined => {
  const own = composeLabels(labels)
  if (own?.service === undefined) return undefined
  const { configHash, number = 1, oneOff = false, service } = own
  const container: ComposeContainer = {
    id,
    name,
    service,
    number,
    oneOff,
    state,
    ...health(status),
    ...exitCode(status),
    image,
    ports,
    ...(configHash === undefined ? {} : { configHash })
  }
  return { container, labels: own }
}

const byService = ({ container: left }: LabelledContainer, { container: right }: LabelledContainer): number =>
  left.service === right.service ? left.number - right.number : left.service < right.service ? -1 : 1

/** All containers of a project, by service and number; of all projects without a name. `GET /containers/json` */
export const listProjectContainers = (
  docker: DockerShape,
  project?: string
): Effect.Effect<ReadonlyArray<LabelledContainer>, DockerFailure> => {
  const query = { all: true, filters: filtersQuery(projectFilter(project)) }
  const request: DockerRequest = { method: "GET", path: "/containers/json", query }
  return Effect.map(requestDecoded(docker, request, decodeContainerSummaries(false)), (summaries) =>
    summaries
      .map(labelled)
      .filter((found) => found !== undefined)
      .toSorted(byService)
  )
}
