import { createServer } from "node:http"
import { once } from "node:events"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { vi } from "vitest"

/** A pull that was asked of a recording engine. */
export interface RecordedPull {
  readonly image: string | null
  /** A tag or a digest. */
  readonly tag: string | null
  /** `X-Registry-Auth` as it was sent. */
  readonly auth: string
}

/** An engine that pulls nothing, and records what it was asked to. It answers as one that has pulled an image. */
export interface RecordingEngine {
  readonly endpoint: string
  /** The pulls since the last call. */
  readonly takePulls: () => ReadonlyArray<RecordedPull>
  readonly stop: () => Promise<void>
}

const pulled = '{"status":"Status: Downloaded newer image for nothing"}\r\n'

/** Starts a recording engine in a folder. It answers each pull with this response. */
export const startRecordingEngine = async (
  folder: string,
  response: () => string | Uint8Array = () => pulled
): Promise<RecordingEngine> => {
  const socketPath = join(folder, "docker.sock")
  let pulls: Array<RecordedPull> = []
  const server = createServer((request, answer) => {
    answer.setHeader("Api-Version", "1.45")
    if (request.url?.endsWith("/_ping") === true) answer.end("OK")
    else if (request.url?.includes("/images/create") === true) {
      const query = new URL(request.url, "http://engine").searchParams
      const auth = String(request.headers["x-registry-auth"])
      pulls.push({ image: query.get("fromImage"), tag: query.get("tag"), auth })
      answer.end(response())
    } else answer.writeHead(404).end('{"message":"page not found"}')
  }).listen(socketPath)
  await once(server, "listening")
  return {
    endpoint: `unix://${socketPath}`,
    takePulls: () => {
      const taken = pulls
      pulls = []
      return taken
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    }
  }
}

/** A folder for the configuration of the docker command, with credential helpers, which are found in `PATH`. */
export interface ConfigurationFolder {
  readonly path: string
  /** The configuration file. */
  readonly file: string
  /** Writes the configuration file: this text, or this value as JSON. */
  readonly write: (config: unknown) => Promise<void>
  /** Makes a credential helper: a shell script. `$registry` is what it reads from its input. */
  readonly helper: (name: string, script: string) => Promise<void>
  /** The calls of helpers since the last call, such as `pass get r.test`. */
  readonly takeCalls: () => Promise<ReadonlyArray<string>>
  readonly remove: () => Promise<void>
}

/** Makes a configuration folder, and extends `PATH` until `vi.unstubAllEnvs`. */
export const makeConfigurationFolder = async (): Promise<ConfigurationFolder> => {
  const path = await mkdtemp(join(tmpdir(), "dockwire-credentials-"))
  const bin = join(path, "bin")
  const calls = join(path, "calls")
  const file = join(path, "config.json")
  await mkdir(bin)
  vi.stubEnv("PATH", `${bin}${delimiter}${process.env["PATH"] ?? ""}`)
  return {
    path,
    file,
    write: (config) => writeFile(file, typeof config === "string" ? config : JSON.stringify(config)),
    helper: (name, script) => {
      const lines = ["#!/bin/sh", 'registry="$(cat; echo .)"; registry="${registry%.}"']
      const log = `printf '%s\\0' "${name} $1 $registry" >> '${calls}'`
      return writeFile(join(bin, `docker-credential-${name}`), [...lines, log, script, ""].join("\n"), { mode: 0o755 })
    },
    takeCalls: async () => {
      const text = await readFile(calls, "utf8").catch(() => "")
      await rm(calls, { force: true })
      return text.split("\0").slice(0, -1)
    },
    remove: () => rm(path, { recursive: true, force: true })
  }
}
