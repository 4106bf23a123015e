/**
 * The program of the thread that the database runs on: its driver is synchronous, and waits for the disk. A text, so that it
 * needs no file of its own, wherever this package is bundled to.
 */
export const workerProgram = `
const { parentPort, workerData } = require("node:worker_threads")
const { createClient } = require(workerData.driver)
let client
parentPort.on("message", async ({ id, sql, args, script }) => {
  try {
    if (sql === undefined) {
      if (client !== undefined) client.close()
      parentPort.postMessage({ id, columns: [], rows: [], changes: 0 })
      parentPort.close()
      return
    }
    client ??= createClient({ url: workerData.url })
    if (script) {
      await client.executeMultiple(sql)
      parentPort.postMessage({ id, columns: [], rows: [], changes: 0 })
      return
    }
    const { columns, rows, rowsAffected } = await client.execute({ sql, args })
    parentPort.postMessage({ id, columns, rows: rows.map((row) => Array.from(row)), changes: rowsAffected })
  } catch (error) {
    parentPort.postMessage({ id, message: String(error && error.message), code: error && error.code })
  }
})
`
