import { Containers, type Docker, Logs, type MemoryEngine, Networks, Stats, Volumes } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { demoEngine } from "../../packages/server/src/demo/demoEngine.js"

type Services = Containers | Docker | Logs | MemoryEngine | Networks | Stats | Volumes

const services = Layer.mergeAll(Containers.layer, Logs.layer, Networks.layer, Stats.layer, Volumes.layer)

const live = Clock.make()

/** How much faster than time the demo goes here. */
const haste = 1000

/** A second of it lasts a millisecond. */
const hastened: Clock.Clock = (() => {
  const begun = live.unsafeCurrentTimeNanos()
  const nanos = () => begun + (live.unsafeCurrentTimeNanos() - begun) * BigInt(haste)
  const millis = () => Number(nanos() / 1_000_000n)
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: millis,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanos: Effect.sync(nanos),
    sleep: (duration) => live.sleep(Duration.times(duration, 1 / haste))
  }
})()

/** Sleeping takes no time, but where it is for long, such as until a request times out. */
const impatient: Clock.Clock = {
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  unsafeCurrentTimeMillis: () => live.unsafeCurrentTimeMillis(),
  unsafeCurrentTimeNanos: () => live.unsafeCurrentTimeNanos(),
  currentTimeMillis: live.currentTimeMillis,
  currentTimeNanos: live.currentTimeNanos,
  sleep: (duration) => (Duration.toMillis(duration) < 10_000 ? Effect.yieldNow() : live.sleep(duration))
}

const run = <A, E>(program: Effect.Effect<A, E, Services>, clock: Clock.Clock = hastened): Promise<A> =>
  Effect.runPromise(program.pipe(Effect.provide(Layer.provideMerge(services, demoEngine)), Effect.withClock(clock)))

const logOf = (id: string) =>
  Effect.gen(function* () {
    const lines = yield* Stream.runCollect((yield* Logs).read(id))
    return Chunk.toReadonlyArray(lines).map(({ text }) => text)
  })

/** Done as soon as it holds of the log. */
const untilLog = (id: string, holds: (log: ReadonlyArray<string>) => boolean) =>
  Effect.repeat(Effect.delay(logOf(id), "5 seconds"), { until: holds })

const some = (pattern: RegExp) => (log: ReadonlyArray<string>) => log.some((line) => pattern.test(line))

