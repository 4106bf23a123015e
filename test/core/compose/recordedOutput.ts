import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** What compose printed, and how it ended. */
export interface RecordedRun {
  readonly exitCode: number
  readonly lines: ReadonlyArray<readonly [stream: "out" | "err", text: string]>
}

const path = (name: string) => fileURLToPath(new URL(`./recorded/${name}.json`, import.meta.url))

/** Recorded from 2.26 (plain) and 2.40 (JSON), and made from the source of version 5, which was not run. */
export const recordings = {
  "2.26": path("compose-2.26"),
  "2.40": path("compose-2.40"),
  "5": path("compose-5-made-from-its-source")
}

const read = new Map<string, Readonly<Record<string, RecordedRun>>>()

/** The runs of a version, by what was run. */
export const recordedOutput = (edition: keyof typeof recordings): Readonly<Record<string, RecordedRun>> => {
  const known = read.get(edition)
  if (known !== undefined) return known
  const runs: Readonly<Record<string, RecordedRun>> = JSON.parse(readFileSync(recordings[edition], "utf8"))
  read.set(edition, runs)
  return runs
}
