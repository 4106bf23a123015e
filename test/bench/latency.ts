import { setTimeout as sleep } from "node:timers/promises"
import { atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { dockerCli } from "../engine/dockerCli.js"
import { type LineReceiver, receiveWithCli, receiveWithLogs, receiveWithServer } from "./lineReceivers.js"
import { type LineWriter, openLineWriter } from "./lineWriter.js"
import { startServer } from "./serverProcess.js"
import { quantile } from "./statistics.js"

let written = 0

/** The milliseconds from writing a line to receiving it, for `count` lines, one after the other, with a pause in between. */
export const sampleLatency = async (
  writer: LineWriter,
  receive: LineReceiver,
  count: number,
  pauseMillis = 2
): Promise<ReadonlyArray<number>> => {
  let awaited = ""
  let arrived: (at: number) => void = () => {}
  const close = await receive(writer.container.id, (text) => {
    if (text === awaited) arrived(performance.now())
  })
  const next = (timeout: number) => {
    awaited = `line ${++written} of a log, as long as such lines usually are, with some text behind it`
    const reply = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`A line did not arrive within ${timeout} ms.`)), timeout)
      arrived = (at) => {
        clearTimeout(timer)
        resolve(at)
      }
    })
    const at = performance.now()
    writer.write(`${awaited}\n`)
    return reply.then((end) => end - at)
  }
  try {
    // The first line shows that the follower has started.
    for (let attempt = 0; attempt < 40; attempt++) {
      const isReady = await next(250).then(
        () => true,
        () => false
      )
      if (isReady) break
    }
    for (let warmUp = 0; warmUp < 10; warmUp++) await next(5000)
    const values: Array<number> = []
    for (let index = 0; index < count; index++) {
      values.push(await next(5000))
      // Avoids synchronizing with other timers.
      await sleep(pauseMillis + (index % 7))
    }
    return values
  } finally {
    await close()
  }
}

const run = async ({ engine, progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const { endpoint } = engine
  const rounds = quick ? 2 : 6
  const perRound = quick ? 60 : 100
  const docker = dockerCli()
  progress("latency: starting a container and the server")
  const writer = await openLineWriter(endpoint)
  const server = await startServer(endpoint).catch(async (error: unknown) => {
    await writer.close()
    throw error
  })
  const variants: ReadonlyArray<readonly [name: string, receive: LineReceiver]> = [
    ["WebSocket client of the server", receiveWithServer(server)],
    ...(docker === undefined ? [] : [["docker logs --follow", receiveWithCli(docker, endpoint)] as const]),
    ["Logs.follow in this process", receiveWithLogs(endpoint)]
  ]
  const results = variants.map(([name]) => ({ name, rounds: new Array<ReadonlyArray<number>>() }))
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [index, [name, receive]] of variants.entries()) {
        progress(`latency: round ${round + 1} of ${rounds}, ${name}`)
        results[index]?.rounds.push(await sampleLatency(writer, receive, perRound))
      }
    }
  } finally {
    await server.stop()
    await writer.close()
  }
  const p50 = (index: number) => results[index]?.rounds.map((values) => quantile(values, 0.5)) ?? []
  const cli = results.findIndex(({ name }) => name.startsWith("docker logs"))
  const behind = p50(0).map((value, round) => value - (p50(cli)[round] ?? Number.NaN))
  return [
    ...results.flatMap(({ name, rounds: measured }): ReadonlyArray<Row> => {
      const all = measured.flat()
      const note = `${all.length} lines`
      const p99 = measured.map((values) => quantile(values, 0.99))
      return [
        { name: `${name}: p50`, unit: "ms", values: measured.map((values) => quantile(values, 0.5)), note },
        { name: `${name}: p99`, unit: "ms", values: p99, note: `${quantile(all, 0.99).toFixed(2)} over all rounds` }
      ]
    }),
    ...(cli === -1
      ? []
      : [{ name: "p50 of the WebSocket client behind docker logs", unit: "ms", values: behind, goal: atMost(2) }])
  ]
}

/** The time from the write in the container to the arrival at the viewer. */
export const latency: Benchmark = {
  name: "latency",
  title: "From the write in a container to the follower, one line at a time",
  run
}
