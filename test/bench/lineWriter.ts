import { request } from "node:http"
import type { Socket } from "node:net"
import { connectionOf } from "../engine/engineRequest.js"
import { startTestContainer, type TestContainer } from "../engine/testContainer.js"

/** A container that prints the lines written to it. */
export interface LineWriter {
  readonly container: TestContainer
  readonly write: (text: string) => void
  /** Also stops the container. */
  readonly close: () => Promise<void>
}

const attach = (endpoint: string, id: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const sent = request({
      ...connectionOf(endpoint),
      agent: false,
      method: "POST",
      path: `/containers/${id}/attach?stream=1&stdin=1`,
      headers: { Host: "docker", Connection: "Upgrade", Upgrade: "tcp" }
    })
    sent.on("upgrade", (_, socket: Socket) => resolve(socket))
    sent.on("response", (response) => reject(new Error(`The engine refused to attach: ${response.statusCode}`)))
    sent.on("error", reject)
    sent.end()
  })

/** Starts a container that runs `cat` and attaches to its standard input. By default, its log does not rotate. */
export const openLineWriter = async (
  endpoint: string,
  logOptions: Readonly<Record<string, string>> = {}
): Promise<LineWriter> => {
  const container = await startTestContainer({
    endpoint,
    cmd: ["cat"],
    openStdin: true,
    logConfig: { Type: "json-file", Config: logOptions }
  })
  const socket = await attach(endpoint, container.id)
  socket.setNoDelay(true)
  socket.on("error", () => {})
  socket.resume()
  return {
    container,
    write: (text) => void socket.write(text),
    close: async () => {
      socket.destroy()
      await container.remove()
    }
  }
}

/** The time in nanoseconds, on a clock that all processes of this machine share. */
export const clockNanos = (): bigint => process.hrtime.bigint()
