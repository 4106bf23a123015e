import { InvalidRequest } from "@dockwire/core"
import * as Redacted from "effect/Redacted"
import { execFileSync } from "node:child_process"
import { once } from "node:events"
import { rm, symlink, truncate } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { randomness } from "../logs/randomness.js"
import { contextFiles, type ContextFiles, type TestFile } from "./contextFiles.js"
import { openSessionClient, type Packet, packetsOf, type SessionClient, toldPaths } from "./sessionClient.js"

const disposals: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const dispose of disposals.splice(0).toReversed()) await dispose()
})

const folderOf = async (files: Readonly<Record<string, TestFile>>): Promise<ContextFiles> => {
  const made = await contextFiles(files)
  disposals.push(made.remove)
  return made
}
const clientOf = async (content: Parameters<typeof openSessionClient>[0]): Promise<SessionClient> => {
  const client = await openSessionClient(content)
  disposals.push(client.close)
  return client
}

describe("a transfer of files", () => {
  it("tells of what the filters of the engine let through, in the order of bytes", async () => {
    const { path } = await folderOf({
      "a/b": "1",
      "a-b": "2",
      "a.c/d": "3",
      Z: "4",
      é: "5",
      "with, comma": "6",
      "with,comma": "7",
      "x%2By+z": "8"
    })
    const client = await clientOf({ folder: path })
    const told = (headers: Readonly<Record<string, ReadonlyArray<string>>>) =>
      toldPaths(client.transfer({ "dir-name": ["context"], ...headers }))
    expect(await told({})).toEqual([
      "Z",
      "a",
      "a/b",
      "a-b",
      "a.c",
      "a.c/d",
      "with, comma",
      "with,comma",
      "x%2By+z",
      "é"
    ])
    expect(await told({ "exclude-patterns": ["a*", "with, comma", "Z"] })).toEqual(["with,comma", "x%2By+z", "é"])
    expect(await told({ followpaths: ["with, comma", "Z"] })).toEqual(["Z", "with, comma"])
    expect(await told({ followpaths: ["x%2By+z"] })).toEqual(["x%2By+z"])
    const encoded = { followpaths: ["%C3%A9", "x%252By%2Bz", "with%2C+comma"], "followpaths-encoded": ["1"] }
    expect(await told(encoded)).toEqual(["with, comma", "x%2By+z", "é"])
    expect(await told({ "include-patterns": ["**/d"], "exclude-patterns": ["Z"] })).toEqual(["a.c", "a.c/d"])
    expect(await told({ followpaths: ["missing"] })).toEqual([])
  })

  it("leads nowhere out of the context", async () => {
    const outside = await folderOf({ secret: "secret", "below/secret": "secret" })
    const { path } = await folderOf({
      file: "file",
      "sub/up": { link: `../../${outside.path.split("/").at(-1) ?? ""}/secret` },
      absolute: { link: outside.path },
      root: { link: "/" },
      parent: { link: ".." },
      loop: { link: "loop2/x" },
      loop2: { link: "loop/y" }
    })
    const client = await clientOf({ folder: path })
    const all = ["absolute", "file", "loop", "loop2", "parent", "root", "sub", "sub/up"]
    const tries = [
      ["../", "../../etc/passwd", "/etc/passwd"],
      ["sub/up", "sub/../../secret"],
      ["absolute", "absolute/secret", "absolute/below/secret", "absolute/*"],
      ["parent/secret", "root/etc/passwd", "root/*", "*/secret", "*"],
      ["loop", "loop2/a/b", `${"../".repeat(50)}${outside.path}/secret`]
    ]
    for (const followpaths of tries) {
      for (const name of ["followpaths", "include-patterns"]) {
        const told = await toldPaths(client.transfer({ "dir-name": ["context"], [name]: followpaths }))
        expect(told.filter((found) => !all.includes(found))).toEqual([])
      }
    }
    for (const name of ["/", "/etc", "..", outside.path, "", "other"]) {
      await expect(toldPaths(client.transfer({ "dir-name": [name] }))).rejects.toThrow("no directory")
    }
    expect(await toldPaths(client.transfer({ "dir-name": ["dockerfile"] }))).toEqual(["Dockerfile"])
    expect(client.failures).toEqual([])
  })

  it("sends only files that it told of, each once", async () => {
    const { path } = await folderOf({ "folder/file": "content", empty: "" })
    const client = await clientOf({ folder: path })
    // The entries are the empty file, the folder and the file in it.
    for (const ids of [[1], [3], [0, 0], [2, 2]]) {
      const call = client.transfer({ "dir-name": ["context"] })
      const transfer = (async () => {
        for await (const { stat, type } of packetsOf(call)) {
          if (stat == null && (type ?? 0) === 0) for (const id of ids) call.write({ type: 1, id })
        }
      })()
      await expect(transfer).rejects.toThrow(`no file has the number ${ids[0]}`)
    }
  })

  it("fails with the file that can't be sent any more", async () => {
    const large = "x".repeat(200_000)
    const changes: ReadonlyArray<readonly [change: (path: string) => unknown, words: string]> = [
      [(path) => rm(path), "no longer does"],
      [(path) => truncate(path, 100_000), "became shorter"],
      [(path) => rm(path).then(() => symlink("/etc/passwd", path)), "replaced by a symbolic link"],
      [(path) => rm(path).then(() => execFileSync("mkfifo", [path])), "became shorter"],
      [(path) => rm(path).then(() => execFileSync("mkdir", [path])), "replaced by a directory"]
    ]
    for (const [change, words] of changes) {
      const { path } = await folderOf({ file: large })
      const client = await clientOf({ folder: path })
      const call = client.transfer({ "dir-name": ["context"] })
      const packets: Array<Packet> = []
      const transfer = (async () => {
        for await (const packet of packetsOf(call)) {
          packets.push(packet)
          if ((packet.type ?? 0) === 0 && packet.stat == null) {
            await change(join(path, "file"))
            call.write({ type: 1, id: 0 })
          }
        }
      })()
      await expect(transfer).rejects.toThrow(words)
      expect(Buffer.from(packets.find(({ type }) => type === 4)?.data ?? []).toString("utf8")).toContain(words)
      expect(client.failures).toHaveLength(1)
      expect(client.failures[0]).toBeInstanceOf(InvalidRequest)
      expect(client.failures[0]).toMatchObject({ field: "context", value: join(path, "file") })
    }
  })

  it("ends when the engine cancels it, and serves the next one", async () => {
    const { path } = await folderOf({ file: "x".repeat(3_000_000) })
    const client = await clientOf({ folder: path })
    for (let round = 0; round < 5; round++) {
      const call = client.transfer({ "dir-name": ["context"] })
      await expect(
        (async () => {
          for await (const { stat, type } of packetsOf(call)) {
            if (stat == null && (type ?? 0) === 0) call.write({ type: 1, id: 0 })
            if (type === 2) call.cancel()
          }
        })()
      ).rejects.toThrow("CANCELLED")
    }
    expect(await toldPaths(client.transfer({ "dir-name": ["context"] }))).toEqual(["file"])
    expect(client.failures).toEqual([])
  })
})