describe("the engine of the demo", () => {
  it("has a small site on networks and volumes", () =>
    run(
      Effect.gen(function* () {
        const containers = yield* Containers
        yield* containers.wait("shop-migrate-1")
        const all = yield* containers.list({ all: true })
        const stays = all.filter(({ names }) => names[0] !== "shop-mailer-1")
        expect(stays.map(({ names, state }) => [names[0], state])).toEqual([
          ["shop-web-1", "running"],
          ["shop-worker-1", "running"],
          ["shop-api-1", "running"],
          ["shop-migrate-1", "exited"],
          ["shop-cache-1", "running"],
          ["shop-db-1", "running"]
        ])
        const networks = yield* (yield* Networks).list()
        expect(networks.map(({ name }) => name)).toEqual(expect.arrayContaining(["shop_front", "shop_back"]))
        const front = yield* (yield* Networks).inspect("shop_front")
        expect(front.members.map(({ ipv4Address, name }) => [name, ipv4Address])).toEqual([
          ["shop-api-1", "172.30.10.11/24"],
          ["shop-web-1", expect.stringMatching(/^172\.30\.10\.\d+\/24$/)]
        ])
        const back = yield* (yield* Networks).inspect("shop_back")
        expect(back.members.map(({ name }) => name)).toEqual(expect.arrayContaining(["shop-api-1", "shop-db-1"]))
        // One that has ended is on no network.
        expect(back.members.map(({ name }) => name)).not.toContain("shop-migrate-1")
        const volumes = yield* (yield* Volumes).list()
        expect(volumes.map(({ name }) => name).sort()).toEqual(["shop_cache", "shop_certificates", "shop_database"])
        for (const { id, names } of stays.filter(({ state }) => state === "running")) {
          const before = yield* (yield* Stats).once(id)
          yield* Effect.sleep("10 seconds")
          const after = yield* (yield* Stats).once(id)
          if (before._tag !== "Running" || after._tag !== "Running") throw new Error(`${names[0]} does not run`)
          expect(after.cpuPercent).toBeGreaterThan(0)
          expect(after.cpuPercent).toBeLessThan(50)
          expect(after.memoryUsage).not.toBe(before.memoryUsage)
          expect(after.networkSent).toBeGreaterThan(before.networkSent)
        }
      })
    ))

  it("has logs as the parts of a site write them", () =>
    run(
      Effect.gen(function* () {
        const web = yield* untilLog("shop-web-1", (log) => log.length > 200)
        const access = web.filter((line) => line.includes('HTTP/1.1" ') && !line.includes("[error]"))
        expect(access.length).toBeGreaterThan(100)
        for (const line of access) {
          expect(line).toMatch(
            /^[\d.]+ - - \[\d\d\/\w{3}\/\d{4}:[\d:]{8} \+0000\] "(GET|POST) \S+ HTTP\/1\.1" \d{3} \d+ "/
          )
        }
        for (const level of ["INFO", "WARN", "ERROR", "DEBUG"]) {
          yield* untilLog("shop-api-1", (log) => log.some((line) => line.includes(`m${level}`)))
        }
        yield* untilLog("shop-api-1", some(/^ {4}at priceOf \(/))
        yield* untilLog("shop-worker-1", some(/^\{.*"order handed to shipping".*\}$/))
        for (const line of yield* logOf("shop-worker-1")) {
          expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), msg: expect.any(String) })
        }
        yield* untilLog("shop-db-1", some(/checkpoint complete: wrote \d+ buffers/))
        yield* untilLog("shop-cache-1", some(/^\d+:M \d\d \w{3} \d{4} [\d:.]{12} \* Background saving terminated/))
        yield* untilLog("shop-mailer-1", some(/421 4\.7\.0 too many connections/))
        const restarts = Effect.map((yield* Containers).inspect("shop-mailer-1"), ({ restartCount }) => restartCount)
        yield* Effect.repeat(Effect.delay(restarts, "5 seconds"), { until: (count) => count > 2 })
        expect((yield* (yield* Containers).inspect("shop-migrate-1")).state).toMatchObject({ exitCode: 0 })
      })
    ))

  it("does to the others what the end of a part does", () =>
    run(
      Effect.gen(function* () {
        const containers = yield* Containers
        yield* untilLog("shop-api-1", some(/INFO/))
        // Ten seconds last ten milliseconds here, in which a busy machine may not get the database to shut down.
        yield* containers.stop("shop-db-1", { timeout: Duration.infinity })
        expect((yield* containers.inspect("shop-db-1")).state).toMatchObject({ status: "exited", exitCode: 0 })
        expect((yield* logOf("shop-db-1")).at(-1)).toContain("database system is shut down")
        yield* untilLog("shop-api-1", some(/connect ECONNREFUSED 172\.30\.20\.10:5432/))
        yield* containers.start("shop-db-1")
        yield* untilLog("shop-api-1", (log) => log.slice(-3).every((line) => line.includes(" 200 ")))
        yield* containers.kill("shop-api-1")
        yield* untilLog("shop-web-1", some(/\(111: Connection refused\) while connecting to upstream/))
      })
    ))

  it("keeps a bounded part of its logs, however long it runs", () =>
    run(
      Effect.gen(function* () {
        // Nothing here waits for the clock but this.
        const later = Effect.promise(() => sleep(100))
        const first = yield* Effect.repeat(
          Effect.map(Effect.zipRight(later, logOf("shop-web-1")), ([line]) => line),
          {
            until: (line) => line !== undefined
          }
        )
        yield* Effect.repeat(
          Effect.map(Effect.zipRight(later, logOf("shop-web-1")), ([line]) => line),
          {
            until: (line) => line !== first
          }
        )
        for (const part of ["web", "api", "worker", "db", "cache", "mailer", "migrate"]) {
          const log = yield* logOf(`shop-${part}-1`)
          expect(log.reduce((sum, line) => sum + Buffer.byteLength(line), 0)).toBeLessThan(4 * 128_000 + 1000)
          expect((yield* (yield* Containers).inspect(`shop-${part}-1`)).raw).toMatchObject({
            HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "128k", "max-file": "4" } } }
          })
        }
      }),
      impatient
    ))
})
