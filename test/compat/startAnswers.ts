import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** An engine that gives the docker command and the functions the same answers, by the path of the request. */
export const startAnswers = async (
  answers: Readonly<Record<string, unknown>>
): Promise<{ readonly endpoint: string; readonly close: () => Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-answers-"))
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v[\d.]+/, "").replace(/\?.*$/, "")
    response.writeHead(200, { "api-version": "1.45", "content-type": "application/json" })
    response.end(JSON.stringify(answers[path] ?? {}))
  })
  const socket = join(folder, "docker.sock")
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return {
    endpoint: `unix://${socket}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true })
    }
  }
}
