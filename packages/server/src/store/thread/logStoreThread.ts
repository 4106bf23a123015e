/** The program of a thread of the store. */
import { parentPort, workerData } from "node:worker_threads"
import type { ThreadData } from "./messages.js"
import { runReadThread } from "./readThread.js"
import { runWriteThread } from "./writeThread.js"

const isThreadData = (value: unknown): value is ThreadData =>
  typeof value === "object" && value !== null && "role" in value && "file" in value

const data: unknown = workerData
if (parentPort !== null && isThreadData(data)) {
  if (data.role === "write") runWriteThread(parentPort, data)
  else runReadThread(parentPort, data)
}
