import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { decodeResponse, nullable } from "../api/decode.js"
import type { DockerRequest } from "../../Docker.js"
import type { EngineError } from "../../DockerError.js"
import type { ProcessTable } from "./containerModels.js"

const decodeTop = decodeResponse(
  Schema.Struct({ Titles: Schema.Array(Schema.String), Processes: nullable(Schema.Array(Schema.Array(Schema.String))) })
)

const columns = /\s+/

/** Splits rows into columns if the engine has not. Podman sends the lines of `ps` as they are. */
const processTable = (titles: ReadonlyArray<string>, processes: ReadonlyArray<ReadonlyArray<string>>): ProcessTable => {
  const [line, ...more] = titles
  const split = line?.trim().split(columns) ?? []
  if (more.length > 0 || split.length < 2) return { titles, processes }
  // The last column, the command, may contain spaces.
  const last = split.length - 1
  return {
    titles: split,
    processes: processes.map((row) => {
      const cells = row.join(" ").trim().split(columns)
      return [...cells.slice(0, last), cells.slice(last).join(" ")]
    })
  }
}

/** Decodes the response of `GET /containers/{id}/top`. */
export const decodeProcessTable = (
  request: DockerRequest,
  status: number,
  body: unknown
): Effect.Effect<ProcessTable, EngineError> =>
  Effect.map(decodeTop(request, status, body), ({ Processes, Titles }) => processTable(Titles, Processes ?? []))
