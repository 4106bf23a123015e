import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createHttps } from "node:https"
import { createServer as createTcp, type Server, type Socket } from "node:net"
import type { TestCertificate } from "../../engine/testCertificates.js"

/** A server of a test. */
export interface FileServer {
  readonly port: number
  /** `http://127.0.0.1:1234`, without a slash. */
  readonly url: string
  readonly requests: ReadonlyArray<Pick<IncomingMessage, "method" | "url" | "headers">>
  readonly close: () => Promise<void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const listen = async (
  server: Server,
  scheme: string,
  requests: FileServer["requests"],
  host = "127.0.0.1"
): Promise<FileServer> => {
  const sockets = new Set<Socket>()
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    socket.on("error", () => {})
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The server has no port.")
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return { port: address.port, url: `${scheme}://${host}:${address.port}`, requests, close }
}

/** Starts an HTTP server, over TLS if it gets a certificate. */
export const startFileServer = (handler: Handler, certificate?: TestCertificate): Promise<FileServer> => {
  const requests: Array<Pick<IncomingMessage, "method" | "url" | "headers">> = []
  const onRequest: Handler = (request, response) => {
    requests.push({ method: request.method, url: request.url, headers: request.headers })
    handler(request, response)
  }
  return certificate === undefined
    ? listen(createHttp(onRequest), "http", requests)
    : listen(createHttps({ ...certificate }, onRequest), "https", requests)
}

/** Starts a server that answers each request with the same bytes, and then keeps the connection open or closes it. */
export const startRawServer = (
  answerOf: (path: string) => { readonly bytes: string | Buffer; readonly close: boolean }
): Promise<FileServer> =>
  listen(
    createTcp((socket) => {
      socket.once("data", (request) => {
        const { bytes, close } = answerOf(request.toString("latin1").split(" ")[1] ?? "")
        if (close) socket.end(bytes)
        else socket.write(bytes)
      })
    }),
    "http",
    []
  )
