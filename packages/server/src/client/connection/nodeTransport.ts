import type { IncomingMessage } from "node:http"
import { subprotocol } from "../../Wire.js"
import { type ConnectFailure, type ConnectFailureReason, httpFailure } from "./ConnectFailure.js"
import type { Addresses, Transport } from "./Transport.js"
import { withoutCredentials } from "./Transport.js"

/** How much of an error response is read, in characters. */
const maxBody = 16 * 1024

const reasons: Readonly<Record<string, ConnectFailureReason>> = {
  ECONNREFUSED: "refused",
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ETIMEDOUT: "timeout",
  ECONNRESET: "closed",
  EPIPE: "closed",
  EPROTO: "tls"
}

const reasonOf = (code: string, message: string): ConnectFailureReason => {
  const known = reasons[code]
  if (known !== undefined) return known
  if (/timed out/i.test(message)) return "timeout"
  if (code.startsWith("HPE_") || /subprotocol|Sec-WebSocket|Upgrade header/i.test(message)) return "not_this_protocol"
  return /^ERR_(TLS|SSL)_|CERT|SELF_SIGNED|UNABLE_TO/.test(code) ? "tls" : "other"
}

const texts: { readonly [R in ConnectFailureReason]?: string } = {
  refused: "Nothing listens there: the connection was refused. Check the port, and that Dockwire is running.",
  dns: "The host name can't be resolved. Check the address.",
  unreachable: "The network or the host can't be reached.",
  timeout: "There was no answer in time.",
  tls: "No encrypted connection could be established. Check the certificate, and whether the server speaks TLS.",
  closed: "The connection was closed before it was open.",
  not_this_protocol: "What listens there is not a Dockwire server. Check the address."
}

const failureOf = (url: string, error: Error): ConnectFailure => {
  const code = "code" in error ? String(error.code) : ""
  const reason = reasonOf(code, error.message)
  const text = texts[reason]
  const detail = error.message === "" ? code : error.message
  return {
    reason,
    message: text === undefined ? `Can't connect to ${url}: ${detail}` : `Can't connect to ${url}. ${text} (${detail})`
  }
}

/** Reads the start of a response's body. Resolves in any case. */
const readBody = (response: IncomingMessage): Promise<string> =>
  new Promise((resolve) => {
    let text = ""
    response.setEncoding("utf8")
    response.on("data", (chunk: string) => {
      text += chunk
      if (text.length >= maxBody) resolve(text)
    })
    for (const event of ["end", "error", "close"]) response.on(event, () => resolve(text))
  })

/** The header with the token. A user name and password in the URL are for a proxy, which then needs `Authorization`. */
const tokenHeader = (url: string, token: string | undefined): Record<string, string> => {
  if (token === undefined) return {}
  const { password, username } = new URL(url)
  return username === "" && password === "" ? { authorization: `Bearer ${token}` } : { "x-dockwire-token": token }
}

/** Connects with `ws`, which can send the token as a header. */
export const nodeTransport =
  (to: Addresses, token: string | undefined): Transport =>
  async () => {
    const { WebSocket } = await import("ws")
    const socket = new WebSocket(to.socket, [subprotocol], {
      handshakeTimeout: 10_000,
      headers: tokenHeader(to.socket, token)
    })
    const url = withoutCredentials(to.socket)
    let failure: ConnectFailure | undefined
    socket.on("error", (error) => {
      failure ??= failureOf(url, error)
    })
    socket.on("unexpected-response", (_, response) => {
      void readBody(response).then((body) => {
        failure ??= httpFailure(url, response.statusCode ?? 0, body)
        socket.terminate()
      })
    })
    // Detects a server that vanished, even one that sends no heartbeats.
    socket.on("upgrade", (response) => response.socket.setKeepAlive(true, 30_000))
    return {
      socket,
      explainFailure: () => failure ?? failureOf(url, new Error("The connection was closed before it was open."))
    }
  }
