import { configure, create_logger, dispose, run_compose, stop_compose } from "@dockwire/compat"
import { LogSink } from "@dockwire/core/LogSink"
import * as Layer from "effect/Layer"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createServer, request, type Server, type ServerResponse } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { join } from "node:path"
import type { Duplex } from "node:stream"
import type { Browser, Page } from "playwright-core"
import { Server as SocketIoServer } from "socket.io"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { launchBrowser, openPage } from "../engine/browser.js"
import { describeCompose } from "../engine/describeCompose.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { testProjectName } from "../engine/testRun.js"
import { repositoryRoot } from "../packages/repositoryRoot.js"
import { type InProcessServer, startInProcess } from "../server/inProcessServer.js"

/** A page as it was written for the old server. Only where its `io` comes from differs. */
const pageText = (script: string): string => `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<p id="status"></p>
<ul id="log"></ul>
<ul id="ends"></ul>
<script src="${script}"></script>
<script>
  const append = (list, text) => {
    const item = document.createElement('li');
    item.textContent = text;
    item.dataset.at = performance.now();
    document.getElementById(list).append(item);
  };
  const socket = io();
  socket.emit('join', { room: 'docker_logs' });
  socket.on('status', (data) => { document.getElementById('status').textContent = data.msg; });
  socket.on('docker_log', (data) => append('log', \`[\${data.timestamp}] \${data.line}\`));
  socket.on('docker_log_complete', (data) => append('ends', [data.operation_type, data.config_id, data.status, data.success].join(' ')));
</script>
`

/** A server of an application on a free port. */
const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address: AddressInfo | string | null = server.address()
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
}

const sendPage = (response: ServerResponse, script: string) => {
  response.writeHead(200, { "content-type": "text/html" })
  response.end(pageText(script))
}

/** The old server: its page, and a Socket.IO server in which pages join rooms. */
const startOldServer = async () => {
  const server = createServer((_, response) => sendPage(response, "/socket.io/socket.io.js"))
  const socketIo = new SocketIoServer(server)
  socketIo.on("connection", (socket) => {
    socket.on("join", async ({ room }: { readonly room: string }) => {
      await socket.join(room)
      socket.emit("status", { msg: `Joined room: ${room}` })
    })
  })
  return { socketIo, url: await listen(server), stop: () => socketIo.close() }
}

/**
 * The server of the same application, which has the page and leaves everything else to Dockwire's server. That runs from its
 * sources here, and the script is only in the built package.
 */
