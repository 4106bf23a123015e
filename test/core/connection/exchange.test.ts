import type { DockerFailure, DockerRequest } from "@dockwire/core"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { type Duplex, PassThrough, Readable } from "node:stream"
import { inspect } from "node:util"
import { describe, expect, it } from "vitest"
import { type Dial, type DialRequest, Exchange } from "../../../packages/core/src/internal/connection/exchange.js"
import { engineMessage, parseBody, responseHeaders } from "../../../packages/core/src/internal/connection/response.js"
import { engineUnavailable, unavailableReason } from "../../../packages/core/src/internal/connection/unavailable.js"
import { eventually } from "../eventually.js"

const endpoint = "tcp://engine:2375"

/** Starts an exchange whose requests are recorded, and answered by the test. */
const exchangeOf = (request: DockerRequest, options: { readonly upgrade?: boolean; readonly dial?: Dial } = {}) => {
  const dialled: Array<{ readonly request: DialRequest; readonly answer: Parameters<Dial>[1] }> = []
  const responses: Array<IncomingMessage> = []
  const sockets: Array<Duplex> = []
  const failures: Array<DockerFailure> = []
  const exchange = new Exchange(
    {
      endpoint,
      dial: options.dial ?? ((request, answer) => void dialled.push({ request, answer })),
      requestTimeout: Duration.millis(50),
      runtime: Runtime.defaultRuntime
    },
    request,
    {
      onResponse: (response) => void responses.push(response),
      onFailure: (error) => void failures.push(error),
      ...(options.upgrade === true ? { onUpgrade: (socket: Duplex) => void sockets.push(socket) } : {})
    }
  )
  exchange.send()
  return { dialled, exchange, failures, responses, sockets }
}

const getPing: DockerRequest = { method: "GET", path: "/_ping" }

