import { isOperationEnded, Operation } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtemp, open, readdir, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { layerEmbedded } from "../../packages/server/src/operations/libsql/embeddedDatabase.js"
import { Operations } from "../../packages/server/src/operations/Operations.js"
import { OperationStore } from "../../packages/server/src/operations/OperationStore.js"
import { defaultRetentionLimits } from "../../packages/server/src/operations/sql/retention.js"
import { OperationHistory } from "../../packages/server/src/rooms/OperationHistory.js"
import { makeSmallDisk } from "../engine/smallDisk.js"
import { makeRandom } from "./random.js"
import type { Stress } from "./Stress.js"

const lineCount = 40_000

const servicesIn = (dataDir: string) =>
  Operations.layer.pipe(
    Layer.provide(OperationStore.layerSink),
    Layer.provideMerge(OperationStore.layerSql({ retention: defaultRetentionLimits, retryAfter: 200 })),
    Layer.provide(layerEmbedded(dataDir))
  )

const readRoom = (room: string) =>
  Effect.flatMap(OperationHistory, (history) =>
    Effect.map(Stream.runCollect(history.read(room, 0)), (batches) => Chunk.toReadonlyArray(batches).flat())
  )

const runLines = (count: number) =>
  Effect.gen(function* () {
    const operations = yield* Operations
    const lines = Stream.map(Stream.range(1, count), (index) => Operation.line(`${index} ${"x".repeat(100)}`))
    const steps = Stream.concat(Stream.rechunk(lines, 100), Stream.make(Operation.result(1)))
    const { logId } = yield* operations.start({ operation: { kind: "disk", target: {}, steps }, targets: [] })
    const { status } = yield* Effect.repeat(Effect.delay(operations.get(logId), "20 millis"), {
      until: ({ ended_at }) => ended_at !== undefined
    })
    return { logId, status }
  })

/** What a server says and does on a disk that fails, and when it works again. Returns what is wrong. */
const check = (dataDir: string, words: string, repair: () => Promise<unknown>) =>
  Effect.gen(function* () {
    const history = yield* OperationHistory
    const store = yield* OperationStore
    const until = (available: boolean) =>
      Effect.repeat(
        Effect.delay(
          Effect.sync(() => store.status()),
          "50 millis"
        ),
        { until: (status) => status.available === available }
      )

    const failing = yield* runLines(lineCount)
    const told = yield* until(false)
    yield* Effect.promise(repair)
    yield* until(true)
    const working = yield* runLines(100)
    yield* history.flush
    const items = yield* readRoom(`operation_${failing.logId}`)
    const kept = items.filter((item) => item._tag === "Stored" && item.event._tag === "OperationLine").length
    const lost = items.reduce((sum, item) => (item._tag === "Lost" ? sum + (item.to ?? 0) - item.from + 1 : sum), 0)
    const ends = items.filter((item) => item._tag === "Stored" && isOperationEnded(item.event)).length
    const isKnown = items.length > 0
    const after = yield* readRoom(`operation_${working.logId}`)
    return [
      ...(failing.status === "completed" && working.status === "completed" ? [] : ["an operation failed"]),
      ...(told.reason?.includes(words) === true ? [] : [`it says: ${told.reason}`]),
      ...(!isKnown || (kept + lost === lineCount && ends === 1)
        ? []
        : [`${kept} lines are kept, ${lost} are named as lost, of ${lineCount}; ${ends} ends`]),
      ...(after.length === 102 || after.length === 101 ? [] : [`${after.length} events are kept afterwards`])
    ]
  }).pipe(
    Effect.timeout("2 minutes"),
    Effect.catchAll((error) => Effect.succeed([error.message])),
    Effect.provide(servicesIn(dataDir))
  )

interface Disk {
  readonly name: string
  /** The options that it is mounted with, and those that repair it. */
  readonly options: string
  readonly repaired: string
  /** What the server says. */
  readonly words: string
}

