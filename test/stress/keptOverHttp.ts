/** Reads what a running server has kept as its users do, and compares that with the timeline of the store. */
import * as Schema from "effect/Schema"
import { KeptLogElement, type KeptLine } from "../../packages/server/src/Api/logs/KeptLogElement.js"
import type { ServerProcess } from "../engine/serverProcess.js"
import type { StoredItem } from "../../packages/server/src/store/LogRecord.js"
import { LogSource } from "../../packages/server/src/store/StoredLog.js"
import { connectWire, isEvent } from "../server/wireClient.js"

type Place = Pick<ServerProcess, "url" | "token">

/** What users get of a source. */
export interface KeptOverHttp {
  /** The elements of the download. */
  readonly download: ReadonlyArray<KeptLogElement>
  /** The lines that a search for all of them finds, the newest first. */
  readonly found: ReadonlyArray<KeptLine>
  /** By container: the texts that its room sends. */
  readonly rooms: ReadonlyMap<string, ReadonlyArray<string>>
}

const decode = Schema.decodeUnknownSync(Schema.Array(KeptLogElement))
const decodeSources = Schema.decodeUnknownSync(Schema.Array(LogSource))

const get = async ({ token, url }: Place, path: string): Promise<string> => {
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${token}`, accept: "application/x-ndjson, application/json" }
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${text}`)
  return text
}

const elements = async (place: Place, query: Readonly<Record<string, string>>) => {
  const text = await get(place, `/api/logs?${new URLSearchParams(query)}`)
  return decode(text.split("\n").flatMap((line): ReadonlyArray<unknown> => (line === "" ? [] : [JSON.parse(line)])))
}

/** All that a search finds, over as many requests as that takes. */
const search = async (place: Place, source: string, text: string): Promise<ReadonlyArray<KeptLine>> => {
  const lines: Array<KeptLine> = []
  let cursor: string | undefined
  for (;;) {
    const answer = await elements(place, { source, q: text, ...(cursor === undefined ? {} : { cursor }) })
    const found = answer.flatMap((element) => (element._tag === "SearchFound" ? [element] : []))
    for (const { hits } of found) for (const { line } of hits) lines.push(line)
    const progress = found.at(-1)?.progress
    if (progress?.done === "end") return lines
    if (progress?.cursor === undefined) throw new Error("A search has not ended and does not say how to go on.")
    cursor = progress.cursor
  }
}

/** What the room of a removed container sends, from its first line on. */
const room = async ({ token, url }: Place, containerId: string): Promise<ReadonlyArray<string>> => {
  const client = await connectWire(url, { token })
  try {
    client.send({
      event: "stream_container_logs",
      data: { container_id: containerId, since: "2000-01-01T00:00:00Z" }
    })
    await client.waitFor(
      isEvent("container_log_mark", ({ data }) => data.mark === "removed"),
      120_000
    )
    return [...client.lines()]
  } finally {
    await client.close()
  }
}

/** Reads all of a source in each way. Its containers must have been removed. */
export const readOverHttp = async (place: Place, name: string, text: string): Promise<KeptOverHttp> => {
  const sources = decodeSources(JSON.parse(await get(place, "/api/logs/sources")))
  const source = sources.find((one) => one.name === name)
  if (source === undefined) return { download: [], found: [], rooms: new Map() }
  const rooms = new Map<string, ReadonlyArray<string>>()
  for (const { containerId } of source.generations) rooms.set(containerId, await room(place, containerId))
  const download = await elements(place, { source: source.id, download: "true", format: "ndjson" })
  return { download, found: await search(place, source.id, text), rooms }
}

/** What of a line or a mark has to be the same in each way. */
const shown = (item: StoredItem | KeptLogElement): string => {
  if (item._tag === "StoredLine") return `${item.containerId} ${item.number} ${item.timestamp} ${item.text}`
  if (item._tag === "StoredMark") return `${item.containerId} ${item.number} <${item.mark.mark}>`
  return item._tag
}

/** How two lists differ; nothing when they do not. */
const difference = (
  what: string,
  actual: ReadonlyArray<string>,
  expected: ReadonlyArray<string>
): ReadonlyArray<string> => {
  if (actual.length === expected.length && actual.every((text, index) => text === expected[index])) return []
  const at = expected.findIndex((text, index) => text !== actual[index])
  const where = at === -1 ? expected.length : at
  return [
    `${what}: ${actual.length} in place of ${expected.length}, the first difference at ${where}: ${actual[where]} in place of ${expected[where]}`
  ]
}

/** What each way shows differently from the timeline. */
export const faultsOverHttp = (
  { download, found, rooms }: KeptOverHttp,
  timeline: ReadonlyArray<StoredItem>
): ReadonlyArray<string> => {
  const lines = timeline.flatMap((item) => (item._tag === "StoredLine" ? [item] : []))
  const containers = new Set(timeline.map(({ containerId }) => containerId))
  return [
    ...difference("download", download.map(shown), timeline.map(shown)),
    ...difference("search", found.map(shown), lines.map(shown).toReversed()),
    ...[...containers].flatMap((id) =>
      difference(
        `room of ${id.slice(0, 12)}`,
        rooms.get(id) ?? [],
        lines.flatMap((line) => (line.containerId === id ? [line.text] : []))
      )
    )
  ]
}
