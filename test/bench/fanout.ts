import { atLeast, atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { openRoomPair, type RoomPair } from "./roomPair.js"
import { type RoomServerKind, textBytes } from "./roomProtocol.js"
import { ratios } from "./statistics.js"

interface Measured {
  /** Lines delivered per processor second of the server. */
  readonly bursts: number
  readonly singles: number
  /** Bytes of a line beyond its text, in bursts. */
  readonly overhead: number
  /** KB of the server's memory for a viewer that gets nothing. */
  readonly idle: number
}

/** Publishes, waits until all have all, and returns what that cost. */
const deliver = async (pair: RoomPair, publish: string) => {
  const before = await pair.clients("state")
  const { cpu, last: lastBefore } = await pair.server("state")
  const { last } = await pair.server(publish)
  const after = await pair.clients(`until ${last}`)
  if (after.least < last || after.missing > 0 || after.twice > 0) {
    throw new Error(`Not every viewer has every line once: ${JSON.stringify({ last, ...after })}`)
  }
  const lines = after.lines - before.lines
  const text = textBytes(lastBefore + 1, last) * (lines / (last - lastBefore))
  return {
    rate: lines / ((await pair.server("state")).cpu - cpu),
    overhead: (after.bytes - before.bytes - text) / lines
  }
}

const measure = async (kind: RoomServerKind, { quick }: BenchContext): Promise<Measured> => {
  const viewers = quick ? 200 : 1_000
  const pair = await openRoomPair(kind)
  try {
    await pair.clients(`open ${viewers / 10}`)
    const before = await pair.server("collect")
    await pair.clients(`open ${viewers - viewers / 10}`)
    const idle = ((await pair.server("collect")).memory - before.memory) / 1024 / (viewers - viewers / 10)
    await deliver(pair, "publish 5 10 20")
    const singles = await deliver(pair, `publish ${quick ? 50 : 200} 1 10`)
    const bursts = await deliver(pair, `publish ${quick ? 4 : 20} 1000 50`)
    return { idle, singles: singles.rate, bursts: bursts.rate, overhead: bursts.overhead }
  } finally {
    await pair.close()
  }
}

const run = async (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const rounds = context.quick ? 1 : 3
  const results: { readonly [K in RoomServerKind]: Array<Measured> } = { dockwire: [], ws: [], "socket.io": [] }
  const kinds: ReadonlyArray<RoomServerKind> = ["dockwire", "ws", "socket.io"]
  for (let round = 1; round <= rounds; round++) {
    for (const kind of kinds) {
      context.progress(`fanout: round ${round} of ${rounds}, ${kind}`)
      results[kind].push(await measure(kind, context))
    }
  }
  const of = (kind: RoomServerKind, key: keyof Measured) => results[kind].map((measured) => measured[key])
  const unit = "lines/s"
  return [
    ...kinds.map((kind): Row => ({
      name: `bursts of 1,000 lines: ${kind}`,
      unit,
      values: of(kind, "bursts"),
      note: "delivered per processor second of the server"
    })),
    {
      name: "bursts: against ws",
      unit: "x",
      values: ratios(of("dockwire", "bursts"), of("ws", "bursts")),
      goal: atLeast(0.8),
      note: "which sends the same batches, encoded once"
    },
    {
      name: "bursts: against Socket.IO",
      unit: "x",
      values: ratios(of("dockwire", "bursts"), of("socket.io", "bursts"))
    },
    ...kinds.map((kind): Row => ({ name: `single lines: ${kind}`, unit, values: of(kind, "singles") })),
    { name: "single lines: against ws", unit: "x", values: ratios(of("dockwire", "singles"), of("ws", "singles")) },
    {
      name: "single lines: against Socket.IO",
      unit: "x",
      values: ratios(of("dockwire", "singles"), of("socket.io", "singles")),
      goal: atLeast(1.5)
    },
    {
      name: "bytes of a line beyond its text, in bursts",
      unit: "B",
      values: of("dockwire", "overhead"),
      goal: atMost(60)
    },
    { name: "the same, Socket.IO", unit: "B", values: of("socket.io", "overhead") },
    { name: "memory of an idle viewer", unit: "KB", values: of("dockwire", "idle"), goal: atMost(20) },
    { name: "the same, ws", unit: "KB", values: of("ws", "idle") },
    { name: "the same, Socket.IO", unit: "KB", values: of("socket.io", "idle") }
  ]
}

/** Lines delivered to many viewers of one room, against a bare WebSocket server and Socket.IO. */
export const fanout: Benchmark = { name: "fanout", title: "Lines to 1,000 viewers of one room", run }