const disks: ReadonlyArray<Disk> = [
  { name: "a disk that fills up", options: "size=1m", repaired: "size=64m", words: "is full" },
  { name: "a disk without room", options: "size=4k", repaired: "size=64m", words: "is full" },
  { name: "a disk that is read-only", options: "size=64m,ro", repaired: "rw", words: "is read-only" }
]

/** How often a file is damaged at random places. */
const damages = 20

/** Writes noise into the file, at some places. */
const damage = async (file: string, random: () => number): Promise<void> => {
  const { size } = await stat(file)
  const opened = await open(file, "r+")
  try {
    const places = 1 + Math.floor(random() * 4)
    for (let place = 0; place < places; place++) {
      const noise = Buffer.from(
        Array.from({ length: 1 + Math.floor(random() * 3_000) }, () => Math.floor(random() * 256))
      )
      await opened.write(noise, 0, noise.length, Math.floor(random() * size))
    }
  } finally {
    await opened.close()
  }
}

interface Found {
  readonly wrong: ReadonlyArray<string>
  /** What became of the lines that were there. */
  readonly outcome: string
}

/** What a server finds in a damaged file. Each line is there, or a gap says that it is not, or the file is set aside. */
const checkDamaged = (dataDir: string, logId: string) =>
  Effect.gen(function* () {
    const store = yield* OperationStore
    yield* store.opened
    const { available, reason } = store.status()
    const readable = Effect.catchAll(
      Effect.map(readRoom(`operation_${logId}`), (items) => {
        const kept = items.filter((item) => item._tag === "Stored" && item.event._tag === "OperationLine").length
        const lost = items.some(({ _tag }) => _tag === "Lost")
        return { kept, told: lost || items.length === 0 }
      }),
      () => Effect.succeed({ kept: 0, told: true })
    )
    const { kept, told } = yield* readable
    yield* Effect.ignore(readRoom("docker_logs"))
    const { status } = yield* runLines(100)
    const isSetAside = (yield* Effect.promise(() => readdir(dataDir))).some((name) => name.includes(".damaged-"))
    return {
      outcome: isSetAside ? "set aside" : `${kept} of ${damagedLines} lines are left`,
      wrong: [
        ...(available ? [] : [`it says: ${reason}`]),
        ...(isSetAside && reason === undefined ? ["the file is set aside, and it does not say so"] : []),
        ...(status === "completed" ? [] : [`an operation has ${status}`]),
        ...(kept === damagedLines || told || isSetAside ? [] : [`${kept} lines are left, and it does not say so`])
      ]
    }
  }).pipe(
    Effect.timeout("1 minute"),
    Effect.catchAll((error): Effect.Effect<Found> => Effect.succeed({ wrong: [error.message], outcome: "" })),
    Effect.provide(servicesIn(dataDir))
  )

const damagedLines = 5_000

const damageOnce = async (random: () => number): Promise<Found> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-damaged-"))
  try {
    const made = runLines(damagedLines).pipe(Effect.provide(servicesIn(folder)))
    const { logId } = await Effect.runPromise(made)
    await damage(join(folder, "operations.db"), random)
    return await Effect.runPromise(checkDamaged(folder, logId))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const disk: Stress = {
  name: "disk",
  title: `operations on a disk that is full or read-only, and works again later (needs root); ${damages} damaged files`,
  run: async ({ print, rounds, seed }) => {
    let isRight = true
    const random = makeRandom(seed)
    for (let round = 0; round < rounds; round++) {
      for (const { name, options, repaired, words } of disks) {
        const mounted = await makeSmallDisk(options)
        try {
          const wrong = await Effect.runPromise(check(mounted.folder, words, () => mounted.remount(repaired)))
          isRight &&= wrong.length === 0
          print(`${name}: ${wrong.length === 0 ? "right" : wrong.join(", ")}`)
        } finally {
          await mounted.remove()
        }
      }
      for (let count = 1; count <= damages; count++) {
        const { outcome, wrong } = await damageOnce(random)
        isRight &&= wrong.length === 0
        print(`damage ${count}: ${outcome}: ${wrong.length === 0 ? "right" : wrong.join(", ")}`)
      }
    }
    return isRight
  }
}