const startFront = async (port: number) => {
  const script = await readFile(join(repositoryRoot, "packages/server/dist/web/dockwire.js"))
  const server = createServer((incoming, response) => {
    const { headers, method, url } = incoming
    if (url === "/") return sendPage(response, "/dockwire.js")
    if (url === "/dockwire.js") {
      response.writeHead(200, { "content-type": "text/javascript" })
      return response.end(script)
    }
    const forwarded = request({ port, host: "127.0.0.1", path: url, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(forwarded.on("error", () => response.destroy()))
  })
  server.on("upgrade", ({ rawHeaders, url }, socket: Duplex, head: Buffer) => {
    const lines = Array.from(
      { length: rawHeaders.length / 2 },
      (_, index) => `${rawHeaders[2 * index]}: ${rawHeaders[2 * index + 1]}\r\n`
    )
    const upstream = connect(port, "127.0.0.1", () => {
      upstream.write(`GET ${url} HTTP/1.1\r\n${lines.join("")}\r\n`)
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on("error", () => socket.destroy())
    socket.on("error", () => upstream.destroy())
  })
  const url = await listen(server)
  const stop = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { url, stop }
}

const timestamp = /^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] /

/** What a page shows, in the order in which it came. */
const shown = async (page: Page) => {
  const items = await page.locator("li").evaluateAll((all) =>
    all.map((item) => ({
      list: item.parentElement?.id,
      text: item.textContent ?? "",
      at: Number(item.getAttribute("data-at"))
    }))
  )
  return items.toSorted((one, other) => one.at - other.at)
}

const texts = (items: Awaited<ReturnType<typeof shown>>) => items.map(({ text }) => text.replace(timestamp, "").trim())

describeEngine("a page that was written for the old server", () => {
  describeCompose("2.26", "", (compose) => {
    let browser: Browser
    let old: Awaited<ReturnType<typeof startOldServer>>
    let dockwire: InProcessServer
    let front: Awaited<ReturnType<typeof startFront>>
    let pages: ReadonlyArray<{ readonly page: Page; readonly complaints: ReadonlyArray<string> }>
    let file = ""
    const project = testProjectName("old-page")

    /** The page of the old server, and the same page with Dockwire's. */
    const open = async () => {
      const [first, second] = [await openPage(browser), await openPage(browser)]
      await first.page.goto(old.url)
      await second.page.request.post(`${front.url}/api/session`, { data: { token: dockwire.token } })
      await second.page.goto(front.url)
      for (const { page } of [first, second]) await page.getByText("Joined room: docker_logs").waitFor()
      return [first, second]
    }

    beforeAll(async () => {
      for (const [name, value] of Object.entries(compose().environment)) vi.stubEnv(name, value)
      const { endpoint } = testEngine()
      ;[browser, old, dockwire] = await Promise.all([launchBrowser(), startOldServer(), startInProcess({ endpoint })])
      front = await startFront(dockwire.port)
      configure({ endpoint, logSink: Layer.succeed(LogSink, dockwire.sink) })
      await mkdir(join(compose().folder, "page"))
      file = join(compose().folder, "page/docker-compose.yml")
      const service = "image: busybox, command: sleep 600, stop_grace_period: 0s"
      await writeFile(
        file,
        `name: ${project}\nservices:\n  a: { ${service}, healthcheck: { test: sleep 0.3, interval: 1s } }\n` +
          `  b: { ${service}, depends_on: { a: { condition: service_healthy } } }\n`
      )
      pages = await open()
    }, 120_000)
    afterAll(async () => {
      await browser?.close()
      await stop_compose(file)
      configure({})
      await dispose()
      vi.unstubAllEnvs()
      await old?.stop()
      await front?.stop()
      await dockwire?.stop()
    })

    const logger = () =>
      create_logger({
        operation_type: "run_compose",
        config_id: 7,
        use_websocket: true,
        socket_io: old.socketIo
      })

    /** What each page shows, once it has been told that many times that the operation has ended. */
    const whenEnded = async (ends: number) => {
      const all = []
      for (const { page } of pages) {
        await page
          .locator("#ends li")
          .nth(ends - 1)
          .waitFor()
        all.push(await shown(page))
      }
      return all
    }

    it("shows run_compose while it runs, over Socket.IO and over Dockwire's server", async () => {
      const [success, output] = await run_compose(file, logger())
      expect(success).toBe(true)
      const lines = output.split("\n")
      const [viaSocketIo = [], viaDockwire = []] = await whenEnded(1)
      const end = "run_compose 7 completed true"
      for (const items of [viaSocketIo, viaDockwire]) {
        expect(texts(items)).toEqual([
          `Starting docker compose up for ${file}`,
          ...lines,
          "Docker Compose started successfully",
          end
        ])
        for (const { list, text } of items) if (list === "log") expect(text).toMatch(timestamp)
        // The second service waits for the health of the first, which takes a second.
        const at = (line: string) => items.find(({ text }) => text.endsWith(line))?.at ?? Number.NaN
        expect(at("b-1  Starting") - at("a-1  Started")).toBeGreaterThan(500)
      }
    })

    it("shows that run_compose has failed", async () => {
      const before = await Promise.all(pages.map(async ({ page }) => (await shown(page)).length))
      const invalid = join(compose().folder, "page/invalid.yml")
      await writeFile(invalid, "services: [\n")
      const [success, output] = await run_compose(invalid, logger())
      expect([success, output]).toEqual([false, expect.stringMatching(/^yaml: /)])
      const end = "run_compose 7 failed false"
      const [viaSocketIo, viaDockwire] = (await whenEnded(2)).map((items, index) => texts(items.slice(before[index])))
      const lines = output.split("\n")
      const failed = "Docker Compose failed with return code 15"
      const first = `Starting docker compose up for ${invalid}`
      expect(viaSocketIo).toEqual([first, ...lines, failed, end])
      // The operation itself tells as well how compose ended.
      expect(viaDockwire).toEqual([first, ...lines, "docker compose exited with code 15", failed, end])
      for (const { complaints } of pages) expect(complaints).toEqual([])
    })
  })
})
