import type { LogSink, OperationEvent } from "@dockwire/core"
import { randomUUID } from "node:crypto"
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { hashOf } from "../../packages/server/src/access/tokens/tokensFile.js"
import { nearNames } from "../../packages/server/src/command/remote/nearNames.js"
import { gapText } from "../../packages/server/src/command/remote/logs/logMarks.js"
import { logTime } from "../../packages/server/src/command/remote/logs/logTime.js"
import { eventually } from "../core/eventually.js"
import { dockwire, dockwirePath, startDockwire, startProgram } from "./dockwireCommand.js"
import { type InProcessServer, startInProcess } from "./inProcessServer.js"

type Ending =
  | { readonly _tag: "OperationCompleted" | "OperationInterrupted" }
  | { readonly _tag: "OperationFailed"; readonly error: string }

/** A run that is written event by event. */
class Run {
  readonly logId = randomUUID()
  private seq = 0

  constructor(
    private readonly sink: LogSink["Type"],
    private readonly imageName: string
  ) {
    sink.offer([{ ...this.base, _tag: "OperationStarted" }])
  }

  private get base(): Pick<OperationEvent, "kind" | "logId" | "seq" | "target" | "timestamp"> {
    const timestamp = new Date().toISOString()
    return { logId: this.logId, kind: "pull_image", target: { imageName: this.imageName }, seq: this.seq++, timestamp }
  }

  lines(...texts: ReadonlyArray<string>): this {
    this.sink.offer(
      texts.map((text) => ({ ...this.base, _tag: "OperationLine" as const, stream: "stderr" as const, text }))
    )
    return this
  }

  progress(current: number): this {
    this.sink.offer([{ ...this.base, _tag: "OperationProgress", id: "layer", status: "Downloading", current }])
    return this
  }

  end(end: Ending): this {
    this.sink.offer([{ ...this.base, ...end }])
    return this
  }
}

const failed = { _tag: "OperationFailed", error: "The registry refused it." } as const

