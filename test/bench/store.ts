import { spawn } from "node:child_process"
import { once } from "node:events"
import { createReadStream, createWriteStream } from "node:fs"
import { mkdtemp, mkdir, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"
import { startTestContainer } from "../engine/testContainer.js"
import { atLeast, atMost, type BenchContext, type Benchmark, type Goal, type Row } from "./Benchmark.js"
import { childValue, numberAt } from "./childProcess.js"
import { storeContainers, storeText } from "./storeLines.js"

const program = new URL("../../packages/server/dist/store/thread/logStoreThread.js", import.meta.url)

/** Milliseconds that a command takes; it may find nothing. */
const timeCommand = (command: string, args: ReadonlyArray<string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(command, args, { stdio: "ignore" })
    child.on("error", reject)
    child.on("close", () => resolve(performance.now() - started))
  })

/** Writes the same lines into a file for each container, and compressed. */
const writeFiles = async (folder: string, megabytes: number): Promise<ReadonlyArray<string>> => {
  const files: Array<string> = []
  for (let container = 0; container < storeContainers; container++) {
    const file = join(folder, `${container}.log`)
    const stream = createWriteStream(file)
    let left = (megabytes * 1e6) / storeContainers
    for (let number = 1; left > 0;) {
      const lines: Array<string> = []
      for (let index = 0; index < 5_000 && left > 0; index++, number++) {
        const text = storeText(container, number)
        lines.push(text)
        left -= text.length + 1
      }
      if (!stream.write(`${lines.join("\n")}\n`)) await once(stream, "drain")
    }
    await new Promise<void>((resolve) => stream.end(() => resolve()))
    await pipeline(createReadStream(file), createGzip({ level: 6 }), createWriteStream(`${file}.gz`))
    files.push(file)
  }
  return files
}

/** MB of lines a second that the engine gives out of one container's log. */
const engineRate = async ({ engine: { endpoint }, quick }: BenchContext): Promise<number> => {
  const lines = quick ? 100_000 : 500_000
  const text = `BEGIN { for (i = 0; i < ${lines}; i++) printf "level=info request=%08d path=/api/items took=12ms status=200 bytes=4711 user=anonymous end\\n", i }`
  const container = await startTestContainer({ endpoint, cmd: ["awk", text], logConfig: { Type: "json-file" } })
  await container.wait()
  const result = await childValue("readChild.ts", ["raw", endpoint, container.id, String(lines)])
  return (lines * 96) / 1e6 / numberAt(result, "seconds")
}

const run = async (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const { progress, quick } = context
  const megabytes = quick ? 50 : 1_000
  const folder = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  try {
    progress(`store: writing ${megabytes} MB, and searching it`)
    await mkdir(join(folder, "data"))
    const result = await childValue("storeChild.ts", [join(folder, "data"), program.href, String(megabytes)])
    await rm(join(folder, "data"), { recursive: true })
    progress("store: grep over the same lines in files")
    await mkdir(join(folder, "files"))
    const files = await writeFiles(join(folder, "files"), megabytes)
    const zipped = (await readdir(join(folder, "files"))).filter((name) => name.endsWith(".gz"))
    const grep = await timeCommand("grep", ["-c", "-F", "needle-7f3a", ...files])
    const zgrep = await timeCommand("zgrep", [
      "-c",
      "-F",
      "needle-7f3a",
      ...zipped.map((name) => join(folder, "files", name))
    ])
    progress("store: the engine's own log")
    const engine = await engineRate(context)
    const value = (name: string) => numberAt(result, name)
    const row = (name: string, unit: string, values: ReadonlyArray<number>, goal?: Goal): Row =>
      goal === undefined ? { name, unit, values } : { name, unit, values, goal }
    const ms = (name: string, key: string, goal?: Goal) => row(name, "ms", [value(key)], goal)
    const stored = value("megabytes")
    return [
      row("writing as fast as possible, with making the lines", "lines/s", [value("rate")], atLeast(20_000)),
      row("CPU beyond making the lines", "s per million", [value("ingestCpu")]),
      ms("pauses of the loop at 20,000 lines/s, p99", "p99", atMost(10)),
      ms("longest pause", "longestPause"),
      ms("longest append", "longestAppend", atMost(50)),
      row("on disk, of the text", "of 1", [value("disk")], atMost(1 / 3)),
      row("memory while writing, at most", "MB", [value("ingestMemory")]),
      row("memory while searching, at most", "MB", [value("searchMemory")], atMost(250)),
      ms("newest 500 of a source", "last500"),
      ms("literal, common: newest 100", "common"),
      ms("literal, one line in the oldest part: first hit", "rareFirst", atMost(500)),
      ms("the same, whole", "rare"),
      ms("the same in either case, whole", "rareAnyCase"),
      ms("literal, nowhere", "absent"),
      ms("literal of three characters, nowhere", "short"),
      ms("expression with a literal in it", "literalRegex"),
      ms("expression without a literal, nowhere", "regex"),
      ms("field: newest 500", "field"),
      ms("level: newest 500", "level"),
      ms("histogram of everything", "histogram"),
      ms("a search that is cancelled ends after", "cancel", atMost(100)),
      ms("deleting half", "retain"),
      ms("longest append meanwhile", "longestWait", atMost(50)),
      row("space given back", "MB", [value("given")]),
      row("grep over files", "ms", [grep]),
      row("zgrep over compressed files", "ms", [zgrep]),
      row("the engine's log of one container", "MB/s", [engine]),
      row("a scan without an index, against that", "times", [stored / (value("short") / 1_000) / engine]),
      row("a search for a literal, against that", "times", [stored / (value("rare") / 1_000) / engine], atLeast(10))
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The kept logs: what it costs to write, read and search them. */
export const store: Benchmark = { name: "store", title: "kept logs, written and searched", run }
