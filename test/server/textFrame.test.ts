import { createServer } from "node:http"
import { expect, it } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { textFrame } from "../../packages/server/src/socket/textFrame.js"

it("a text frame is one that a WebSocket client reads, of any size, and encoded once", async () => {
  const http = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000].map((size) => "x".repeat(size))
  http.on("upgrade", (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, () => {
      for (const text of [...texts, "é"]) socket.write(textFrame(Buffer.from(text)))
    })
  )
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve))
  const address = http.address()
  const client = new WebSocket(`ws://127.0.0.1:${typeof address === "object" ? address?.port : ""}`)
  try {
    const received: Array<string> = []
    await new Promise<void>((resolve, reject) => {
      client.on("error", reject)
      client.on("message", (data: Buffer, isBinary) => {
        received.push(isBinary ? "binary" : data.toString("utf8"))
        if (received.length > texts.length) resolve()
      })
    })
    expect(received).toEqual([...texts, "é"])
    const payload = Buffer.from("[]")
    expect(textFrame(payload)).toBe(textFrame(payload))
  } finally {
    client.terminate()
    http.close()
  }
})
