import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { InvalidRequest } from "../../../DockerError.js"
import { bytesField, protoFields } from "../protobuf/protoFields.js"
import { ProtoWriter } from "../protobuf/protoWriter.js"
import { type GrpcCall, GrpcFailure, grpcFrame, grpcStatus } from "./grpcServer.js"

/** Connects to an ssh agent. */
export const connectAgent = async (path: string): Promise<Socket> => {
  const socket = connect(path)
  try {
    await once(socket, "connect")
  } catch (error) {
    const detail = `the ssh agent cannot be reached: ${String(error)}. Start one, or do not forward it`
    throw new InvalidRequest({ field: "ssh", value: path, detail })
  }
  return socket
}

/** What a step of a build may ask of an agent: the list of its keys, and signatures. Other requests would change the agent. */
const allowedRequests: ReadonlyArray<number> = [11, 13]
const refusal = Buffer.from([0, 0, 0, 1, 5])
const maxRequestLength = 256 * 1024

/** Passes the requests that are allowed to the agent, and calls `refuse` for each of the others. */
class AgentRequests {
  #rest: Buffer = Buffer.alloc(0)

  take(bytes: Buffer, pass: (request: Buffer) => void, refuse: () => void): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    while (this.#rest.length >= 5) {
      const end = 4 + this.#rest.readUInt32BE(0)
      if (end > maxRequestLength || end < 5) throw new GrpcFailure(grpcStatus.unknown, "not a request to an ssh agent")
      if (this.#rest.length < end) return
      const request = this.#rest.subarray(0, end)
      this.#rest = this.#rest.subarray(end)
      if (allowedRequests.includes(request[4] ?? 0)) pass(request)
      else refuse()
    }
  }
}

const frame = (bytes: Uint8Array): Buffer => grpcFrame(new ProtoWriter().text(1, bytes).bytes)

/** Connects a step of the build with an ssh agent, until one of them ends. */
export const forwardAgent = async (call: GrpcCall, path: string): Promise<void> => {
  const agent = await connectAgent(path)
  const requests = new AgentRequests()
  agent.on("error", () => {})
  try {
    const answers = (async () => {
      for await (const bytes of agent) if (Buffer.isBuffer(bytes)) await call.send(frame(bytes))
    })()
    const questions = (async () => {
      for await (const message of call.messages()) {
        const write = (request: Buffer) => void agent.write(request)
        requests.take(bytesField(protoFields(message), 1), write, () => void call.send(frame(refusal)))
      }
      agent.end()
    })()
    await Promise.race([answers, questions])
    await answers
  } finally {
    agent.destroy()
  }
}
