import * as Duration from "effect/Duration"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { SshAgent } from "../../../packages/core/src/internal/connection/ssh/sshAgent.js"

/** Replaces `ssh` with a script for one test: the real one cannot be made to exit at a given point of a write. */
const withSsh = async (script: string): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-ssh-"))
  await writeFile(join(folder, "ssh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const path = process.env["PATH"] ?? ""
  process.env["PATH"] = [folder, path].join(delimiter)
  onTestFinished(async () => {
    process.env["PATH"] = path
    await rm(folder, { recursive: true })
  })
}

/** The engine answers. */
const pong = String.raw`printf 'HTTP/1.1 200 OK\r\n\r\n'`

it.each([
  ["before the connection is open", "sleep 0.2; echo 'connection refused' >&2; exit 255"],
  ["before ssh ends", `${pong}; exec 0<&-; sleep 0.2; echo 'connection refused' >&2; exit 255`],
  ["as ssh ends", `${pong}; sleep 0.2; echo 'connection refused' >&2; exit 255`]
])("pending writes fail with the message of ssh: %s", async (_, script) => {
  await withSsh(script)
  const nowhere = { _tag: "Ssh", url: "ssh://nowhere", host: "nowhere", port: undefined, user: undefined } as const
  const socket = new SshAgent(Duration.seconds(5), nowhere).createConnection()
  const failure = new Promise<Error>((resolve) => socket.once("error", resolve))
  // More than the buffer of a pipe.
  const piece = Buffer.alloc(1024 * 1024)
  const written = Promise.all(
    Array.from({ length: 3 }, () => new Promise<unknown>((resolve) => socket.write(piece, resolve)))
  )
  expect(await failure).toMatchObject({ code: "ECONNREFUSED", message: "connection refused" })
  for (const error of await written) expect(error).toBeInstanceOf(Error)
})
