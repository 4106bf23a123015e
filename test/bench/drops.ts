import { atLeast, atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { openRoomPair } from "./roomPair.js"
import type { RoomServerKind } from "./roomProtocol.js"

const clientCount = 50

/** The share of lines that arrive at clients that lose their connection for 2 seconds again and again. */
const measureDrops = async (kind: RoomServerKind, { quick }: BenchContext) => {
  const pair = await openRoomPair(kind)
  try {
    await pair.clients(`open ${clientCount}`)
    await pair.clients("drop")
    const { last } = await pair.server(`publish ${quick ? 600 : 2_000} 5 10`)
    await pair.clients("stay")
    // A line after the last cut, so that each client has a last one.
    await pair.server("publish 1 1 0")
    const { drops, lines, twice } = await pair.clients(`until ${last + 1}`)
    return { share: ((lines - twice) / (clientCount * (last + 1))) * 100, twice, drops }
  } finally {
    await pair.close()
  }
}

/** The seconds in which many clients that reconnect at once have all that they missed. */
const measureReturn = async ({ quick }: BenchContext) => {
  const viewers = quick ? 200 : 1_000
  const pair = await openRoomPair("dockwire")
  try {
    await pair.clients(`open ${viewers}`)
    const { last: seen } = await pair.server("publish 10 10 10")
    await pair.clients(`until ${seen}`)
    await pair.clients("cut")
    const { last } = await pair.server("publish 10 100 5")
    const { seconds: connecting } = await pair.clients("connect")
    const { least, missing, seconds, twice } = await pair.clients(`until ${last}`)
    if (least < last || missing > 0 || twice > 0)
      throw new Error(`Not whole: ${JSON.stringify({ least, last, missing, twice })}`)
    return connecting + seconds
  } finally {
    await pair.close()
  }
}

const run = async (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const rounds = context.quick ? 1 : 3
  const ours: Array<Awaited<ReturnType<typeof measureDrops>>> = []
  const theirs: Array<Awaited<ReturnType<typeof measureDrops>>> = []
  const returns: Array<number> = []
  for (let round = 1; round <= rounds; round++) {
    context.progress(`drops: round ${round} of ${rounds}`)
    ours.push(await measureDrops("dockwire", context))
    theirs.push(await measureDrops("socket.io", context))
    returns.push(await measureReturn(context))
  }
  const note = (all: typeof ours) =>
    `${all.reduce((sum, { drops }) => sum + drops, 0)} cuts of 2 s, ${all.reduce((sum, { twice }) => sum + twice, 0)} lines twice`
  return [
    {
      name: `${clientCount} clients that are cut off again and again: lines that arrive`,
      unit: "%",
      values: ours.map(({ share }) => share),
      goal: atLeast(100),
      note: note(ours)
    },
    {
      name: "the same, Socket.IO with connection state recovery",
      unit: "%",
      values: theirs.map(({ share }) => share),
      note: note(theirs)
    },
    {
      name: `${context.quick ? 200 : 1_000} clients reconnect at once: all have the 1,000 lines that they missed after`,
      unit: "s",
      values: returns,
      goal: atMost(2)
    }
  ]
}

/** Clients that lose their connection, and come back. */
export const drops: Benchmark = { name: "drops", title: "Clients that lose their connection", run }
