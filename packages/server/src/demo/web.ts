/** The demo's web server: access lines to stdout, errors to stderr, in nginx's own formats. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { happens, pause } from "./chance.js"
import { addresses, type Site, type SiteRequest } from "./site.js"
import { first, forever, now } from "./steps.js"
import { usage } from "./usage.js"
import { nextVisit, type Visit } from "./visits.js"

/** The image of the demo's web server. */
export const image = "nginx:1.27-alpine"

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const

const accessTime = (date: Date): string => {
  const [day = "", time = ""] = date.toISOString().split("T")
  const [year = "", month = "", of = ""] = day.split("-")
  return `${of}/${months[Number(month) - 1] ?? ""}/${year}:${time.slice(0, 8)} +0000`
}

const errorTime = (date: Date): string => date.toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ")

const access = ({ address, agent, method, path, referrer }: Visit, date: Date, status: number, bytes: number) =>
  ProgramStep.line(
    `${address} - - [${accessTime(date)}] "${method} ${path} HTTP/1.1" ${status} ${bytes} "${referrer}" "${agent}"`
  )

const notice = (date: Date, text: string) => ProgramStep.line(`${errorTime(date)} [notice] 1#1: ${text}`, "stderr")

/** What the application makes of a request. */
const served = (site: Site, { kind, method, path }: Visit): Effect.Effect<SiteRequest> =>
  Effect.gen(function* () {
    const id = (yield* Random.nextIntBetween(0x100000, 0xffffff)).toString(16)
    const request = { id, method, path }
    if (!site.running.has("database")) return { ...request, status: 500, millis: 3, fault: "database" }
    if (path === "/api/cart" && (yield* happens(0.15))) return { ...request, status: 500, millis: 9, fault: "bug" }
    const slow = yield* happens(0.06)
    const millis = yield* slow ? Random.nextIntBetween(900, 2400) : Random.nextIntBetween(4, 90)
    return { ...request, status: kind === "order" ? 201 : 200, millis }
  })

const answer = (site: Site, visit: Visit, connection: number): Effect.Effect<ReadonlyArray<ProgramStep>> =>
  Effect.gen(function* () {
    const date = yield* now
    switch (visit.kind) {
      case "missing": {
        const words = `open() "/usr/share/nginx/html${visit.path}" failed (2: No such file or directory)`
        const whose = `client: ${visit.address}, server: shop.example, request: "GET ${visit.path} HTTP/1.1", host: "shop.example"`
        const error = `${errorTime(date)} [error] 29#29: *${connection} ${words}, ${whose}`
        return [ProgramStep.line(error, "stderr"), access(visit, date, 404, 153)]
      }
      case "asset": {
        const known = yield* happens(0.5)
        return [access(visit, date, known ? 304 : 200, known ? 0 : yield* Random.nextIntBetween(2_000, 90_000))]
      }
      case "page":
        return [access(visit, date, 200, yield* Random.nextIntBetween(4_000, 21_000))]
      case "api":
      case "order": {
        if (!site.running.has("api")) {
          const words = "connect() failed (111: Connection refused) while connecting to upstream"
          const whose = `client: ${visit.address}, server: shop.example, request: "${visit.method} ${visit.path} HTTP/1.1"`
          const upstream = `upstream: "http://${addresses.api}:3000${visit.path}", host: "shop.example"`
          const error = `${errorTime(date)} [error] 29#29: *${connection} ${words}, ${whose}, ${upstream}`
          return [ProgramStep.line(error, "stderr"), access(visit, date, 502, 559)]
        }
        const request = yield* served(site, visit)
        yield* Queue.offer(site.requests, request)
        return [access(visit, date, request.status, yield* Random.nextIntBetween(60, 3_000))]
      }
    }
  })

const starting = Effect.map(now, (date) => [
  ProgramStep.line("/docker-entrypoint.sh: Configuration complete; ready for start up"),
  notice(date, 'using the "epoll" event method'),
  notice(date, "nginx/1.27.4"),
  notice(date, "start worker processes"),
  notice(date, "start worker process 29"),
  notice(date, "start worker process 30")
])

/** Requests come in little groups, as people click. */
const visits = (site: Site): Stream.Stream<ProgramStep> => {
  let connection = 0
  const turn = Effect.gen(function* () {
    yield* (yield* happens(0.35)) ? pause(60, 300) : pause(700, 2_600)
    return yield* answer(site, yield* nextVisit, ++connection)
  })
  return forever(turn)
}

const quitting = Effect.gen(function* () {
  const date = yield* now
  return [
    notice(date, "signal 3 (SIGQUIT) received, shutting down"),
    ProgramStep.line(`${errorTime(date)} [notice] 29#29: gracefully shutting down`, "stderr"),
    ProgramStep.line(`${errorTime(date)} [notice] 30#30: gracefully shutting down`, "stderr"),
    notice(date, "exit"),
    ProgramStep.exit(0)
  ]
})

/** What it runs. */
export const web = (site: Site): MemoryProgram => ({
  image,
  run: () => site.runs("web", Stream.concat(first(starting), visits(site))),
  signals: { SIGQUIT: () => first(quitting), SIGTERM: 0 },
  usage: usage({ processor: 0.03, memory: 12e6, received: 9e3, sent: 84e3, read: 400, wave: 34 })
})
