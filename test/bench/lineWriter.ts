import { request } from "node:http"
import type { Socket } from "node:net"
import { connectionOf } from "../engine/engineRequest.js"
import { startTestContainer, type TestContainer } from "../engine/testContainer.js"

/** A container that prints what is written here, line by line. */
export interface LineWriter {
  readonly container: TestContainer
  readonly write: (text: string) => void
  /** Ends the container too. */
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
    sent.on("response", (response) => reject(new Error(`The engine does not attach: ${response.statusCode}`)))
    sent.on("error", reject)
    sent.end()
  })

/** Starts a container that runs `cat` and takes hold of its standard input. */
export const openLineWriter = async (endpoint: string): Promise<LineWriter> => {
  const container = await startTestContainer({
    endpoint,
    cmd: ["cat"],
    openStdin: true,
    // Larger than what is written, so that no file is rotated away under a reader.
    logConfig: { Type: "json-file" }
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

/** Nanoseconds of a clock that all processes of this machine share. */
export const clockNanos = (): bigint => process.hrtime.bigint()
