import { ComposeFiles } from "@dockwire/core"
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it, type onTestFinished } from "vitest"
import { freePort } from "../../engine/freePort.js"
import { makeTestCertificates, type TestCertificates } from "../../engine/testCertificates.js"
import { failureWith, interruptionTime, runWith } from "../runWith.js"
import { billionLaughs } from "./composeTexts.js"
import { type FileServer, startFileServer, startRawServer } from "./fileServer.js"
import { filesIn, snapshot, temporaryFolder, writeFileAt } from "./projectsFolder.js"

const before = "services: { web: { image: before } }\n"
const after = "services: { web: { image: after } }\n"

const update = (url: string) => Effect.flatMap(ComposeFiles, (files) => files.update("web", url))
const download = (url: string) => Effect.flatMap(ComposeFiles, (files) => files.download(url, "new"))

/** A response with everything that is wrong with it in plain sight. */
const raw: Readonly<Record<string, { readonly bytes: string | Buffer; readonly close: boolean }>> = {
  "/short": { bytes: `HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${after}`, close: true },
  "/long": { bytes: `HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n${after}`, close: true },
  "/half-chunk": { bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n${after}`, close: true },
  "/no-last-chunk": {
    bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${after.length.toString(16)}\r\n${after}\r\n`,
    close: true
  },
  "/nothing": { bytes: "", close: true },
  "/headers-only": { bytes: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", close: true },
  "/no-http": { bytes: "220 mail.example.com ESMTP\r\n", close: true },
  "/huge-headers": { bytes: `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(100_000)}\r\n\r\n`, close: true },
  "/announced": { bytes: "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", close: false },
  "/silent": { bytes: "", close: false },
  "/stalled": { bytes: `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${after}`, close: false },
  "/stalled-headers": { bytes: "HTTP/1.1 200 OK\r\nX-A:", close: false }
}

/** Responses of a server that speaks HTTP well. */
const respond: Readonly<Record<string, Parameters<typeof startFileServer>[0]>> = {
  "/loop": (_, response) => response.writeHead(302, { Location: "/loop" }).end(),
  "/nowhere": (_, response) => response.writeHead(301).end(),
  "/to-file": (_, response) => response.writeHead(302, { Location: "file:///etc/passwd" }).end(),
  "/to-nonsense": (_, response) => response.writeHead(302, { Location: "http://[" }).end(),
  "/to-missing": (_, response) => response.writeHead(307, { Location: "/missing?token=secret" }).end(),
  "/missing": (_, response) => response.writeHead(404).end("services: {}\n"),
  "/unauthorized": (_, response) => response.writeHead(401).end(),
  "/broken": (_, response) => response.writeHead(500).end(),
  "/partial": (_, response) => response.writeHead(206).end(after),
  "/unasked-304": (_, response) => response.writeHead(304).end(),
  "/gzip": (_, response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync(after)),
  "/endless": (_, response) => {
    const chunk = Buffer.alloc(64 * 1024, "#\n")
    const write = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on("drain", write)
    write()
  },
  "/one-too-many": (_, response) => response.end(Buffer.alloc(1024 * 1024 + 1, "#")),
  "/latin1": (_, response) => response.end(Buffer.from("services: { web: { image: \xe9 } }\n", "latin1")),
  "/empty": (_, response) => response.end(),
  "/page": (_, response) => response.end("<!doctype html>\n<p>Log in</p>\n"),
  "/list": (_, response) => response.end("- services\n"),
  "/not-yaml": (_, response) => response.end("services:\n  web:\n    image: x\n   command: y\n"),
  "/cycle": (_, response) => response.end("services: &a\n  web: *a\n"),
  "/laughs": (_, response) => response.end(billionLaughs)
}

type Fields = Readonly<Record<string, unknown>>
const failed = (reason: string, more: Fields = {}): Fields => ({ _tag: "DownloadFailed", reason, ...more })
const invalid = (reason: string, more: Fields = {}): Fields => ({ _tag: "ComposeFileInvalid", reason, ...more })

/** Each fault with its error. */
const faults: ReadonlyArray<readonly [path: string, error: Fields]> = [
  ["/short", failed("Lost")],
  ["/long", failed("BadResponse")],
  ["/half-chunk", failed("Lost")],
  ["/no-last-chunk", failed("Lost")],
  ["/nothing", failed("Lost")],
  ["/headers-only", failed("Lost")],
  ["/no-http", failed("BadResponse")],
  ["/huge-headers", failed("BadResponse")],
  ["/announced", failed("TooLarge")],
  ["/silent", failed("TimedOut")],
  ["/stalled", failed("TimedOut")],
  ["/stalled-headers", failed("TimedOut")],
  ["/loop", failed("RedirectRefused", { detail: "more than 5 redirects" })],
  ["/nowhere", failed("RedirectRefused")],
  ["/to-file", failed("RedirectRefused")],
  ["/to-nonsense", failed("RedirectRefused")],
  ["/to-missing", failed("Status", { status: 404, detail: expect.stringMatching(/\/missing\?\.\.\.$/) })],
  ["/missing", failed("Status", { status: 404 })],
  ["/unauthorized", failed("Status", { status: 401 })],
  ["/broken", failed("Status", { status: 500 })],
  ["/partial", failed("Status", { status: 206 })],
  ["/unasked-304", failed("Status", { status: 304 })],
  ["/gzip", failed("BadResponse")],
  ["/endless", failed("TooLarge")],
  ["/one-too-many", failed("TooLarge")],
  ["/latin1", invalid("NotUtf8")],
  ["/empty", invalid("InvalidYaml", { code: "EMPTY" })],
  ["/page", invalid("InvalidYaml", { code: "NOT_A_MAPPING", line: 1, column: 1 })],
  ["/list", invalid("InvalidYaml", { code: "NOT_A_MAPPING" })],
  ["/not-yaml", invalid("InvalidYaml", { code: "BAD_INDENT", line: 4, column: 1 })],
  ["/cycle", invalid("InvalidYaml", { code: "ALIAS_CYCLE" })],
  ["/laughs", invalid("InvalidYaml", { code: "RESOURCE_EXHAUSTION" })]
]

/** URLs that are not requested at all. */
const badUrls: ReadonlyArray<readonly [url: string, shown: string]> = [
  ["", ""],
  ["compose.yaml", "compose.yaml"],
  ["/etc/passwd", "/etc/passwd"],
  ["file:///etc/passwd", "file:///etc/passwd"],
  ["ftp://ann:secret@example.com/a", "ftp://example.com/a"],
  ["ann:secret@example.com/a", "example.com/a"],
  ["http://ann:secret@", "http://"],
  ["http://ann:sec/ret@[/a?token=secret", "http://[/a"],
  ["data:text/yaml,services: {}", "data:text/yaml,services: {}"]
]

describe("a download that fails", () => {
  let rawServer: FileServer
  let server: FileServer
  let certificates: TestCertificates

  beforeAll(async () => {
    rawServer = await startRawServer((path) => raw[path] ?? { bytes: "", close: true })
    server = await startFileServer((request, response) =>
      respond[request.url?.split("?")[0] ?? ""]?.(request, response)
    )
    certificates = await makeTestCertificates()
  })
  afterAll(() => Promise.all([rawServer.close(), server.close()]))

  /** A folder with a project and what else may be beside its file. */
  const makeProjects = async (finished?: typeof onTestFinished) => {
    const folder = join(await temporaryFolder(finished), "projects")
    await writeFileAt(join(folder, "web/compose.yaml"), before, 0o640)
    await writeFileAt(join(folder, "web/compose.yaml.bak"), "services: {}\n")
    await writeFileAt(join(folder, "web/.env"), "A=b\n")
    return folder
  }

  const expectFailure = async (url: string, error: Fields, options = {}, finished?: typeof onTestFinished) => {
    const folder = await makeProjects(finished)
    const layer = filesIn(folder, options)
    const unchanged = await snapshot(folder)
    for (const attempt of [update(url), download(url)]) {
      const failure = await failureWith(layer, attempt)
      expect(failure).toMatchObject(error)
      expect(failure.message.length).toBeGreaterThan(20)
      expect(failure.message).not.toMatch(/secret/)
      expect(await snapshot(folder)).toEqual(unchanged)
    }
  }

  it.concurrent.for(faults)("has a typed error and leaves the folder as it was: %s", async ([path, error], test) => {
    const { url } = path in raw ? rawServer : server
    const options = { timeout: error["reason"] === "TimedOut" ? 300 : "30 seconds" }
    await expectFailure(`${url}${path}`, error, options, test.onTestFinished)
  })

  it("names a host that does not exist, a port without a server, and a connection that is closed", async () => {
    await expectFailure("http://dockwire.invalid/", failed("HostNotFound"))
    await expectFailure(`http://127.0.0.1:${await freePort()}/`, failed("Unreachable"))
    await expectFailure(`https://127.0.0.1:${rawServer.port}/nothing`, failed("Untrusted"))
  })

  it.for(badUrls)("refuses the URL %s", async ([url, shown]) => {
    await expectFailure(url, { _tag: "InvalidRequest", field: "URL", value: shown })
  })

  it("hides what may be secret in a URL", async () => {
    const url = `http://ann:secret@127.0.0.1:${server.port}/missing?token=secret#secret`
    await expectFailure(url, failed("Status", { url: `${server.url}/missing?...` }))
  })

  it("does not accept a certificate of an unknown authority, and follows no redirect to http", async () => {
    const target = server.url
    const tls = await startFileServer(
      (_, response) => response.writeHead(302, { Location: `${target}/missing` }).end(),
      certificates.server
    )
    try {
      await expectFailure(tls.url, failed("Untrusted"))
      await expectFailure(tls.url, failed("RedirectRefused"), { ca: certificates.ca })
    } finally {
      await tls.close()
    }
  })

  it("ends at once when it is interrupted, and leaves the folder as it was", async () => {
    const folder = await makeProjects()
    const unchanged = await snapshot(folder)
    let isAsked = () => {}
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    const slow = await startFileServer((_, response) => {
      response.write(after)
      isAsked()
    })
    try {
      const took = await interruptionTime(filesIn(folder), (begun) =>
        Effect.raceFirst(
          update(slow.url),
          Effect.zipRight(
            Effect.promise(() => asked),
            Effect.zipRight(begun, Effect.never)
          )
        )
      )
      expect(took).toBeLessThan(1000)
      expect(await snapshot(folder)).toEqual(unchanged)
    } finally {
      await slow.close()
    }
  })

  it("does not keep the next one from succeeding", async () => {
    const folder = await makeProjects()
    const good = await startFileServer((_, response) => response.end(after))
    const layer = filesIn(folder)
    try {
      const failure = await failureWith(layer, update(`${server.url}/missing`))
      expect(failure).toMatchObject({ _tag: "DownloadFailed" })
      expect(await runWith(layer, update(good.url))).toMatchObject({ changed: true })
      expect(await readFile(join(folder, "web/compose.yaml"), "utf8")).toBe(after)
    } finally {
      await good.close()
    }
  })
})
