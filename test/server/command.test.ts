import { execFile, spawn } from "node:child_process"
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startServer } from "../engine/serverProcess.js"
import { startTestContainer } from "../engine/testContainer.js"
import { connectWire, isEvent } from "./wireClient.js"

const main = fileURLToPath(new URL("../../packages/server/dist/bin/dockwire.js", import.meta.url))

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-command-"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const dockwire = (args: ReadonlyArray<string>, env: Record<string, string> = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const options = { env: { PATH: process.env["PATH"], HOME: folder, ...env }, timeout: 30_000 }
    execFile(process.execPath, [main, ...args], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err })
    })
  })

const serve = (args: ReadonlyArray<string>, env?: Record<string, string>) => {
  const port = args.includes("--port") ? [] : ["--port", "0"]
  return dockwire(["serve", ...port, "--data-dir", join(folder, "data"), ...args], env)
}

const once = (text: string, part: string) => expect(text.split(part)).toHaveLength(2)

describe("the command", () => {
  it("prints its version and its help without colors into a pipe", async () => {
    expect(await dockwire(["--version"])).toMatchObject({ code: 0, out: "0.1.0\n" })
    const help = await dockwire(["serve", "--help"])
    expect(help.code).toBe(0)
    // oxlint-disable-next-line no-control-regex
    expect(help.out).not.toMatch(/\u001b/)
    for (const flag of [
      "--host",
      "--port",
      "--token",
      "--docker-host",
      "--engine",
      "--data-dir",
      "--public-origin",
      "--tokens-file",
      "--read-only",
      "--enable-exec",
      "--history-days",
      "--history-operations",
      "--history-megabytes",
      "--insecure"
    ]) {
      expect(help.out).toContain(flag)
    }
  })

  it("prints the whole command line in its help, with every flag and its variable", async () => {
    const help = await dockwire(["serve", "--help"])
    expect(help.out).toMatch(/^Usage: dockwire serve \[--host <address>\] \[--port <port>\] \[--token <token>\]\n/)
    for (const variable of [
      "HOST",
      "PORT",
      "TOKEN",
      "DOCKER_HOST",
      "ENGINE",
      "DATA_DIR",
      "PUBLIC_ORIGIN",
      "TOKENS_FILE",
      "READ_ONLY",
      "ENABLE_EXEC",
      "INSECURE"
    ]) {
      expect(help.out).toContain(`Environment: DOCKWIRE_${variable}\n`)
    }
    expect(help.out).toContain("[--public-origin <origin>]...")
    expect(help.out).not.toContain("undefined")
    expect(Math.max(...help.out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80)
    expect((await dockwire(["serve", "-h"])).out).toBe(help.out)
    for (const args of [[], ["--help"], ["-h"]]) {
      expect(await dockwire(args)).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: dockwire <command>/) })
    }
  })

  it("prints links that can be opened, and never a token of one's own", async () => {
    const greeting = async (flags: ReadonlyArray<string>): Promise<string> => {
      const args = [
        main,
        "serve",
        "--port",
        "0",
        "--data-dir",
        join(folder, "greeting"),
        "--engine",
        "memory",
        ...flags
      ]
      const child = spawn(process.execPath, args, {
        env: { PATH: process.env["PATH"], HOME: folder },
        stdio: ["ignore", "pipe", "pipe"]
      })
      const exited = new Promise((resolve) => child.once("exit", resolve))
      let output = ""
      await new Promise<void>((resolve, reject) => {
        void exited.then(() => reject(new Error(output)))
        for (const stream of [child.stdout, child.stderr]) {
          stream.on("data", (data: Buffer) => {
            output += data.toString("utf8")
            if (output.includes("Demo:")) resolve()
          })
        }
      })
      child.kill()
      await exited
      return output
    }
    const [generated, own, everywhere] = await Promise.all([
      greeting(["--public-origin", "https://logs.test"]),
      greeting(["--token", "a-token-of-my-own"]),
      greeting(["--host", "0.0.0.0", "--insecure"])
    ])
    expect(generated).toMatch(
      /^Dockwire is ready\. Open one of these links in your browser:\n\n {2}https:\/\/logs\.test\/#token=([\w-]{43})\n {2}http:\/\/127\.0\.0\.1:\d+\/#token=\1\n\n/
    )
    expect(own).toMatch(
      /^Dockwire is ready\. Open http:\/\/127\.0\.0\.1:\d+ in your browser and sign in with the token that you set with --token or DOCKWIRE_TOKEN\.\n/
    )
    expect(own).not.toMatch(/a-token-of-my-own|#token/)
    expect(everywhere).toMatch(/ {2}http:\/\/127\.0\.0\.1:\d+\/#token=/)
    expect(everywhere).toContain(`  http://${hostname().toLowerCase()}:`)
    expect(everywhere).not.toContain("//0.0.0.0")
  })

  it("names an invalid flag or setting, once", async () => {
    const bogus = await serve(["--bogus"])
    expect(bogus.code).toBe(2)
    once(bogus.err + bogus.out, "--bogus")
    once(bogus.err, 'Run "dockwire serve --help" for usage.')
    const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, Record<string, string>, string]> = [
      [["--port", "abc"], {}, 'Invalid port "abc". Set --port or DOCKWIRE_PORT to a whole number from 0 to 65535'],
      [["--port", "70000"], {}, 'Invalid port "70000". Set --port or DOCKWIRE_PORT to a whole number from 0 to 65535'],
      [
        ["--public-origin", "logs.example.com"],
        {},
        'Invalid public origin "logs.example.com". Set --public-origin or DOCKWIRE_PUBLIC_ORIGIN'
      ],
      [["--docker-host", "ftp://x"], {}, "ftp://x"],
      [["--engine", "dcoker"], {}, 'Invalid engine "dcoker". Set --engine or DOCKWIRE_ENGINE to "docker", "auto"'],
      [["--engine", ""], {}, 'Invalid engine "". Set --engine or DOCKWIRE_ENGINE to "docker", "auto"'],
      [
        [],
        { DOCKWIRE_ENGINE: "podman" },
        'Invalid engine "podman". Set --engine or DOCKWIRE_ENGINE to "docker", "auto"'
      ],
      [
        ["--engine", "memory", "--docker-host", "unix:///x"],
        {},
        "--engine memory runs a demo without Docker and cannot be combined with --docker-host unix:///x"
      ],
      [["--host", "0.0.0.0"], {}, "--host 0.0.0.0 lets other machines connect"],
      [["--token", ""], {}, "The token is empty"],
      [["--token", "two words"], {}, "The token contains whitespace"],
      [
        [],
        { DOCKWIRE_PUBLIC_ORIGIN: "https://a.example.com/path" },
        'Invalid public origin "https://a.example.com/path"'
      ]
    ]
    await Promise.all(
      wrong.map(async ([args, env, message]) => {
        const outcome = await serve(args, env)
        expect([args, outcome.code, outcome.out]).toEqual([args, 2, ""])
        once(outcome.err, message)
      })
    )
    const port = await dockwire(["serve"], { DOCKWIRE_PORT: "abc" })
    expect(port.code).toBe(2)
    once(port.err, 'Invalid port "abc"')
  })

  it("says why it cannot start: a port in use, an address of another machine, a path that is not a directory", async () => {
    const holder = createServer()
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, "127.0.0.1", () => {
        const address = holder.address()
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    })
    const used = await dockwire(["serve", "--port", String(port), "--data-dir", join(folder, "data")])
    holder.close()
    expect(used.code).toBe(1)
    once(
      used.err,
      `Port ${port} on 127.0.0.1 is already in use. Stop the process that uses it, or choose another port with --port.\n`
    )
    const elsewhere = await serve(["--host", "192.0.2.1", "--token", "a-token-of-my-own"])
    expect(elsewhere.code).toBe(2)
    once(
      elsewhere.err,
      'This machine has no address "192.0.2.1". Choose one of its addresses with --host, such as 127.0.0.1.\n'
    )
    const file = join(folder, "file")
    await writeFile(file, "")
    const noFolder = await dockwire(["serve", "--port", "0", "--data-dir", join(file, "data")])
    expect(noFolder.code).toBe(1)
    once(
      noFolder.err,
      `Cannot store the server's files in ${join(file, "data")}: part of the path is not a directory. Choose another directory with --data-dir or DOCKWIRE_DATA_DIR.\n`
    )
  })

  it("exits healthcheck with 1 if nothing listens", async () => {
    const outcome = await dockwire(["healthcheck", "--port", "1"])
    expect(outcome.code).toBe(1)
    expect(outcome.err).toContain(
      "Dockwire at 127.0.0.1:1 did not respond (connect ECONNREFUSED 127.0.0.1:1). Is it running, and are --host and --port right?\n"
    )
    expect((await dockwire(["healthcheck", "--port", "x"])).err).toContain(
      'Invalid port "x". Set --port or DOCKWIRE_PORT to the server\'s port, a whole number from 1 to 65535.\n'
    )
  })

  it("keeps its token in a file that only its owner can read, and starts without an engine", async () => {
    const dataDir = join(folder, "fresh")
    const server = await startServer({ endpoint: "unix:///nonexistent/docker.sock", dataDir })
    try {
      expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
      expect((await stat(join(dataDir, "token"))).mode & 0o777).toBe(0o600)
      expect((await readFile(join(dataDir, "token"), "utf8")).trim()).toBe(server.token)
      expect(Buffer.from(server.token, "base64url")).toHaveLength(32)
      expect((await dockwire(["healthcheck"], { DOCKWIRE_PORT: String(server.port) })).code).toBe(0)
    } finally {
      await server.stop()
    }
    await chmod(join(dataDir, "token"), 0o644)
    const again = await startServer({ endpoint: "unix:///nonexistent/docker.sock", dataDir })
    expect(again.token).toBe(server.token)
    expect((await stat(join(dataDir, "token"))).mode & 0o777).toBe(0o600)
    await again.stop()
  })
})

