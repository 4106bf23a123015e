import { mkdtemp, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { eventually } from "../core/eventually.js"
import { engineCall } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type ServerProcess, startServer } from "../engine/serverProcess.js"
import { startTestContainer, type TestContainer, uniqueName } from "../engine/testContainer.js"
import { dockwire, dockwirePath, startDockwire, startOnTerminal, startProgram } from "./dockwireCommand.js"

const counting =
  "trap end=1 USR1; i=0; while [ -z $end ]; do i=$((i+1)); echo number $i; sleep 0.01; done; echo end; sleep 1000"

/** Colors, a cursor movement, a carriage return, a control byte, an empty line, another output, and no line end. */
const printing = `printf '\\033[31mred\\033[0m \\033[2Aup a\\rb \\007\\n\\n'; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "äö $i"; done; sleep 0.3; echo oops >&2; sleep 0.3; printf 'no line end'`

describeEngine("dockwire logs", () => {
  let dataDir: string
  let server: ServerProcess
  let printed: TestContainer
  let other: TestContainer
  let env: Readonly<Record<string, string>>

  beforeAll(async () => {
    const { endpoint } = testEngine()
    dataDir = await mkdtemp(join(tmpdir(), "dockwire-logs-"))
    env = { DOCKWIRE_DATA_DIR: dataDir }
    const start = (name: string, script: string) =>
      startTestContainer({ endpoint, name: uniqueName(name), cmd: ["sh", "-c", script] })
    ;[server, printed, other] = await Promise.all([
      startServer({ endpoint, dataDir }),
      start("printed", printing),
      start("other", "echo one; sleep 0.2; echo two")
    ])
    await Promise.all([printed.wait(), other.wait()])
  })
  afterAll(async () => {
    await Promise.all([server?.stop(), printed?.remove(), other?.remove()])
    await rm(dataDir, { recursive: true, force: true })
  })

  it("prints what the container has written, byte by byte, each output to its own", async () => {
    const numbers = Array.from({ length: 3000 }, (_, index) => `äö ${index + 1}\n`).join("")
    const first = "\u001b[31mred\u001b[0m \u001b[2Aup a\rb \u0007\n"
    const [all, json, onTerminal, raw] = await Promise.all([
      dockwire(["logs", printed.name], env),
      dockwire(["logs", "--json", "-n2", printed.id.slice(0, 12)], env),
      startOnTerminal(["logs", printed.name], env).ended,
      startOnTerminal(["logs", "--raw", printed.name], env).ended
    ])
    expect(all).toEqual({ code: 0, out: `${first}\n${numbers}no line end\n`, err: "oops\n" })
    expect(
      json.out
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
    ).toMatchObject([
      { container: printed.id.slice(0, 12), stream: "stderr", text: "oops" },
      {
        container: printed.id.slice(0, 12),
        stream: "stdout",
        text: "no line end",
        timestamp: expect.stringMatching(/Z$/)
      }
    ])
    expect(onTerminal.out.split("\r\n", 3)).toEqual(["\u001b[31mred\u001b[0m ^[[2Aup a^Mb ^G\u001b[0m", "", "äö 1"])
    expect(raw.out.startsWith(first.replace("\n", "\r\n"))).toBe(true)
  })

  it("puts several logs in the order of their times, with names and times in front, and ends quietly with its reader", async () => {
    const both = await dockwire(["logs", "-t", "--tail=2", printed.name, other.name, other.id], env)
    const width = Math.max(printed.name.length, other.name.length)
    const lines = both.out.trimEnd().split("\n")
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z`
    for (const [name, text] of [
      [other.name, "one"],
      [other.name, "two"],
      [printed.name, "no line end"]
    ] as const) {
      expect(lines.filter((line) => new RegExp(`^${name.padEnd(width)} \\| ${time} ${text}$`).test(line))).toHaveLength(
        1
      )
    }
    expect(lines).toHaveLength(3)
    const times = lines.map((line) => line.split(" | ")[1] ?? "")
    expect(times).toEqual(times.toSorted())
    const pipe = `'${process.execPath}' '${dockwirePath}' logs ${printed.name} | head -n 3 >/dev/null; echo "\${PIPESTATUS[@]}"`
    expect(await startProgram("bash", ["-c", pipe], env).ended).toEqual({
      code: 0,
      out: "0 0\n",
      err: expect.stringMatching(/^(oops\n)?$/)
    })
    const since = await dockwire(["logs", "--since", "2000-01-01", "--until", "1h", other.name], env)
    expect(since).toEqual({ code: 0, out: "", err: "" })
  })

  it("says what is wrong, and what to do", async () => {
    const typo = other.name.replace("other", "ohter")
    const failures = await Promise.all([
      dockwire(["logs", typo], env),
      dockwire(["logs", other.name], { ...env, DOCKWIRE_TOKEN: "wrong" }),
      dockwire(["logs", other.name, "--server", "127.0.0.1:9999", "--token", "x"], env),
      dockwire(["logs", other.name, "--server", "127.0.0.1:9999"], env),
      dockwire(["logs", other.name], { DOCKWIRE_DATA_DIR: join(dataDir, "none") }),
      dockwire(["logs", "--since", "yesterday", other.name], env),
      dockwire(["logs", "--folow", other.name], env),
      dockwire(["logs"], env)
    ])
    const said = failures.map(({ code, err, out }) => [code, out, err.split("\n")[0]])
    expect(said).toEqual([
      [1, "", expect.stringContaining(`There is no container named "${typo}". Did you mean ${other.name}`)],
      [
        1,
        "",
        `The server at ${server.url} does not accept this token. Set DOCKWIRE_TOKEN to its token, or to one that "dockwire token create" made there.`
      ],
      [
        1,
        "",
        `Can't reach the server at http://127.0.0.1:9999: nothing listens there. Check that it runs ("dockwire serve"), and the address in --server or DOCKWIRE_SERVER.`
      ],
      [1, "", expect.stringContaining("There is no token for http://127.0.0.1:9999/. Set DOCKWIRE_TOKEN")],
      [
        1,
        "",
        expect.stringContaining(
          `No server of ${join(dataDir, "none")} runs on this machine. Start one with "dockwire serve"`
        )
      ],
      [2, "", expect.stringContaining('Invalid --since "yesterday". Pass a time such as')],
      [2, "", expect.stringContaining("Unknown option '--folow'")],
      [2, "", "<container>... is missing."]
    ])
  })

  it("follows over restarts of the server, each line once, and says what is lost when the container is another one", async () => {
    const { endpoint } = testEngine()
    const name = uniqueName("followed")
    const first = await startTestContainer({ endpoint, name, cmd: ["sh", "-c", counting] })
    const command = startDockwire(["logs", "-f", name], env)
    const file = join(dataDir, "server.json")
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, "utf8")).not.toContain(server.token)
    await eventually(() => command.out().split("\n").length).toBeGreaterThan(30)
    await server.stop("SIGKILL")
    // A killed server leaves its file, which nobody takes for a server that runs.
    await stat(file)
    const beside = await dockwire(["operations"], env)
    expect(beside).toMatchObject({ code: 1, err: expect.stringMatching(/^No server of \S+ runs on this machine\./) })
    server = await startServer({ endpoint, dataDir, port: server.port })
    await eventually(command.err).toContain("is back")
    await engineCall(endpoint, "POST", `/containers/${first.id}/kill?signal=USR1`)
    await eventually(command.out).toMatch(/\nend\n$/)
    await server.stop("SIGTERM")
    await expect(stat(file)).rejects.toThrow("ENOENT")
    await first.remove()
    const second = await startTestContainer({ endpoint, name, cmd: ["sh", "-c", "echo another; sleep 1000"] })
    server = await startServer({ endpoint, dataDir, port: server.port })
    await eventually(command.out).toMatch(/\nanother\n$/)
    await second.remove()
    const { code, err, out } = await command.ended
    expect(code).toBe(0)
    const lines = out.trimEnd().split("\n")
    const counted = lines.slice(0, -2)
    expect(counted).toEqual(Array.from(counted, (_, index) => `number ${index + 1}`))
    expect(lines.slice(-2)).toEqual(["end", "another"])
    const notes = err.trimEnd().split("\n")
    expect(notes.every((note) => /^-- .* --$/.test(note))).toBe(true)
    expect(notes.filter((note) => note.includes(" lost: "))).toEqual([
      expect.stringMatching(`^-- lines of ${name} lost: The container was recreated\\. What the old one`)
    ])
    expect(notes.filter((note) => note.startsWith("-- The connection to the server is lost"))).toHaveLength(2)
    expect(notes.at(-1)).toBe(`-- ${name} removed --`)
  }, 90_000)
})
