import { startTestContainer } from "../engine/testContainer.js"
import type { BenchContext, Benchmark, Row } from "./Benchmark.js"
import { callRows } from "./callRows.js"

const run = async (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const { engine, progress, quick } = context
  progress("exec: starting a container")
  const container = await startTestContainer({ endpoint: engine.endpoint, cmd: ["sleep", "3600"] })
  try {
    progress("exec: running echo")
    return await callRows(context, {
      kind: "exec",
      names: { dockwire: "Exec.run", dockerode: "dockerode's exec with demuxStream", cli: "docker exec" },
      ids: [container.id],
      rounds: quick ? 3 : 12,
      calls: 20,
      cliCalls: 20
    })
  } finally {
    await container.remove()
  }
}

/** Runs a short command in a container, compared with dockerode and the docker command. */
export const exec: Benchmark = { name: "exec", title: "`echo hello` in a running container, one at a time", run }