describe("a session", () => {
  it("survives a restart of the server", async () => {
    const dataDir = join(folder, "session")
    const options = { endpoint: "unix:///nonexistent/docker.sock", dataDir }
    const server = await startServer(options)
    const opened = await fetch(`${server.url}/api/session`, {
      method: "POST",
      headers: { authorization: `Bearer ${server.token}` }
    })
    const [cookie = ""] = (opened.headers.get("set-cookie") ?? "").split(";")
    await server.stop("SIGKILL")
    const again = await startServer({ ...options, port: server.port })
    expect((await fetch(`${again.url}/api/containers`, { headers: { cookie } })).status).toBe(503)
    expect((await fetch(`${again.url}/api/containers`)).status).toBe(401)
    await again.stop()
  })
})

describeEngine("shutdown of the server", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "%s with viewers, a live stream and a request that hangs: 1001, code 0, within two seconds",
    async (signal) => {
      const { endpoint } = testEngine()
      const made = await startTestContainer({
        endpoint,
        cmd: ["sh", "-c", "while true; do echo line; usleep 10000; done"]
      })
      const dataDir = join(folder, `end-${signal}`)
      const child = spawn(
        process.execPath,
        [main, "serve", "--port", "0", "--data-dir", dataDir, "--docker-host", endpoint],
        {
          env: { PATH: process.env["PATH"], HOME: folder },
          stdio: ["ignore", "pipe", "pipe"]
        }
      )
      let output = ""
      const link = await new Promise<RegExpExecArray>((resolve, reject) => {
        child.on("exit", (code) => reject(new Error(`ended with ${code}: ${output}`)))
        child.stdout.on("data", (data: Buffer) => {
          output += data.toString("utf8")
          const found = /(http:\/\/\S+?:\d+)\/#token=(\S+)/.exec(output)
          if (found !== null) resolve(found)
        })
      })
      const [, url = "", token = ""] = link
      const clients = await Promise.all(Array.from({ length: 10 }, () => connectWire(url, { token })))
      for (const client of clients) client.send({ event: "stream_container_logs", data: { container_id: made.id } })
      await Promise.all(clients.map((client) => client.waitFor(isEvent("docker_log"))))
      // One client stops reading, and a stop request takes ten seconds.
      clients[0]?.socket.pause()
      const hanging = fetch(`${url}/api/containers/${made.id}/stop`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` }
      }).catch(() => undefined)
      const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)))
      const started = Date.now()
      child.kill(signal)
      const codes = await Promise.all(clients.slice(1).map((client) => client.closed))
      expect(new Set(codes)).toEqual(new Set([1001]))
      expect(await exited).toBe(0)
      expect(Date.now() - started).toBeLessThan(2_000)
      await hanging
      await made.remove()
      clients[0]?.socket.terminate()
    }
  )
})
