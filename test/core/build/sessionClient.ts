import * as grpc from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import protobuf from "protobufjs"
import { openBuildContext } from "../../../packages/core/src/internal/build/context/buildContext.js"
import { serveGrpc } from "../../../packages/core/src/internal/build/session/grpcServer.js"
import {
  type SessionContent,
  sessionMethods
} from "../../../packages/core/src/internal/build/session/sessionMethods.js"

const types = protobuf.parse(`
  syntax = "proto3";
  message Stat {
    string path = 1; uint32 mode = 2; uint32 uid = 3; uint32 gid = 4; int64 size = 5; int64 modTime = 6;
    string linkname = 7; int64 devmajor = 8; int64 devminor = 9;
  }
  message Packet { int32 type = 1; Stat stat = 2; uint32 id = 3; bytes data = 4; }
  message Texts { string first = 1; string second = 2; }
`).root

/** A message of the file transfer as protobufjs reads it. */
export interface Packet {
  readonly type?: number
  readonly stat?: { readonly path?: string; readonly mode?: number; readonly linkname?: string } | null
  readonly id?: number
  readonly data?: Uint8Array
}

const codec = (name: string) => {
  const type = types.lookupType(name)
  return {
    encode: (value: object): Buffer => Buffer.from(type.encode(type.create(value)).finish()),
    // An object of any type, which the declarations below describe.
    decode: (bytes: Buffer) => type.toObject(type.decode(bytes), { longs: Number })
  }
}
const packets = codec("Packet")
const texts = codec("Texts")

/** The engine's side of a session, with the gRPC and protobuf of others. */
export interface SessionClient {
  /** What the session says about its failures. */
  readonly failures: ReadonlyArray<unknown>
  /** A call with two texts each way. */
  readonly ask: (method: string, first?: string) => Promise<{ readonly first?: string; readonly second?: string }>
  readonly transfer: (
    headers: Readonly<Record<string, ReadonlyArray<string>>>
  ) => grpc.ClientDuplexStream<object, Packet>
  /** Connects without HTTP/2. */
  readonly raw: () => Promise<Socket>
  readonly close: () => Promise<void>
}

/** Serves a session, and connects to it. */
export const openSessionClient = async (
  content: Partial<Omit<SessionContent, "context">> & { readonly folder: string | undefined }
): Promise<SessionClient> => {
  const context = await Effect.runPromise(
    openBuildContext({ folder: content.folder, dockerfile: { text: "FROM scratch\n" } })
  )
  const failures: Array<unknown> = []
  const folder = await mkdtemp(join(tmpdir(), "dockwire-session-"))
  const path = join(folder, "session.sock")
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const rest = { credentials: async () => undefined, secrets: new Map(), ssh: new Map(), ...content }
    serveGrpc(
      socket,
      sessionMethods({ ...rest, context }, (error) => failures.push(error)),
      () => {}
    )
  }).listen(path)
  await once(server, "listening")
  const client = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure())
  const { createConnection } = await import("node:net")
  return {
    failures,
    ask: (method, first = "") =>
      new Promise((resolve, reject) =>
        client.makeUnaryRequest<object, { readonly first?: string; readonly second?: string }>(
          method,
          texts.encode,
          texts.decode,
          { first },
          (error, value) => (error === null ? resolve(value ?? {}) : reject(error))
        )
      ),
    transfer: (headers) => {
      const metadata = new grpc.Metadata()
      for (const [name, values] of Object.entries(headers)) for (const value of values) metadata.add(name, value)
      const method = "/moby.filesync.v1.FileSync/DiffCopy"
      return client.makeBidiStreamRequest<object, Packet>(method, packets.encode, packets.decode, metadata)
    },
    raw: async () => {
      const socket = createConnection(path)
      await once(socket, "connect")
      return socket
    },
    close: async () => {
      client.close()
      for (const socket of sockets) socket.destroy()
      server.close()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** What a transfer sends. */
export const packetsOf = (call: grpc.ClientDuplexStream<object, Packet>): AsyncIterable<Packet> => call

/** The paths that a transfer tells of. */
export const toldPaths = async (call: grpc.ClientDuplexStream<object, Packet>): Promise<ReadonlyArray<string>> => {
  const paths: Array<string> = []
  for await (const { data, stat, type } of packetsOf(call)) {
    if (type === 4) throw new Error(Buffer.from(data ?? []).toString("utf8"))
    if (stat == null) break
    paths.push(stat.path ?? "")
  }
  return paths
}
