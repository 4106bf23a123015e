import type { LogLine } from "@dockwire/core"

/** How many containers the lines come from. */
export const storeContainers = 20

/** Numbers that look random and are the same each time. */
const mixed = (value: number): number => {
  const first = Math.imul(value ^ (value >>> 16), 0x45d9f3b)
  const second = Math.imul(first ^ (first >>> 16), 0x45d9f3b)
  return (second ^ (second >>> 16)) >>> 0
}

const hex = (value: number): string => mixed(value).toString(16).padStart(8, "0")

const access = (value: number): string =>
  `10.${value % 7}.${mixed(value) % 250}.${mixed(value + 1) % 250} - - "GET /api/items/${mixed(value) % 5_000}?page=${value % 9} HTTP/1.1" ${value % 97 === 0 ? 502 : 200} ${mixed(value) % 90_000} "-" "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"`
const json = (value: number): string =>
  `{"level":"${value % 41 === 0 ? "error" : "info"}","time":${1_790_000_000_000 + value},"reqId":"${hex(value)}${hex(value + 7)}","msg":"request completed","status":${value % 53 === 0 ? 500 : 200},"ms":${mixed(value) % 900}}`
const java = (value: number): string =>
  value % 6 === 0
    ? `2026-09-21 14:13:20,${value % 1_000} ERROR [worker-${value % 16}] com.example.shop.OrderService - Bestellung ${hex(value)} fehlgeschlagen: Straße fehlt`
    : `\tat com.example.shop.OrderService.handle${value % 31}(OrderService.java:${mixed(value) % 900})`
const plain = (value: number): string =>
  `worker ${value % 12}: job ${hex(value)} took ${mixed(value) % 5_000} ms, ${mixed(value + 3) % 100} left in queue`

const kinds = [access, json, java, plain] as const

/** The text of a line of a container. Its first line says what no other does. */
export const storeText = (container: number, number: number): string =>
  container === 3 && number === 1_000
    ? "the one and only needle-7f3a in the haystack"
    : (kinds[container % kinds.length] ?? plain)(number * storeContainers + container)

/** Lines of a container after the one with this number. */
export const storeLines = (container: number, after: number, count: number): ReadonlyArray<LogLine> =>
  Array.from({ length: count }, (_, index) => {
    const number = after + index + 1
    const micros = number * 500 + container
    const millis = 1_790_000_000_000 + Math.floor(micros / 1_000)
    return {
      _tag: "LogLine",
      containerId: `c${container}`,
      stream: number % 9 === 0 ? "stderr" : "stdout",
      timestamp: `${new Date(millis).toISOString().slice(0, 20)}${String((millis % 1_000) * 1_000 + (micros % 1_000)).padStart(6, "0")}000Z`,
      text: storeText(container, number)
    }
  })
