/** Numbers between 0 and 1 that depend on a seed only. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of several, by chance. */
export const pick = <A>(random: () => number, items: ReadonlyArray<A>): A => {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error("nothing to pick from")
  return item
}

const words = [
  "timeout",
  "Refused",
  "ERROR",
  "größe",
  "Über",
  "日本",
  "a.b",
  "(x)",
  "user-7",
  "0x1F",
  "tasks",
  "ok",
  "😀",
  "K9"
]

/** Lines of several kinds, with words of several languages. */
export const sampleLines = (random: () => number, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => {
    const number = Math.floor(random() * 1000)
    const some = () => Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(random, words)).join(" ")
    switch (index % 5) {
      case 0:
        return `172.17.0.${number % 250} - - [31/Jan/2026:12:00:00 +0000] "GET /api/${number} HTTP/1.1" ${pick(random, [200, 404, 500])} ${number}`
      case 1:
        return JSON.stringify({ level: 30, time: number, msg: some(), user: { id: number % 9 } })
      case 2:
        return `level=${pick(random, ["info", "error"])} status=${pick(random, [200, 500, 503])} msg="${some()}"`
      case 3:
        return `2026-01-31 12:00:00.${number} WARN [main] ${some()}`
      default:
        return some()
    }
  })
