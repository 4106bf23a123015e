/** The demo's web server, which logs requests to stdout and errors to stderr, in the formats of nginx. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { withProbability, sleepBetween } from "./chance.js"
import { addresses, type Site, type SiteRequest } from "./site.js"
import { runOnce, runForever, currentDate } from "./steps.js"
import { oscillatingUsage } from "./usage.js"
import { nextVisit, type Visit } from "./visits.js"

/** The image of the demo's web server. */
export const image = "nginx:1.27-alpine"

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const

const accessTime = (date: Date): string => {
  const [day = "", time = ""] = date.toISOString().split("T")
  const [year = "", month = "", dayOfMonth = ""] = day.split("-")
  return `${dayOfMonth}/${months[Number(month) - 1] ?? ""}/${year}:${time.slice(0, 8)} +0000`
}

const errorTime = (date: Date): string => date.toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ")

const accessLine = ({ address, agent, method, path, referrer }: Visit, date: Date, status: number, bytes: number) =>
  ProgramStep.line(
    `${address} - - [${accessTime(date)}] "${method} ${path} HTTP/1.1" ${status} ${bytes} "${referrer}" "${agent}"`
  )

const noticeLine = (date: Date, text: string) => ProgramStep.line(`${errorTime(date)} [notice] 1#1: ${text}`, "stderr")

/** The application's handling of a request. */
const handleRequest = (site: Site, { kind, method, path }: Visit): Effect.Effect<SiteRequest> =>
  Effect.gen(function* () {
    const id = (yield* Random.nextIntBetween(0x100000, 0xffffff)).toString(16)
    const request = { id, method, path }
    if (!site.running.has("database")) return { ...request, status: 500, millis: 3, fault: "database" }
    if (path === "/api/cart" && (yield* withProbability(0.15)))
      return { ...request, status: 500, millis: 9, fault: "bug" }
    const slow = yield* withProbability(0.06)
    const millis = yield* slow ? Random.nextIntBetween(900, 2400) : Random.nextIntBetween(4, 90)
    return { ...request, status: kind === "order" ? 201 : 200, millis }
  })

const handleVisit = (site: Site, visit: Visit, connection: number): Effect.Effect<ReadonlyArray<ProgramStep>> =>
  Effect.gen(function* () {
    const date = yield* currentDate
    switch (visit.kind) {
      case "missing": {
        const reason = `open() "/usr/share/nginx/html${visit.path}" failed (2: No such file or directory)`
        const context = `client: ${visit.address}, server: shop.example, request: "GET ${visit.path} HTTP/1.1", host: "shop.example"`
        const error = `${errorTime(date)} [error] 29#29: *${connection} ${reason}, ${context}`
        return [ProgramStep.line(error, "stderr"), accessLine(visit, date, 404, 153)]
      }
      case "asset": {
        const cached = yield* withProbability(0.5)
        return [accessLine(visit, date, cached ? 304 : 200, cached ? 0 : yield* Random.nextIntBetween(2_000, 90_000))]
      }
      case "page":
        return [accessLine(visit, date, 200, yield* Random.nextIntBetween(4_000, 21_000))]
      case "api":
      case "order": {
        if (!site.running.has("api")) {
          const reason = "connect() failed (111: Connection refused) while connecting to upstream"
          const context = `client: ${visit.address}, server: shop.example, request: "${visit.method} ${visit.path} HTTP/1.1"`
          const upstream = `upstream: "http://${addresses.api}:3000${visit.path}", host: "shop.example"`
          const error = `${errorTime(date)} [error] 29#29: *${connection} ${reason}, ${context}, ${upstream}`
          return [ProgramStep.line(error, "stderr"), accessLine(visit, date, 502, 559)]
        }
        const request = yield* handleRequest(site, visit)
        yield* Queue.offer(site.requests, request)
        return [accessLine(visit, date, request.status, yield* Random.nextIntBetween(60, 3_000))]
      }
    }
  })

const startup = Effect.map(currentDate, (date) => [
  ProgramStep.line("/docker-entrypoint.sh: Configuration complete; ready for start up"),
  noticeLine(date, 'using the "epoll" event method'),
  noticeLine(date, "nginx/1.27.4"),
  noticeLine(date, "start worker processes"),
  noticeLine(date, "start worker process 29"),
  noticeLine(date, "start worker process 30")
])

/** Requests arrive in short bursts, as from people browsing. */
const visits = (site: Site): Stream.Stream<ProgramStep> => {
  let connection = 0
  const next = Effect.gen(function* () {
    yield* (yield* withProbability(0.35)) ? sleepBetween(60, 300) : sleepBetween(700, 2_600)
    return yield* handleVisit(site, yield* nextVisit, ++connection)
  })
  return runForever(next)
}

const shutdown = Effect.gen(function* () {
  const date = yield* currentDate
  return [
    noticeLine(date, "signal 3 (SIGQUIT) received, shutting down"),
    ProgramStep.line(`${errorTime(date)} [notice] 29#29: gracefully shutting down`, "stderr"),
    ProgramStep.line(`${errorTime(date)} [notice] 30#30: gracefully shutting down`, "stderr"),
    noticeLine(date, "exit"),
    ProgramStep.exit(0)
  ]
})

/** The program of the web server. */
export const web = (site: Site): MemoryProgram => ({
  image,
  run: () => site.track("web", Stream.concat(runOnce(startup), visits(site))),
  signals: { SIGQUIT: () => runOnce(shutdown), SIGTERM: 0 },
  usage: oscillatingUsage({ cpu: 0.03, memory: 12e6, received: 9e3, sent: 84e3, read: 400, period: 34 })
})