describe("dockwire operations", () => {
  let folder: string
  let server: InProcessServer
  let env: Readonly<Record<string, string>>
  let done: Run
  let broken: Run

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dockwire-operations-"))
    const tokensFile = join(folder, "tokens")
    await writeFile(tokensFile, `reader sha256:${hashOf("a-token-that-only-reads")} read\n`)
    server = await startInProcess({ endpoint: "unix:///nonexistent/docker.sock", tokensFile })
    env = { DOCKWIRE_SERVER: server.url, DOCKWIRE_TOKEN: server.token }
    done = new Run(server.sink, "nginx:1.27").lines("one", "two").end({ _tag: "OperationCompleted" })
    broken = new Run(server.sink, "secret/app:2").lines("denied").end(failed)
    await Effect.runPromise(server.sink.flush)
  })
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it("lists them, the newest first, and prints one by the beginning of its id", async () => {
    const [list, json, one, lines, none, cancelled, refused] = await Promise.all([
      dockwire(["operations"], env),
      dockwire(["operations", "--json", "--status", "failed"], env),
      dockwire(["operations", done.logId.slice(0, 13)], env),
      dockwire(["operations", "--json", done.logId], env),
      dockwire(["operations", "ffffffff-ffff"], env),
      dockwire(["cancel", broken.logId], env),
      dockwire(["cancel", broken.logId], { ...env, DOCKWIRE_TOKEN: "a-token-that-only-reads" })
    ])
    expect(list.out.split("\n").map((line) => line.split(/ {3,}/).slice(0, 4))).toEqual([
      ["ID", "KIND", "TARGET", "STATUS"],
      [broken.logId.slice(0, 13), "pull_image", expect.any(String), "failed"],
      [done.logId.slice(0, 13), "pull_image", expect.any(String), "completed"],
      [""]
    ])
    expect(JSON.parse(json.out)).toMatchObject({ log_id: broken.logId, error: failed.error })
    expect(one).toEqual({
      code: 0,
      out: "one\ntwo\n",
      err: expect.stringMatching(/^-- pull_image.* completed after .*s --\n$/)
    })
    expect(
      lines.out
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
    ).toMatchObject([{ log_id: done.logId, status: "completed" }, { text: "one", stream: "stderr" }, { text: "two" }])
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('There is no operation "ffffffff-ffff"') })
    expect(cancelled).toMatchObject({ code: 0, err: expect.stringContaining(`failed after`) })
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^This needs the scope operate, and the token "reader" has only read\./)
    })
  })

  it("follows each from its first line to its end, which is the exit code, and all of them until Ctrl-C", async () => {
    const ends = [{ _tag: "OperationCompleted" }, failed, { _tag: "OperationInterrupted" }] as const
    const runs = ends.map((_, index) => new Run(server.sink, `app:${index}`).lines("first").progress(1))
    const all = startDockwire(["operations", "-f"], env)
    const commands = runs.map(({ logId }, index) =>
      startDockwire(["operations", "-f", logId, ...(index === 0 ? ["--json"] : [])], env)
    )
    for (const command of commands) await eventually(command.out).toContain("first")
    await eventually(server.viewers).toBe(4)
    runs.forEach((run, index) =>
      run
        .lines("second")
        .progress(2)
        .end(ends[index] ?? failed)
    )
    const [completed, broke, interrupted] = await Promise.all(commands.map(({ ended }) => ended))
    expect(completed?.code).toBe(0)
    expect(
      completed?.out
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
    ).toMatchObject([
      { event: "line", text: "first" },
      { event: "progress", current: 1 },
      { event: "line", text: "second" },
      { event: "progress", id: "layer", current: 2 },
      { event: "end", status: "completed", success: true }
    ])
    expect(broke).toEqual({ code: 1, out: "first\nsecond\n", err: `-- pull_image failed: ${failed.error} --\n` })
    expect(interrupted).toEqual({ code: 3, out: "first\nsecond\n", err: "-- pull_image interrupted --\n" })
    await eventually(() => all.err().split("\n").length).toBe(4)
    all.child.kill("SIGINT")
    const { out } = await all.ended
    expect(
      out
        .trimEnd()
        .split("\n")
        .filter((line) => line.endsWith("| second"))
        .toSorted()
    ).toEqual(runs.map(({ logId }) => `${logId.slice(0, 13)} pull_image | second`).toSorted())
  })

  it("is completed by a real bash, with the ids that the server has", async () => {
    const bin = join(folder, "bin")
    await mkdir(bin)
    await symlink(dockwirePath, join(bin, "dockwire"))
    await chmod(dockwirePath, 0o755)
    const complete = (...words: ReadonlyArray<string>) =>
      `COMP_WORDS=(dockwire ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _dockwire dockwire; echo "$(IFS=,; echo "\${COMPREPLY[*]}")"`
    const script = [
      "source <(dockwire completion bash)",
      complete("lo"),
      complete("operations", "--st"),
      complete("operations", "--status", "comp"),
      complete("operations", done.logId.slice(0, 10)),
      complete("logs", ""),
      complete("completion", "")
    ].join("\n")
    const { out } = await startProgram("bash", ["-c", script], { ...env, PATH: `${bin}:${process.env["PATH"] ?? ""}` })
      .ended
    expect(out.split("\n")).toEqual(["logs", "--status", "completed", done.logId, "", "bash,zsh,fish", ""])
  })
})

describe("what the commands say", () => {
  it("names that somebody may have meant", () => {
    const names = ["web", "web-db", "worker", "cache"]
    expect(nearNames("wbe", names)).toEqual(["web"])
    expect(nearNames("work", names)).toEqual(["worker"])
    expect(nearNames("postgres", names)).toEqual([])
  })

  it("how much is lost, between what, and why", () => {
    const reason = "It was too slow."
    expect(gapText("web", { from: 5, to: 16, reason })).toBe(`12 lines of web lost: ${reason}`)
    expect(gapText("web", { from: null, to: null, lines: 1, reason })).toBe(`1 line of web lost: ${reason}`)
    expect(gapText("web", { from: "A", to: null, reason })).toBe(`lines of web lost after A: ${reason}`)
  })

  it("times as they are meant: how long ago, with and without an offset", () => {
    const now = Date.UTC(2026, 0, 31, 12)
    expect(logTime("since", "1h30m", now)).toBe(((now - 5_400_000) / 1000).toFixed(3))
    expect(logTime("since", "3d", now)).toBe((now / 1000 - 3 * 86_400).toFixed(3))
    for (const text of ["2026-01-31T12:00:00Z", "1769860800.5"]) expect(logTime("since", text, now)).toBe(text)
    expect(logTime("since", "2026-01-31")).toBe(new Date(2026, 0, 31).toISOString())
    expect(logTime("since", "2026-01-31 12:30")).toBe(new Date(2026, 0, 31, 12, 30).toISOString())
    for (const text of ["", "5", "2026-13-01", "10x", "tomorrow"]) {
      if (text !== "5") expect(() => logTime("since", text)).toThrow("Invalid --since")
    }
  })
})