describe("the other calls of a session", () => {
  it("are answered as gRPC has it", async () => {
    const asked: Array<string> = []
    const credentials = async (registry: string) => {
      asked.push(registry)
      if (registry === "token.example") return { identityToken: Redacted.make("refresh"), source: "test" }
      return registry === "docker.io" ? { username: "ann", password: Redacted.make("ü:"), source: "test" } : undefined
    }
    const secrets = new Map([["id", Redacted.make("v".repeat(100_000))]])
    const client = await clientOf({ folder: undefined, credentials, secrets })
    const auth = "/moby.filesync.v1.Auth/Credentials"
    expect(await client.ask(auth, "registry-1.docker.io")).toEqual({ first: "ann", second: "ü:" })
    expect(await client.ask(auth, "token.example")).toEqual({ second: "refresh" })
    expect(await client.ask(auth, "other.example:5000")).toEqual({})
    expect(asked).toEqual(["docker.io", "token.example", "other.example:5000"])
    const secret = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
    expect((await client.ask(secret, "id")).first).toHaveLength(100_000)
    await expect(client.ask(secret, "none")).rejects.toMatchObject({ code: 5 })
    for (const method of ["FetchToken", "GetTokenAuthority", "VerifyTokenAuthority"]) {
      await expect(client.ask(`/moby.filesync.v1.Auth/${method}`)).rejects.toMatchObject({ code: 12 })
    }
    await expect(client.ask("/moby.sshforward.v1.SSH/CheckAgent", "default")).rejects.toMatchObject({ code: 12 })
    expect(client.failures).toEqual([])
  })

  it("survive whatever arrives on the connection", { timeout: 120_000 }, async () => {
    const random = randomness("garbage for a session")
    const client = await clientOf({ folder: undefined })
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    for (let round = 0; round < 60; round++) {
      const socket = await client.raw()
      socket.on("error", () => {})
      const frames = Array.from({ length: random.between(0, 6) }, () => {
        const payload = Buffer.from(Array.from({ length: random.between(0, 60) }, () => random.between(0, 255)))
        const head = Buffer.from([0, 0, payload.length, random.between(0, 9), random.between(0, 255), 0, 0, 0, 0])
        head[8] = random.between(0, 5)
        return Buffer.concat([head, payload])
      })
      const isHttp2 = random.between(0, 3) > 0
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
      socket.resume().end(Buffer.concat([...(isHttp2 ? [preface, settings] : []), ...frames]))
      await once(socket, "finish")
      expect(await client.ask("/grpc.health.v1.Health/Check")).toBeDefined()
    }
  })
})
