import { createTestContainer, type TestContainer } from "../engine/testContainer.js"
import type { BenchContext, Benchmark, Row } from "./Benchmark.js"
import { callRows } from "./callRows.js"

const containerCount = 500
const runningCount = 10

/** Runs a task for each item, a few at a time. Continues after a failure. */
const each = async <A>(items: ReadonlyArray<A>, work: (item: A, index: number) => Promise<void>): Promise<void> => {
  let next = 0
  const failures: Array<unknown> = []
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index]
      if (item !== undefined) await work(item, index).catch((error: unknown) => void failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  if (failures.length > 0) throw failures[0]
}

/** Creates as many containers as on a busy machine, with the usual amount of settings. A few of them run. */
const createContainers = async (endpoint: string, created: Array<TestContainer>): Promise<void> => {
  await each(
    Array.from({ length: containerCount }, (_, index) => index),
    async (index) => {
      const container = await createTestContainer({
        endpoint,
        cmd: ["sleep", "3600"],
        env: ["NODE_ENV=production", `SERVICE=service-${index}`, "LOG_LEVEL=info"],
        labels: {
          "com.example.service": `service-${index}`,
          "com.example.version": `1.${index}.0`,
          "com.example.team": "platform",
          "com.example.description": "One of the many services that such a machine runs"
        },
        config: { ExposedPorts: { "80/tcp": {}, "443/tcp": {} } },
        hostConfig: { Memory: 64 * 1024 * 1024 }
      })
      created.push(container)
      if (index < runningCount) await container.start()
    }
  )
}

const run = async (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const { engine, progress, quick } = context
  const created: Array<TestContainer> = []
  try {
    progress(`containers: creating ${containerCount}, ${runningCount} of them running`)
    await createContainers(engine.endpoint, created)
    const ids = created.map(({ id }) => id)
    const rounds = quick ? 3 : 12
    progress("containers: list")
    const list = await callRows(context, {
      kind: "list",
      names: { dockwire: "Containers.list", dockerode: "dockerode's listContainers", cli: "docker ps --all" },
      ids,
      rounds,
      calls: 20,
      cliCalls: 3
    })
    progress("containers: inspect")
    const inspect = await callRows(context, {
      kind: "inspect",
      names: { dockwire: "Containers.inspect", dockerode: "dockerode's inspect", cli: "docker inspect" },
      ids,
      rounds,
      calls: 400,
      cliCalls: 10
    })
    return [...list, ...inspect]
  } finally {
    progress("containers: removing the containers")
    await each(created, (container) => container.remove())
  }
}

/** List and inspect with many containers, compared with bare dockerode and the docker command. */
export const containers: Benchmark = {
  name: "containers",
  title: `List and inspect with ${containerCount} containers, one call at a time`,
  run
}