describe("an exchange with an engine", () => {
  it("sends its body as JSON, and no content type without a body", () => {
    const post = exchangeOf({ method: "POST", path: "/x", body: { a: 1 }, query: { b: true, c: undefined, d: 0 } })
    expect(post.dialled[0]?.request).toMatchObject({
      method: "POST",
      path: "/x",
      query: { b: true, d: 0 },
      headers: { "Content-Type": "application/json" },
      body: Buffer.from('{"a":1}'),
      upgrade: false
    })
    expect(Object.keys(post.dialled[0]?.request.query ?? {})).toEqual(["b", "d"])
    expect(exchangeOf(getPing).dialled[0]?.request).toMatchObject({ headers: {}, query: {}, body: undefined })
    const hijack = exchangeOf({ method: "POST", path: "/x" }, { upgrade: true })
    expect(hijack.dialled[0]?.request).toMatchObject({ headers: {}, body: Buffer.alloc(0), upgrade: true })
    for (const { exchange } of [post, hijack]) exchange.close()
  })

  it("sends secret headers, which the debug log of docker-modem does not show", () => {
    const secret = {
      method: "GET",
      path: "/x",
      headers: { "X-Registry-Auth": Redacted.make("hunter2"), A: ["1", "2"] }
    } as const
    const plain = { method: "GET", path: "/x", headers: { A: "visible" } } as const
    const [hidden, shown] = [exchangeOf(secret), exchangeOf(plain)]
    expect(hidden.dialled[0]?.request.headers).toEqual({ "X-Registry-Auth": "hunter2", A: ["1", "2"] })
    // As docker-modem formats a request.
    const logged = ({ dialled }: typeof hidden) => inspect(dialled[0]?.request, { showHidden: true, depth: null })
    expect(logged(hidden)).not.toContain("hunter2")
    expect(logged(shown)).toContain("visible")
    for (const { exchange } of [hidden, shown]) exchange.close()
  })

  it("is aborted after its timeout, unless it is settled", async () => {
    // Its time would be over first.
    const settled = exchangeOf(getPing)
    settled.exchange.settle()
    const late = exchangeOf(getPing)
    await eventually(() => late.failures.length).toBe(1)
    expect(late.failures).toMatchObject([
      { _tag: "EngineUnavailable", reason: "TimedOut", endpoint, detail: "no response to GET /_ping within 50ms" }
    ])
    expect(late.dialled[0]?.request.signal.aborted).toBe(true)
    expect(settled.failures).toEqual([])
    expect(settled.dialled[0]?.request.signal.aborted).toBe(false)
  })

  it("is aborted when it is closed, unless the response has been read to its end", async () => {
    const unread = exchangeOf(getPing)
    unread.dialled[0]?.answer(null, new IncomingMessage(new Socket()))
    expect(unread.responses).toHaveLength(1)
    unread.exchange.close()
    expect(unread.dialled[0]?.request.signal.aborted).toBe(true)
    const read = exchangeOf(getPing)
    const response = new IncomingMessage(new Socket())
    read.dialled[0]?.answer(null, response)
    response.push(null)
    response.resume()
    await new Promise((resolve) => response.once("end", resolve))
    read.exchange.close()
    expect(read.dialled[0]?.request.signal.aborted).toBe(false)
  })

  it("starts its timeout when its upload ends, and closes if the engine responds before that", async () => {
    const upload = Stream.fromIterable([Buffer.from("a"), Buffer.from("b")])
    const { dialled, exchange, failures } = exchangeOf({ method: "PUT", path: "/x", upload })
    const withoutUpload = exchangeOf(getPing)
    await eventually(() => withoutUpload.failures.length).toBe(1)
    expect(failures).toEqual([])
    const body = dialled[0]?.request.body
    if (!(body instanceof Readable)) throw new Error("no stream")
    expect((await body.toArray()).join("")).toBe("ab")
    await eventually(() => failures.length).toBe(1)
    expect(failures).toMatchObject([{ reason: "TimedOut" }])
    exchange.close()

    const refused = exchangeOf({ method: "PUT", path: "/x", upload: Stream.never })
    const response = new IncomingMessage(new Socket())
    refused.dialled[0]?.answer(null, response)
    response.push(null)
    response.resume()
    await new Promise((resolve) => response.once("end", resolve))
    expect(refused.dialled[0]?.request.signal.aborted).toBe(true)
    const unread = refused.dialled[0]?.request.body
    expect(unread instanceof Readable && unread.destroyed).toBe(true)
  })

  it("passes on the socket of an upgrade it asked for, and destroys it when it is closed", () => {
    const socket = new PassThrough()
    const { dialled, exchange, sockets } = exchangeOf({ method: "POST", path: "/x" }, { upgrade: true })
    dialled[0]?.answer(null, socket)
    expect(sockets).toEqual([socket])
    exchange.close()
    expect(socket.destroyed).toBe(true)
    const unasked = exchangeOf(getPing)
    unasked.dialled[0]?.answer(null, new PassThrough())
    expect(unasked.failures).toMatchObject([{ _tag: "EngineUnavailable", detail: "the connection was closed" }])
  })

  it("fails with the error of its connection, or of a request that cannot be written", () => {
    const refused = exchangeOf(getPing)
    refused.dialled[0]?.answer(Object.assign(new Error("connect failed"), { code: "ECONNREFUSED" }), undefined)
    expect(refused.failures).toMatchObject([{ reason: "Refused", detail: "connect failed" }])
    const unwritable = exchangeOf(getPing, {
      dial: () => {
        throw new TypeError("no such query")
      }
    })
    expect(unwritable.failures).toMatchObject([
      {
        _tag: "EngineError",
        request: "GET /_ping",
        status: 400,
        detail: "request not sent: TypeError: no such query"
      }
    ])
  })
})

describe("a response of an engine", () => {
  it("is parsed as JSON, or returned as text", () => {
    expect([parseBody('{"a":1}'), parseBody("OK"), parseBody("")]).toEqual([{ a: 1 }, "OK", undefined])
  })

  it("contains its error message as JSON, or is the message", () => {
    expect(engineMessage('{"message":" no such container\\n"}')).toBe("no such container")
    for (const text of ["<html>", '{"message":7}', '"text"', "null", ""]) expect(engineMessage(text)).toBe(text)
    expect(engineMessage("x".repeat(100_000))).toHaveLength(65_536)
  })

  it("has headers; repeated ones are joined", () => {
    expect(responseHeaders({ headers: { ostype: "linux", "set-cookie": ["a", "b"], via: undefined } })).toEqual({
      ostype: "linux",
      "set-cookie": "a, b"
    })
  })
})

describe("the reason why an engine is unavailable", () => {
  it("follows from the code of the Node error", () => {
    const reasons = {
      ENOENT: "NotFound",
      ENOTFOUND: "NotFound",
      ECONNREFUSED: "Refused",
      EACCES: "PermissionDenied",
      DEPTH_ZERO_SELF_SIGNED_CERT: "PermissionDenied",
      ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "PermissionDenied",
      ETIMEDOUT: "TimedOut",
      ECONNRESET: "Lost",
      "": "Lost"
    }
    for (const [code, reason] of Object.entries(reasons)) expect(unavailableReason(code), code).toBe(reason)
    const tls = Object.assign(new Error("80EB:error:0A:SSL routines:read_state"), { library: "SSL", reason: "bad" })
    expect(engineUnavailable(endpoint, tls)).toMatchObject({ endpoint, reason: "Lost", detail: "TLS: bad" })
  })
})
